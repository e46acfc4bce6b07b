package dev.headstart.teach;

import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Learns samples one after the other on a thread of its own: those that clients just brought first,
 * heads taking turns, then those that were left over. Safe for several threads.
 */
final class FeatureWorker implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(FeatureWorker.class);

  /** How often the rest is done while nothing comes, in milliseconds. */
  private static final long TICK = 250;

  /** How often it is done at least. */
  private static final long LONGEST = 1000;

  /** How long nothing must have come before it is done. */
  private static final long QUIET = 100;

  /** Milliseconds until what failed is tried again. */
  private static final long PAUSE = 1000;

  private final Work work;
  private final Map<String, ArrayDeque<String>> fresh = new LinkedHashMap<>();
  private final Map<String, ArrayDeque<String>> backlog = new LinkedHashMap<>();
  private final Map<String, ArrayDeque<String>> learned = new LinkedHashMap<>();
  private final Map<String, ArrayDeque<String>> failed = new LinkedHashMap<>();
  private final Thread thread;

  /** When those that failed are tried again, as {@link System#nanoTime}. */
  private long again;

  /** What was logged last of a failure. */
  private String said;

  private boolean idle;

  /** Something came since the rest was begun. */
  private boolean woken;

  private boolean closed;

  /** What there is to do; whatever is thrown is logged, and tried again later. */
  interface Work {

    /** Learns a sample; says whether anything came of it. */
    boolean learn(String head, String id) throws InterruptedException;

    /** What can wait until all samples are learned. */
    void finish(String head, String id);

    /** What is done when nothing new has come for a while, and now and then. */
    void rest();
  }

  private record Item(String head, String id, boolean learned) {}

  FeatureWorker(Work work) {
    this.work = work;
    this.thread = new Thread(this::run, "headstart-learner");
    thread.setDaemon(true);
  }

  void start() {
    thread.start();
  }

  /** Samples that clients wait for. */
  void fresh(String head, Collection<String> ids) {
    add(fresh, head, ids);
  }

  /** Samples that were left over. */
  void backlog(String head, Collection<String> ids) {
    add(backlog, head, ids);
  }

  private synchronized void add(
      Map<String, ArrayDeque<String>> queues, String head, Collection<String> ids) {
    if (!ids.isEmpty()) {
      queues.computeIfAbsent(head, key -> new ArrayDeque<>()).addAll(ids);
      wake();
    }
  }

  /** What else there is to do is done at once. */
  synchronized void wake() {
    idle = false;
    woken = true;
    notifyAll();
  }

  /** Whether all is done. */
  synchronized boolean idle() {
    return idle;
  }

  /** Whether samples of the head are among those left over. */
  synchronized boolean waits(String head) {
    return backlog.containsKey(head);
  }

  /** Nothing of a head is learned any more. */
  synchronized void forget(String head) {
    fresh.remove(head);
    backlog.remove(head);
    learned.remove(head);
    failed.remove(head);
  }

  private void run() {
    long rested = System.nanoTime();
    while (true) {
      try {
        Item item;
        synchronized (this) {
          if (closed) {
            return;
          }
          item = next();
          if (item == null && woken) {
            woken = false;
            wait(QUIET); // there may be more to come, which need not wait for the rest then
            continue;
          }
        }
        if (item != null) {
          work(item);
        }
        if (item == null || System.nanoTime() - rested > TimeUnit.MILLISECONDS.toNanos(LONGEST)) {
          work.rest();
          rested = System.nanoTime();
        }
        if (item == null) {
          await();
        }
      } catch (InterruptedException e) {
        return; // closed
      } catch (RuntimeException | Error e) {
        LOG.warn("samples could not be looked at, which is tried again: {}", e.toString(), e);
        if (!pause()) {
          return;
        }
      }
    }
  }

  private synchronized void await() throws InterruptedException {
    if (!woken && !closed) {
      idle = true;
      wait(TICK);
      idle = false;
    }
  }

  /** Under the lock. */
  private Item next() {
    if (!failed.isEmpty() && System.nanoTime() - again > 0) {
      failed.forEach((head, ids) -> backlog.merge(head, ids, FeatureWorker::joined));
      failed.clear();
    }
    Item item = next(fresh, false);
    item = item != null ? item : next(backlog, false);
    return item != null ? item : next(learned, true);
  }

  private static ArrayDeque<String> joined(ArrayDeque<String> first, ArrayDeque<String> second) {
    first.addAll(second);
    return first;
  }

  /** The first of the first queue, which goes behind the others. */
  private static Item next(Map<String, ArrayDeque<String>> queues, boolean learned) {
    Iterator<Map.Entry<String, ArrayDeque<String>>> all = queues.entrySet().iterator();
    if (!all.hasNext()) {
      return null;
    }
    Map.Entry<String, ArrayDeque<String>> first = all.next();
    String head = first.getKey();
    ArrayDeque<String> ids = first.getValue();
    all.remove();
    String id = ids.poll();
    if (!ids.isEmpty()) {
      queues.put(head, ids);
    }
    return new Item(head, id, learned);
  }

  private void work(Item item) throws InterruptedException {
    if (item.learned) {
      work.finish(item.head, item.id);
      return;
    }
    try {
      if (work.learn(item.head, item.id)) {
        add(learned, item.head, List.of(item.id));
      }
    } catch (RuntimeException | Error e) {
      synchronized (this) {
        if (closed) {
          return;
        }
      }
      // A full disk, say, that all samples fail at: said once.
      String message = e.toString();
      if (message.equals(said)) {
        LOG.debug("", e);
      } else {
        LOG.warn(
            "head '{}': a sample could not be learned, which is tried again: {}",
            item.head,
            message);
        said = message;
      }
      synchronized (this) {
        failed.computeIfAbsent(item.head, key -> new ArrayDeque<>()).add(item.id);
        again = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(PAUSE);
      }
    }
  }

  /** Whether to go on. */
  private boolean pause() {
    try {
      Thread.sleep(PAUSE);
      return true;
    } catch (InterruptedException e) {
      return false; // closed
    }
  }

  /** Ends the thread, after the sample that it is at; idempotent. */
  @Override
  public void close() {
    synchronized (this) {
      closed = true;
      notifyAll();
    }
    thread.interrupt();
    try {
      thread.join(30_000);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
