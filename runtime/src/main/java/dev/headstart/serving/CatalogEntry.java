package dev.headstart.serving;

import dev.headstart.error.UnavailableException;
import dev.headstart.error.UnavailableException.Reason;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

/**
 * A model by its name, loaded or not: the version that answers, and the one that should and cannot.
 * It is read by all threads; who changes it holds its lock.
 */
final class CatalogEntry {
  /** Nanoseconds until a version that was refused is tried again, at first and at last. */
  private static final long FIRST_PAUSE = TimeUnit.SECONDS.toNanos(1);

  private static final long LAST_PAUSE = TimeUnit.SECONDS.toNanos(30);

  private final String name;
  private final boolean head;
  private volatile Service service;
  private volatile ModelStatus.State state;
  private volatile String reason;
  private volatile boolean unwanted;
  private volatile ModelStatus refused;

  /** When a version that was refused is tried again, as {@link System#nanoTime}. */
  private volatile long again;

  /** Nanoseconds from one try to the next. */
  private long pause = FIRST_PAUSE;

  private final AtomicReference<Following> following = new AtomicReference<>(Following.NOT);

  /** Whether it is being brought to its live version, and whether that may be another by now. */
  private enum Following {
    NOT,
    NOW,
    AGAIN
  }

  CatalogEntry(String name, boolean head, boolean wanted) {
    this.name = name;
    this.head = head;
    this.unwanted = !wanted;
    this.state = wanted ? ModelStatus.State.LOADING : ModelStatus.State.UNAVAILABLE;
    this.reason = wanted ? "it is being loaded" : "it is not among the models to load";
  }

  String name() {
    return name;
  }

  /** Whether it is a head; otherwise it is a base model. */
  boolean head() {
    return head;
  }

  /** The open live version, not retained; null if there is none. */
  Service service() {
    return service;
  }

  /** The open live version, retained; null if there is none. */
  Service lease() {
    Service now = service;
    while (now != null && !now.retain()) {
      now = service;
    }
    return now;
  }

  /** Whether somebody does not want it loaded, or it is gone. */
  boolean unwanted() {
    return unwanted;
  }

  /** A version that should be live and cannot be; null if there is none. */
  ModelStatus refused() {
    return refused;
  }

  /** What was refused may be sound by now: its files were restored, or there is memory again. */
  boolean due() {
    return refused != null && System.nanoTime() - again >= 0;
  }

  UnavailableException notReady() {
    return new UnavailableException(
        Reason.NOT_READY, "the model '" + name + "' is not ready: " + reason);
  }

  /** A line, and one more for a version that should be live and cannot be. */
  List<ModelStatus> status() {
    Service now = service;
    ModelStatus broken = refused;
    List<ModelStatus> lines = new ArrayList<>(2);
    if (now != null) {
      lines.add(new ModelStatus(name, now.version(), ModelStatus.State.READY, null));
    } else if (broken == null) {
      lines.add(new ModelStatus(name, null, state, reason));
    }
    if (broken != null) {
      lines.add(broken);
    }
    return lines;
  }

  /** It is to be loaded, whatever was said before. */
  void want() {
    unwanted = false;
    if (service == null) {
      state = ModelStatus.State.LOADING;
      reason = "it is being loaded";
    }
  }

  /** Requests that come from now on are answered by this, which the entry has to release. */
  void serve(Service opened) {
    refused = null;
    pause = FIRST_PAUSE;
    replace(opened);
    reason = null;
    state = ModelStatus.State.READY;
  }

  /** The version that answers is the one that should. */
  void settle() {
    refused = null;
  }

  /** What answers goes on; what should take its place cannot, and is tried again later. */
  void refuse(Integer version, Throwable why) {
    String message = why instanceof Error ? why.toString() : why.getMessage();
    again = System.nanoTime() + pause;
    pause = Math.min(2 * pause, LAST_PAUSE);
    refused = new ModelStatus(name, version, ModelStatus.State.UNAVAILABLE, message);
    if (service == null) {
      reason = message;
      state = ModelStatus.State.UNAVAILABLE;
    }
  }

  /** Nothing answers, and nothing is wrong: there is nothing yet, or no more, that could. */
  void withhold(String why) {
    refused = null;
    pause = FIRST_PAUSE;
    reason = why;
    state = ModelStatus.State.UNAVAILABLE;
    replace(null);
  }

  /** Somebody asked for it not to be loaded. */
  void unload() {
    unwanted = true;
    refused = null;
    state = ModelStatus.State.UNAVAILABLE;
    reason = "it was unloaded";
    replace(null);
  }

  /** Lets go of what answers; nothing takes its place. */
  void drop() {
    unwanted = true;
    replace(null);
  }

  /** Whoever is loading it now need not, and lets it go; needs no lock. */
  void abandon() {
    unwanted = true;
  }

  /**
   * Whether the caller is to bring it to its live version. If another does so now, that one does it
   * once more, as it may have looked already.
   */
  boolean claim() {
    Following before =
        following.getAndUpdate(state -> state == Following.NOT ? Following.NOW : Following.AGAIN);
    return before == Following.NOT;
  }

  /** Does what the caller has claimed, as often as it is claimed meanwhile. */
  void untilUnclaimed(Runnable follow) {
    do {
      following.set(Following.NOW);
      follow.run();
    } while (!following.compareAndSet(Following.NOW, Following.NOT));
  }

  private void replace(Service next) {
    Service old = service;
    service = next;
    if (old != null) {
      old.release();
    }
  }
}
