package dev.headstart.train;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.cfg.EnumFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.headstart.artifact.ArtifactOptions;
import dev.headstart.artifact.Artifacts;
import dev.headstart.artifact.Optimizer;
import dev.headstart.backbone.Backbone;
import dev.headstart.backbone.BaseModel;
import dev.headstart.backbone.BaseModels;
import dev.headstart.error.BadInputException;
import dev.headstart.error.FailureException;
import dev.headstart.error.NotFoundException;
import dev.headstart.head.HeadArtifacts;
import dev.headstart.head.HeadKind;
import dev.headstart.head.HeadManifest;
import dev.headstart.head.HeadNetwork;
import dev.headstart.head.HeadStore;
import dev.headstart.head.Pooling;
import dev.headstart.head.Scaling;
import dev.headstart.ort.OrtRuntime;
import dev.headstart.ort.Provider;
import dev.headstart.sample.Task;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HashSet;
import java.util.List;
import java.util.Map;

/**
 * Makes a head's first version of training artifacts that were made elsewhere, so that it predicts
 * and can be taught further.
 *
 * @param head a new name
 * @param artifacts the folder of artifacts, as {@link HeadArtifacts} reads them
 * @param base the base model that the features came from
 * @param cut where it was cut: a tap's name or a tensor
 * @param classes in the order of the scores; empty for regression
 */
public record HeadImport(
    String head, Path artifacts, String base, String cut, List<String> classes) {
  private static final ObjectMapper JSON =
      JsonMapper.builder().enable(EnumFeature.WRITE_ENUMS_TO_LOWERCASE).build();

  public HeadImport {
    classes = List.copyOf(classes);
  }

  /**
   * Publishes the version and makes it live.
   *
   * @param release version of this library, for provenance
   * @return the version's number
   * @throws BadInputException if the head exists already, the artifacts are no head that is known,
   *     or base, cut or classes do not fit it
   * @throws NotFoundException if there is no such base model or cut
   */
  public int run(BaseModels models, HeadStore heads, List<Provider> providers, String release) {
    if (!heads.versions(head).isEmpty()) {
      throw new BadInputException(
          "the head '" + head + "' exists already: import under another name, or remove it first");
    }
    BaseModel model = models.get(base);
    HeadArtifacts found = HeadArtifacts.read(artifacts);
    HeadNetwork network = found.network();
    requireClasses(found.task(), network.outputs());
    HeadManifest draft;
    try (Backbone backbone = Backbone.open(model, model.cut(cut), providers)) {
      int width = Pooling.width(backbone.shape());
      if (network.width() != width) {
        throw new BadInputException(
            "the artifacts take "
                + network.width()
                + " features, but the cut '"
                + backbone.cut().name()
                + "' of "
                + model
                + " gives "
                + width);
      }
      draft = manifest(backbone, found, release);
    }
    Path staged = heads.stage(head);
    try {
      write(found, draft, staged);
      return heads.deciding(
          head,
          () -> {
            int version = heads.publish(staged, draft);
            heads.promote(head, version);
            return version;
          });
    } finally {
      heads.discard(staged);
    }
  }

  private void requireClasses(Task task, int outputs) {
    int expected = task == Task.REGRESSION ? 0 : outputs;
    if (task == Task.REGRESSION && outputs != 1) {
      throw new BadInputException("a regression gives one number, the artifacts give " + outputs);
    }
    if (task == Task.SINGLE && outputs < 2) {
      throw new BadInputException("the artifacts give one score a sample; expected 2 or more");
    }
    if (classes.size() != expected) {
      throw new BadInputException(
          "the artifacts' loss is for the task "
              + task.id()
              + " with "
              + outputs
              + " scores: expected "
              + expected
              + " classes, got "
              + classes);
    }
    if (new HashSet<>(classes).size() != classes.size()
        || classes.stream().anyMatch(String::isBlank)) {
      throw new BadInputException("expected classes of different names, got " + classes);
    }
  }

  /** The model that serves, and artifacts with the names that all heads have. */
  private static void write(HeadArtifacts found, HeadManifest draft, Path folder) {
    HeadNetwork network = found.network();
    Recipe recipe = recipe(network.kind(), found.task(), network.width());
    Artifacts.generate(
            network.network(),
            ArtifactOptions.of(
                    recipe.loss(),
                    Optimizer.AdamW.pytorch().weightDecay((float) recipe.weightDecay()))
                .trainable(network.trainable()))
        .observable(HeadNetwork.LOGITS)
        .writeTo(folder);
    Path file = folder.resolve(HeadStore.MODEL);
    try {
      Scaling plain = new Scaling(new float[] {0}, new float[] {1});
      Files.write(
          file, network.model(draft.shape(), found.task(), plain, HeadNetwork.OPSET).toBytes());
    } catch (IOException e) {
      throw new FailureException("the head's model cannot be written to " + file + ": " + e, e);
    }
  }

  private static Recipe recipe(HeadKind kind, Task task, int width) {
    return RecipeOptions.of(kind).resolve(task, width);
  }

  private HeadManifest manifest(Backbone backbone, HeadArtifacts found, String release) {
    BaseModel model = backbone.base();
    HeadNetwork network = found.network();
    return new HeadManifest(
        HeadManifest.FORMAT,
        head,
        0,
        found.task(),
        network.kind(),
        model.manifest().modality(),
        new HeadManifest.BaseReference(model.id(), model.manifest().sha256()),
        new HeadManifest.CutReference(backbone.cut().name(), backbone.cut().tensor()),
        backbone.shape(),
        List.of(),
        classes,
        JSON.valueToTree(recipe(network.kind(), found.task(), network.width())),
        new HeadManifest.Result(0, 0, 0, false, false, null, JSON.createArrayNode()),
        new HeadManifest.Provenance(
            Instant.now().truncatedTo(ChronoUnit.SECONDS).toString(),
            "",
            artifacts.toString(),
            release,
            OrtRuntime.version(),
            backbone.provider().toString(),
            System.getProperty("os.name") + " " + System.getProperty("os.version"),
            System.getProperty("os.arch"),
            System.getProperty("java.version")),
        Map.of());
  }
}
