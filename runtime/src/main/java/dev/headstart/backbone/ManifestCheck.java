package dev.headstart.backbone;

import dev.headstart.error.BadInputException;
import dev.headstart.error.NotFoundException;
import dev.headstart.onnx.Graph;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.TensorInfo;
import dev.headstart.preprocess.ImagePreprocessing;
import dev.headstart.preprocess.TensorPreprocessing;
import dev.headstart.preprocess.TextPreprocessing;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** Whether a manifest fits the graph that it describes. */
final class ManifestCheck {
  private final Path where;

  private ManifestCheck(Path where) {
    this.where = where;
  }

  /**
   * Checks every tensor that the manifest names.
   *
   * @param where the manifest's file, for messages
   * @throws BadInputException for one that the model does not have, offering the nearest name; and
   *     for names that are missing or given twice
   */
  static void check(Manifest manifest, OnnxModel model, Path where) {
    new ManifestCheck(where).check(manifest, model);
  }

  private void check(Manifest manifest, OnnxModel model) {
    Graph graph = Graph.of(model);
    List<String> inputs =
        model.inputs().stream().map(TensorInfo::name).filter(graph::isInput).toList();
    require(
        manifest.preprocessing() == null
            || ManifestDraft.modality(manifest.preprocessing()) == manifest.modality(),
        "modality is "
            + manifest.modality().name().toLowerCase(Locale.ROOT)
            + ", which its preprocessing does not take",
        "modality and preprocessing of one kind");
    if (manifest.preprocessing() instanceof ImagePreprocessing image) {
      input("preprocessing.input", image.input(), inputs);
      picture(image, model);
    } else if (manifest.preprocessing() instanceof TensorPreprocessing tensor) {
      input("preprocessing.input", tensor.input(), inputs);
      fits(
          "a vector",
          new long[] {1, tensor.length() == null ? -1 : tensor.length()},
          tensor.input(),
          model);
    } else if (manifest.preprocessing() instanceof TextPreprocessing text) {
      input("preprocessing.inputIds", text.inputIds(), inputs);
      if (text.attentionMask() != null) {
        input("preprocessing.attentionMask", text.attentionMask(), inputs);
      }
      if (text.tokenTypeIds() != null) {
        input("preprocessing.tokenTypeIds", text.tokenTypeIds(), inputs);
      }
    }
    Manifest.TokenPooling pooling = manifest.pooling();
    if (pooling != null) {
      require("mean".equals(pooling.kind()), "pooling.kind is " + pooling.kind(), "mean");
      tensor("pooling.input", pooling.input(), graph);
      tensor("pooling.mask", pooling.mask(), graph);
      require(
          pooling.output() != null && !graph.tensors().contains(pooling.output()),
          "pooling.output is " + pooling.output(),
          "a name that no tensor of the model has");
    }
    if (manifest.domain() != null) {
      domain(manifest);
    }
    // Taps may name what the pooling adds to the graph.
    cuts(manifest, pooling == null ? graph : Graph.of(BaseModel.prepared(model, manifest)));
  }

  private void domain(Manifest manifest) {
    Manifest.Domain domain = manifest.domain();
    require(
        manifest.taps().stream().anyMatch(tap -> tap.name().equals(domain.cut())),
        "domain.cut is " + domain.cut(),
        "the name of one of its taps");
    require(
        !domain.mean().isEmpty() && domain.mean().stream().allMatch(v -> v != null && v - v == 0),
        "domain.mean is empty or holds what is no finite number",
        "the mean of the tap's features");
    require(
        domain.cosine() > 0 && domain.cosine() <= 1,
        "domain.cosine is " + domain.cosine(),
        "a mean cosine from above 0 to 1");
    require(
        domain.confidence() == null || domain.confidence() > 0 && domain.confidence() <= 1,
        "domain.confidence is " + domain.confidence(),
        "a mean score from above 0 to 1");
    require(
        domain.pieces() == null || domain.pieces() > 0 && domain.pieces() < 1000,
        "domain.pieces is " + domain.pieces(),
        "the mean number of tokens a word");
  }

  private void cuts(Manifest manifest, Graph graph) {
    Set<String> names = new HashSet<>(List.of("auto"));
    for (int i = 0; i < manifest.taps().size(); i++) {
      Manifest.Tap tap = manifest.taps().get(i);
      require(
          tap.name() != null && !tap.name().isBlank() && names.add(tap.name()),
          "taps[" + i + "].name is " + tap.name(),
          "a name of its own, and not auto");
      tensor("taps[" + i + "].tensor", tap.tensor(), graph);
    }
    for (int i = 0; i < manifest.blocks().size(); i++) {
      tensor("blocks[" + i + "].cut", manifest.blocks().get(i).cut(), graph);
    }
  }

  private void input(String field, String name, List<String> inputs) {
    if (!inputs.contains(name)) {
      throw unknown(field, new NotFoundException("input of the model", name, inputs));
    }
  }

  private void picture(ImagePreprocessing image, OnnxModel model) {
    int channels = image.colour().channels();
    long[] shape =
        image.layout() == ImagePreprocessing.Layout.NCHW
            ? new long[] {1, channels, image.height(), image.width()}
            : new long[] {1, image.height(), image.width(), channels};
    fits("a picture", shape, image.input(), model);
  }

  /**
   * Whether the model takes what its preprocessing makes.
   *
   * @param made its shape, with the batch; -1 for a dimension that depends on the sample
   */
  private void fits(String what, long[] made, String input, OnnxModel model) {
    long[] taken =
        model.inputs().stream()
            .filter(i -> i.name().equals(input))
            .findFirst()
            .map(TensorInfo::shape)
            .orElse(null);
    if (taken == null) {
      return;
    }
    boolean fits = taken.length == made.length;
    for (int i = 1; fits && i < made.length; i++) {
      fits = made[i] < 0 || taken[i] < 0 || made[i] == taken[i];
    }
    require(
        fits,
        "preprocessing makes "
            + what
            + " of shape "
            + Arrays.toString(made)
            + ", but the model's input '"
            + input
            + "' takes "
            + Arrays.toString(taken)
            + " (-1 for any size)",
        "sizes and layout that the model takes");
  }

  private void tensor(String field, String name, Graph graph) {
    require(name != null, field + " is missing", "the name of a tensor");
    try {
      graph.position(name);
    } catch (NotFoundException e) {
      throw unknown(field, e);
    }
  }

  private BadInputException unknown(String field, NotFoundException e) {
    return new BadInputException(
        "the manifest " + where + " does not fit the model: " + field + ": " + e.getMessage(), e);
  }

  private void require(boolean sound, String got, String expected) {
    if (!sound) {
      throw new BadInputException("the manifest " + where + ": " + got + "; expected " + expected);
    }
  }
}
