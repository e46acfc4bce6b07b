package dev.headstart.artifact;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import dev.headstart.Training;
import dev.headstart.error.BadInputException;
import dev.headstart.onnx.CutModels;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.ModelCutter;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.ShapeInference;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.TensorInfo;
import dev.headstart.ort.InferenceSession;
import dev.headstart.ort.SessionSettings;
import dev.headstart.ort.TrainingSession;
import dev.headstart.zoo.Kind;
import dev.headstart.zoo.ZooNet;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Networks of the usual kinds, whole and cut: a training step lowers the loss, gradients are those
 * of a central difference, and the part after a cut has the same ones. Another seed: {@code
 * -Dzoo.seed=N}.
 */
class ZooTest {
  private static final long SEED = Long.getLong("zoo.seed", 5);
  private static final int BATCH = 4;
  private static final int[] OPSETS = {11, 13, 17, 18, 20, 22};

  @TempDir Path folder;

  @BeforeAll
  static void needsTraining() {
    Training.require();
    System.out.println("zoo.seed=" + SEED);
  }

  /** Every kind at an older and a newer opset; every opset in turn. */
  static List<Arguments> networks() {
    List<Arguments> networks = new ArrayList<>();
    for (Kind kind : Kind.values()) {
      networks.add(Arguments.of(kind, OPSETS[kind.ordinal() % 3]));
      networks.add(Arguments.of(kind, OPSETS[3 + kind.ordinal() % 3]));
    }
    return networks;
  }

  private static Map<String, Tensor> batch(ZooNet net) {
    Map<String, Tensor> batch = net.inputs(BATCH, SEED);
    batch.put("labels", net.labels(BATCH, SEED));
    return batch;
  }

  private static Artifacts artifacts(OnnxModel model, boolean showGradients) {
    return Artifacts.generate(
        model, ArtifactOptions.of(Loss.CE, Optimizer.AdamW.pytorch()), showGradients);
  }

  private static Map<String, Tensor> run(OnnxModel model, Map<String, Tensor> feed) {
    Map<String, Tensor> taken = new LinkedHashMap<>(feed);
    taken.keySet().retainAll(model.inputs().stream().map(TensorInfo::name).toList());
    try (var session = InferenceSession.open(model, SessionSettings.cpu(1))) {
      return session.run(taken);
    }
  }

  private static Map<String, Tensor> gradients(Artifacts artifacts, Map<String, Tensor> batch) {
    Map<String, Tensor> inputs = new LinkedHashMap<>(batch);
    inputs.keySet().retainAll(artifacts.inputs().stream().map(TensorInfo::name).toList());
    Map<String, Tensor> results = GoldenTest.firstStep(artifacts, inputs);
    Map<String, Tensor> gradients = new LinkedHashMap<>();
    artifacts
        .checkpoint()
        .trainable()
        .keySet()
        .forEach(name -> gradients.put(name, results.get("gradient:" + name)));
    return gradients;
  }

  @ParameterizedTest(name = "{0} at opset {1}")
  @MethodSource("networks")
  void shapesAreInferredAsTheyAre(Kind kind, int opset) {
    ZooNet net = kind.network(opset, SEED, 0);
    Map<String, TensorInfo> shapes = ShapeInference.infer(net.model());
    assertTrue(net.cuts().size() >= 3, "cuts: " + net.cuts());
    for (String cut : net.cuts()) {
      CutModels parts = ModelCutter.cut(net.model(), cut);
      Tensor actual = run(parts.front(), net.inputs(BATCH, SEED)).get(cut);
      long[] inferred = shapes.get(cut).shape();
      assertEquals(actual.shape().length, inferred.length, cut);
      for (int i = 0; i < inferred.length; i++) {
        assertTrue(inferred[i] == -1 || inferred[i] == actual.shape()[i], cut + " axis " + i);
      }
    }
    Tensor logits = run(net.model(), net.inputs(BATCH, SEED)).get("logits");
    assertArrayEquals(new long[] {BATCH, 10}, logits.shape());
    assertTrue(logits.finite());
  }

  @ParameterizedTest(name = "{0} at opset {1}")
  @MethodSource("networks")
  void stepsLowerTheLoss(Kind kind, int opset) {
    ZooNet net = kind.network(opset, SEED, 0.1f);
    Map<String, Tensor> batch = batch(net);
    Artifacts whole = artifacts(net.model(), false);
    assertStepsLowerTheLoss(kind + " " + opset, whole, batch, folder.resolve("whole"));
    for (String cut : net.cuts()) {
      CutModels parts = ModelCutter.cut(net.model(), cut);
      Map<String, Tensor> features = new LinkedHashMap<>(batch);
      features.putAll(run(parts.front(), batch));
      Artifacts back = artifacts(parts.back(), false);
      assertTrue(
          back.checkpoint().trainable().size() < whole.checkpoint().trainable().size(),
          "the part after " + cut + " has all parameters");
      Path place = folder.resolve("back" + net.cuts().indexOf(cut));
      assertStepsLowerTheLoss(kind + " " + opset + " after " + cut, back, features, place);
    }
  }

  private static void assertStepsLowerTheLoss(
      String title, Artifacts artifacts, Map<String, Tensor> data, Path place) {
    artifacts.writeTo(place);
    try (TrainingSession session = TrainingSession.open(place, 1)) {
      Map<String, Tensor> inputs = new LinkedHashMap<>();
      session.inputs().forEach(name -> inputs.put(name, direct(data.get(name))));
      session.learningRate(2e-3f);
      try (TrainingSession.Batch batch = session.bind(inputs)) {
        float before = session.evaluate(batch).get("loss").floats()[0];
        for (int step = 0; step < 8; step++) {
          assertTrue(Float.isFinite(session.step(batch)), title);
        }
        float after = session.evaluate(batch).get("loss").floats()[0];
        assertTrue(after < before - 1e-3, title + ": loss " + before + ", then " + after);
      }
    }
  }

  private static Tensor direct(Tensor tensor) {
    return new Tensor(
        tensor.type(),
        tensor.shape(),
        Tensor.allocate(tensor.data().remaining()).put(tensor.data()).flip());
  }

  /** Along one element, and along the gradient itself, whose slope is its own norm. */
  @ParameterizedTest(name = "{0} at opset {1}")
  @MethodSource("networks")
  void gradientsAreThoseOfACentralDifference(Kind kind, int opset) {
    ZooNet net = kind.network(opset, SEED, 0);
    Artifacts artifacts = artifacts(net.model(), true);
    Map<String, Tensor> feed = batch(net);
    Map<String, Tensor> gradients = gradients(artifacts, feed);
    Map<String, Tensor> parameters = artifacts.checkpoint().trainable();
    feed.putAll(parameters);
    Random random = new Random(SEED);
    List<String> names = new ArrayList<>(parameters.keySet());
    Collections.shuffle(names, random);
    try (var eval = InferenceSession.open(artifacts.eval(), SessionSettings.cpu(1))) {
      for (String name : names.subList(0, 5)) {
        float[] gradient = gradients.get(name).floats();
        float[] direction = new float[gradient.length];
        int element = random.nextInt(direction.length);
        direction[element] = 1;
        assertSlope(eval, feed, name, direction, gradient[element], 0.1);
        double norm = 0;
        for (float g : gradient) {
          norm += (double) g * g;
        }
        norm = Math.sqrt(norm);
        for (int i = 0; i < direction.length && norm > 0; i++) {
          direction[i] = (float) (gradient[i] / norm);
        }
        assertSlope(eval, feed, name, direction, norm > 0 ? norm : gradient[element], 0.03);
      }
    }
  }

  /**
   * A step crosses kinks of Relus and maxima, so the nearest of several counts, and the slope along
   * one weight, small as it is, may be some percents off: a wrong gradient is near none. (Every
   * rule is checked exactly in GradientRulesTest.)
   */
  private static void assertSlope(
      InferenceSession eval,
      Map<String, Tensor> feed,
      String name,
      float[] direction,
      double expected,
      double tolerance) {
    List<Double> slopes = new ArrayList<>();
    for (float step : new float[] {1e-2f, 3e-3f, 1e-3f}) {
      double up = loss(eval, feed, name, direction, step);
      double down = loss(eval, feed, name, direction, -step);
      double slope = (up - down) / (2 * step);
      slopes.add(slope);
      if (Math.abs(slope - expected) <= tolerance * Math.abs(expected) + 6e-7 / step + 1e-4) {
        return;
      }
    }
    throw new AssertionError(
        "the gradient of " + name + " gives " + expected + ", differences " + slopes);
  }

  private static double loss(
      InferenceSession eval, Map<String, Tensor> feed, String name, float[] direction, float step) {
    Tensor old = feed.get(name);
    float[] values = old.floats();
    for (int i = 0; i < values.length; i++) {
      values[i] += step * direction[i];
    }
    Map<String, Tensor> moved = new LinkedHashMap<>(feed);
    moved.put(name, Tensor.of(values, old.shape()));
    return eval.run(moved).get("loss").floats()[0];
  }

  @ParameterizedTest(name = "{0} at opset {1}")
  @MethodSource("networks")
  void thePartAfterACutHasTheSameGradients(Kind kind, int opset) {
    ZooNet net = kind.network(opset, SEED, 0);
    Map<String, Tensor> batch = batch(net);
    Map<String, Tensor> whole = gradients(artifacts(net.model(), true), batch);
    for (String cut : net.cuts()) {
      CutModels parts = ModelCutter.cut(net.model(), cut);
      Map<String, Tensor> features = new LinkedHashMap<>(batch);
      features.putAll(run(parts.front(), batch));
      gradients(artifacts(parts.back(), true), features)
          .forEach(
              (name, gradient) ->
                  assertNear(whole.get(name), gradient, kind + " after " + cut + ": " + name));
    }
  }

  private static TypeProto floats() {
    return TypeProto.newBuilder()
        .setTensorType(TypeProto.Tensor.newBuilder().setElemType(ElementType.FLOAT.code()))
        .build();
  }

  /** [batch, channels, 8, 8]: what a node with graphs inside gives is not inferred. */
  private static TypeProto images(long channels) {
    TypeProto.Builder type = floats().toBuilder();
    var shape = type.getTensorTypeBuilder().getShapeBuilder();
    shape.addDimBuilder().setDimParam("batch");
    for (long dim : new long[] {channels, 8, 8}) {
      shape.addDimBuilder().setDimValue(dim);
    }
    return type.build();
  }

  /** Both parts of a network work; in the first of its two blocks is a node without a rule. */
  @Test
  void anOperatorWithoutARuleIsNamedWithTheDeepestCutThatWorks() {
    ZooNet net = Kind.RESNET.network(17, SEED, 0);
    String block = net.cuts().get(1);
    ModelProto.Builder changed = net.model().proto().toBuilder();
    NodeProto.Builder node =
        changed.getGraphBuilder().getNodeBuilderList().stream()
            .filter(n -> n.getOutputList().contains(block))
            .findFirst()
            .orElseThrow();
    assertEquals("Relu", node.getOpType());
    NodeProto relu = node.clone().setOutput(0, "inner").build();
    GraphProto branch =
        GraphProto.newBuilder()
            .setName("branch")
            .addNode(relu)
            .addOutput(ValueInfoProto.newBuilder().setName("inner").setType(floats()))
            .build();
    node.setOpType("If").setName("/layer1/If").clearInput().addInput("always");
    for (String name : List.of("then_branch", "else_branch")) {
      node.addAttributeBuilder()
          .setName(name)
          .setType(AttributeProto.AttributeType.GRAPH)
          .setG(branch);
    }
    changed
        .getGraphBuilder()
        .addInitializer(
            TensorProto.newBuilder()
                .setName("always")
                .setDataType(ElementType.BOOL.code())
                .addInt32Data(1));
    changed
        .getGraphBuilder()
        .addValueInfo(ValueInfoProto.newBuilder().setName(block).setType(images(8)));
    OnnxModel model = OnnxModel.of(changed.build());

    String message =
        assertThrows(BadInputException.class, () -> artifacts(model, false)).getMessage();
    assertTrue(message.contains("If (node '/layer1/If'"), message);
    Matcher offered = Pattern.compile("The deepest cut that works is '([^']+)'").matcher(message);
    assertTrue(offered.find(), message);
    assertEquals(block, offered.group(1));

    CutModels parts = ModelCutter.cut(model, offered.group(1));
    Map<String, Tensor> batch = batch(net);
    Map<String, Tensor> features = new LinkedHashMap<>(batch);
    features.putAll(run(parts.front(), batch));
    Artifacts back = artifacts(parts.back(), false);
    assertStepsLowerTheLoss("after " + block, back, features, folder.resolve("back"));
  }

  private static void assertNear(Tensor expected, Tensor actual, String message) {
    float[] a = expected.floats();
    float[] b = actual.floats();
    assertArrayEquals(expected.shape(), actual.shape(), message);
    double largest = 0;
    double distance = 0;
    for (int i = 0; i < a.length; i++) {
      largest = Math.max(largest, Math.abs(a[i]));
      distance = Math.max(distance, Math.abs(a[i] - b[i]));
    }
    assertTrue(
        distance <= 1e-4 * largest + 1e-6, message + ": apart by " + distance + " of " + largest);
  }
}
