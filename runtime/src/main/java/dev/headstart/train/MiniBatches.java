package dev.headstart.train;

import dev.headstart.artifact.Artifacts;
import dev.headstart.artifact.Loss;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.TensorInfo;
import dev.headstart.ort.TrainingSession;
import dev.headstart.sample.Task;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;

/**
 * Samples stacked to batches of one form each, in buffers off the heap that are used again for
 * every batch. The caller closes them before the session that they are bound to.
 */
final class MiniBatches implements AutoCloseable {
  private final LabeledExamples data;
  private final Loss loss;
  private final int size;
  private final List<ByteBuffer> x;
  private final Tensor y;

  /** Null where every batch is a step. */
  private final Tensor effectiveBatch;

  private final Stack[] stacks;
  private final Map<List<Integer>, TrainingSession.Batch> bound = new HashMap<>();
  private TrainingSession session;

  /**
   * @param size samples a batch, at most
   * @param accumulated whether the session's artifacts take {@link Artifacts#EFFECTIVE_BATCH}
   */
  MiniBatches(LabeledExamples data, Loss loss, int size, boolean accumulated) {
    this.data = data;
    this.loss = loss;
    this.size = size;
    this.x = buffers(data.examples(), size);
    this.y =
        data.targets().task() == Task.SINGLE
            ? Tensor.zeros(ElementType.INT64, size)
            : Tensor.zeros(ElementType.FLOAT, size, data.targets().outputs());
    this.effectiveBatch = accumulated ? Tensor.zeros(ElementType.FLOAT) : null;
    this.stacks = new Stack[data.examples().forms()];
    Arrays.setAll(stacks, Stack::new);
  }

  /** A buffer for every input, large enough for a batch of any form. */
  private static List<ByteBuffer> buffers(Examples examples, int size) {
    long[] bytes = new long[examples.inputs(0).size()];
    for (int form = 0; form < examples.forms(); form++) {
      List<TensorInfo> inputs = examples.inputs(form);
      for (int i = 0; i < bytes.length; i++) {
        bytes[i] = Math.max(bytes[i], bytes(inputs.get(i)));
      }
    }
    return LongStream.of(bytes).mapToObj(b -> Tensor.allocate(size * b)).toList();
  }

  private static long bytes(TensorInfo input) {
    return Tensor.elements(input.shape()) * input.type().bytes();
  }

  /** The session that batches go to from now on. */
  void bindTo(TrainingSession next) {
    close();
    session = next;
  }

  /** What is done with a batch. */
  interface Use {
    /**
     * @param batch the samples, until the next ones are stacked
     * @param positions where in the order the samples stand
     * @param count how many there are
     */
    void accept(TrainingSession.Batch batch, int[] positions, int count);
  }

  /** Rows of one form, and their positions in the order that they came in. */
  private final class Stack {
    private final int form;
    private final int[] rows = new int[size];
    private final int[] positions = new int[size];
    private int count;

    Stack(int form) {
      this.form = form;
    }
  }

  /**
   * Stacks batch after batch, in the order of the rows as far as forms allow.
   *
   * @param weight what they weigh together, of which an optimizer step is the mean
   */
  void each(int[] order, float weight, Use use) {
    if (effectiveBatch != null) {
      effectiveBatch.floatBuffer().put(0, weight);
    }
    for (int position = 0; position < order.length; position++) {
      Stack stack = stacks[data.examples().form(order[position])];
      stack.positions[stack.count] = position;
      stack.rows[stack.count++] = order[position];
      if (stack.count == size) {
        use(stack, use);
      }
    }
    for (Stack stack : stacks) {
      if (stack.count > 0) {
        use(stack, use);
      }
    }
  }

  /**
   * The rows without those that would be a batch by themselves: of one sample a batch norm can take
   * no variance.
   */
  int[] withoutLone(int[] order) {
    int[] counts = new int[stacks.length];
    for (int row : order) {
      counts[data.examples().form(row)]++;
    }
    int[] kept = new int[order.length];
    int count = 0;
    boolean[] left = new boolean[stacks.length];
    for (int row : order) {
      int form = data.examples().form(row);
      if (left[form] || size > 1 && counts[form] % size != 1) {
        kept[count++] = row;
      }
      left[form] = true;
    }
    return Arrays.copyOf(kept, count);
  }

  private void use(Stack stack, Use use) {
    fill(stack);
    TrainingSession.Batch batch =
        bound.computeIfAbsent(
            List.of(stack.form, stack.count), key -> bind(stack.form, stack.count));
    use.accept(batch, stack.positions, stack.count);
    stack.count = 0;
  }

  private void fill(Stack stack) {
    data.examples().gather(stack.rows, stack.count, x);
    Targets targets = data.targets();
    if (targets.task() == Task.SINGLE) {
      targets.gather(stack.rows, stack.count, y.longBuffer());
    } else {
      float mean = data.scaling() == null ? 0 : data.scaling().mean()[0];
      float deviation = data.scaling() == null ? 1 : data.scaling().scale()[0];
      targets.gather(stack.rows, stack.count, mean, deviation, y.floatBuffer());
    }
  }

  private TrainingSession.Batch bind(int form, int count) {
    Map<String, Tensor> inputs = new LinkedHashMap<>();
    List<TensorInfo> infos = data.examples().inputs(form);
    for (int i = 0; i < infos.size(); i++) {
      TensorInfo info = infos.get(i);
      long[] shape = info.shape().clone();
      shape[0] = count;
      ByteBuffer part = x.get(i).slice(0, Math.toIntExact(count * bytes(info)));
      inputs.put(info.name(), new Tensor(info.type(), shape, part));
    }
    inputs.put(loss.input(), first(y, count));
    if (effectiveBatch != null) {
      inputs.put(Artifacts.EFFECTIVE_BATCH, effectiveBatch);
    }
    return session.bind(inputs);
  }

  /** The first rows of a tensor, in the same memory. */
  private static Tensor first(Tensor tensor, int count) {
    long[] shape = tensor.shape().clone();
    int bytes = (int) (tensor.data().remaining() / shape[0] * count);
    shape[0] = count;
    return new Tensor(tensor.type(), shape, tensor.data().slice(0, bytes));
  }

  /** Frees what is bound to the session; idempotent. */
  @Override
  public void close() {
    bound.values().forEach(TrainingSession.Batch::close);
    bound.clear();
  }
}
