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

  /** How often the rest is done at least, in milliseconds. */
  private static final long TICK = 250;

  /** Milliseconds until what failed is tried again. */
  private static final long PAUSE = 1000;

  private final Work work;
  private final Map<String, ArrayDeque<String>> fresh = new LinkedHashMap<>();
  private final Map<String, ArrayDeque<String>> backlog = new LinkedHashMap<>();
  private final Thread thread;
  private boolean idle;

  /** Something came since the rest was begun. */
  private boolean woken;

  private boolean closed;

  /** What there is to do; whatever is thrown is logged, and tried again later. */
  interface Work {

    /** Learns a sample. */
    void learn(String head, String id) throws InterruptedException;

    /** What is done when nothing new waits, and at least every few hundred milliseconds. */
    void rest() throws InterruptedException;
  }

  private record Item(String head, String id) {}

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
  }

  private void run() {
    long rested = System.nanoTime() - TimeUnit.MILLISECONDS.toNanos(TICK);
    while (true) {
      Item item;
      synchronized (this) {
        if (closed) {
          return;
        }
        item = next();
      }
      try {
        long since = System.nanoTime() - rested;
        if (item != null) {
          learn(item);
        }
        if (item == null || since > TimeUnit.MILLISECONDS.toNanos(TICK)) {
          work.rest();
          rested = System.nanoTime();
        }
        rested(item == null);
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

  /**
   * Waits until there is something to do.
   *
   * @param all whether nothing was left to do
   */
  private synchronized void rested(boolean all) throws InterruptedException {
    if (all && !woken && fresh.isEmpty() && backlog.isEmpty() && !closed) {
      idle = true;
      wait(TICK);
      idle = false;
    }
    woken = false;
  }

  /** Under the lock. */
  private Item next() {
    Item item = next(fresh);
    return item != null ? item : next(backlog);
  }

  /** The first of the first queue, which goes behind the others. */
  private static Item next(Map<String, ArrayDeque<String>> queues) {
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
    return new Item(head, id);
  }

  private void learn(Item item) throws InterruptedException {
    try {
      work.learn(item.head, item.id);
    } catch (RuntimeException | Error e) {
      synchronized (this) {
        if (closed) {
          return;
        }
      }
      LOG.warn(
          "head '{}': a sample could not be learned, which is tried again: {}",
          item.head,
          e.toString());
      LOG.debug("", e);
      if (!pause()) {
        throw new InterruptedException();
      }
      backlog(item.head, List.of(item.id));
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
