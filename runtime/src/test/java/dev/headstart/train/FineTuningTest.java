package dev.headstart.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.artifact.Artifacts;
import dev.headstart.artifact.Checkpoint;
import dev.headstart.backbone.BaseModels;
import dev.headstart.error.BadInputException;
import dev.headstart.error.UsageException;
import dev.headstart.head.HeadKind;
import dev.headstart.head.HeadStore;
import dev.headstart.head.TailNetwork;
import dev.headstart.onnx.Attribute;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.GraphBuilder;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.Operator;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.Value;
import dev.headstart.ort.OrtRuntime;
import dev.headstart.ort.Provider;
import dev.headstart.workspace.Workspace;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipInputStream;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * How a tail trains: gradually, with batch norms; and a training that is stopped and goes on gives
 * what an unbroken one gives.
 */
class FineTuningTest {
  private static final int CORES = Runtime.getRuntime().availableProcessors();
  private static final long SEED = Long.getLong("seed", 31);
  private static final int WIDTH = 12;
  private static final int EPOCHS = 5;

  @TempDir Path folder;
  private final Random random = new Random(SEED);
  private Workspace workspace;
  private BaseModels models;
  private int handles;

  @BeforeEach
  void open() {
    System.out.println("seed " + SEED);
    handles = OrtRuntime.openHandles();
    workspace = Workspace.open(folder.resolve("workspace"));
    models = new BaseModels(workspace.models());
  }

  @AfterEach
  void everyHandleIsClosed() {
    workspace.close();
    assertEquals(handles, OrtRuntime.openHandles(), "open native handles");
  }

  private Tensor weight(long... shape) {
    float[] values = new float[(int) Tensor.elements(shape)];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian() / 2;
    }
    return Tensor.of(values, shape);
  }

  /** Two convolutions, with a batch norm and a dropout between them. */
  private void addBase() {
    GraphBuilder g = new GraphBuilder("base", 17);
    Value x = g.input("x", ElementType.FLOAT, -1, WIDTH);
    Value map =
        g.named("map", Operator.RESHAPE, List.of(x, g.constant(Tensor.vector(-1, 3, 2, 2))));
    Value one =
        g.named(
            "one", Operator.CONV, List.of(map, g.initializer("one.weight", weight(6, 3, 1, 1))));
    float[] ones = {1, 1, 1, 1, 1, 1};
    Value norm =
        g.named(
            "norm",
            Operator.BATCH_NORMALIZATION,
            List.of(
                one,
                g.initializer("norm.scale", Tensor.of(ones, 6)),
                g.initializer("norm.bias", Tensor.zeros(ElementType.FLOAT, 6)),
                g.initializer("norm.mean", Tensor.zeros(ElementType.FLOAT, 6)),
                g.initializer("norm.var", Tensor.of(ones, 6))));
    Value dropped =
        g.named("dropped", Operator.DROPOUT, List.of(norm, g.constant(Tensor.scalar(0.3f))));
    Value relu = g.named("relu", Operator.RELU, List.of(dropped));
    Value two =
        g.named(
            "two", Operator.CONV, List.of(relu, g.initializer("two.weight", weight(4, 6, 1, 1))));
    Value last = g.named("last", Operator.RELU, List.of(two));
    Value pooled = g.node(Operator.GLOBAL_AVERAGE_POOL, List.of(last));
    Value flat = g.named("features", Operator.FLATTEN, List.of(pooled), Attribute.axis(1));
    Value answer =
        g.named(
            "answer", Operator.GEMM, List.of(flat, g.initializer("answer.weight", weight(4, 5))));
    OnnxModel model = g.output(answer, ElementType.FLOAT, -1, 5).build();
    Path file = folder.resolve("base.onnx");
    model.write(file);
    models.add(file, "base", null);
  }

  private Path data(int rows) throws IOException {
    StringBuilder lines = new StringBuilder();
    for (int row = 0; row < rows; row++) {
      lines.append("{\"features\": [");
      for (int i = 0; i < WIDTH; i++) {
        double value = random.nextGaussian() + (i == row % 2 ? 1 : 0);
        lines.append(String.format(Locale.ROOT, "%s%.4f", i == 0 ? "" : ", ", value));
      }
      lines.append("], \"label\": \"").append(row % 2 == 0 ? "a" : "b").append("\"}\n");
    }
    return Files.writeString(folder.resolve("data" + rows + ".jsonl"), lines);
  }

  private static RecipeOptions recipe(String kind) {
    return RecipeOptions.of(HeadKind.parse(kind))
        .with(RecipeOptions.OptimizerOptions.rate(0.02))
        .with(RecipeOptions.Passes.of(EPOCHS, 8))
        .with(RecipeOptions.Judging.patience(0))
        .seed(3);
  }

  private static RecipeOptions.FineTuning tuning(
      String unfreeze, Integer gradual, Recipe.BatchNorm batchNorm) {
    return new RecipeOptions.FineTuning(
        unfreeze, List.of(), null, RecipeOptions.Start.FRESH, gradual, batchNorm);
  }

  private TeachRequest request(String head, Path data, String base, RecipeOptions recipe) {
    return new TeachRequest(head, data, base, "auto", recipe, TeachRequest.Promotion.ALWAYS);
  }

  private TeachResult teach(TeachRequest request, TrainingListener listener) {
    return new Teacher(
            new TrainingStores(models, workspace.heads(), workspace.runs(), workspace.features()),
            List.of(Provider.CPU),
            "test",
            ClassNames.AS_TAUGHT,
            CORES,
            FreeMemory::bytes,
            Duration.ZERO)
        .teach(request, listener);
  }

  /** Ends a training behind an epoch, counted over both stages. */
  private static final class Stop implements TrainingListener {
    private final int last;
    private final List<String> stages = new ArrayList<>();
    private int epochs;

    private Stop(int last) {
      this.last = last;
    }

    @Override
    public void stage(String name, long total) {
      stages.add(name);
    }

    @Override
    public void epoch(Epoch epoch) {
      if (++epochs == last) {
        throw new IllegalStateException("stopped");
      }
    }
  }

  private String model(String head) {
    Map<String, String> files = workspace.heads().loadLive(head).manifest().files();
    return files.get(HeadStore.MODEL) + " " + files.get(HeadStore.JUDGED);
  }

  @ParameterizedTest
  @CsvSource({
    "linear, , 1",
    "linear, , 3",
    "mlp:4, , 5",
    "linear, , 7",
    "tail, one, 1",
    "tail, one, 2",
    "tail, one, 4",
    "tail, one, 6",
    "tail, all, 2",
    "tail, all, 6"
  })
  void aStoppedTrainingGoesOnToTheSameWeights(String kind, String from, int stop)
      throws IOException {
    RecipeOptions options = recipe(from == null ? kind : "tail");
    String base = null;
    if (from != null) {
      addBase();
      base = "base";
      options =
          options.with(
              tuning(
                  from, 2, from.equals("all") ? Recipe.BatchNorm.TRAIN : Recipe.BatchNorm.FROZEN));
    }
    Path data = data(40);
    // The head's name decides the split, so the unbroken one has the same, in a place of its own.
    TeachRequest request = request("it", data, base, options);
    assertThrows(IllegalStateException.class, () -> teach(request, new Stop(stop)));
    assertTrue(Files.exists(workspace.heads().run("it")));
    Stop listener = new Stop(0);
    TeachResult resumed = teach(request.resumed(), listener);
    assertFalse(Files.exists(workspace.heads().run("it")), "over");
    String broken = model("it");
    Path others = folder.resolve("others");
    try (Workspace other = Workspace.open(others)) {
      BaseModels same = new BaseModels(other.models());
      if (base != null) {
        same.add(folder.resolve("base.onnx"), "base", null);
      }
      TeachResult whole =
          new Teacher(
                  new TrainingStores(same, other.heads(), other.runs(), other.features()),
                  List.of(Provider.CPU),
                  "test",
                  ClassNames.AS_TAUGHT,
                  CORES,
                  FreeMemory::bytes,
                  Duration.ofDays(1))
              .teach(request, TrainingListener.NONE);
      Map<String, String> files = other.heads().loadLive("it").manifest().files();
      assertEquals(files.get(HeadStore.MODEL) + " " + files.get(HeadStore.JUDGED), broken);
      for (int i = 0; i < EPOCHS; i++) {
        assertEquals(whole.history().get(i).trainLoss(), resumed.history().get(i).trainLoss());
        assertEquals(
            whole.history().get(i).validation().loss(),
            resumed.history().get(i).validation().loss());
      }
      assertEquals(whole.validation().loss(), resumed.validation().loss());
    }
    assertTrue(listener.epochs > 0 || stop == EPOCHS, "went on");
  }

  @Test
  void theClassifierTrainsAloneAtFirst() throws IOException {
    addBase();
    TeachRequest request =
        request("it", data(40), "base", recipe("tail").with(tuning("one", 2, null)));
    assertThrows(IllegalStateException.class, () -> teach(request, new Stop(2)));
    assertEquals(Set.of("output.weight", "output.bias"), saved().weights().keySet());
    // The last epoch is told once more, then comes the next.
    assertThrows(IllegalStateException.class, () -> teach(request.resumed(), new Stop(2)));
    assertTrue(saved().weights().containsKey("two.weight"), saved().weights().toString());
    assertEquals(4, saved().optimizer().step(), "moments begin anew where the layers join");
  }

  private Checkpoint saved() throws IOException {
    try (ZipFile zip = new ZipFile(workspace.heads().run("it").toFile())) {
      return Checkpoint.read(zip.getInputStream(zip.getEntry(Artifacts.CHECKPOINT)).readAllBytes());
    }
  }

  @Test
  void runningStatisticsMoveOnlyWhereAsked() throws IOException {
    addBase();
    Path data = data(40);
    Map<String, Tensor> base = models.get("base").model().initializers();
    for (Recipe.BatchNorm how : Recipe.BatchNorm.values()) {
      RecipeOptions options = recipe("tail").with(tuning("all", null, how));
      teach(request("it", data, "base", options), TrainingListener.NONE);
      OnnxModel model = OnnxModel.read(workspace.heads().loadLive("it").model());
      Map<String, Tensor> after = model.initializers();
      boolean moved = how == Recipe.BatchNorm.TRAIN;
      for (String name : List.of("norm.mean", "norm.var")) {
        assertEquals(moved, !base.get(name).equals(after.get(name)), how + " " + name);
      }
      TailNetwork.requireModel(
          model, workspace.heads().loadLive("it").manifest(), models.get("base"));
    }
    TeachRequest linear =
        request(
            "it", data, null, recipe("linear").with(tuning(null, null, Recipe.BatchNorm.TRAIN)));
    refused(linear, "--unfreeze");
    refused(request("it", data, null, recipe("linear").with(tuning(null, 2, null))), "--unfreeze");
    RecipeOptions whole = recipe("tail").with(tuning("all", EPOCHS, null));
    refused(request("it", data, "base", whole), "must leave epochs");
  }

  @Test
  void whatCannotGoOnIsTold() throws IOException {
    Path data = data(40);
    TeachRequest request = request("it", data, null, recipe("linear"));
    refused(request.resumed(), "no training of this head was stopped");
    assertThrows(IllegalStateException.class, () -> teach(request, new Stop(2)));
    refused(request("it", data(42), null, recipe("linear")).resumed(), "other samples");
    refused(request("it", data, null, recipe("mlp:3")).resumed(), "kind was");
    String other =
        assertThrows(
                UsageException.class,
                () ->
                    teach(
                        request("it", data, null, recipe("linear").seed(99)).resumed(),
                        TrainingListener.NONE))
            .getMessage();
    assertTrue(other.contains("seed was ") && other.contains("is 99"), other);
    Path run = workspace.heads().run("it");
    byte[] saved = Files.readAllBytes(run);
    for (byte[] broken : damaged(saved)) {
      Files.write(run, broken);
      damaged(request);
    }
    Files.delete(run);
    Files.createDirectory(run);
    damaged(request);
    Files.delete(run);
    if (new ProcessBuilder("mkfifo", run.toString()).start().onExit().join().exitValue() == 0) {
      assertTimeoutPreemptively(Duration.ofSeconds(60), () -> damaged(request));
      Files.delete(run);
    }
    Files.write(run, saved);
    teach(request.resumed(), TrainingListener.NONE);
    refused(request.resumed(), "no training of this head was stopped");
    assertNotEquals("", model("it"));
  }

  private void damaged(TeachRequest request) {
    BadInputException e =
        assertThrows(
            BadInputException.class, () -> teach(request.resumed(), TrainingListener.NONE));
    assertTrue(e.getMessage().contains("damaged: leave out --resume"), e.getMessage());
  }

  /** A file of a run, broken in several ways: as a whole, in a number, and in whole entries. */
  private static List<byte[]> damaged(byte[] saved) throws IOException {
    List<byte[]> broken = new ArrayList<>();
    broken.add(new byte[] {1, 2, 3});
    broken.add(new byte[0]);
    broken.add(Arrays.copyOf(saved, saved.length / 2));
    byte[] flipped = saved.clone();
    flipped[saved.length / 2] ^= 16;
    broken.add(flipped);
    for (String name : List.of("run.json", "checkpoint", "best")) {
      for (int how = 0; how < 2; how++) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ZipInputStream in = new ZipInputStream(new ByteArrayInputStream(saved));
            ZipOutputStream out = new ZipOutputStream(bytes)) {
          for (ZipEntry entry = in.getNextEntry(); entry != null; entry = in.getNextEntry()) {
            byte[] content = in.readAllBytes();
            if (entry.getName().equals(name)) {
              content =
                  how == 0 ? new byte[content.length] : Arrays.copyOf(content, content.length / 2);
            }
            out.putNextEntry(new ZipEntry(entry.getName()));
            out.write(content);
          }
        }
        broken.add(bytes.toByteArray());
      }
    }
    return broken;
  }

  private void refused(TeachRequest request, String why) {
    UsageException e =
        assertThrows(UsageException.class, () -> teach(request, TrainingListener.NONE));
    assertTrue(e.getMessage().contains(why), e.getMessage());
  }
}
