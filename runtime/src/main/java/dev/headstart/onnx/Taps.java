package dev.headstart.onnx;

import ai.onnx.proto.OnnxMl.NodeProto;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Finds places where a model that came without a manifest can be cut.
 *
 * <p>A good place is a point: a tensor through which everything goes that layers with weights have
 * computed so far. Beside it only model inputs and what is computed from them without weights (an
 * attention mask) may be live. Points are found by one sweep over the nodes, in linear time.
 */
public final class Taps {
  private static final Set<ElementType> FLOATS =
      Set.of(ElementType.FLOAT, ElementType.FLOAT16, ElementType.BFLOAT16, ElementType.DOUBLE);

  private static final Set<String> POOLS =
      Set.of("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool", "AveragePool", "MaxPool");

  private final OnnxModel model;
  private final Graph graph;
  private final Map<String, TensorInfo> tensors;
  private final Set<String> learned = new HashSet<>();

  private final BitSet weighted = new BitSet();

  /** In graph order. */
  private final List<String> points = new ArrayList<>();

  private Taps(OnnxModel model) {
    this.model = model;
    graph = Graph.of(model);
    tensors = ShapeInference.infer(model);
    findLearned();
    findPoints();
  }

  /**
   * Where the model can be cut, from deep to shallow: {@code features}, which the classifier reads
   * (the last point, where the model has no classifier); {@code map}, which the global pooling
   * before it reads; then the blocks.
   */
  public static List<Tap> candidates(OnnxModel model) {
    Taps taps = new Taps(model);
    List<Tap> candidates = new ArrayList<>();
    int features = taps.features();
    if (features >= 0) {
      candidates.add(taps.tap("features", features));
      int map = taps.map(features);
      if (map >= 0) {
        candidates.add(taps.tap("map", map));
      }
    }
    List<Tap> blocks = new ArrayList<>(taps.blocks());
    Collections.reverse(blocks);
    blocks.stream()
        .filter(b -> candidates.stream().noneMatch(c -> c.tensor().equals(b.tensor())))
        .forEach(candidates::add);
    return candidates;
  }

  /**
   * The ends of the model's blocks from shallow to deep: residual sums, and bottlenecks, where the
   * tensor is smaller than those around it.
   */
  public static List<Tap> blocksOf(OnnxModel model) {
    return new Taps(model).blocks();
  }

  /** What layers with weights have a part in. A weight is a constant matrix or kernel. */
  private void findLearned() {
    for (int i = 0; i < graph.nodes().size(); i++) {
      if (graph.reads(i).stream().anyMatch(this::isWeight) && !isConstant(i)) {
        weighted.set(i);
      }
      if (weighted.get(i) || graph.reads(i).stream().anyMatch(learned::contains)) {
        learned.addAll(graph.nodes().get(i).getOutputList());
      }
    }
    learned.remove("");
  }

  /** Nothing, for what cannot be inferred and for an output that is left out. */
  private TensorInfo info(String tensor) {
    return tensors.getOrDefault(tensor, new TensorInfo(tensor, null, null));
  }

  private static boolean isFloat(TensorInfo info) {
    return info.type() != null && FLOATS.contains(info.type());
  }

  private boolean isConstant(int node) {
    return graph.nodes().get(node).getOutputList().stream().allMatch(graph::isConstant);
  }

  private boolean isWeight(String tensor) {
    TensorInfo info = info(tensor);
    return graph.isConstant(tensor)
        && info.shape() != null
        && info.shape().length >= 2
        && Arrays.stream(info.shape()).anyMatch(d -> d > 1)
        && (isFloat(info) || info.type() == ElementType.INT8 || info.type() == ElementType.UINT8);
  }

  /** A point is the only learned tensor before it that is read after it. */
  private void findPoints() {
    List<String> outputs = model.outputs().stream().map(TensorInfo::name).toList();
    BitSet alive = graph.needed(outputs, Set.of());
    int readUntil = lastEntry(alive);
    for (int i = alive.nextSetBit(0); i >= 0; i = alive.nextSetBit(i + 1)) {
      List<String> made =
          graph.nodes().get(i).getOutputList().stream().filter(learned::contains).toList();
      for (String tensor : made) {
        int others = readUntil;
        for (String other : made) {
          others = other.equals(tensor) ? others : Math.max(others, lastRead(other, alive));
        }
        if (others <= i && isFloat(info(tensor))) {
          points.add(tensor);
        }
      }
      for (String tensor : made) {
        readUntil = Math.max(readUntil, lastRead(tensor, alive));
      }
    }
  }

  /**
   * The last node where a path from the inputs meets its first weights: as long as another branch
   * is still to begin, nothing is a point.
   */
  private int lastEntry(BitSet alive) {
    return alive.stream()
        .filter(weighted::get)
        .filter(i -> graph.reads(i).stream().noneMatch(learned::contains))
        .max()
        .orElse(-1);
  }

  private int lastRead(String tensor, BitSet alive) {
    return graph.consumers(tensor).stream().filter(alive::get).reduce(-1, Math::max);
  }

  /**
   * The last point before the classifier: the last layer with weights, if it gives one vector a
   * sample. Without a classifier the last point of all. -1 for none.
   */
  private int features() {
    int last = points.size() - 1;
    int lastWeighted = weighted.length() - 1;
    if (lastWeighted < 0
        || graph.nodes().get(lastWeighted).getOutputList().stream().noneMatch(this::isVector)) {
      return last;
    }
    for (int i = last; i >= 0; i--) {
      if (node(i) < lastWeighted) {
        return i;
      }
    }
    return last;
  }

  private boolean isVector(String tensor) {
    long[] shape = info(tensor).shape();
    return shape != null
        && shape.length >= 2
        && Arrays.stream(shape, 2, shape.length).allMatch(d -> d == 1);
  }

  /** The last point that a pooling over everything reads, before the features; -1 for none. */
  private int map(int features) {
    for (int i = features; i >= 0; i--) {
      String point = points.get(i);
      long[] shape = info(point).shape();
      boolean image =
          shape != null
              && shape.length >= 3
              && Arrays.stream(shape, 2, shape.length).anyMatch(d -> d != 1);
      if (image && graph.consumers(point).stream().anyMatch(n -> isPooling(n, shape.length))) {
        return i;
      }
    }
    return -1;
  }

  private boolean isPooling(int node, int rank) {
    NodeProto pool = graph.nodes().get(node);
    boolean kind =
        POOLS.contains(pool.getOpType()) || (pool.getOpType().equals("ReduceMean") && rank == 4);
    return kind && isVector(pool.getOutput(0));
  }

  private List<Tap> blocks() {
    int features = features();
    int map = features < 0 ? -1 : map(features);
    int end = map >= 0 ? map : features;
    List<Tap> blocks = new ArrayList<>();
    for (int i = 0; i < end; i++) {
      if (isResidual(points.get(i)) || isBottleneck(i)) {
        blocks.add(tap("block." + blocks.size(), i));
      }
    }
    return blocks;
  }

  /** The sum of two learned tensors of one shape. */
  private boolean isResidual(String point) {
    NodeProto node = graph.nodes().get(graph.producer(point).getAsInt());
    return node.getOpType().equals("Add")
        && node.getInputList().stream().allMatch(learned::contains)
        && Arrays.equals(info(node.getInput(0)).shape(), info(node.getInput(1)).shape());
  }

  /**
   * Of a run of points of one size that is below that of the points around it: the last before a
   * residual sum, or the last of all (the convolution may be followed by its normalisation).
   */
  private boolean isBottleneck(int i) {
    boolean last =
        i + 1 == points.size() || size(i + 1) != size(i) || isResidual(points.get(i + 1));
    if (!last) {
      return false;
    }
    int first = i;
    while (first > 0 && size(first - 1) == size(i) && !isResidual(points.get(first))) {
      first--;
    }
    int after = i + 1;
    while (after < points.size() && size(after) == size(i)) {
      after++;
    }
    return first > 0
        && size(first - 1) > size(i)
        && (after == points.size() || size(after) > size(i));
  }

  /** Elements a sample, as far as they are fixed. */
  private double size(int i) {
    long[] shape = info(points.get(i)).shape();
    return shape == null
        ? Double.POSITIVE_INFINITY
        : Arrays.stream(shape)
            .skip(1)
            .filter(d -> d > 0)
            .asDoubleStream()
            .reduce(1, (a, b) -> a * b);
  }

  private int node(int point) {
    return graph.producer(points.get(point)).getAsInt();
  }

  private Tap tap(String name, int point) {
    String tensor = points.get(point);
    return new Tap(name, tensor, info(tensor).shape());
  }
}
