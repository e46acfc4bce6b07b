package dev.headstart.train;

import dev.headstart.error.UsageException;
import dev.headstart.head.HeadKind;
import dev.headstart.head.HeadManifest;
import dev.headstart.head.HeadNetwork;
import dev.headstart.head.HeadStore;
import dev.headstart.head.Scaling;
import dev.headstart.head.TailNetwork;
import dev.headstart.head.TrainableNetwork;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.Tensor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * The live version's weights, to begin a training from: as they were judged, not as the refit left
 * them, for the refit has seen the samples that judge.
 *
 * @param classes what its classes are called by now; null for one that is gone
 * @param weights of its model, by name
 */
record WarmStart(HeadManifest version, List<String> classes, Map<String, Tensor> weights) {

  /**
   * @throws UsageException if the head has no live version
   */
  static WarmStart of(HeadStore heads, String head, ClassNames names) {
    if (heads.live(head).isEmpty()) {
      throw new UsageException(
          "--warm-start begins from the live version, and no version of the head '"
              + head
              + "' is live: leave it out, or promote one");
    }
    HeadStore.Stored live = heads.loadLive(head);
    Path judged = live.folder().resolve(HeadStore.JUDGED);
    Path model = Files.exists(judged) ? judged : live.model();
    return new WarmStart(
        live.manifest(), names.of(live.manifest()), OnnxModel.read(model).initializers());
  }

  /**
   * @throws UsageException naming what the version has and the new one would not
   */
  void check(Lesson lesson, Recipe recipe) {
    List<String> differences = differences(lesson, recipe);
    if (!differences.isEmpty()) {
      throw new UsageException(
          "--warm-start needs what the live version "
              + version.version()
              + " of '"
              + version.head()
              + "' is made of, but "
              + String.join("; ", differences)
              + ". Say the same, or leave out --warm-start");
    }
  }

  /** Whether training can begin from it. */
  boolean alike(Lesson lesson, Recipe recipe) {
    return !(recipe.kind() instanceof HeadKind.Prototype) && differences(lesson, recipe).isEmpty();
  }

  private List<String> differences(Lesson lesson, Recipe recipe) {
    List<String> differences = new ArrayList<>();
    differ(differences, "task", version.task().id(), lesson.task().id());
    differ(differences, "kind", version.kind().text(), recipe.kind().text());
    differ(
        differences,
        "base model",
        version.base() == null ? null : version.base().sha256(),
        lesson.base() == null ? null : lesson.base().manifest().sha256(),
        version.base() == null ? null : version.base().id(),
        lesson.base() == null ? null : lesson.base().id());
    differ(
        differences,
        "cut",
        version.cut() == null ? null : version.cut().tensor(),
        lesson.backbone() == null ? null : lesson.backbone().cut().tensor());
    differ(
        differences,
        "shape of features",
        Arrays.toString(version.shape()),
        Arrays.toString(lesson.shape()));
    differ(differences, "columns", version.columns(), lesson.columns());
    if (version.tail() != null && lesson.tail() != null) {
      differ(
          differences,
          "parameters that train",
          version.tail().trainable(),
          lesson.tail().trainable());
    }
    return differences;
  }

  private static void differ(List<String> differences, String what, Object has, Object asked) {
    differ(differences, what, has, asked, has, asked);
  }

  private static void differ(
      List<String> differences,
      String what,
      Object has,
      Object asked,
      Object hasName,
      Object askedName) {
    if (!Objects.equals(has, asked)) {
      differences.add(
          "its "
              + what
              + " is "
              + (hasName == null ? "none" : hasName)
              + ", this one's "
              + (askedName == null ? "none" : askedName));
    }
  }

  /** The network that the version was, with a row for each of the lesson's classes. */
  TrainableNetwork network(Lesson lesson) {
    return version.kind() instanceof HeadKind.Tail
        ? TailNetwork.warm(lesson.tail(), weights, classes, lesson.classes())
        : HeadNetwork.warm(
            version.kind(), lesson.features().width(), weights, classes, lesson.classes());
  }

  /** The version's scaling of a regression's targets; null for other tasks. */
  Scaling target() {
    return HeadNetwork.receivedTarget(version.task(), weights);
  }
}
