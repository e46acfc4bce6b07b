package dev.headstart.server.security;

import java.util.concurrent.atomic.AtomicLong;

/** Lets a line be logged once a second, and counts those that were not. */
public final class Rarely {
  private static final long SECOND = 1_000_000_000L;

  private final AtomicLong next = new AtomicLong(System.nanoTime());
  private final AtomicLong unsaid = new AtomicLong();

  /** How many lines were left out since the last; -1 if this one is to be left out too. */
  public long now() {
    long now = System.nanoTime();
    long due = next.get();
    if (now - due >= 0 && next.compareAndSet(due, now + SECOND)) {
      return unsaid.getAndSet(0);
    }
    unsaid.incrementAndGet();
    return -1;
  }
}
