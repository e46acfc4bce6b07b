package dev.headstart.teach;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.Shared;
import dev.headstart.backbone.BaseModels;
import dev.headstart.onnx.Tensor;
import dev.headstart.ort.OrtRuntime;
import dev.headstart.sample.ClassLabel;
import dev.headstart.sample.ImageSample;
import dev.headstart.serving.InferenceRequest;
import dev.headstart.serving.InferenceResult;
import dev.headstart.serving.ModelRepository;
import dev.headstart.serving.ServingListener;
import dev.headstart.serving.ServingSettings;
import dev.headstart.workspace.Workspace;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Photos, the real base model, and a class of quite other pictures that comes later. */
@Timeout(300)
class PicturesTest {
  private static final List<String> ANIMALS = List.of("cat", "cow", "dog", "elephant");

  /** Photos of an animal that teach; the others are held out. */
  private static final int SHOWN = 10;

  @TempDir Path folder;

  private static List<Path> files(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.sorted().toList();
    }
  }

  private static String label(ModelRepository repository, Path file) throws Exception {
    InferenceResult result =
        repository
            .infer(
                new InferenceRequest(
                    "seen",
                    null,
                    Map.of("image", Tensor.strings(List.of(Files.readAllBytes(file)), 1)),
                    List.of(),
                    0,
                    null))
            .toCompletableFuture()
            .get(60, TimeUnit.SECONDS);
    return new String(result.outputs().get("label").strings().get(0), StandardCharsets.UTF_8);
  }

  @Test
  void aFifthClassLeavesTheOthersUnharmed() throws Exception {
    Path animals = Shared.path("data/animals");
    Path bags = Shared.path("data/fashion/train/bag");
    int handles = OrtRuntime.openHandles();
    try (Workspace workspace = Workspace.open(folder.resolve("workspace"))) {
      SampleStore store = workspace.samples();
      BaseModels models = new BaseModels(workspace.models());
      ServingSettings defaults = ServingSettings.defaults();
      ServingSettings settings =
          new ServingSettings(
              List.of("seen"),
              defaults.providers(),
              Map.of(),
              defaults.workers(),
              defaults.queue(),
              defaults.maxBatch(),
              defaults.timeout(),
              defaults.poll());
      try (ModelRepository repository =
          ModelRepository.open(models, workspace.heads(), settings, ServingListener.NONE)) {
        Teaching teaching = open(workspace, models, repository);
        HeadDraft any = HeadDraft.of("seen");
        List<Path> held = new ArrayList<>();
        for (String animal : ANIMALS) {
          List<NewSample> shown = new ArrayList<>();
          List<Path> photos = files(animals.resolve(animal));
          for (Path photo : photos.subList(0, SHOWN)) {
            shown.add(NewSamples.picture(photo, animal));
          }
          held.addAll(photos.subList(SHOWN, SHOWN + 5));
          teaching.add("seen", any, shown);
        }
        NewSample broken =
            new NewSample(
                ImageSample.of("broken.jpeg", new byte[] {(byte) 0xFF, (byte) 0xD8, 1, 2}),
                new ClassLabel("cat"),
                "image/jpeg",
                StoredSample.Source.API);
        teaching.add("seen", any, List.of(broken));
        settle(teaching);
        HeadView view = teaching.head("seen");
        assertEquals("efficientnet-lite0", view.settings().base());
        assertEquals("pooled", view.settings().cut());
        assertEquals("image", view.takes().get(0));
        assertEquals(new HeadView.Counts(41, 40, 0, 1, 40), view.samples());

        List<String> before = new ArrayList<>();
        int right = 0;
        for (Path photo : held) {
          before.add(label(repository, photo));
          right +=
              before.get(before.size() - 1).equals(photo.getParent().getFileName().toString())
                  ? 1
                  : 0;
        }
        System.out.println(right + " of " + held.size() + " held out are right by means alone");
        assertTrue(right >= 17, right + " of " + held.size());

        List<Path> photos = files(bags);
        teaching.add("seen", any, List.of(NewSamples.picture(photos.get(0), "bag")));
        settle(teaching);
        assertEquals("bag", label(repository, photos.get(1)));
        for (Path photo : photos.subList(2, 8)) {
          teaching.add("seen", any, List.of(NewSamples.picture(photo, "bag")));
        }
        settle(teaching);
        int bag = 0;
        for (Path photo : photos.subList(8, 28)) {
          bag += label(repository, photo).equals("bag") ? 1 : 0;
        }
        int changed = 0;
        for (int i = 0; i < held.size(); i++) {
          changed += label(repository, held.get(i)).equals(before.get(i)) ? 0 : 1;
        }
        System.out.println(bag + " of 20 bags, " + changed + " animals answered otherwise");
        assertTrue(bag >= 18 && changed <= 1, bag + " bags, " + changed + " changed");
        assertEquals(
            47,
            store.samples("seen").stream().filter(s -> store.thumbnail(s).isPresent()).count(),
            "one of each that can be read");
        StoredSample first = store.samples("seen").get(0);
        assertTrue(teaching.thumbnail("seen", first).isPresent());
        Path thumbnail = store.thumbnail(first).orElseThrow();
        byte[] jpeg = Files.readAllBytes(thumbnail);
        Files.delete(thumbnail);
        assertArrayEquals(
            jpeg,
            Files.readAllBytes(teaching.thumbnail("seen", first).orElseThrow()),
            "made again");
        teaching.change("seen", new HeadChange(HeadSettings.Keep.FEATURES, null, null));
        assertFalse(store.find("seen", first.id()).orElseThrow().kept());

        teaching.close();
        updateRuntime(workspace);
        try (Teaching again = open(workspace, models, repository)) {
          settle(again);
          assertEquals("bag", label(repository, photos.get(1)), "remembered features still count");
          assertEquals(before.get(0), label(repository, held.get(0)));
          assertEquals(0, again.head("seen").samples().pending());
        }
      }
    }
    assertEquals(handles, OrtRuntime.openHandles(), "open native handles");
  }

  private static Teaching open(Workspace workspace, BaseModels models, ModelRepository repository) {
    return Teaching.open(
        new TeachingStores(
            workspace.samples(),
            workspace.runLog(),
            workspace.runs(),
            workspace.heads(),
            models,
            workspace.features()),
        repository,
        TeachingSettings.defaults(),
        "test");
  }

  /** All features are what another release of the runtime computed; nothing else is kept. */
  private static void updateRuntime(Workspace workspace) {
    SampleStore store = workspace.samples();
    for (StoredSample sample : store.samples("seen")) {
      if (sample.space() != null) {
        String other = sample.space().substring(0, 32) + "0".repeat(32);
        workspace
            .features()
            .put(other, workspace.features().get(sample.space(), List.of(sample.id())));
        store.ready("seen", sample.id(), other);
      }
    }
  }

  private static void settle(Teaching teaching) throws InterruptedException {
    while (!teaching.settled()) {
      Thread.sleep(5);
    }
  }
}
