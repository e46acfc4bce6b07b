package dev.headstart.bench.load;

import com.github.freva.asciitable.AsciiTable;
import com.github.freva.asciitable.Column;
import com.github.freva.asciitable.HorizontalAlign;
import dev.headstart.Headstart;
import dev.headstart.bench.load.Generator.Result;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.GraphBuilder;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.Operator;
import dev.headstart.onnx.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;

/**
 * What serving adds to a bare call of a model, and what it leaves of the machine's throughput:
 * against a loop over {@code OrtSession} in this process, and against an empty route of the same
 * HTTP server. Everything in one run, in rounds, of which the middle one counts; read the ratios.
 *
 * <pre>
 * mvn -q -B -DskipTests package
 * java -cp "bench/target/classes:bench/target/lib/*" dev.headstart.bench.load.LoadTest
 * java -cp "bench/target/classes:bench/target/lib/*" dev.headstart.bench.load.LoadTest \
 *     --seconds 5 --rounds 5
 * </pre>
 *
 * <p>Columns: <i>alone</i> is a closed loop of one caller, median and 99th percentile in
 * microseconds, and what it adds to the bare call's median; <i>half load</i> is an open loop at
 * half the throughput, latency counted from when a request was due; <i>per second</i> is a closed
 * loop of 32 callers (4 for pictures).
 */
public final class LoadTest {
  private static final int CALLERS = 32;
  private static final int PICTURE_CALLERS = 4;

  private final double seconds;
  private final int rounds;
  private final String only;
  private final Map<String, Row> rows = new LinkedHashMap<>();

  private LoadTest(double seconds, int rounds, String only) {
    this.seconds = seconds;
    this.rounds = rounds;
    this.only = only;
  }

  /** Connections for so many callers. */
  private interface Callers {
    List<Connection> connect(int callers) throws IOException;
  }

  /** A line of the table, and what it is compared with. */
  private static final class Row {
    final List<Double> median = new ArrayList<>();
    final List<Double> p99 = new ArrayList<>();
    final List<Double> perSecond = new ArrayList<>();
    final List<Double> halfMedian = new ArrayList<>();
    final List<Double> halfP99 = new ArrayList<>();
    final String bare;

    Row(String bare) {
      this.bare = bare;
    }

    static double middle(List<Double> values) {
      return values.isEmpty()
          ? Double.NaN
          : values.stream().sorted().toList().get(values.size() / 2);
    }
  }

  /**
   * Runs it; options {@code --seconds N} a measurement, {@code --rounds N}, and {@code --only TEXT}
   * for lines that have it in their name, beside those that they are compared with.
   */
  public static void main(String[] arguments) throws Exception {
    Map<String, String> options = options(arguments);
    new LoadTest(
            Double.parseDouble(options.getOrDefault("--seconds", "3")),
            Integer.parseInt(options.getOrDefault("--rounds", "3")),
            options.getOrDefault("--only", ""))
        .run();
  }

  static Map<String, String> options(String[] arguments) {
    Map<String, String> options = new LinkedHashMap<>();
    for (int i = 0; i + 1 < arguments.length; i += 2) {
      options.put(arguments[i], arguments[i + 1]);
    }
    return options;
  }

  /** A linear layer with weights out of a seed. */
  static OnnxModel linear(int inputs, int outputs) {
    Random random = new Random(7);
    float[] weights = new float[inputs * outputs];
    for (int i = 0; i < weights.length; i++) {
      weights[i] = (float) random.nextGaussian();
    }
    GraphBuilder graph = new GraphBuilder("linear", 18);
    var x = graph.input("x", ElementType.FLOAT, -1, inputs);
    var weight = graph.initializer("weight", Tensor.of(weights, inputs, outputs));
    var bias = graph.initializer("bias", Tensor.of(new float[outputs], outputs));
    return graph
        .output(
            graph.named("y", Operator.GEMM, List.of(x, weight, bias)),
            ElementType.FLOAT,
            -1,
            outputs)
        .build();
  }

  static float[] values(int count) {
    Random random = new Random(8);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  private void run() throws Exception {
    Path folder = Files.createTempDirectory("headstart-load");
    Path workspace = folder.resolve("workspace");
    OnnxModel linear = linear(64, 10);
    byte[] picture;
    try (Headstart headstart = Headstart.open(workspace)) {
      Path file = folder.resolve("linear.onnx");
      linear.write(file);
      headstart.models().add(file, "linear", null);
      picture = headstart.models().get("efficientnet-lite0").model().proto().toByteArray();
    }
    float[] small = values(64);
    float[] pixels = values(3 * 224 * 224);
    long[] smallShape = {1, 64};
    long[] pixelShape = {1, 3, 224, 224};
    Requests quick = new Requests("linear", "x", small, smallShape);
    Requests slow = new Requests("efficientnet-lite0", "pixels", pixels, pixelShape);
    int cores = Runtime.getRuntime().availableProcessors();
    try (BareLoop linearOne = new BareLoop(linear.proto().toByteArray(), small, smallShape, 1);
        BareLoop pictureOne = new BareLoop(picture, pixels, pixelShape, 1);
        BareLoop pictureAll = new BareLoop(picture, pixels, pixelShape, 0);
        ServerProcess empty = ServerProcess.emptyRoute();
        ServerProcess server = ServerProcess.headstart(workspace)) {
      System.out.printf(
          Locale.ROOT,
          "%d cores; ready after %.1f s, %d MB resident%n",
          cores,
          server.secondsToReady,
          server.residentMegabytes());
      for (int round = -1; round < rounds; round++) {
        // The first one is for the compilers, and forgotten.
        boolean warm = round < 0;
        sockets(warm, "empty route", null, CALLERS, n -> Requests.empty(empty.port, n));
        bare(warm, "linear, bare", linearOne, 1, cores);
        sockets(warm, "linear, JSON", "linear, bare", CALLERS, n -> quick.json(server.port, n));
        sockets(warm, "linear, binary", "linear, bare", CALLERS, n -> quick.binary(server.port, n));
        sockets(warm, "linear, gRPC", "linear, bare", CALLERS, n -> quick.grpc(server.grpcPort, n));
        bare(warm, "picture, bare, 1 thread", pictureOne, 1, cores);
        bare(warm, "picture, bare, all threads", pictureAll, 1, 1);
        sockets(
            warm,
            "picture, binary",
            "picture, bare",
            PICTURE_CALLERS,
            n -> slow.binary(server.port, n));
        sockets(
            warm,
            "picture, gRPC",
            "picture, bare",
            PICTURE_CALLERS,
            n -> slow.grpc(server.grpcPort, n));
        System.err.println(warm ? "warm" : "round " + (round + 1) + " of " + rounds);
      }
      print();
      System.out.printf(Locale.ROOT, "%d MB resident after it%n", server.residentMegabytes());
    }
  }

  private void bare(boolean warm, String name, BareLoop loop, int one, int many) throws Exception {
    Result alone = loop.run(one, seconds);
    Result saturated = loop.run(many, seconds);
    if (!warm) {
      Row row = rows.computeIfAbsent(name, n -> new Row(null));
      row.median.add(alone.micros(50));
      row.p99.add(alone.micros(99));
      row.perSecond.add(saturated.perSecond());
    }
  }

  private void sockets(boolean warm, String name, String bare, int callers, Callers target)
      throws IOException {
    if (bare != null && !name.contains(only)) {
      return;
    }
    Result saturated = measure(target, callers, g -> g.saturate(warm ? 3 * seconds : seconds));
    Result alone = measure(target, 1, g -> g.saturate(seconds));
    if (warm) {
      return;
    }
    double half = saturated.perSecond() / 2;
    Result open = measure(target, callers, g -> g.rate(half, seconds));
    Row row = rows.computeIfAbsent(name, n -> new Row(bare));
    row.median.add(alone.micros(50));
    row.p99.add(alone.micros(99));
    row.perSecond.add(saturated.perSecond());
    row.halfMedian.add(open.micros(50));
    row.halfP99.add(open.micros(99));
  }

  /** One way of asking. */
  private interface Measurement {
    Result of(Generator generator) throws IOException;
  }

  private static Result measure(Callers target, int callers, Measurement measurement)
      throws IOException {
    try (Generator generator = new Generator(target.connect(callers))) {
      return measurement.of(generator);
    }
  }

  /** The best that a bare loop gave: of several with this name's beginning. */
  private double best(String prefix, Comparator<Double> order, boolean latency) {
    return rows.entrySet().stream()
        .filter(entry -> entry.getKey().startsWith(prefix))
        .map(entry -> Row.middle(latency ? entry.getValue().median : entry.getValue().perSecond))
        .min(order)
        .orElseThrow();
  }

  private void print() {
    double empty = Row.middle(rows.get("empty route").perSecond);
    List<String[]> lines = new ArrayList<>();
    for (Map.Entry<String, Row> entry : rows.entrySet()) {
      Row row = entry.getValue();
      String added = "";
      String ratio = "";
      if (row.bare != null) {
        double bare = best(row.bare, Comparator.naturalOrder(), true);
        double most = best(row.bare, Comparator.reverseOrder(), false);
        double more = Row.middle(row.median) - bare;
        added = number(more) + " (" + number(100 * more / bare) + " %)";
        ratio = String.format(Locale.ROOT, "%.2f", Row.middle(row.perSecond) / most);
      }
      lines.add(
          new String[] {
            entry.getKey(),
            number(Row.middle(row.median)),
            number(Row.middle(row.p99)),
            added,
            number(Row.middle(row.halfMedian)),
            number(Row.middle(row.halfP99)),
            number(Row.middle(row.perSecond)),
            ratio,
            String.format(Locale.ROOT, "%.2f", Row.middle(row.perSecond) / empty)
          });
    }
    String[] names = {
      "",
      "alone, median",
      "99 %",
      "added",
      "half load, median",
      "99 %",
      "per second",
      "of bare",
      "of empty"
    };
    List<Column> columns = new ArrayList<>();
    for (int i = 0; i < names.length; i++) {
      columns.add(
          new Column()
              .header(names[i])
              .dataAlign(i == 0 ? HorizontalAlign.LEFT : HorizontalAlign.RIGHT));
    }
    System.out.println(
        AsciiTable.getTable(
            AsciiTable.NO_BORDERS, columns.toArray(Column[]::new), lines.toArray(String[][]::new)));
  }

  private static String number(double value) {
    return Double.isNaN(value)
        ? ""
        : String.format(Locale.ROOT, Math.abs(value) < 100 ? "%.1f" : "%,.0f", value);
  }
}
