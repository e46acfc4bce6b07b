package dev.headstart.workspace;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.cfg.EnumFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.NullNode;
import dev.headstart.error.BadInputException;
import dev.headstart.error.HeadstartException;
import dev.headstart.head.HeadKind;
import dev.headstart.head.HeadManifest;
import dev.headstart.head.HeadNames;
import dev.headstart.head.HeadStore;
import dev.headstart.sample.ClassLabel;
import dev.headstart.sample.Modality;
import dev.headstart.sample.Task;
import dev.headstart.train.Metrics;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * {@code head.json}: a {@link HeadManifest} as JSON in UTF-8. Fields that this Headstart does not
 * know are let pass: whatever must not be overlooked raises {@link HeadManifest#FORMAT}.
 */
final class HeadFile {
  static final String NAME = "head.json";

  private static final long LARGEST = 64 << 20;
  private static final Pattern FILE = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9._-]{0,127}");
  private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");
  private static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(EnumFeature.WRITE_ENUMS_TO_LOWERCASE)
          .enable(MapperFeature.ACCEPT_CASE_INSENSITIVE_ENUMS)
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
          .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .build();

  private HeadFile() {}

  static byte[] write(HeadManifest manifest) throws IOException {
    return JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(manifest);
  }

  /**
   * Reads a version's head.json, and checks that it is that version's.
   *
   * @throws BadInputException if it is not a head.json, a newer one, or another version's
   * @throws IOException if it cannot be read
   */
  static HeadManifest read(Path file, String head, int version) throws IOException {
    if (Files.size(file) > LARGEST) {
      throw bad(file, "it is larger than " + (LARGEST >> 20) + " MB", null);
    }
    HeadManifest manifest = parse(file, Files.readAllBytes(file));
    if (!manifest.head().equals(head) || manifest.version() != version) {
      throw bad(
          file,
          "expected version "
              + version
              + " of head '"
              + head
              + "', it says version "
              + manifest.version()
              + " of head '"
              + manifest.head()
              + "'",
          null);
    }
    return manifest;
  }

  /**
   * @param file for messages
   * @throws BadInputException if it is not a head.json, or a newer one
   */
  static HeadManifest parse(Path file, byte[] json) {
    HeadManifest manifest;
    try {
      JsonNode tree = JSON.readTree(json);
      int format = tree.path("format").asInt();
      if (format > HeadManifest.FORMAT) {
        throw new BadInputException(
            file
                + " has format "
                + format
                + ", this Headstart reads "
                + HeadManifest.FORMAT
                + ": a newer one wrote it, update Headstart");
      }
      if (format != HeadManifest.FORMAT) {
        throw bad(file, "it has no \"format\": " + HeadManifest.FORMAT, null);
      }
      manifest = JSON.treeToValue(tree, HeadManifest.class);
    } catch (JacksonException e) {
      String reason = e.getCause() instanceof HeadstartException own ? own.getMessage() : null;
      throw bad(file, reason == null ? said(e) : reason, e);
    } catch (IOException e) {
      throw bad(file, e.getMessage(), e);
    }
    check(file, manifest);
    return manifest;
  }

  /** What Jackson says, with the field, and without advice to programmers. */
  private static String said(JacksonException e) {
    String message = e.getOriginalMessage().replaceFirst(" \\(set DeserializationConfig.*", "");
    String field =
        e instanceof JsonMappingException mapping
            ? mapping.getPath().stream()
                .map(at -> at.getFieldName() == null ? at.getIndex() + "" : at.getFieldName())
                .collect(Collectors.joining("."))
            : "";
    return field.isEmpty() ? message : "its field \"" + field + "\": " + message;
  }

  private static void check(Path file, HeadManifest manifest) {
    Map<String, Object> needed = new LinkedHashMap<>();
    needed.put("head", manifest.head());
    needed.put("task", manifest.task());
    needed.put("kind", manifest.kind());
    needed.put("modality", manifest.modality());
    needed.put("shape", manifest.shape());
    needed.put("classes", manifest.classes());
    needed.put("recipe", manifest.recipe());
    needed.put("result", manifest.result());
    needed.put("provenance", manifest.provenance());
    needed.put("files", manifest.files());
    needed.forEach(
        (name, value) -> {
          if (value == null || value instanceof NullNode) {
            throw bad(file, "its field \"" + name + "\" is missing", null);
          }
        });
    require(file, HeadNames.valid(manifest.head()), "no head can be called '%s'", manifest.head());
    require(file, manifest.version() >= 0, "its version is %s", manifest.version());
    require(file, manifest.recipe().isObject(), "its recipe is no JSON object");
    checkBase(file, manifest);
    checkTail(file, manifest);
    checkClasses(file, manifest);
    checkResult(file, manifest);
    checkFiles(file, manifest);
  }

  private static void checkBase(Path file, HeadManifest manifest) {
    HeadManifest.BaseReference base = manifest.base();
    HeadManifest.CutReference cut = manifest.cut();
    require(
        file,
        (base == null) == (cut == null),
        "it names a base model or a cut, but not both: a head has both or neither");
    if (base != null) {
      require(file, said(base.id()), "its field \"base.id\" is missing");
      require(
          file,
          base.sha256() != null && SHA256.matcher(base.sha256()).matches(),
          "its \"base.sha256\" is '%s'",
          base.sha256());
      require(file, said(cut.name()), "its field \"cut.name\" is missing");
      require(file, said(cut.tensor()), "its field \"cut.tensor\" is missing");
    }
    long[] shape = manifest.shape();
    require(
        file,
        shape.length > 0 && Arrays.stream(shape).allMatch(d -> d == -1 || d > 0),
        "its shape is %s: expected a positive number or -1 for each dimension",
        Arrays.toString(shape));
    require(
        file,
        base != null || manifest.modality() == Modality.VECTOR && manifest.shape().length == 1,
        "it names no base model, which only a head on feature vectors can do without");
  }

  private static void checkTail(Path file, HeadManifest manifest) {
    HeadManifest.TailReference tail = manifest.tail();
    require(
        file,
        (tail != null) == (manifest.kind() instanceof HeadKind.Tail),
        "its kind is %s, and it says %s of a tail",
        manifest.kind(),
        tail == null ? "nothing" : "something");
    if (tail != null) {
      require(file, manifest.base() != null, "it is a tail, but names no base model");
      require(file, said(tail.joint()), "its field \"tail.joint\" is missing");
      require(
          file,
          !tail.live().isEmpty()
              && tail.live().stream().allMatch(t -> said(t.name()))
              && tail.live().get(0).name().equals(manifest.cut().tensor()),
          "its \"tail.live\" does not begin with the cut's tensor");
      require(
          file,
          !tail.trainable().isEmpty() && tail.trainable().stream().allMatch(HeadFile::said),
          "its \"tail.trainable\" names no parameters");
    }
  }

  private static void checkClasses(Path file, HeadManifest manifest) {
    List<String> classes = manifest.classes();
    for (String name : classes) {
      require(file, said(name), "one of its classes has no name: expected different names");
      try {
        new ClassLabel(name);
      } catch (BadInputException e) {
        throw bad(file, "of one of its classes " + e.getMessage(), e);
      }
    }
    require(
        file,
        new HashSet<>(classes).size() == classes.size(),
        "its classes are %s: expected different names",
        classes.size() <= 20 ? classes : classes.subList(0, 20) + " and more");
    int fewest =
        switch (manifest.task()) {
          case SINGLE -> 2;
          case MULTI -> 1;
          case REGRESSION -> 0;
        };
    require(
        file,
        manifest.task() == Task.REGRESSION ? classes.isEmpty() : classes.size() >= fewest,
        "it has %s classes, which the task %s cannot have",
        classes.size(),
        manifest.task().id());
  }

  private static void checkResult(Path file, HeadManifest manifest) {
    HeadManifest.Result result = manifest.result();
    require(
        file,
        result.train() >= 0 && result.validation() >= 0 && result.epochs() >= 0,
        "a number in its \"result\" is negative");
    require(
        file,
        result.history() != null && result.history().isArray(),
        "its field \"result.history\" is no list");
    if (result.metrics() != null && !result.metrics().isNull()) {
      checkMetrics(file, manifest);
    }
    HeadManifest.Provenance from = manifest.provenance();
    for (String text :
        new String[] {
          from.created(),
          from.samples(),
          from.data(),
          from.headstart(),
          from.onnxRuntime(),
          from.os(),
          from.arch(),
          from.java()
        }) {
      require(file, text != null, "its \"provenance\" lacks a field");
    }
  }

  private static void checkMetrics(Path file, HeadManifest manifest) {
    Metrics metrics;
    try {
      metrics = JSON.treeToValue(manifest.result().metrics(), Metrics.class);
    } catch (JacksonException e) {
      throw bad(file, "in \"result.metrics\" " + said(e), e);
    }
    boolean numbers = manifest.task() == Task.REGRESSION;
    require(
        file,
        numbers
            ? metrics.mae() != null && metrics.rmse() != null && metrics.r2() != null
            : metrics.accuracy() != null && metrics.macroF1() != null && metrics.mae() == null,
        "its \"result.metrics\" are not those of the task %s",
        manifest.task().id());
    int[][] confusion = metrics.confusion();
    int classes = manifest.classes().size();
    require(
        file,
        confusion == null
            || confusion.length == classes
                && Arrays.stream(confusion).allMatch(row -> row != null && row.length == classes),
        "its confusion is not that of %s classes",
        classes);
  }

  private static void checkFiles(Path file, HeadManifest manifest) {
    manifest
        .files()
        .forEach(
            (name, sha256) -> {
              require(
                  file,
                  FILE.matcher(name).matches() && !name.equals(NAME),
                  "\"files\" names '%s', which no file can be",
                  name);
              require(
                  file,
                  sha256 != null && SHA256.matcher(sha256).matches(),
                  "the sha-256 of %s is '%s'",
                  name,
                  sha256);
            });
    require(
        file,
        manifest.files().containsKey(HeadStore.MODEL),
        "its \"files\" do not name %s",
        HeadStore.MODEL);
  }

  private static boolean said(String text) {
    return text != null && !text.isBlank();
  }

  private static void require(Path file, boolean sound, String reason, Object... values) {
    if (!sound) {
      throw bad(file, String.format(Locale.ROOT, reason, values), null);
    }
  }

  private static BadInputException bad(Path file, String reason, Throwable cause) {
    return new BadInputException(file + " is not the head.json of this version: " + reason, cause);
  }
}
