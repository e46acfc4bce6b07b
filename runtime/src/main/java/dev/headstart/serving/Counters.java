package dev.headstart.serving;

import dev.headstart.serving.ModelStatistics.Batches;
import dev.headstart.serving.ModelStatistics.Total;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Counts what one version of a model does, and tells the listener. Safe for several threads. */
final class Counters {
  private final String model;
  private final int version;
  private final ServingListener listener;
  private final Sum success = new Sum();
  private final Sum fail = new Sum();
  private final Sum queue = new Sum();
  private final Sum input = new Sum();
  private final Sum infer = new Sum();
  private final Sum output = new Sum();
  private final Map<Integer, Sum[]> batches = new TreeMap<>();
  private long inferences;
  private long executions;
  private long last;

  private static final class Sum {
    private long count;
    private long nanos;

    void add(long more) {
      count++;
      nanos += more;
    }

    Total total() {
      return new Total(count, nanos);
    }
  }

  Counters(String model, int version, ServingListener listener) {
    this.model = model;
    this.version = version;
    this.listener = listener;
  }

  /** A call of the model. */
  void executed(int batch, long inputNanos, long inferNanos, long outputNanos) {
    synchronized (this) {
      executions++;
      input.add(inputNanos);
      infer.add(inferNanos);
      output.add(outputNanos);
      Sum[] sums =
          batches.computeIfAbsent(batch, size -> new Sum[] {new Sum(), new Sum(), new Sum()});
      sums[0].add(inputNanos);
      sums[1].add(inferNanos);
      sums[2].add(outputNanos);
    }
    listener.executed(model, batch, inferNanos);
  }

  /** A request was answered. */
  void succeeded(int samples, long nanos, long queuedNanos) {
    synchronized (this) {
      inferences += samples;
      last = System.currentTimeMillis();
      success.add(nanos);
      queue.add(queuedNanos);
    }
    listener.succeeded(model, nanos);
  }

  /** A request failed. */
  void failed(RuntimeException reason, long nanos) {
    synchronized (this) {
      fail.add(nanos);
    }
    listener.failed(model, reason, nanos);
  }

  synchronized ModelStatistics read() {
    List<Batches> sizes =
        batches.entrySet().stream()
            .map(
                e ->
                    new Batches(
                        e.getKey(),
                        e.getValue()[0].total(),
                        e.getValue()[1].total(),
                        e.getValue()[2].total()))
            .toList();
    return new ModelStatistics(
        model,
        version,
        last,
        inferences,
        executions,
        success.total(),
        fail.total(),
        queue.total(),
        input.total(),
        infer.total(),
        output.total(),
        sizes);
  }
}
