package dev.headstart.head;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import dev.headstart.artifact.ParameterNames;
import dev.headstart.backbone.BaseModel;
import dev.headstart.backbone.Cut;
import dev.headstart.backbone.Manifest;
import dev.headstart.error.BadInputException;
import dev.headstart.error.NotFoundException;
import dev.headstart.error.UsageException;
import dev.headstart.gradient.Gradients;
import dev.headstart.gradient.Reach;
import dev.headstart.onnx.ConstantNodes;
import dev.headstart.onnx.Dequantization;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.Graph;
import dev.headstart.onnx.GraphBuilder;
import dev.headstart.onnx.ModelCutter;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.OpsetUpgrade;
import dev.headstart.onnx.ShapeInference;
import dev.headstart.onnx.Tap;
import dev.headstart.onnx.Taps;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.TensorInfo;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * A base model's own layers between a cut and the place where a new classifier sits: what a head of
 * the kind {@link HeadKind.Tail} trains.
 *
 * @param cut where the base is cut
 * @param joint the tensor that the classifier takes: the base's deepest tap
 * @param shape of the joint for one sample, without the batch; -1 for a free dimension
 * @param live what the backbone gives at the cut, in its order, with the batch
 * @param layers from those of the live tensors that it needs, under their own names, to the joint
 * @param trainable parameters of the layers that train, in graph order
 */
public record Tail(
    Cut cut,
    String joint,
    long[] shape,
    List<TensorInfo> live,
    OnnxModel layers,
    List<String> trainable) {

  /** Inputs of a normalisation that are statistics, not parameters: its mean and its variance. */
  private static final int STATISTICS = 3;

  public Tail {
    live = List.copyOf(live);
    trainable = List.copyOf(trainable);
  }

  /**
   * What a user asked for.
   *
   * @param freeze patterns of the names of parameters, or of their layers, that stay as they are
   * @throws UsageException if the base has fewer blocks, or nothing is left to train
   * @throws NotFoundException if a pattern matches nothing, or there is no such tap or tensor
   * @throws BadInputException if the base cannot be cut there
   */
  public static Tail of(BaseModel base, Unfreeze what, List<String> freeze) {
    OnnxModel model = base.model();
    String joint = base.cut("auto").tensor();
    Layers all = Layers.of(base, model, joint);
    Unfreeze exact = all.exact(what);
    Cut cut = all.cut(exact);
    Set<String> trainable = new LinkedHashSet<>(all.parametersAfter(cut));
    if (exact instanceof Unfreeze.Matching matching) {
      trainable.retainAll(all.matching(matching.pattern()));
    }
    for (String pattern : freeze) {
      trainable.removeAll(all.matching(pattern));
    }
    if (trainable.isEmpty()) {
      throw new UsageException(
          "nothing of "
              + base
              + " is left to train after the cut '"
              + cut.name()
              + "' with --unfreeze "
              + what
              + (freeze.isEmpty() ? "" : " and --freeze " + String.join(" ", freeze))
              + "; "
              + listed(
                  "its float32 parameters there: ",
                  all.parametersAfter(cut),
                  "gradients reach no float32 parameter there"));
    }
    all.requireRules(trainable, freeze);
    all.requireFinite(trainable);
    return all.at(model, cut, List.copyOf(trainable));
  }

  /**
   * The tails of fewer blocks than what is asked for, by how the command line asks for them, the
   * largest first.
   *
   * @param freeze as in {@link #of(BaseModel, Unfreeze, List)}
   */
  public static Map<String, Tail> smaller(BaseModel base, Unfreeze what, List<String> freeze) {
    OnnxModel model = base.model();
    String joint = base.cut("auto").tensor();
    Layers all = Layers.of(base, model, joint);
    int most = all.parametersAfter(all.cut(all.exact(what))).size();
    int count = all.blocks().size();
    Map<String, Tail> tails = new LinkedHashMap<>();
    for (int blocks = count; blocks >= 1; blocks--) {
      Cut cut = all.last(blocks);
      if (all.parametersAfter(cut).size() < most && all.works(cut, freeze)) {
        tails.put("--unfreeze " + blocks, all.at(model, cut, all.left(cut, freeze)));
      }
    }
    return tails;
  }

  /**
   * The tail that a version was taught with.
   *
   * @throws BadInputException if the base cannot be cut there, or lacks such parameters
   */
  public static Tail of(BaseModel base, HeadManifest manifest) {
    HeadManifest.TailReference tail = manifest.tail();
    Cut cut = new Cut(manifest.cut().name(), manifest.cut().tensor());
    String joint = base.cut("auto").tensor();
    if (!tail.joint().equals(joint)) {
      throw new BadInputException(
          "its classifier sits on '"
              + tail.joint()
              + "', but on "
              + base
              + " it is '"
              + joint
              + "'");
    }
    OnnxModel model = base.model();
    Layers all = Layers.of(base, model, joint);
    Set<String> possible = new LinkedHashSet<>(all.parametersAfter(cut));
    if (!possible.containsAll(tail.trainable())) {
      throw new BadInputException(
          "it says that it trained "
              + some(tail.trainable())
              + ", which are not all parameters of "
              + base
              + " after the cut '"
              + cut.tensor()
              + "'");
    }
    return all.at(model, cut, tail.trainable());
  }

  /** Rounding has no gradient: what went around it would be taken for all of it. */
  private static void requireFloat(BaseModel base, Cut cut, OnnxModel layers) {
    for (NodeProto node : layers.proto().getGraph().getNodeList()) {
      if (node.getOpType().contains("QuantizeLinear") || node.getOpType().endsWith("Integer")) {
        throw new BadInputException(
            base
                + " is quantized after the cut '"
                + cut.name()
                + "' ("
                + node.getOpType()
                + " node '"
                + node.getName()
                + "'), and layers of whole numbers cannot be trained: unfreeze what comes after"
                + " them, or take a float base model");
      }
    }
  }

  private static boolean isOfABatch(TensorInfo tensor) {
    return tensor.shape() == null || (tensor.shape().length > 0 && tensor.shape()[0] < 0);
  }

  private static OnnxModel upTo(OnnxModel model, String joint) {
    return ModelCutter.extract(
        model, model.inputs().stream().map(TensorInfo::name).toList(), List.of(joint));
  }

  private static String listed(String what, List<String> names, String none) {
    return names.isEmpty() ? none : what + some(names);
  }

  private static String some(List<String> names) {
    int shown = Math.min(8, names.size());
    return String.join(", ", names.subList(0, shown)) + (shown < names.size() ? ", …" : "");
  }

  /** The parameter that trains with the number that is furthest from zero, for messages. */
  public String largest() {
    Map<String, Tensor> weights = layers.initializers();
    String largest = "";
    float most = -1;
    for (String name : trainable) {
      for (float value : weights.get(name).floats()) {
        if (Math.abs(value) > most) {
          most = Math.abs(value);
          largest = name;
        }
      }
    }
    return largest;
  }

  /** What the classifier's manifest entry says of this tail. */
  public HeadManifest.TailReference reference() {
    return new HeadManifest.TailReference(joint, live, trainable);
  }

  /** A base model up to the joint, and where its parameters are read. */
  private static final class Layers {
    private final BaseModel base;
    private final OnnxModel model;
    private final String joint;
    private final Graph graph;
    private final Map<String, TensorInfo> shapes;

    /** The float32 parameters that gradients reach, with the nodes that they go into. */
    private final Map<String, BitSet> readers = new HashMap<>();

    private final List<String> parameters = new ArrayList<>();

    Layers(BaseModel base, OnnxModel model, String joint) {
      this.base = base;
      this.model = model;
      this.joint = joint;
      this.graph = Graph.of(model);
      this.shapes = ShapeInference.infer(model);
      GraphProto proto = model.proto().getGraph();
      Set<String> candidates = new LinkedHashSet<>();
      for (TensorProto weight : proto.getInitializerList()) {
        if (weight.getDataType() == ElementType.FLOAT.code()
            && !GraphBuilder.isOwnConstant(weight.getName())
            && weight.getDimsCount() > 0
            && !weight.getDimsList().contains(0L)) {
          candidates.add(weight.getName());
        }
      }
      for (NodeProto node : graph.nodes()) {
        if (node.getOpType().equals("BatchNormalization")) {
          node.getInputList().stream().skip(STATISTICS).forEach(candidates::remove);
        }
      }
      candidates.retainAll(Gradients.differentiable(proto, shapes, joint, candidates));
      for (String parameter : candidates) {
        parameters.add(parameter);
        readers.put(parameter, readers(parameter));
      }
    }

    /** Through nodes that compute with constants alone, such as a Transpose of a weight. */
    private BitSet readers(String tensor) {
      BitSet found = new BitSet();
      for (int node : graph.consumers(tensor)) {
        List<String> outputs = graph.nodes().get(node).getOutputList();
        if (outputs.stream().allMatch(graph::isConstant)) {
          outputs.forEach(output -> found.or(readers(output)));
        } else {
          found.set(node);
        }
      }
      return found;
    }

    /** The layers up to the joint, in float32 where quantized ones can be turned back. */
    static Layers of(BaseModel base, OnnxModel model, String joint) {
      OnnxModel layers = ConstantNodes.asInitializers(upTo(model, joint));
      return new Layers(base, Dequantization.of(layers), joint);
    }

    List<String> parametersAfter(Cut cut) {
      graph.position(cut.tensor());
      BitSet after = graph.dependents(cut.tensor());
      return parameters.stream().filter(p -> contains(after, readers.get(p))).toList();
    }

    private static boolean contains(BitSet all, BitSet some) {
      BitSet missing = (BitSet) some.clone();
      missing.andNot(all);
      return missing.isEmpty();
    }

    /**
     * The tail after a cut.
     *
     * @param whole the base, whose tensors are live at the cut
     */
    Tail at(OnnxModel whole, Cut cut, List<String> trainable) {
      List<TensorInfo> live = ModelCutter.cut(whole, cut.tensor()).live();
      List<String> needed =
          ModelCutter.cut(model, cut.tensor()).live().stream().map(TensorInfo::name).toList();
      for (TensorInfo tensor : live) {
        if (needed.contains(tensor.name()) && !isOfABatch(tensor)) {
          throw new BadInputException(
              base
                  + " cannot be trained from the cut '"
                  + cut.name()
                  + "': the tensor "
                  + tensor
                  + " is live there and does not begin with a free batch dimension, so that samples"
                  + " cannot be stacked. Cut elsewhere, or export the model with a free batch");
        }
      }
      OnnxModel layers = ModelCutter.extract(model, needed, List.of(joint));
      requireFloat(base, cut, layers);
      TensorInfo output = ShapeInference.infer(layers).get(joint);
      long[] shape = output == null ? null : output.shape();
      if (shape == null || shape.length < 2) {
        throw new BadInputException(
            "the shape of the tensor '"
                + joint
                + "' of "
                + base
                + ", where the classifier would sit,"
                + " is not known");
      }
      return new Tail(
          cut, joint, Arrays.copyOfRange(shape, 1, shape.length), live, layers, trainable);
    }

    /** The parameters that train after a cut where patterns exempt some. */
    List<String> left(Cut cut, List<String> freeze) {
      Set<String> trainable = new LinkedHashSet<>(parametersAfter(cut));
      freeze.forEach(pattern -> trainable.removeAll(matching(pattern)));
      return List.copyOf(trainable);
    }

    /** Refuses layers that gradients do not come through, with what can be unfrozen instead. */
    void requireRules(Collection<String> trainable, List<String> freeze) {
      List<String> missing = reach(trainable).missing();
      if (missing.isEmpty()) {
        return;
      }
      throw new BadInputException(
          "no gradient rule for "
              + String.join("; ", missing)
              + ", through which the gradients of "
              + some(List.copyOf(trainable))
              + " would come. "
              + deepest(freeze)
                  .map(cut -> "The deepest cut of " + base + " that works is " + cut)
                  .orElse(
                      "Nothing of "
                          + base
                          + " can be trained behind it: leave out --unfreeze to train a head alone")
              + ". docs/gradients.md shows how to add a rule");
    }

    /** From NaN or infinity nothing can be learned, and every gradient beside it is lost. */
    void requireFinite(Set<String> trainable) {
      Map<String, Tensor> weights = model.initializers();
      for (String name : trainable) {
        for (float value : weights.get(name).floats()) {
          if (!Float.isFinite(value)) {
            throw new BadInputException(
                "the parameter '"
                    + name
                    + "' of "
                    + base
                    + " holds "
                    + value
                    + ", from which nothing can be trained: expected finite numbers. Mend the"
                    + " model, or say --freeze '"
                    + name
                    + "' if it is to be so, as a mask's");
          }
        }
      }
    }

    private Reach reach(Collection<String> wanted) {
      // As the graph is when it is differentiated
      OnnxModel upgraded = OpsetUpgrade.to(model, Gradients.OLDEST_OPSET);
      return Reach.of(upgraded.proto().getGraph(), ShapeInference.infer(upgraded), joint, wanted);
    }

    /** As the command line asks for it: a tap or tensor, or where that cannot be, blocks. */
    private Optional<String> deepest(List<String> freeze) {
      Set<String> wanted = new LinkedHashSet<>(parameters);
      freeze.forEach(pattern -> wanted.removeAll(matching(pattern)));
      model.inputs().stream()
          .map(TensorInfo::name)
          .filter(name -> shapes.get(name).type() == ElementType.FLOAT)
          .forEach(wanted::add);
      String tensor = reach(wanted).cut();
      if (tensor == null) {
        return Optional.empty();
      }
      List<Cut> blocks = blocks();
      return byName(Stream.of(tensor), freeze)
          .or(
              () ->
                  IntStream.range(0, blocks.size())
                      .filter(first -> works(blocks.get(first), freeze))
                      .mapToObj(
                          first ->
                              "'"
                                  + blocks.get(first).name()
                                  + "': --unfreeze "
                                  + (blocks.size() - first))
                      .findFirst())
          .or(() -> byName(graph.tensors().stream(), freeze));
    }

    /** The first of the tensors that works and whose name means nothing else there. */
    private Optional<String> byName(Stream<String> tensors, List<String> freeze) {
      return tensors
          .filter(t -> !graph.isConstant(t) && shapes.get(t).type() == ElementType.FLOAT)
          .map(base::cutAt)
          .filter(cut -> Unfreeze.parse(cut.name()) instanceof Unfreeze.After)
          .filter(cut -> works(cut, freeze))
          .findFirst()
          .map(cut -> "'" + cut.name() + "': --unfreeze " + cut.name());
    }

    private boolean works(Cut cut, List<String> freeze) {
      List<String> trainable = left(cut, freeze);
      return !cut.tensor().equals(joint)
          && !trainable.isEmpty()
          && ModelCutter.isPossible(model, cut.tensor())
          && reach(trainable).missing().isEmpty()
          && ModelCutter.cut(model, cut.tensor()).live().stream().allMatch(Tail::isOfABatch);
    }

    List<String> matching(String text) {
      Pattern pattern = ParameterNames.compile(text);
      List<String> found =
          parameters.stream()
              .filter(
                  p ->
                      pattern.matcher(p).matches()
                          || readers.get(p).stream()
                              .anyMatch(
                                  n -> pattern.matcher(graph.nodes().get(n).getName()).matches()))
              .toList();
      if (found.isEmpty()) {
        throw new NotFoundException(
            "no float32 parameter of "
                + base
                + ", and no layer with one, matches '"
                + text
                + "'. "
                + listed(
                    "The last of them: ",
                    parameters.subList(Math.max(0, parameters.size() - 8), parameters.size()),
                    "There are none that gradients reach: train a head alone"));
      }
      return found;
    }

    /** A parameter's own name is a pattern that matches nothing else. */
    Unfreeze exact(Unfreeze what) {
      return what instanceof Unfreeze.After after && parameters.contains(after.name())
          ? new Unfreeze.Matching(after.name())
          : what;
    }

    Cut cut(Unfreeze what) {
      if (what instanceof Unfreeze.Blocks blocks) {
        return last(blocks.count());
      }
      if (what instanceof Unfreeze.After after) {
        return after(after.name());
      }
      if (what instanceof Unfreeze.Matching matching) {
        return before(matching.pattern());
      }
      if (what instanceof Unfreeze.All) {
        return input();
      }
      throw new UsageException("nothing of " + base + " is to be unfrozen: that is no tail");
    }

    /** At the model's input; of several, that which most layers depend on. */
    private Cut input() {
      String input =
          model.inputs().stream()
              .map(TensorInfo::name)
              .reduce(
                  (a, b) ->
                      graph.dependents(b).cardinality() > graph.dependents(a).cardinality() ? b : a)
              .orElseThrow(() -> new BadInputException(base + " has no input"));
      return new Cut(input, input);
    }

    /** Where the blocks begin, from the first to the last. */
    private List<Cut> blocks() {
      List<Cut> blocks = new ArrayList<>();
      for (Manifest.Block block : base.manifest().blocks()) {
        blocks.add(base.cutAt(block.cut()));
      }
      if (blocks.isEmpty()) {
        blocks.add(input());
        for (Tap end : Taps.blocksOf(model)) {
          blocks.add(base.cutAt(end.tensor()));
        }
      }
      return blocks;
    }

    private Cut last(int wanted) {
      List<Cut> blocks = blocks();
      if (wanted > blocks.size()) {
        throw new UsageException(
            base
                + " has "
                + blocks.size()
                + " blocks, so "
                + wanted
                + " cannot be unfrozen: say all for everything");
      }
      return blocks.get(blocks.size() - wanted);
    }

    private Cut after(String name) {
      Cut cut = base.cut(name);
      if (!graph.tensors().contains(cut.tensor())) {
        throw new NotFoundException("tap, tensor or parameter of " + base, name, names());
      }
      if (cut.tensor().equals(joint)) {
        throw new UsageException(
            "'"
                + name
                + "' is where the classifier sits: nothing of "
                + base
                + " comes after it. "
                + listed(
                    "Unfreeze from a shallower tap: ",
                    names(),
                    "It has no shallower tap: give a tensor before it, a number of blocks, or all"));
      }
      if (graph.isConstant(cut.tensor())) {
        throw new BadInputException(
            "'" + name + "' of " + base + " is a constant, where nothing can be cut");
      }
      return cut;
    }

    private List<String> names() {
      return base.manifest().taps().stream()
          .filter(tap -> !tap.tensor().equals(joint))
          .map(Manifest.Tap::name)
          .toList();
    }

    /** The last tensor that all layers with such a parameter depend on. */
    private Cut before(String pattern) {
      BitSet wanted = new BitSet();
      matching(pattern).forEach(p -> wanted.or(readers.get(p)));
      Set<String> before = new HashSet<>();
      IntStream.range(0, wanted.nextSetBit(0))
          .forEach(n -> before.addAll(graph.nodes().get(n).getOutputList()));
      List<String> tensors = new ArrayList<>(graph.tensors());
      for (int i = tensors.size() - 1; i >= 0; i--) {
        String tensor = tensors.get(i);
        boolean real =
            graph.isInput(tensor)
                || before.contains(tensor)
                    && !graph.isConstant(tensor)
                    && shapes.get(tensor) != null
                    && shapes.get(tensor).type() == ElementType.FLOAT;
        if (real && contains(graph.dependents(tensor), wanted)) {
          return base.cutAt(tensor);
        }
      }
      throw new BadInputException(
          "no tensor of "
              + base
              + " comes before all parameters that match '"
              + pattern
              + "': unfreeze fewer of them");
    }
  }
}
