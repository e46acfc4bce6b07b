package dev.headstart.train;

import dev.headstart.artifact.Artifacts;
import dev.headstart.artifact.TrainingPlan;
import dev.headstart.backbone.BaseModel;
import dev.headstart.error.BadInputException;
import dev.headstart.head.HeadNetwork;
import dev.headstart.head.Pooling;
import dev.headstart.head.Scaling;
import dev.headstart.head.Tail;
import dev.headstart.head.TailNetwork;
import dev.headstart.head.TrainableNetwork;
import dev.headstart.head.Unfreeze;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.TensorInfo;
import dev.headstart.sample.Task;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntFunction;

/**
 * Whether a training fits into memory, asked before it begins: its plan, and the features beside
 * it, against what this process may still take.
 *
 * @param rows samples
 * @param outputs classes, or values of a regression
 * @param free bytes that may be taken
 */
public record MemoryCheck(Recipe recipe, int rows, int outputs, long free) {

  /**
   * A head on pooled features.
   *
   * @param width floats a sample
   * @param taken whether the features are in memory already
   * @throws BadInputException if it does not fit; with the batch that would
   */
  void require(int width, boolean taken) {
    Scaling scaling = new Scaling(new float[width], new float[] {1});
    HeadNetwork network = HeadNetwork.fresh(recipe.kind(), scaling, outputs, recipe.seed());
    List<TensorInfo> inputs =
        List.of(new TensorInfo(HeadNetwork.FEATURES, ElementType.FLOAT, new long[] {1, width}));
    IntFunction<TrainingPlan> plans = plans(network, inputs, taken ? 0 : 4L * rows * width);
    plans.apply(batch()).requireFits(free, plans, Map.of());
  }

  /**
   * A tail.
   *
   * @param known tensors at its cut for one sample, with a leading 1 and every dimension known
   * @param taken whether the features are in memory already
   * @throws BadInputException if it does not fit; with the batch, or the number of blocks, that
   *     would
   */
  void require(BaseModel base, Tail tail, List<TensorInfo> known, boolean taken) {
    IntFunction<TrainingPlan> plans = plans(tail, known, taken ? 0 : kept(known));
    TrainingPlan plan = plans.apply(batch());
    Map<String, TrainingPlan> fitting = new LinkedHashMap<>();
    if (plan.peakBytes() > free) {
      for (var way : smaller(base).entrySet()) {
        Optional<List<TensorInfo>> its = known(way.getValue(), known);
        if (fitting.isEmpty() && its.isPresent()) {
          TrainingPlan other = plans(way.getValue(), its.get(), kept(its.get())).apply(batch());
          if (other.peakBytes() <= free) {
            fitting.put(way.getKey(), other);
          }
        }
      }
    }
    plan.requireFits(free, plans, fitting);
  }

  /**
   * What training a tail would take at its peak, its features too.
   *
   * @param length of the dimensions of its cut that are free
   * @return bytes
   */
  public long peakBytes(Tail tail, int length) {
    List<TensorInfo> known =
        tail.live().stream()
            .map(
                t -> {
                  long[] shape = Arrays.stream(t.shape()).map(d -> d < 0 ? length : d).toArray();
                  shape[0] = 1;
                  return new TensorInfo(t.name(), t.type(), shape);
                })
            .toList();
    return plans(tail, known, kept(known)).apply(batch()).peakBytes();
  }

  private Map<String, Tail> smaller(BaseModel base) {
    return Tail.smaller(base, Unfreeze.parse(recipe.unfreeze()), recipe.freeze());
  }

  private int batch() {
    return Math.min(recipe.batch(), rows);
  }

  private IntFunction<TrainingPlan> plans(Tail tail, List<TensorInfo> known, long features) {
    Scaling scaling = new Scaling(new float[Pooling.width(tail.shape())], new float[] {1});
    TailNetwork network = TailNetwork.fresh(tail, scaling, outputs);
    List<String> taken = tail.layers().inputs().stream().map(TensorInfo::name).toList();
    List<TensorInfo> inputs = known.stream().filter(t -> taken.contains(t.name())).toList();
    return plans(network, inputs, features);
  }

  /**
   * What training a network would take.
   *
   * @param inputs what it takes for one sample, with a leading 1 for the batch
   * @param features bytes of all samples' features that are yet to be taken into memory
   * @return by the size of a batch
   */
  IntFunction<TrainingPlan> plans(
      TrainableNetwork network, List<TensorInfo> inputs, long features) {
    Artifacts artifacts = RecipeArtifacts.of(network, recipe);
    return batch -> {
      Map<String, long[]> shapes = new HashMap<>();
      for (TensorInfo input : inputs) {
        long[] shape = input.shape().clone();
        shape[0] = batch;
        shapes.put(input.name(), shape);
      }
      shapes.put(
          recipe.loss().input(),
          recipe.task() == Task.SINGLE ? new long[] {batch} : new long[] {batch, outputs});
      return TrainingPlan.of(artifacts, shapes).withFeatures(features);
    };
  }

  /** The features of all samples, as far as they are in memory and not in a file. */
  private long kept(List<TensorInfo> known) {
    long sample =
        known.stream().mapToLong(t -> Tensor.elements(t.shape()) * t.type().bytes()).sum();
    return Math.min(LiveFeatures.IN_MEMORY, rows * sample);
  }

  /**
   * The tensors at a tail's cut for one sample; nothing where dimensions are free that no tensor of
   * the same kind tells.
   *
   * @param like tensors with every dimension known
   */
  static Optional<List<TensorInfo>> known(Tail tail, List<TensorInfo> like) {
    List<TensorInfo> known = new ArrayList<>();
    for (TensorInfo tensor : tail.live()) {
      if (tensor.shape() == null || tensor.shape().length == 0) {
        return Optional.empty();
      }
      long[] shape = tensor.shape().clone();
      shape[0] = 1;
      if (Arrays.stream(shape).anyMatch(d -> d < 0)) {
        Optional<TensorInfo> same = like.stream().filter(t -> fits(shape, t.shape())).findFirst();
        if (same.isEmpty()) {
          return Optional.empty();
        }
        known.add(new TensorInfo(tensor.name(), tensor.type(), same.get().shape()));
      } else {
        known.add(new TensorInfo(tensor.name(), tensor.type(), shape));
      }
    }
    return Optional.of(known);
  }

  private static boolean fits(long[] free, long[] shape) {
    boolean fits = free.length == shape.length;
    for (int i = 0; fits && i < free.length; i++) {
      fits = free[i] < 0 || free[i] == shape[i];
    }
    return fits;
  }
}
