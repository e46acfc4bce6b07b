package dev.headstart.serving;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * Something native that has several users and is freed by the last one. It is made with one user,
 * its maker. Once freed it cannot be had again.
 */
abstract class Shared {
  private final AtomicInteger users = new AtomicInteger(1);

  /** Adds a user; false if it is freed already. */
  final boolean retain() {
    int now = users.get();
    while (now > 0) {
      if (users.compareAndSet(now, now + 1)) {
        return true;
      }
      now = users.get();
    }
    return false;
  }

  /** A user that lets go; each user does so once. */
  final void release() {
    int left = users.decrementAndGet();
    if (left == 0) {
      free();
    } else if (left < 0) {
      throw new IllegalStateException("released more often than retained");
    }
  }

  /** Called once, when there is no user any more. */
  abstract void free();
}
