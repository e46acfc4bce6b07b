package dev.headstart;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import dev.headstart.artifact.ArtifactOptions;
import dev.headstart.artifact.Artifacts;
import dev.headstart.artifact.Loss;
import dev.headstart.artifact.Optimizer;
import dev.headstart.backbone.BaseModel;
import dev.headstart.backbone.BaseModels;
import dev.headstart.error.BadInputException;
import dev.headstart.error.HeadstartException;
import dev.headstart.error.NotFoundException;
import dev.headstart.error.UsageException;
import dev.headstart.head.HeadKind;
import dev.headstart.head.HeadNetwork;
import dev.headstart.head.HeadStore;
import dev.headstart.head.Scaling;
import dev.headstart.head.Tail;
import dev.headstart.head.Unfreeze;
import dev.headstart.onnx.Attribute;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.GraphBuilder;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.Operator;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.TensorInfo;
import dev.headstart.onnx.Value;
import dev.headstart.ort.InferenceSession;
import dev.headstart.ort.OrtRuntime;
import dev.headstart.ort.SessionSettings;
import dev.headstart.predict.HeadSummary;
import dev.headstart.predict.Prediction;
import dev.headstart.predict.Predictor;
import dev.headstart.sample.VectorSample;
import dev.headstart.serving.InferenceRequest;
import dev.headstart.serving.ModelRepository;
import dev.headstart.serving.ServingListener;
import dev.headstart.serving.ServingSettings;
import dev.headstart.train.HeadImport;
import dev.headstart.train.RecipeOptions;
import dev.headstart.train.TeachRequest;
import dev.headstart.train.TeachRequest.Promotion;
import dev.headstart.train.TeachResult;
import dev.headstart.train.TrainingListener;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Heads of the kind tail from end to end, on small bases with skips and masks. */
class TailTest {
  private static final long SEED = Long.getLong("seed", 8);
  private static final int WIDTH = 12;

  @TempDir Path folder;
  private final Random random = new Random(SEED);
  private Headstart headstart;
  private int handles;

  @BeforeEach
  void open() {
    System.out.println("seed " + SEED);
    handles = OrtRuntime.openHandles();
    headstart = Headstart.open(folder.resolve("workspace"));
  }

  @AfterEach
  void everyHandleIsClosed() {
    headstart.close();
    assertEquals(handles, OrtRuntime.openHandles(), "open native handles");
  }

  private Tensor weight(long... shape) {
    float[] values = new float[(int) Tensor.elements(shape)];
    double scale = Math.sqrt(2.0 * shape[0] / values.length);
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (random.nextGaussian() * scale);
    }
    return Tensor.of(values, shape);
  }

  private Value conv(GraphBuilder g, String name, Value x, int in, int out) {
    return g.named(
        name,
        Operator.CONV,
        List.of(
            x,
            g.initializer(name + ".weight", weight(out, in, 3, 3)),
            g.initializer(name + ".bias", Tensor.zeros(ElementType.FLOAT, out))),
        Attribute.of("pads", new long[] {1, 1, 1, 1}));
  }

  /** A residual block: cut inside it, the skip is live as well. */
  private OnnxModel residual() {
    GraphBuilder g = new GraphBuilder("residual", 17);
    Value x = g.input("x", ElementType.FLOAT, -1, WIDTH);
    Value map =
        g.named("map", Operator.RESHAPE, List.of(x, g.constant(Tensor.vector(-1, 3, 2, 2))));
    Value skip = g.named("skip", Operator.RELU, List.of(conv(g, "stem", map, 3, 8)));
    Value inner = g.named("inner", Operator.RELU, List.of(conv(g, "block.one", skip, 8, 8)));
    Value sum = g.named("sum", Operator.ADD, List.of(conv(g, "block.two", inner, 8, 8), skip));
    Value last = g.named("last", Operator.RELU, List.of(sum));
    Value pooled = g.node(Operator.GLOBAL_AVERAGE_POOL, List.of(last));
    Value features = g.named("features", Operator.FLATTEN, List.of(pooled), Attribute.axis(1));
    return classified(g, features, 8);
  }

  /** Attention over four tokens, of which a mask lets some through. */
  private OnnxModel attention() {
    GraphBuilder g = new GraphBuilder("attention", 17);
    Value x = g.input("x", ElementType.FLOAT, -1, WIDTH);
    Value tokens =
        g.named("tokens", Operator.RESHAPE, List.of(x, g.constant(Tensor.vector(-1, 4, 3))));
    Value sums = g.node(Operator.REDUCE_SUM, List.of(tokens, g.constant(Tensor.vector(2))));
    Value row = g.node(Operator.RESHAPE, List.of(sums, g.constant(Tensor.vector(-1, 1, 4))));
    Value low = g.node(Operator.LESS, List.of(row, g.constant(Tensor.scalar(-3))));
    Value mask =
        g.named(
            "mask",
            Operator.MUL,
            List.of(
                g.node(Operator.CAST, List.of(low), Attribute.of("to", ElementType.FLOAT.code())),
                g.constant(Tensor.scalar(-1e4f))));
    Value hidden = dense(g, "embed", tokens, 3, 6);
    Value query = dense(g, "query", hidden, 6, 6);
    Value key = dense(g, "key", hidden, 6, 6);
    Value value = dense(g, "value", hidden, 6, 6);
    Value turned =
        g.node(Operator.TRANSPOSE, List.of(key), Attribute.of("perm", new long[] {0, 2, 1}));
    Value scores =
        g.node(Operator.ADD, List.of(g.node(Operator.MAT_MUL, List.of(query, turned)), mask));
    Value weights = g.node(Operator.SOFTMAX, List.of(scores), Attribute.axis(2));
    Value context = g.node(Operator.MAT_MUL, List.of(weights, value));
    Value out = g.named("out", Operator.ADD, List.of(dense(g, "mix", context, 6, 6), hidden));
    Value features =
        g.named(
            "features",
            Operator.REDUCE_MEAN,
            List.of(out),
            Attribute.of("axes", new long[] {1}),
            Attribute.of("keepdims", 0));
    return classified(g, features, 6);
  }

  private Value dense(GraphBuilder g, String name, Value x, int in, int out) {
    Value product =
        g.node(Operator.MAT_MUL, List.of(x, g.initializer(name + ".weight", weight(in, out))));
    Value bias = g.initializer(name + ".bias", Tensor.zeros(ElementType.FLOAT, out));
    return g.named(name, Operator.ADD, List.of(product, bias));
  }

  private OnnxModel classified(GraphBuilder g, Value features, int width) {
    Value answer =
        g.named(
            "answer",
            Operator.GEMM,
            List.of(features, g.initializer("answer.weight", weight(width, 5))));
    return g.output(answer, ElementType.FLOAT, -1, 5).build();
  }

  private void add(String name, OnnxModel model) {
    Path file = folder.resolve(name + ".onnx");
    model.write(file);
    headstart.models().add(file, name, null);
  }

  /** Vectors whose class is the sign of a product, which no linear head on them can tell. */
  private Path data(String name, int rows) throws IOException {
    StringBuilder lines = new StringBuilder();
    for (int row = 0; row < rows; row++) {
      float[] values = vector();
      lines.append("{\"features\": [");
      for (int i = 0; i < WIDTH; i++) {
        lines.append(String.format(Locale.ROOT, "%s%.4f", i == 0 ? "" : ", ", values[i]));
      }
      String label = values[0] * values[1] > 0 ? "same" : "different";
      lines.append("], \"label\": \"").append(label).append("\"}\n");
    }
    return Files.writeString(folder.resolve(name), lines);
  }

  private float[] vector() {
    float[] values = new float[WIDTH];
    for (int i = 0; i < WIDTH; i++) {
      values[i] = (float) random.nextGaussian() * (i < 2 ? 2 : 0.5f);
    }
    return values;
  }

  private static RecipeOptions recipe(String unfreeze, int epochs, String... freeze) {
    return RecipeOptions.DEFAULTS
        .with(RecipeOptions.OptimizerOptions.rate(0.02))
        .with(RecipeOptions.Passes.of(epochs, null))
        .with(RecipeOptions.FineTuning.unfreeze(unfreeze, freeze))
        .seed(3);
  }

  /** So slow that what comes out is what went in. */
  private static RecipeOptions still(RecipeOptions.FineTuning tuning) {
    return RecipeOptions.DEFAULTS
        .with(RecipeOptions.OptimizerOptions.rate(1e-12))
        .with(RecipeOptions.Passes.of(1, null))
        .with(tuning)
        .seed(3);
  }

  private TeachResult teach(String base, Path data, RecipeOptions recipe) {
    return headstart.teach(
        new TeachRequest("signs", data, base, "auto", recipe, Promotion.ALWAYS),
        TrainingListener.NONE);
  }

  @ParameterizedTest
  @CsvSource({
    "residual, inner, 2, block.two.weight;block.two.bias",
    "residual, skip, 1, block.one.weight;block.one.bias;block.two.weight;block.two.bias",
    "residual, block.two*, 2, block.two.weight;block.two.bias",
    "residual, all, 1, 'stem.weight;stem.bias;block.one.weight;block.one.bias;block.two.weight;"
        + "block.two.bias'",
    "attention, embed, 2, 'query.weight;query.bias;key.weight;key.bias;value.weight;value.bias;"
        + "mix.weight;mix.bias'",
    "attention, mix.weight, 2, mix.weight"
  })
  void teachesPredictsEvaluatesAndExports(String base, String unfreeze, int live, String trainable)
      throws Exception {
    add(base, base.equals("residual") ? residual() : attention());
    TeachResult taught = teach(base, data("train.jsonl", 60), recipe(unfreeze, 12));
    assertEquals("tail", taught.kind());
    assertEquals(List.of(trainable.split(";")), taught.manifest().tail().trainable());
    assertEquals(live, taught.manifest().tail().live().size());
    var history = taught.history();
    assertTrue(
        history.get(history.size() - 1).trainLoss() < history.get(0).trainLoss(),
        history.toString());

    var evaluation =
        headstart.evaluate("signs", null, data("test.jsonl", 30), TrainingListener.NONE);
    assertEquals(30, evaluation.samples());

    float[] values = vector();
    Prediction predicted;
    try (Predictor predictor = headstart.predictor("signs", null)) {
      predicted = predictor.predict(new VectorSample("one", values));
    }
    try (InferenceSession fused =
        InferenceSession.open(headstart.fused("signs", null), SessionSettings.cpu(1))) {
      assertEquals(List.of("x"), List.copyOf(fused.inputs().keySet()));
      float[] scores = fused.run(Map.of("x", Tensor.of(values, 1, WIDTH))).get("scores").floats();
      assertEquals(scores[0], predicted.scores().get(taught.classes().get(0)), 1e-5);
      assertEquals(scores[1], predicted.scores().get(taught.classes().get(1)), 1e-5);
      served(base, live, values, scores);
    }
  }

  /** The server gives the same, and takes ready features only where one tensor is all it needs. */
  private void served(String base, int live, float[] values, float[] scores) throws Exception {
    try (ModelRepository repository =
        headstart.repository(ServingSettings.defaults(), ServingListener.NONE)) {
      while (!repository.ready()) {
        Thread.sleep(10);
      }
      Map<String, Tensor> inputs = Map.of("x", Tensor.of(values, 1, WIDTH));
      var answer =
          repository
              .infer(new InferenceRequest("signs", null, inputs, List.of(), 0, null))
              .toCompletableFuture()
              .get();
      assertArrayEquals(scores, answer.outputs().get("scores").floats(), 1e-5f);
      var all =
          repository
              .infer(new InferenceRequest("heads@" + base, null, inputs, List.of(), 0, null))
              .toCompletableFuture()
              .get();
      assertArrayEquals(scores, all.outputs().get("signs.scores").floats(), 1e-5f);
      boolean takesFeatures =
          repository.metadata("signs", null).forms().stream()
              .anyMatch(form -> form.name().equals("features"));
      assertEquals(live == 1, takesFeatures);
    }
  }

  @Test
  void whatIsFrozenStaysBitForBitAndTheRestLearns() throws IOException {
    add("residual", residual());
    teach("residual", data("train.jsonl", 40), recipe("skip", 3, "block.one*"));
    OnnxModel base = headstart.models().get("residual").model();
    Map<String, Tensor> before = base.initializers();
    Map<String, Tensor> after =
        OnnxModel.read(headstart.heads().loadLive("signs").model()).initializers();
    assertEquals(before.get("block.one.weight"), after.get("block.one.weight"));
    assertEquals(before.get("block.one.bias"), after.get("block.one.bias"));
    assertNotEquals(before.get("block.two.weight"), after.get("block.two.weight"));
    assertNull(after.get("stem.weight"), "what is before the cut is not in the head");
  }

  @Test
  void theSameSeedGivesTheSameWeightsAndAnotherTeachComparesWithTheLiveOne() throws IOException {
    add("attention", attention());
    Path data = data("train.jsonl", 40);
    TeachResult one = teach("attention", data, recipe("embed", 4));
    TeachResult two = teach("attention", data, recipe("embed", 4));
    assertEquals(2, two.version());
    HeadStore heads = headstart.heads();
    assertEquals(
        heads.load("signs", 1).manifest().files().get(HeadStore.MODEL),
        heads.load("signs", 2).manifest().files().get(HeadStore.MODEL));
    assertEquals(one.validation().loss(), two.validation().loss());

    RecipeOptions linear = RecipeOptions.of(HeadKind.parse("linear"));
    TeachResult three =
        headstart.teach(
            new TeachRequest("signs", data, "attention", "auto", linear, Promotion.IF_NOT_WORSE),
            TrainingListener.NONE);
    assertTrue(three.reason().contains("of the live version 2"), three.reason());
    TeachResult four =
        headstart.teach(
            new TeachRequest(
                "signs", data, "attention", "auto", recipe("mix*", 4), Promotion.IF_NOT_WORSE),
            TrainingListener.NONE);
    assertTrue(four.reason().contains("neither trained on"), four.reason());
  }

  @Test
  void aWarmStartGoesOnFromTheTailThatIsLive() throws IOException {
    add("residual", residual());
    Path data = data("train.jsonl", 40);
    teach("residual", data, recipe("inner", 3));
    RecipeOptions still = still(RecipeOptions.FineTuning.unfreeze("inner").warm());
    teach("residual", data, still);
    HeadStore heads = headstart.heads();
    Path judged = heads.load("signs", 1).folder().resolve(HeadStore.JUDGED);
    Map<String, Tensor> after = OnnxModel.read(heads.load("signs", 2).model()).initializers();
    OnnxModel.read(judged)
        .initializers()
        .forEach(
            (name, tensor) -> {
              if (tensor.type() == ElementType.FLOAT) {
                assertArrayEquals(tensor.floats(), after.get(name).floats(), 1e-6f, name);
              }
            });
    refused(
        UsageException.class,
        data,
        "auto",
        recipe("skip", 1).with(RecipeOptions.FineTuning.unfreeze("skip").warm()),
        "its cut is inner, this one's skip");
  }

  @Test
  void aWarmStartGoesOnFromImportedArtifacts() throws IOException {
    add("residual", residual());
    Path data = data("train.jsonl", 40);
    float[] values = weight(2, 8).floats();
    HeadNetwork made =
        HeadNetwork.fresh(
                HeadKind.parse("linear"), new Scaling(new float[8], new float[] {1}), 2, 1)
            .with(Map.of("output.weight", Tensor.of(values, 2, 8)));
    Path artifacts = folder.resolve("artifacts");
    Artifacts.generate(
            made.network(),
            ArtifactOptions.of(Loss.CE, Optimizer.AdamW.pytorch()).trainable(made.trainable()))
        .writeTo(artifacts);
    headstart.importArtifacts(
        new HeadImport("signs", artifacts, "residual", "features", List.of("same", "different")));
    RecipeOptions still = still(RecipeOptions.FineTuning.NONE.warm());
    TeachResult taught =
        headstart.teach(
            new TeachRequest("signs", data, "residual", "features", still, Promotion.ALWAYS),
            TrainingListener.NONE);
    assertEquals(List.of("same", "different"), taught.classes());
    Map<String, Tensor> after =
        OnnxModel.read(headstart.heads().loadLive("signs").model()).initializers();
    assertArrayEquals(values, after.get("output.weight").floats(), 1e-6f);
  }

  @Test
  void aBundleIsTakenOnlyWhereItsBaseIsAndOnlyAsItWasWritten() throws IOException {
    add("residual", residual());
    teach("residual", data("train.jsonl", 40), recipe("inner", 2));
    Path bundle = folder.resolve("signs.bundle");
    headstart.exportBundle("signs", bundle);
    try (Headstart other = Headstart.open(folder.resolve("other"))) {
      BadInputException e =
          assertThrows(BadInputException.class, () -> other.importBundle("signs", bundle));
      assertTrue(e.getMessage().contains("residual"), e.getMessage());
      other.models().add(folder.resolve("residual.onnx"), "residual", null);
      other.importBundle("signs", bundle);
      VectorSample sample = new VectorSample("one", vector());
      try (Predictor mine = headstart.predictor("signs", null);
          Predictor theirs = other.predictor("signs", null)) {
        assertEquals(mine.predict(sample), theirs.predict(sample));
      }
    }
  }

  @Test
  void wrongUsageIsTold() throws IOException {
    add("residual", residual());
    Path data = data("train.jsonl", 20);
    refused(UsageException.class, data, "auto", recipe("9", 1), "has 2 blocks");
    refused(UsageException.class, data, "auto", recipe("0", 1), "1 or more");
    refused(UsageException.class, data, "skip", recipe("inner", 1), "contradicts");
    refused(UsageException.class, data, "auto", recipe("features", 1), "where the classifier sits");
    refused(UsageException.class, data, "auto", recipe("inner", 1, "*"), "left to train");
    refused(UsageException.class, data, "auto", recipe(null, 1, "block*"), "--unfreeze");
    refused(NotFoundException.class, data, "auto", recipe("inne", 1), "inne");
    refused(NotFoundException.class, data, "auto", recipe("blok*", 1), "blok*");
    refused(NotFoundException.class, data, "auto", recipe("inner", 1, "blok*"), "blok*");
    RecipeOptions tail = RecipeOptions.of(HeadKind.parse("tail"));
    refused(UsageException.class, data, "auto", tail, "--unfreeze");
    RecipeOptions linear =
        RecipeOptions.of(HeadKind.parse("linear")).with(RecipeOptions.FineTuning.unfreeze("1"));
    refused(UsageException.class, data, "auto", linear, "--head linear");
    BadInputException e =
        assertThrows(BadInputException.class, () -> teach(null, data, recipe("1", 1)));
    assertTrue(e.getMessage().contains("ready features"), e.getMessage());
  }

  private <E extends HeadstartException> void refused(
      Class<E> type, Path data, String cut, RecipeOptions recipe, String why) {
    E e =
        assertThrows(
            type,
            () ->
                headstart.teach(
                    new TeachRequest("signs", data, "residual", cut, recipe, Promotion.ALWAYS),
                    TrainingListener.NONE));
    assertTrue(e.getMessage().contains(why), e.getMessage());
  }

  @Test
  void whatGradientsDoNotReachIsRefusedBeforeAnyWork() throws IOException {
    GraphBuilder g = new GraphBuilder("hard", 17);
    Value x = g.input("x", ElementType.FLOAT, -1, WIDTH);
    Value rows = g.node(Operator.GEMM, List.of(x, g.initializer("w", weight(WIDTH, 8))));
    Value size = g.node(Operator.GREATER, List.of(rows, g.constant(Tensor.scalar(0))));
    Value features =
        g.named(
            "features", Operator.CAST, List.of(size), Attribute.of("to", ElementType.FLOAT.code()));
    add("hard", classified(g, features, 8));
    Path data = data("train.jsonl", 20);
    UsageException e =
        assertThrows(UsageException.class, () -> teach("hard", data, recipe("all", 1)));
    assertTrue(e.getMessage().contains("left to train"), e.getMessage());
    assertEquals(List.of(), headstart.heads().heads());
  }

  @Test
  void liveTensorsAreNamedInHeadJson() throws IOException {
    add("attention", attention());
    TeachResult taught = teach("attention", data("train.jsonl", 20), recipe("embed", 1));
    List<String> names = new ArrayList<>();
    for (TensorInfo info : taught.manifest().tail().live()) {
      names.add(info.name());
    }
    assertEquals(List.of("embed", "mask"), names);
    assertEquals(taught.manifest().tail(), headstart.heads().loadLive("signs").manifest().tail());
  }

  @Test
  void layersOfAQuantizedBaseTrainAsFloats() {
    Tail tail = Tail.of(new BaseModels(folder).get("minilm"), Unfreeze.parse("1"), List.of());
    assertTrue(tail.trainable().stream().anyMatch(name -> name.endsWith(".float")));
    assertTrue(
        tail.layers().proto().getGraph().getNodeList().stream()
            .noneMatch(node -> node.getOpType().matches(".*(Quantize|Integer).*")));
    assertTrue(tail.layers().initializers().keySet().containsAll(tail.trainable()));
  }

  /** The identity matrices of the layer normalizations that Headstart writes out, for one. */
  @ParameterizedTest
  @ValueSource(strings = {"2", "all"})
  void constantsOfHeadstartsOwnNeverTrain(String unfreeze) {
    Tail tail = Tail.of(new BaseModels(folder).get("minilm"), Unfreeze.parse(unfreeze), List.of());
    Map<String, Tensor> weights = tail.layers().initializers();
    assertTrue(
        weights.keySet().stream()
            .anyMatch(n -> GraphBuilder.isOwnConstant(n) && weights.get(n).elements() == 64));
    assertEquals(List.of(), tail.trainable().stream().filter(GraphBuilder::isOwnConstant).toList());
    assertTrue(tail.trainable().stream().anyMatch(name -> name.contains("LayerNorm.weight")));
  }

  /** With an operator that has no rule of gradients, and as Det none of shapes either. */
  private OnnxModel opaque(String operator) {
    boolean recurrent = operator.equals("LSTM");
    GraphBuilder g = new GraphBuilder(operator, 17);
    Value x = g.input("x", ElementType.FLOAT, -1, WIDTH);
    Value before = g.named("before", Operator.RELU, List.of(dense(g, "one", x, WIDTH, 9)));
    Tensor shape = recurrent ? Tensor.vector(1, -1, 9) : Tensor.vector(-1, 3, 3);
    g.named("shaped", Operator.RESHAPE, List.of(before, g.constant(shape)));
    NodeProto.Builder node = NodeProto.newBuilder().setOpType(operator).setName("opaque");
    node.addInput("shaped");
    if (recurrent) {
      node.addInput(g.initializer("W", weight(1, 16, 9)).name());
      node.addInput(g.initializer("R", weight(1, 16, 4)).name());
      node.addOutput("");
      node.addAttribute(
          AttributeProto.newBuilder()
              .setName("hidden_size")
              .setType(AttributeProto.AttributeType.INT)
              .setI(4));
    }
    g.proto().addNode(node.addOutput("volume"));
    g = new GraphBuilder(g.build());
    int width = recurrent ? 4 : 1;
    Value rows = g.constant(Tensor.vector(-1, width));
    Value row = g.named("row", Operator.RESHAPE, List.of(g.value("volume"), rows));
    Value late = g.named("late", Operator.RELU, List.of(dense(g, "two", row, width, 8)));
    Value features = g.named("features", Operator.RELU, List.of(dense(g, "three", late, 8, 8)));
    return classified(g, features, 8);
  }

  @ParameterizedTest
  @ValueSource(strings = {"Det", "LSTM"})
  void whatComesAfterAnUnknownOperatorTrainsAndTheRestIsRefused(String operator)
      throws IOException {
    add("opaque", opaque(operator));
    Path data = data("train.jsonl", 20);
    assertEquals("features", headstart.models().get("opaque").cut("auto").tensor());
    RecipeOptions linear = RecipeOptions.of(HeadKind.parse("linear"));
    assertEquals("linear", teach("opaque", data, linear).kind());
    BadInputException e =
        assertThrows(BadInputException.class, () -> teach("opaque", data, recipe("all", 1)));
    String named = operator + " (node 'opaque', output 'volume')";
    assertTrue(e.getMessage().contains(named), e.getMessage());
    assertTrue(e.getMessage().contains("The deepest cut of opaque that works"), e.getMessage());
    String works = e.getMessage().replaceAll("(?s).*--unfreeze (\\S+)\\. .*", "$1");
    assertEquals("tail", teach("opaque", data, recipe(works, 1)).kind());
  }

  private OnnxModel perceptron(Tensor first) {
    GraphBuilder g = new GraphBuilder("perceptron", 17);
    Value x = g.input("x", ElementType.FLOAT, -1, WIDTH);
    Value product = g.node(Operator.MAT_MUL, List.of(x, g.initializer("first", first)));
    Value hidden = g.named("hidden", Operator.RELU, List.of(product));
    Value features = g.named("features", Operator.RELU, List.of(dense(g, "mid", hidden, 8, 8)));
    return classified(g, features, 8);
  }

  @ParameterizedTest
  @ValueSource(floats = {Float.NaN, Float.NEGATIVE_INFINITY})
  void parametersThatAreNotFiniteAreNamed(float value) throws IOException {
    float[] broken = weight(WIDTH, 8).floats();
    broken[5] = value;
    add("broken", perceptron(Tensor.of(broken, WIDTH, 8)));
    BadInputException e =
        assertThrows(
            BadInputException.class,
            () -> teach("broken", data("train.jsonl", 20), recipe("all", 1)));
    assertTrue(e.getMessage().contains("'first' of broken holds " + value), e.getMessage());
    Tail.of(headstart.models().get("broken"), Unfreeze.parse("all"), List.of("first"));
  }

  @Test
  void layersWhoseNumbersOverflowAreRefusedBeforeTheyTrain() throws IOException {
    float[] large = weight(WIDTH, 8).floats();
    Arrays.fill(large, 3e38f);
    add("large", perceptron(Tensor.of(large, WIDTH, 8)));
    BadInputException e =
        assertThrows(
            BadInputException.class,
            () -> teach("large", data("train.jsonl", 20), recipe("all", 1)));
    assertTrue(e.getMessage().contains("'first' holds the largest"), e.getMessage());
  }

  @Test
  void messagesDoNotEndWithNothing() {
    add("plain", perceptron(weight(WIDTH, 8)));
    BaseModel base = headstart.models().get("plain");
    for (String unfreeze : List.of("features", "nothing*")) {
      HeadstartException e =
          assertThrows(
              HeadstartException.class, () -> Tail.of(base, Unfreeze.parse(unfreeze), List.of()));
      assertFalse(e.getMessage().strip().endsWith(":"), e.getMessage());
    }
  }

  /** As exporters write them that know no initializers. */
  @Test
  void weightsInConstantNodesTrain() throws IOException {
    GraphBuilder g = new GraphBuilder(perceptron(weight(WIDTH, 8)));
    NodeProto.Builder node = NodeProto.newBuilder().setOpType("Constant").addOutput("first");
    node.addAttribute(
        AttributeProto.newBuilder()
            .setName("value")
            .setType(AttributeProto.AttributeType.TENSOR)
            .setT(g.proto().getInitializer(0)));
    List<NodeProto> rest = List.copyOf(g.proto().getNodeList());
    g.proto().removeInitializer(0).clearNode().addNode(node).addAllNode(rest);
    add("nodes", g.build());
    TeachResult taught = teach("nodes", data("train.jsonl", 30), recipe("all", 2));
    assertEquals(
        List.of("mid.bias", "mid.weight", "first").stream().sorted().toList(),
        taught.manifest().tail().trainable().stream().sorted().toList());
    assertTrue(
        OnnxModel.read(headstart.heads().loadLive("signs").model())
            .initializers()
            .containsKey("first"));
  }

  /** Whole numbers under the name of the weights, from which a node makes what they stand for. */
  @Test
  void theSummaryOfAQuantizedTailCountsTheFloatsThatTrain() throws IOException {
    GraphBuilder g = new GraphBuilder(perceptron(weight(WIDTH, 8)));
    g.proto().removeInitializer(0);
    g = new GraphBuilder(g.build());
    g.initializer("whole", Tensor.zeros(ElementType.INT8, WIDTH, 8));
    g.initializer("scale", Tensor.scalar(0.1f));
    List<NodeProto> rest = List.copyOf(g.proto().getNodeList());
    NodeProto.Builder node = NodeProto.newBuilder().setOpType("DequantizeLinear");
    node.addInput("whole").addInput("scale").addOutput("first");
    g.proto().clearNode().addNode(node).addAllNode(rest);
    add("quantized", g.build());
    TeachResult taught = teach("quantized", data("train.jsonl", 20), recipe("all", 1));
    assertTrue(taught.manifest().tail().trainable().contains("first"));
    HeadSummary summary = HeadSummary.of(headstart.heads().loadLive("signs"), headstart.models());
    assertEquals(
        List.of("first", "mid.bias", "mid.weight"),
        summary.layers().stream()
            .filter(l -> l.trained() && !l.layer().equals("head"))
            .map(HeadSummary.Layer::name)
            .sorted()
            .toList());
    assertTrue(summary.layers().stream().noneMatch(l -> l.name().equals("whole")));
    assertEquals(WIDTH * 8 + 8 * 8 + 8 + 8 * 2 + 2, summary.trainable());
  }
}
