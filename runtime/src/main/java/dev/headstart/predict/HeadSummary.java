package dev.headstart.predict;

import dev.headstart.backbone.BaseModel;
import dev.headstart.backbone.BaseModels;
import dev.headstart.error.BadInputException;
import dev.headstart.error.NotFoundException;
import dev.headstart.head.HeadKind;
import dev.headstart.head.HeadManifest;
import dev.headstart.head.HeadNetwork;
import dev.headstart.head.HeadStore;
import dev.headstart.head.Tail;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.Graph;
import dev.headstart.onnx.GraphBuilder;
import dev.headstart.onnx.ModelCutter;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The parameters of a head and of the base before it, as a framework's summary lists them.
 *
 * @param trainable numbers that were trained
 * @param frozen numbers that were not; null where the base model is not here
 * @param layers every parameter, the base's first
 */
public record HeadSummary(long trainable, Long frozen, List<Layer> layers) {
  private static final Set<ElementType> WEIGHTS =
      Set.of(
          ElementType.FLOAT,
          ElementType.DOUBLE,
          ElementType.FLOAT16,
          ElementType.BFLOAT16,
          ElementType.INT8,
          ElementType.UINT8);

  /**
   * A parameter.
   *
   * @param layer the node that reads it; {@code head} for the head's own
   * @param name its own
   * @param count how many numbers it has
   * @param trained whether it was trained, or is frozen
   * @param cached whether it comes before the cut, so that it runs once a sample
   */
  public record Layer(
      String layer, String name, long[] shape, long count, boolean trained, boolean cached) {}

  /** Of a version; without its base, of the head's own parameters alone. */
  public static HeadSummary of(HeadStore.Stored stored, BaseModels models) {
    HeadManifest manifest = stored.manifest();
    List<Layer> layers = new ArrayList<>();
    boolean complete = true;
    if (manifest.base() != null) {
      try {
        BaseModel base = models.get(manifest.base().id(), manifest.base().sha256());
        layers.addAll(base(manifest, base));
      } catch (NotFoundException | BadInputException e) {
        complete = false; // the base was removed or damaged since
      }
    }
    boolean trains = !(manifest.kind() instanceof HeadKind.Prototype);
    Map<String, Tensor> own = OnnxModel.read(stored.model()).initializers();
    for (String name : HeadNetwork.PARAMETERS) {
      if (own.containsKey(name)) {
        long[] shape = own.get(name).shape();
        layers.add(new Layer("head", name, shape, Tensor.elements(shape), trains, false));
      }
    }
    long trained = layers.stream().filter(Layer::trained).mapToLong(Layer::count).sum();
    long all = layers.stream().mapToLong(Layer::count).sum();
    return new HeadSummary(trained, complete ? all - trained : null, layers);
  }

  /** What comes before the cut as the base has it, and what comes after as it trained. */
  private static List<Layer> base(HeadManifest manifest, BaseModel base) {
    OnnxModel whole = base.model();
    OnnxModel front = ModelCutter.cut(whole, manifest.cut().tensor()).front();
    if (manifest.tail() == null) {
      return layers(front, Set.of(), Set.of(), true);
    }
    Tail tail = Tail.of(base, manifest);
    List<Layer> layers = layers(front, tail.layers().initializers().keySet(), Set.of(), true);
    layers.addAll(layers(tail.layers(), Set.of(), Set.copyOf(tail.trainable()), false));
    return layers;
  }

  /**
   * @param without parameters that are listed elsewhere
   */
  private static List<Layer> layers(
      OnnxModel model, Set<String> without, Set<String> trained, boolean cached) {
    Graph graph = Graph.of(model);
    List<Layer> layers = new ArrayList<>();
    model
        .initializers()
        .forEach(
            (name, tensor) -> {
              if (WEIGHTS.contains(tensor.type())
                  && tensor.shape().length > 0
                  && !GraphBuilder.isOwnConstant(name)
                  && !without.contains(name)) {
                layers.add(
                    new Layer(
                        layer(graph, name),
                        name,
                        tensor.shape(),
                        tensor.elements(),
                        trained.contains(name),
                        cached));
              }
            });
    return layers;
  }

  private static String layer(Graph graph, String parameter) {
    return graph.consumers(parameter).stream()
        .findFirst()
        .map(node -> graph.nodes().get(node).getName())
        .orElse("");
  }
}
