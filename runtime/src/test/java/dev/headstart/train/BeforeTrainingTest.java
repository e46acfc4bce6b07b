package dev.headstart.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.Headstart;
import dev.headstart.Training;
import dev.headstart.backbone.BaseModel;
import dev.headstart.backbone.FeatureStore;
import dev.headstart.error.BadInputException;
import dev.headstart.head.HeadKind;
import dev.headstart.head.HeadNetwork;
import dev.headstart.head.Pooling;
import dev.headstart.head.Scaling;
import dev.headstart.head.Tail;
import dev.headstart.head.TailNetwork;
import dev.headstart.head.Unfreeze;
import dev.headstart.onnx.Attribute;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.GraphBuilder;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.Operator;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.TensorInfo;
import dev.headstart.onnx.Value;
import dev.headstart.ort.OrtRuntime;
import dev.headstart.ort.Provider;
import dev.headstart.sample.Task;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is refused before features are taken: what has no gradient, and what does not fit. */
class BeforeTrainingTest {
  private static final long SEED = Long.getLong("seed", 4);
  private static final int WIDTH = 12;
  private static final int ROWS = 80;

  @TempDir Path folder;
  private final Random random = new Random(SEED);
  private final List<String> stages = new ArrayList<>();
  private Headstart headstart;
  private int handles;

  @BeforeEach
  void open() {
    Training.require();
    System.out.println("seed " + SEED);
    handles = OrtRuntime.openHandles();
    headstart = Headstart.open(folder.resolve("workspace"));
  }

  @AfterEach
  void everyHandleIsClosed() {
    headstart.close();
    assertEquals(handles, OrtRuntime.openHandles(), "open native handles");
  }

  private Value dense(GraphBuilder g, String name, Value x, int in, int out) {
    float[] values = new float[in * out];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (random.nextGaussian() / Math.sqrt(in));
    }
    Value weight = g.initializer(name + ".weight", Tensor.of(values, in, out));
    return g.named(name, Operator.RELU, List.of(g.node(Operator.MAT_MUL, List.of(x, weight))));
  }

  /** Layers, determinants of matrices of 2 x 2, which have no rule, and layers again. */
  private BaseModel determinants(String det) {
    GraphBuilder g = new GraphBuilder("determinants", 17);
    Value x = g.input("x", ElementType.FLOAT, -1, WIDTH);
    Value early = dense(g, "early", x, WIDTH, 32);
    Value squares =
        g.node(Operator.RESHAPE, List.of(early, g.constant(Tensor.vector(-1, 8, 2, 2))));
    Value y = g.named(det, Operator.IDENTITY, List.of(squares));
    int last = g.proto().getNodeCount() - 1;
    g.proto().setNode(last, g.proto().getNode(last).toBuilder().setOpType("Det").setName("odd"));
    g.shape(y, ElementType.FLOAT, -1, 8);
    Value late = dense(g, "late", y, 8, 16);
    Value features = dense(g, "features", late, 16, 6);
    return add("determinants", g, features, 6);
  }

  /** A wide layer, and behind it a residual block. */
  private BaseModel wide() {
    GraphBuilder g = new GraphBuilder("wide", 17);
    Value x = g.input("x", ElementType.FLOAT, -1, WIDTH);
    Value narrow = dense(g, "narrow", dense(g, "wide", x, WIDTH, 4000), 4000, 10);
    Value inner = dense(g, "inner", narrow, 10, 10);
    Value sum = g.named("sum", Operator.ADD, List.of(dense(g, "outer", inner, 10, 10), narrow));
    Value features = dense(g, "features", dense(g, "late", sum, 10, 8), 8, 6);
    return add("wide", g, features, 6);
  }

  private BaseModel add(String name, GraphBuilder g, Value features, int width) {
    Value answer =
        g.named(
            "answer",
            Operator.GEMM,
            List.of(
                features,
                g.initializer("answer.weight", Tensor.zeros(ElementType.FLOAT, width, 5))),
            Attribute.of("alpha", 1f));
    OnnxModel model = g.output(answer, ElementType.FLOAT, -1, 5).build();
    Path file = folder.resolve(name + ".onnx");
    model.write(file);
    headstart.models().add(file, name, null);
    return headstart.models().get(name);
  }

  private Path data() throws IOException {
    StringBuilder lines = new StringBuilder();
    for (int row = 0; row < ROWS; row++) {
      lines.append("{\"features\": [").append(row % 2);
      for (int i = 1; i < WIDTH; i++) {
        lines.append(", ").append(random.nextFloat());
      }
      lines.append("], \"label\": \"class").append(row % 2).append("\"}\n");
    }
    return Files.writeString(folder.resolve("data.jsonl"), lines);
  }

  private static RecipeOptions recipe(String unfreeze, int batch, String... freeze) {
    return RecipeOptions.DEFAULTS
        .with(RecipeOptions.Passes.of(2, batch))
        .with(RecipeOptions.FineTuning.unfreeze(unfreeze, freeze))
        .seed(3);
  }

  private TeachResult teach(String base, RecipeOptions recipe, long free) throws IOException {
    Teacher teacher =
        new Teacher(
            new TrainingStores(
                headstart.models(), headstart.heads(), new NoRuns(), FeatureStore.NONE),
            List.of(Provider.CPU),
            "test",
            ClassNames.AS_TAUGHT,
            1,
            () -> free,
            Duration.ofDays(1));
    stages.clear();
    TrainingListener listener =
        new TrainingListener() {
          @Override
          public void stage(String name, long total) {
            stages.add(name);
          }
        };
    return teacher.teach(
        new TeachRequest("a", data(), base, "auto", recipe, TeachRequest.Promotion.ALWAYS),
        listener);
  }

  private String refused(String base, RecipeOptions recipe, long free) {
    String message =
        assertThrows(BadInputException.class, () -> teach(base, recipe, free)).getMessage();
    System.out.println(message);
    assertFalse(stages.contains("features"), stages.toString());
    return message;
  }

  /** What the message tells the user to type. */
  private static String offered(String message) {
    Matcher matcher = Pattern.compile("--unfreeze ([\\w.]*\\w)").matcher(message);
    assertTrue(matcher.find(), message);
    return matcher.group(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"all", "early.weight", "e*"})
  void anOperatorWithoutARuleIsRefusedWithACutThatWorks(String unfreeze) throws IOException {
    determinants("det");
    String message = refused("determinants", recipe(unfreeze, 16), Long.MAX_VALUE);
    assertTrue(message.contains("Det (node 'odd', output 'det')"), message);
    String cut = offered(message);
    assertEquals("det", headstart.models().get("determinants").cut(cut).tensor());
    TeachResult taught = teach("determinants", recipe(cut, 16), Long.MAX_VALUE);
    assertEquals(List.of("late.weight", "features.weight"), taught.manifest().tail().trainable());
    assertEquals(cut, taught.cut());
  }

  @Test
  void beforeTheTrainedPartAnyOperatorIsFine() throws IOException {
    determinants("det");
    teach("determinants", recipe("late", 16), Long.MAX_VALUE);
    teach("determinants", recipe("all", 16, "early*"), Long.MAX_VALUE);
    teach("determinants", recipe("head", 16), Long.MAX_VALUE);
  }

  @Test
  void aTensorThatIsANumberIsNotOffered() throws IOException {
    determinants("17"); // --unfreeze 17 would mean blocks
    String offered = offered(refused("determinants", recipe("all", 16), Long.MAX_VALUE));
    TeachResult taught = teach("determinants", recipe(offered, 16), Long.MAX_VALUE);
    assertFalse(taught.manifest().tail().trainable().contains("early.weight"));
  }

  @Test
  void whereNothingCanBeTrainedThatIsSaid() {
    determinants("det");
    String message =
        refused("determinants", recipe("all", 16, "late*", "features*"), Long.MAX_VALUE);
    assertTrue(message.contains("leave out --unfreeze"), message);
  }

  private long needed(BaseModel base, String unfreeze, int batch) {
    Tail tail = Tail.of(base, Unfreeze.parse(unfreeze), List.of());
    Recipe recipe = recipe(unfreeze, batch).resolve(Task.SINGLE, 1);
    List<TensorInfo> inputs = MemoryCheck.known(tail, List.of()).orElseThrow();
    TailNetwork network =
        TailNetwork.fresh(
            tail, new Scaling(new float[Pooling.width(tail.shape())], new float[] {1}), 2);
    long sample = inputs.stream().mapToLong(t -> 4 * Tensor.elements(t.shape())).sum();
    return new MemoryCheck(recipe, ROWS, 2, 0)
        .plans(network, inputs, ROWS * sample)
        .apply(batch)
        .peakBytes();
  }

  @Test
  void aBatchThatDoesNotFitIsRefusedWithTheOneThatDoes() throws IOException {
    long free = needed(wide(), "all", 16);
    String message = refused("wide", recipe("all", 64), free);
    assertTrue(message.contains("a batch of 16 ("), message);
    teach("wide", recipe("all", 16), free);
  }

  @ParameterizedTest
  @CsvSource({"all, 1", "narrow.weight, 1"})
  void whereNoBatchFitsFewerBlocksAreOffered(String unfreeze, String blocks) throws IOException {
    long free = needed(wide(), blocks, 64);
    String message = refused("wide", recipe(unfreeze, 64), free);
    assertFalse(message.contains("a batch of"), message);
    assertEquals(blocks, offered(message));
    teach("wide", recipe(blocks, 64), free);
    String none = refused("wide", recipe(unfreeze, 64), 1000);
    assertTrue(none.contains("neither"), none);
  }

  @Test
  void headsOnPooledFeaturesAreCheckedToo() throws IOException {
    wide();
    RecipeOptions large =
        RecipeOptions.of(HeadKind.parse("mlp:4000")).with(RecipeOptions.Passes.of(1, 64)).seed(3);
    Recipe recipe = large.resolve(Task.SINGLE, 6);
    HeadNetwork network =
        HeadNetwork.fresh(recipe.kind(), new Scaling(new float[6], new float[] {1}), 2, 3);
    List<TensorInfo> inputs =
        List.of(new TensorInfo(HeadNetwork.FEATURES, ElementType.FLOAT, new long[] {1, 6}));
    long free =
        new MemoryCheck(recipe, ROWS, 2, 0)
            .plans(network, inputs, ROWS * 6 * 4)
            .apply(32)
            .peakBytes();
    String message = refused("wide", large, free);
    assertTrue(message.contains("a batch of 32 ("), message);
  }

  @Test
  void blocksAreNamedByTheTapThatHasTheirTensorOrByTheTensor() {
    BaseModel base = headstart.models().get("efficientnet-lite0");
    Tail two = Tail.of(base, Unfreeze.parse("2"), List.of());
    assertEquals("/_blocks.14/Add_output_0", two.cut().tensor());
    assertEquals("/_blocks.14/Add_output_0", two.cut().name());
    Tail one = Tail.of(base, Unfreeze.parse("1"), List.of());
    assertEquals("block15", one.cut().name());
    assertEquals(base.cut("block15"), one.cut());
    for (int blocks = 1; blocks <= base.manifest().blocks().size(); blocks++) {
      Tail tail = Tail.of(base, new Unfreeze.Blocks(blocks), List.of());
      assertEquals(tail.cut(), base.cut(tail.cut().name()));
    }
  }

  /** Nobody has judged anything. */
  private static final class NoRuns implements RunStore {
    @Override
    public Set<String> judgedBy(String head) {
      return Set.of();
    }

    @Override
    public Set<String> trainedOn(String head, int version) {
      return Set.of();
    }

    @Override
    public Set<String> members(String head, int version) {
      return Set.of();
    }

    @Override
    public void record(String head, int version, Map<String, Boolean> validation) {}

    @Override
    public void forget(String head) {}

    @Override
    public void forget(String head, Collection<Integer> versions) {}
  }
}
