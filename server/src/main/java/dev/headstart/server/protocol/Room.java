package dev.headstart.server.protocol;

import dev.headstart.error.UnavailableException;
import dev.headstart.error.UnavailableException.Reason;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Memory for the requests that are being read and answered, all together: each may be as large as
 * {@link Limits#body} allows, and many of them at once would fill the heap for everybody. Safe for
 * several threads.
 */
@Singleton
public final class Room {
  /** A request's first bytes are nobody's concern: small ones go through beside the largest. */
  public static final int FREE = 64 << 10;

  private final long size;
  private final AtomicLong taken = new AtomicLong();

  @Inject
  Room(Limits limits) {
    this(limits.inFlight() == 0 ? Runtime.getRuntime().maxMemory() / 4 : limits.inFlight());
  }

  /**
   * @param size in bytes
   */
  public Room(long size) {
    this.size = size;
  }

  /** What is taken now, in bytes. */
  public long taken() {
    return taken.get();
  }

  /** For one request; whoever asks for it closes it. */
  public Lease lease() {
    return new Lease();
  }

  /** What one request has of the room. */
  public final class Lease implements AutoCloseable {
    private long asked;
    private long held;
    private boolean closed;

    /**
     * Takes some more. A request that has the room to itself gets it, so that none is too large for
     * good.
     *
     * @throws UnavailableException (overloaded) if others have so much that it does not fit
     */
    public synchronized void take(long bytes) {
      if (closed) {
        throw new UnavailableException(Reason.STOPPING, "the request is over");
      }
      asked += bytes;
      long more = Math.max(0, asked - FREE) - held;
      if (more > 0) {
        long all = taken.addAndGet(more);
        held += more;
        if (all > size && all > held) {
          throw new UnavailableException(
              Reason.OVERLOADED,
              "the server has no memory left for a request of this size beside those that it is"
                  + " answering; try again");
        }
      }
    }

    /** Gives back all of it; idempotent. */
    @Override
    public synchronized void close() {
      closed = true;
      taken.addAndGet(-held);
      held = 0;
    }
  }
}
