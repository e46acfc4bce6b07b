package dev.headstart.head;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.headstart.confidence.Novelty;
import dev.headstart.error.BadInputException;
import dev.headstart.onnx.Attribute;
import dev.headstart.onnx.GraphBuilder;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.Operator;
import dev.headstart.onnx.Tensor;
import dev.headstart.ort.InferenceSession;
import dev.headstart.ort.SessionSettings;
import dev.headstart.sample.Modality;
import dev.headstart.sample.Task;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The model of a novelty in ONNX Runtime against the numbers in Java. */
class NoveltyModelTest {
  private static final long SEED = Long.getLong("seed", 5);

  private static Tensor random(Random random, long... shape) {
    float[] values = new float[(int) Tensor.elements(shape)];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (random.nextGaussian() + 0.5 + i % 3);
    }
    return Tensor.of(values, shape);
  }

  private static Novelty novelty(Random random, int width, int classes, boolean normalised) {
    float[][] rows = new float[60][];
    int[] labels = new int[60];
    for (int n = 0; n < rows.length; n++) {
      labels[n] = n % classes;
      rows[n] = random(random, width).floats();
      rows[n][labels[n] % width] += 4;
    }
    return Novelty.fit(60, n -> rows[n], labels, classes, normalised).orElseThrow();
  }

  private static HeadManifest manifest(long[] cut, int classes) {
    List<String> names = List.of("a", "b", "c", "d").subList(0, classes);
    return new HeadManifest(
        HeadManifest.FORMAT,
        "head",
        1,
        Task.SINGLE,
        new HeadKind.Linear(),
        Modality.VECTOR,
        null,
        null,
        cut,
        List.of(),
        names,
        null,
        null,
        null,
        Map.of());
  }

  @ParameterizedTest
  @CsvSource({"3,true,1", "3,false,1", "3,true,2", "2,true,3", "1,false,1", "1,true,2"})
  void onnxRuntimeSaysTheSame(int classes, boolean normalised, int rank) {
    System.out.println("seed " + SEED);
    Random random = new Random(SEED);
    Novelty novelty = novelty(random, 8, classes, normalised);
    long[] cut = rank == 1 ? new long[] {8} : rank == 2 ? new long[] {-1, 8} : new long[] {8, 3, 2};
    OnnxModel model = NoveltyModel.of(novelty, cut);
    OnnxModel read = OnnxModel.read(model.toBytes(), "novelty");
    assertEquals(novelty, NoveltyModel.read(read, manifest(cut, Math.max(2, classes))));
    try (InferenceSession session = InferenceSession.open(read, SessionSettings.cpu(1))) {
      for (int batch : new int[] {1, 5}) {
        long[] shape = rank == 1 ? new long[] {batch, 8} : new long[] {batch, 8, 3, 2};
        shape = rank == 2 ? new long[] {batch, 7, 8} : shape;
        Tensor features = random(random, shape);
        float[] found =
            session.run(Map.of(HeadNetwork.FEATURES, features)).get(NoveltyModel.NOVELTY).floats();
        assertEquals(batch, found.length);
        int each = (int) features.elements() / batch;
        for (int n = 0; n < batch; n++) {
          float[] one = new float[each];
          System.arraycopy(features.floats(), n * each, one, 0, each);
          long[] single = shape.clone();
          single[0] = 1;
          double expected = novelty.of(Pooling.pool(Tensor.of(one, single)));
          assertEquals(expected, found[n], 1e-3 * expected);
        }
      }
    }
  }

  @Test
  void whatHeadstartWouldNotWriteIsRefused() {
    Novelty novelty = novelty(new Random(SEED), 8, 3, true);
    long[] cut = {8};
    HeadManifest manifest = manifest(cut, 3);
    OnnxModel good = NoveltyModel.of(novelty, cut);
    refused(good, manifest(new long[] {9}, 3));
    refused(good, manifest(cut, 2));
    GraphBuilder more = new GraphBuilder(good);
    more.node(Operator.SOFTMAX, List.of(more.value(NoveltyModel.NOVELTY)), Attribute.axis(0));
    refused(more.build(), manifest);
    for (String key : List.of("headstart.novelty.limits", "headstart.novelty.samples")) {
      for (String value : List.of("", "NaN", "1,2,3", "-4", "8,7,6,5,4,3,2,1", "x")) {
        refused(new GraphBuilder(good).metadata(key, value).build(), manifest);
      }
    }
    float[] nan = novelty.means().clone();
    nan[3] = Float.NaN;
    refused(
        NoveltyModel.of(
            new Novelty(
                true,
                novelty.centre(),
                novelty.scale(),
                novelty.precision(),
                novelty.directions(),
                nan,
                novelty.offsets(),
                novelty.limits(),
                60),
            cut),
        manifest);
    refused(new GraphBuilder("empty", 17).build(), manifest);
  }

  private static void refused(OnnxModel model, HeadManifest manifest) {
    assertThrows(BadInputException.class, () -> NoveltyModel.read(model, manifest));
  }
}
