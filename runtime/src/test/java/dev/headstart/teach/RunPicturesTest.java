package dev.headstart.teach;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.Headstart;
import dev.headstart.Shared;
import dev.headstart.Training;
import dev.headstart.ort.OrtRuntime;
import dev.headstart.predict.Predictor;
import dev.headstart.sample.ImageSample;
import dev.headstart.serving.ModelRepository;
import dev.headstart.serving.ServingListener;
import dev.headstart.serving.ServingSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A fifth class is taught to a head on photos: the four that it knows stay known. */
@Timeout(180)
class RunPicturesTest {
  private static final String HEAD = "seen";
  private static final int SHOWN = 15;

  @TempDir Path folder;

  private static List<Path> files(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.sorted().toList();
    }
  }

  private static void show(Teaching teaching, List<Path> files, String label) throws IOException {
    List<NewSample> samples = new ArrayList<>();
    for (Path file : files) {
      samples.add(NewSamples.picture(file, label));
    }
    teaching.add(HEAD, HeadDraft.of(HEAD), samples);
  }

  private static Run over(Teaching teaching) throws InterruptedException {
    long start = System.nanoTime();
    Run run = teaching.runs().submit(HEAD, null, Run.Cause.REQUEST);
    while (!run.state().ended()) {
      Thread.sleep(5);
      run = teaching.runs().get(HEAD, run.id()).run();
    }
    System.out.printf(
        Locale.ROOT,
        "run %d: %s, %d samples, %.2f s%n",
        run.id(),
        run.reason(),
        run.samples(),
        (System.nanoTime() - start) / 1e9);
    assertEquals(Run.State.DONE, run.state(), run.reason());
    return run;
  }

  private static List<String> answers(Headstart headstart, List<Path> photos) {
    try (Predictor predictor = headstart.predictor(HEAD, null)) {
      return photos.stream().map(p -> predictor.predict(ImageSample.of(p)).label()).toList();
    }
  }

  @Test
  void oldClassesStayKnown() throws Exception {
    Training.require();
    Path animals = Shared.path("data/animals");
    Path bags = Shared.path("data/fashion/train/bag");
    int handles = OrtRuntime.openHandles();
    try (Headstart headstart = Headstart.open(folder.resolve("workspace"));
        ModelRepository repository =
            headstart.repository(ServingSettings.defaults(), ServingListener.NONE);
        Teaching teaching = headstart.teaching(repository, TeachingSettings.defaults())) {
      List<Path> held = new ArrayList<>();
      for (Path animal : files(animals)) {
        List<Path> photos = files(animal);
        show(teaching, photos.subList(0, SHOWN), animal.getFileName().toString());
        held.addAll(photos.subList(SHOWN, SHOWN + 5));
      }
      assertEquals(1, over(teaching).version());
      List<String> before = answers(headstart, held);
      int right = right(held, before);
      assertTrue(right >= 17, before.toString());

      show(teaching, files(bags).subList(0, 5), "bag");
      Run run = over(teaching);
      assertTrue(run.promoted(), run.reason());
      List<String> after = answers(headstart, held);
      int changed = 0;
      for (int i = 0; i < held.size(); i++) {
        changed += before.get(i).equals(after.get(i)) ? 0 : 1;
      }
      System.out.println(
          right + " of 20 right before, " + right(held, after) + " after, " + changed + " changed");
      assertTrue(changed <= 1, before + " became " + after);
      List<String> found = answers(headstart, files(bags).subList(5, 10));
      assertTrue(found.stream().filter("bag"::equals).count() >= 4, found.toString());
    }
    assertEquals(handles, OrtRuntime.openHandles());
  }

  private static int right(List<Path> photos, List<String> answers) {
    int right = 0;
    for (int i = 0; i < photos.size(); i++) {
      right += answers.get(i).equals(photos.get(i).getParent().getFileName().toString()) ? 1 : 0;
    }
    return right;
  }
}
