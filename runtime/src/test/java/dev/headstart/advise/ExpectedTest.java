package dev.headstart.advise;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.Shared;
import dev.headstart.SharedFeatures;
import dev.headstart.backbone.BaseModels;
import dev.headstart.ort.Provider;
import dev.headstart.sample.DataSet;
import dev.headstart.sample.DataSource;
import dev.headstart.sample.Item;
import dev.headstart.sample.Items;
import dev.headstart.sample.LabeledSample;
import dev.headstart.sample.StoredDataSet;
import dev.headstart.train.TrainingListener;
import dev.headstart.workspace.Workspace;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * How often the interval holds what comes: of resamplings of 600 samples, each with a part that is
 * advised on and the rest that judges. {@code -Dresamplings=} and {@code -Dmost=} (samples of the
 * part, 300 for docs/advice.md) make it longer.
 */
class ExpectedTest {
  private static final long SEED = Long.getLong("seed", 3);
  private static final int RESAMPLINGS = Integer.getInteger("resamplings", 12);
  private static final int LEAST = 100;
  private static final int MOST = Integer.getInteger("most", 120);

  @TempDir private Path folder;

  @ParameterizedTest
  @CsvSource({
    "data/fashion/train, data/fashion/test",
    "data/mail/train.jsonl, data/mail/test.jsonl"
  })
  void theIntervalHoldsWhatComes(String first, String second) {
    System.out.println("seed " + SEED + ", resamplings " + RESAMPLINGS + ", most " + MOST);
    List<LabeledSample> samples = new ArrayList<>();
    DataSet one = DataSet.open(Shared.path(first));
    read(one, samples);
    read(DataSet.open(Shared.path(second)), samples);
    DataSource all = new StoredDataSet(first, one.modality(), one.task(), samples);
    Study study;
    try (Workspace workspace = Workspace.open(folder)) {
      study =
          new Advisor(
                  new BaseModels(workspace.models()),
                  workspace.heads(),
                  SharedFeatures.STORE,
                  List.of(Provider.CPU),
                  Runtime.getRuntime().availableProcessors())
              .study(new AdviceRequest(all, null, "auto", null), TrainingListener.NONE);
    }
    Resampling.Judges judges = new Resampling.Judges(study);
    Random random = new Random(SEED);
    int held = 0;
    int close = 0;
    double regret = 0;
    for (int i = 0; i < RESAMPLINGS; i++) {
      List<Integer> order =
          new ArrayList<>(IntStream.range(0, study.labels().size()).boxed().toList());
      Collections.shuffle(order, random);
      int part = LEAST + random.nextInt(MOST - LEAST + 1);
      Resampling resampling = new Resampling(judges, order.subList(0, part));
      Advice.Expected expected = resampling.expected();
      double comes = resampling.accuracy(resampling.chosen());
      held += expected.low() <= comes && comes <= expected.high() ? 1 : 0;
      double lost = regret(resampling);
      regret += lost / RESAMPLINGS;
      close += lost <= 0.0101 ? 1 : 0;
    }
    System.out.printf(
        Locale.ROOT,
        "%s: %d of %d intervals hold; mean regret %.4f, within a point of the best %d%n",
        first,
        held,
        RESAMPLINGS,
        regret,
        close);
    assertTrue(held >= 0.9 * RESAMPLINGS, held + " of " + RESAMPLINGS);
  }

  /** What the best tap would have given more; only where it is asked for, as it takes long. */
  private static double regret(Resampling resampling) {
    return Boolean.getBoolean("regret")
        ? resampling.best() - resampling.accuracy(resampling.chosen())
        : 0;
  }

  private static void read(DataSet data, List<LabeledSample> samples) {
    try (Items items = data.items()) {
      while (items.hasNext()) {
        Item item = items.next();
        if (item instanceof LabeledSample labeled) {
          samples.add(labeled);
        }
      }
    }
  }
}
