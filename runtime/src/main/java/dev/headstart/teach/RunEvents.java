package dev.headstart.teach;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * What happens in one run, in its order, for those who follow: first what was, then what comes.
 * Safe for several threads; listeners hear one event after the other.
 */
final class RunEvents {
  private static final String PROGRESS = "progress";

  private final List<RunEvent> events = new ArrayList<>();
  private final List<Follower> followers = new ArrayList<>();
  private long next;
  private boolean ended;

  private record Follower(Consumer<RunEvent> listener, Runnable end) {}

  /**
   * @param first number of the first event. A run that goes on in another process begins far above
   *     what it had: who saw some of it before, and asks for what came since, gets all there is
   */
  RunEvents(long first) {
    this.next = first;
  }

  /** Something happened. Of steps that are done the last is enough for those who come later. */
  synchronized void add(String type, Map<String, Object> data) {
    if (ended) {
      return;
    }
    RunEvent event = new RunEvent(next++, type, data);
    if (type.equals(PROGRESS)
        && !events.isEmpty()
        && events.get(events.size() - 1).type().equals(PROGRESS)) {
      events.remove(events.size() - 1);
    }
    events.add(event);
    List.copyOf(followers).forEach(follower -> follower.listener.accept(event)); // some may leave
  }

  /** The last event. */
  synchronized void end(Map<String, Object> run) {
    if (ended) {
      return;
    }
    add("end", run);
    ended = true;
    List.copyOf(followers).forEach(follower -> follower.end.run());
    followers.clear();
  }

  synchronized boolean ended() {
    return ended;
  }

  /**
   * Tells what came after an event, from the first if there was no such one, and goes on with what
   * comes.
   *
   * @param listener must neither block nor throw
   * @param end runs when the last event was told
   * @return closing it ends the telling
   */
  synchronized AutoCloseable follow(long after, Consumer<RunEvent> listener, Runnable end) {
    long from = after >= next ? Long.MIN_VALUE : after;
    events.stream().filter(event -> event.id() > from).forEach(listener);
    if (ended) {
      end.run();
      return () -> {};
    }
    Follower follower = new Follower(listener, end);
    followers.add(follower);
    return () -> remove(follower);
  }

  private synchronized void remove(Follower follower) {
    followers.removeIf(one -> one == follower);
  }
}
