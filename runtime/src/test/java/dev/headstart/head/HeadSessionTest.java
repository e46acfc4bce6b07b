package dev.headstart.head;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.headstart.error.BadInputException;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.Tensor;
import dev.headstart.ort.InferenceSession;
import dev.headstart.ort.OrtRuntime;
import dev.headstart.ort.SessionSettings;
import dev.headstart.sample.Modality;
import dev.headstart.sample.Task;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class HeadSessionTest {
  private static final long SEED = Long.getLong("seed", 17);
  private final Random random = new Random(SEED);
  private int handles;

  @TempDir Path folder;

  @BeforeEach
  void countHandles() {
    System.out.println("HeadSessionTest: seed " + SEED);
    handles = OrtRuntime.openHandles();
  }

  @AfterEach
  void everyHandleIsClosed() {
    assertEquals(handles, OrtRuntime.openHandles(), "open native handles");
  }

  private float[] values(int length) {
    float[] values = new float[length];
    for (int i = 0; i < length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  private Tensor random(long... shape) {
    return Tensor.of(values((int) Tensor.elements(shape)), shape);
  }

  /** A head with random weights in every layer. */
  private HeadNetwork network(HeadKind kind, int width, int outputs) {
    if (kind instanceof HeadKind.Prototype) {
      float[][] means = new float[outputs][];
      for (int c = 0; c < outputs; c++) {
        means[c] = values(width);
      }
      return HeadNetwork.prototype(means, 3);
    }
    Scaling scaling = new Scaling(values(width), values(random.nextBoolean() ? width : 1));
    HeadNetwork fresh = HeadNetwork.fresh(kind, scaling, outputs, SEED);
    Map<String, Tensor> weights = new java.util.LinkedHashMap<>();
    fresh
        .weights()
        .forEach(
            (name, weight) -> {
              Tensor some = random(weight.shape());
              weights.put(name, some);
            });
    return fresh.with(weights);
  }

  private record Head(HeadManifest manifest, OnnxModel model, Path file) {}

  private Head head(HeadKind kind, Task task, long[] cut, int outputs) {
    OnnxModel model =
        network(kind, Pooling.width(cut), outputs)
            .model(cut, task, new Scaling(values(1), values(1)), HeadNetwork.OPSET);
    Path file = folder.resolve("head-" + random.nextLong() + ".onnx");
    model.write(file);
    return new Head(manifest(kind, task, cut, outputs), model, file);
  }

  private static HeadManifest manifest(HeadKind kind, Task task, long[] cut, int outputs) {
    List<String> classes =
        task == Task.REGRESSION
            ? List.of()
            : IntStream.range(0, outputs).mapToObj(i -> "c" + i).toList();
    return new HeadManifest(
        1,
        "h",
        1,
        task,
        kind,
        Modality.VECTOR,
        null,
        null,
        cut,
        List.of(),
        classes,
        null,
        null,
        null,
        Map.of());
  }

  private static final List<long[]> CUTS =
      List.of(new long[] {12}, new long[] {-1, 12}, new long[] {12, -1, 3}, new long[] {12, 2, 3});

  static Stream<Arguments> heads() {
    List<Arguments> all = new ArrayList<>();
    for (String kind : List.of("linear", "mlp:7", "prototype")) {
      for (Task task : Task.values()) {
        for (int cut = 0; cut < CUTS.size(); cut++) {
          if (task != Task.REGRESSION || !kind.equals("prototype")) {
            all.add(Arguments.of(kind, task, cut));
          }
        }
      }
    }
    return all.stream();
  }

  /** The batch's free dimensions are 5. */
  private Tensor batch(long[] cut, int samples) {
    long[] shape = new long[cut.length + 1];
    shape[0] = samples;
    for (int i = 0; i < cut.length; i++) {
      shape[i + 1] = cut[i] < 0 ? 5 : cut[i];
    }
    return random(shape);
  }

  /** Heads of other sizes share the session and must not be taken for each other. */
  @ParameterizedTest
  @MethodSource("heads")
  void stackedHeadsScoreAsTheirStoredModels(String kind, Task task, int cutIndex) {
    long[] cut = CUTS.get(cutIndex);
    boolean regression = task == Task.REGRESSION;
    try (HeadSessions pool = new HeadSessions()) {
      List<Head> heads =
          List.of(
              head(HeadKind.parse(kind), task, cut, regression ? 1 : 4),
              head(HeadKind.parse(kind.replace("7", "9")), task, cut, regression ? 1 : 2),
              head(HeadKind.parse(kind), task, cut, regression ? 1 : 4));
      List<HeadSession> sessions =
          heads.stream().map(head -> pool.open(head.manifest(), head.file())).toList();
      assertEquals(handles + 1 + heads.size(), OrtRuntime.openHandles());
      for (int i = 0; i < heads.size(); i++) {
        try (HeadSession own = HeadSession.open(heads.get(i).manifest(), heads.get(i).file());
            InferenceSession stored =
                InferenceSession.open(heads.get(i).model(), SessionSettings.cpu(1))) {
          for (int samples : new int[] {1, 3, 0}) {
            Tensor batch = batch(cut, samples);
            Tensor expected = stored.run(Map.of("features", batch)).get("scores");
            for (HeadSession session : List.of(sessions.get(i), own)) {
              Tensor scores = session.scores(batch);
              assertArrayEquals(expected.shape(), scores.shape());
              assertClose(expected.floats(), scores.floats());
            }
          }
        }
      }
      sessions.forEach(HeadSession::close);
      sessions.forEach(HeadSession::close);
    }
  }

  private static void assertClose(float[] expected, float[] scores) {
    for (int i = 0; i < expected.length; i++) {
      assertEquals(expected[i], scores[i], 1e-6 * Math.max(1, Math.abs(expected[i])), "score " + i);
    }
  }

  @Test
  void samplesOfUnlikeShapesAreScoredOneByOne() {
    Head head = head(new HeadKind.Linear(), Task.SINGLE, new long[] {-1, 12}, 3);
    try (HeadSession session = HeadSession.open(head.manifest(), head.file())) {
      List<Tensor> samples = List.of(random(1, 4, 12), random(1, 4, 12), random(1, 2, 12));
      float[] all = session.scores(samples);
      for (int i = 0; i < samples.size(); i++) {
        float[] one = session.scores(samples.get(i)).floats();
        assertArrayEquals(one, java.util.Arrays.copyOfRange(all, 3 * i, 3 * i + 3), 1e-6f);
      }
    }
  }

  /** A vector of one feature would be stretched to the head's width by the graph. */
  @Test
  void featuresOfAnotherShapeAreRefused() {
    Head head = head(new HeadKind.Linear(), Task.SINGLE, new long[] {12}, 3);
    try (HeadSession session = HeadSession.open(head.manifest(), head.file())) {
      for (Tensor wrong :
          List.of(
              random(2, 1),
              random(2, 13),
              random(12),
              random(1, 12, 1),
              Tensor.zeros(ElementType.DOUBLE, 1, 12))) {
        var error = assertThrows(BadInputException.class, () -> session.scores(wrong));
        assertTrue(error.getMessage().contains("[12]"), error.getMessage());
        assertThrows(BadInputException.class, () -> session.scores(List.of(wrong)));
      }
    }
    HeadSession closed = HeadSession.open(head.manifest(), head.file());
    closed.close();
    assertThrows(IllegalStateException.class, () -> closed.scores(random(1, 12)));
  }

  @Test
  void whatIsNoModelIsRefused() throws Exception {
    Head head = head(new HeadKind.Linear(), Task.SINGLE, new long[] {12}, 3);
    Files.write(head.file(), new byte[] {1, 2, 3});
    assertThrows(BadInputException.class, () -> HeadSession.open(head.manifest(), head.file()));
  }

  @Test
  void aClosedPoolOpensNothing() {
    Head head = head(new HeadKind.Linear(), Task.SINGLE, new long[] {12}, 3);
    HeadSessions pool = new HeadSessions();
    pool.close();
    pool.close();
    assertThrows(IllegalStateException.class, () -> pool.open(head.manifest(), head.file()));
  }

  /**
   * In a process of its own whose heap is resident from the start, so that what else becomes
   * resident is native.
   */
  @Test
  void aThousandHeadsCostLittleBeyondTheirWeights() throws Exception {
    assumeTrue(Files.exists(Path.of("/proc/self/statm")), "no /proc/self/statm to measure by");
    Head head = head(new HeadKind.Linear(), Task.SINGLE, new long[] {64}, 10);
    long weights =
        head.model().initializers().values().stream().mapToLong(t -> t.data().remaining()).sum();
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xms128m",
                "-Xmx128m",
                "-XX:+AlwaysPreTouch",
                "-cp",
                System.getProperty("java.class.path"),
                Stack.class.getName(),
                head.file().toString())
            .redirectErrorStream(true)
            .start();
    String output = new String(process.getInputStream().readAllBytes());
    assertEquals(0, process.waitFor(), output);
    String[] grown = output.lines().reduce((first, last) -> last).orElseThrow().split(" ");
    long heap = Long.parseLong(grown[0]);
    long resident = Long.parseLong(grown[1]);
    System.out.printf(
        "a head of %d bytes of weights: heap %d, native %d bytes%n", weights, heap, resident);
    assertTrue(heap + resident < weights + 20_000, output);
  }

  /** Opens heads and prints by how many bytes a head the heap and the native memory grew. */
  public static final class Stack {
    private static final int HEADS = 1000;

    private Stack() {}

    public static void main(String[] args) throws Exception {
      Path file = Path.of(args[0]);
      HeadManifest manifest = manifest(new HeadKind.Linear(), Task.SINGLE, new long[] {64}, 10);
      try (HeadSessions pool = new HeadSessions()) {
        List<HeadSession> heads = new ArrayList<>();
        Tensor sample = Tensor.of(new float[64], 1, 64);
        float[] expected = {};
        for (int i = 0; i < 10 * HEADS; i++) { // so that what grows once has grown: compiled code
          try (HeadSession once = pool.open(manifest, file)) {
            expected = once.scores(sample).floats();
          }
        }
        long heap = heap();
        long resident = resident();
        for (int i = 0; i < HEADS; i++) {
          heads.add(pool.open(manifest, file));
          assertArrayEquals(expected, heads.get(i).scores(sample).floats());
        }
        long heapGrown = heap() - heap;
        long residentGrown = resident() - resident;
        heads.forEach(HeadSession::close);
        System.out.println(heapGrown / HEADS + " " + residentGrown / HEADS);
      }
    }

    private static long heap() throws InterruptedException {
      for (int i = 0; i < 3; i++) {
        System.gc();
        Thread.sleep(20); // direct buffers are freed after the collection
      }
      return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
    }

    private static long resident() throws Exception {
      String[] pages = Files.readString(Path.of("/proc/self/statm")).split(" ");
      return Long.parseLong(pages[1]) * 4096;
    }
  }
}
