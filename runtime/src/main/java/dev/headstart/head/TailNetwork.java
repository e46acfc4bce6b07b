package dev.headstart.head;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import dev.headstart.backbone.BaseModel;
import dev.headstart.error.BadInputException;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.GraphBuilder;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.Value;
import dev.headstart.sample.Task;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * A base model's own layers under a new classifier. The classifier is a linear head on the pooled
 * joint, fresh weights zero; the layers' inputs are the cut's live tensors under their own names,
 * and both its graphs keep the base's opset.
 *
 * @param layers with the weights as they are now
 * @param joint the tensor that the classifier takes
 * @param shape of the joint for one sample
 * @param classifier on it
 * @param unfrozen parameters of the layers that train
 */
public record TailNetwork(
    OnnxModel layers, String joint, long[] shape, HeadNetwork classifier, List<String> unfrozen)
    implements TrainableNetwork {

  /**
   * The base's layers as they are, under a fresh classifier.
   *
   * @param scaling of the pooled joint, as the layers give it now
   * @param outputs classes, or values of a regression
   */
  public static TailNetwork fresh(Tail tail, Scaling scaling, int outputs) {
    return new TailNetwork(
        tail.layers(),
        tail.joint(),
        tail.shape(),
        HeadNetwork.fresh(new HeadKind.Linear(), scaling, outputs, 0),
        tail.trainable());
  }

  /**
   * The network of a version with the same tail, to be trained further; see {@link
   * HeadNetwork#warm}.
   *
   * @param given the version's weights, as its model has them
   */
  public static TailNetwork warm(
      Tail tail, Map<String, Tensor> given, List<String> known, List<String> classes) {
    return new TailNetwork(
        replaced(tail.layers(), trained(tail, given)),
        tail.joint(),
        tail.shape(),
        HeadNetwork.warm(new HeadKind.Linear(), Pooling.width(tail.shape()), given, known, classes),
        tail.trainable());
  }

  /** What training may have changed: parameters, and what batch norms that train keep of them. */
  private static Map<String, Tensor> trained(Tail tail, Map<String, Tensor> given) {
    Map<String, Tensor> own = tail.layers().initializers();
    Map<String, Tensor> trained = new HashMap<>();
    for (String name : tail.trainable()) {
      trained.put(name, HeadNetwork.weight(given, name, own.get(name).shape()));
    }
    for (NodeProto node : tail.layers().proto().getGraph().getNodeList()) {
      if (node.getOpType().equals("BatchNormalization")
          && tail.trainable().contains(node.getInput(1))) {
        for (String name : node.getInputList().subList(3, 5)) {
          if (own.containsKey(name)) {
            trained.put(name, HeadNetwork.weight(given, name, own.get(name).shape()));
          }
        }
      }
    }
    return trained;
  }

  @Override
  public List<String> trainable() {
    return Stream.concat(unfrozen.stream(), classifier.trainable().stream()).toList();
  }

  @Override
  public List<String> pretrained() {
    return unfrozen;
  }

  @Override
  public int threads() {
    return Runtime.getRuntime().availableProcessors();
  }

  @Override
  public TailNetwork with(Map<String, Tensor> replaced) {
    Map<String, Tensor> mine = new HashMap<>(replaced);
    mine.keySet().removeAll(classifier.weights().keySet());
    Map<String, Tensor> its = new HashMap<>(replaced);
    its.keySet().removeAll(mine.keySet());
    return new TailNetwork(replaced(layers, mine), joint, shape, classifier.with(its), unfrozen);
  }

  /** In their places, so that graphs can be compared. */
  private static OnnxModel replaced(OnnxModel layers, Map<String, Tensor> weights) {
    GraphBuilder graph = new GraphBuilder(layers);
    GraphProto.Builder proto = graph.proto();
    int found = 0;
    for (int i = 0; i < proto.getInitializerCount(); i++) {
      Tensor tensor = weights.get(proto.getInitializer(i).getName());
      if (tensor != null) {
        proto.setInitializer(i, written(proto.getInitializer(i).getName(), tensor));
        found++;
      }
    }
    if (found != weights.size()) {
      throw new IllegalArgumentException("the layers have not all of " + weights.keySet());
    }
    return graph.build();
  }

  private static TensorProto written(String name, Tensor tensor) {
    GraphBuilder one = new GraphBuilder("weight", HeadNetwork.OPSET);
    one.initializer(name, tensor);
    return one.proto().getInitializer(0);
  }

  @Override
  public OnnxModel network() {
    GraphBuilder graph = open();
    Value pooled = Pooling.append(graph, graph.value(joint), shape);
    Value logits = classifier.layers(graph, pooled, HeadNetwork.LOGITS);
    return graph.output(logits, ElementType.FLOAT, -1, classifier.outputs()).build();
  }

  /** The cut is that of the live tensors, which the layers have as inputs already. */
  @Override
  public OnnxModel serving(long[] cut, Task task, Scaling target, float temperature) {
    GraphBuilder graph = open();
    Value scores = classifier.scores(graph, graph.value(joint), shape, task, target, temperature);
    return graph.output(scores, ElementType.FLOAT, -1, classifier.outputs()).build();
  }

  /** The layers with room for the classifier's own names. */
  private GraphBuilder open() {
    GraphBuilder graph = new GraphBuilder(layers).clearOutputs();
    for (String name : HeadNetwork.NAMES) {
      if (graph.has(name)) {
        throw new BadInputException(
            "the base model has a tensor named '"
                + name
                + "' after the cut, a name that the classifier needs for its own: rename it in the"
                + " model");
      }
    }
    return graph;
  }

  /**
   * Checks a model that came from elsewhere: it must be, node for node, the one that Headstart
   * writes for its manifest on the base model that is here, with finite weights of the right shapes
   * where it says that it trained, and the base's own everywhere else.
   *
   * @throws BadInputException saying what is not as it must be
   */
  public static void requireModel(OnnxModel model, HeadManifest manifest, BaseModel base) {
    Tail tail = Tail.of(base, manifest);
    if (!tail.live().equals(manifest.tail().live())) {
      throw new BadInputException(
          "the cut '"
              + manifest.cut().tensor()
              + "' of "
              + base
              + " has the live tensors "
              + tail.live()
              + ", but head.json says "
              + manifest.tail().live());
    }
    Map<String, Tensor> given = model.initializers();
    HeadNetwork classifier =
        HeadNetwork.received(
            new HeadKind.Linear(), Pooling.width(tail.shape()), manifest.classes().size(), given);
    Scaling target = HeadNetwork.receivedTarget(manifest.task(), given);
    OnnxModel expected =
        new TailNetwork(
                replaced(tail.layers(), trained(tail, given)),
                tail.joint(),
                tail.shape(),
                classifier,
                tail.trainable())
            .serving(
                manifest.shape(), manifest.task(), target, HeadNetwork.receivedTemperature(given));
    if (!expected.proto().equals(model.proto())) {
      throw new BadInputException(
          "the head's model is not the graph that a tail of "
              + base
              + " from the cut '"
              + manifest.cut().tensor()
              + "' has: something else than "
              + tail.trainable().size()
              + " parameters and the classifier differs from the base");
    }
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof TailNetwork that
        && layers.proto().equals(that.layers.proto())
        && joint.equals(that.joint)
        && Arrays.equals(shape, that.shape)
        && classifier.equals(that.classifier)
        && unfrozen.equals(that.unfrozen);
  }

  @Override
  public int hashCode() {
    return joint.hashCode();
  }
}
