package dev.headstart.bench.load;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.HdrHistogram.Histogram;

/** One thread that keeps connections busy. */
final class Generator implements AutoCloseable {
  private static final long SPIN_NANOS = TimeUnit.MICROSECONDS.toNanos(150);
  private static final long LONGEST_NANOS = TimeUnit.MINUTES.toNanos(1);

  /**
   * What was measured.
   *
   * @param latencies in nanoseconds
   * @param perSecond answers a second
   */
  record Result(Histogram latencies, double perSecond) {

    /** Microseconds below which this share of the answers came. */
    double micros(double percentile) {
      return latencies.getValueAtPercentile(percentile) / 1e3;
    }
  }

  private final Selector selector;
  private final List<Connection> connections;
  private Histogram latencies;
  private long answers;

  Generator(List<Connection> connections) throws IOException {
    this.selector = Selector.open();
    this.connections = new ArrayList<>(connections);
    for (Connection connection : connections) {
      connection.channel.register(selector, SelectionKey.OP_READ, connection);
    }
  }

  /**
   * A closed loop: every connection asks again as soon as it was answered. Shows what the server
   * can do at most; its latencies say little where more ask than can be served at once.
   */
  Result saturate(double seconds) throws IOException {
    begin();
    long start = System.nanoTime();
    long end = start + (long) (seconds * 1e9);
    long now = start;
    while (now < end) {
      for (Connection connection : connections) {
        boolean sent = false;
        while (connection.free()) {
          connection.send(now);
          sent = true;
        }
        if (sent) {
          flush(connection);
        }
      }
      selector.select(this::ready, 100);
      now = System.nanoTime();
    }
    double perSecond = answers / ((now - start) / 1e9);
    drain();
    return new Result(latencies, perSecond);
  }

  /**
   * An open loop: a request is due every so often whether the one before was answered or not, and
   * latency counts from when it was due, so that a server that stands still is charged for everyone
   * who had to wait (no coordinated omission).
   */
  Result rate(double perSecond, double seconds) throws IOException {
    begin();
    Deque<Long> due = new ArrayDeque<>();
    double interval = 1e9 / perSecond;
    long start = System.nanoTime();
    long total = (long) (perSecond * seconds);
    for (long sent = 0; sent < total || !due.isEmpty(); ) {
      long now = System.nanoTime();
      while (sent < total && start + (long) (sent * interval) <= now) {
        due.add(start + (long) (sent++ * interval));
      }
      for (Connection connection : connections) {
        boolean any = false;
        while (!due.isEmpty() && connection.free()) {
          connection.send(due.remove());
          any = true;
        }
        if (any) {
          flush(connection);
        }
      }
      long wait = start + (long) (sent * interval) - System.nanoTime();
      if (!due.isEmpty() || sent == total) {
        selector.select(this::ready, 1);
      } else if (wait > 2_000_000) {
        selector.select(this::ready, 1);
      } else {
        if (wait > SPIN_NANOS) {
          LockSupport.parkNanos(SPIN_NANOS / 3);
        }
        selector.selectNow(this::ready);
      }
    }
    drain();
    return new Result(latencies, answers / ((System.nanoTime() - start) / 1e9));
  }

  private void begin() {
    latencies = new Histogram(LONGEST_NANOS, 3);
    answers = 0;
  }

  private void drain() throws IOException {
    long end = System.nanoTime() + LONGEST_NANOS;
    for (Connection connection : connections) {
      while (!connection.idle()) {
        if (System.nanoTime() > end) {
          throw new IOException("a request was not answered within a minute");
        }
        selector.select(this::ready, 10);
      }
    }
  }

  private void flush(Connection connection) {
    try {
      boolean left = connection.flush();
      connection
          .channel
          .keyFor(selector)
          .interestOps(left ? SelectionKey.OP_READ | SelectionKey.OP_WRITE : SelectionKey.OP_READ);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void ready(SelectionKey key) {
    Connection connection = (Connection) key.attachment();
    try {
      if (key.isReadable()) {
        connection.receive(this::answered);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    flush(connection);
  }

  private void answered(long intended) {
    answers++;
    latencies.recordValue(Math.min(LONGEST_NANOS, System.nanoTime() - intended));
  }

  @Override
  public void close() throws IOException {
    for (Connection connection : connections) {
      connection.close();
    }
    selector.close();
  }
}
