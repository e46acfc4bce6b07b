package dev.headstart.teach;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * Tells whoever listens of what changes, on the thread that changed it. Safe for several threads.
 */
public final class Events {
  private final List<Listener> listeners = new CopyOnWriteArrayList<>();

  /** Hears of changes; must not block and must not throw. */
  public interface Listener {
    void event(Event event);
  }

  /** A listener's place; closing it ends the telling. */
  public interface Subscription extends AutoCloseable {
    @Override
    void close();
  }

  /** Tells this listener of every event from now on. */
  public Subscription subscribe(Listener listener) {
    listeners.add(listener);
    return () -> listeners.remove(listener);
  }

  void publish(Event event) {
    listeners.forEach(listener -> listener.event(event));
  }
}
