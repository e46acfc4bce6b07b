package dev.headstart.workspace;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.cfg.EnumFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.headstart.error.BadInputException;
import dev.headstart.error.HeadstartException;
import dev.headstart.head.HeadManifest;
import dev.headstart.head.HeadStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Pattern;

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
      throw bad(file, reason == null ? e.getOriginalMessage() : reason, e);
    } catch (IOException e) {
      throw bad(file, e.getMessage(), e);
    }
    check(file, manifest);
    return manifest;
  }

  private static void check(Path file, HeadManifest manifest) {
    Map<String, Object> needed = new LinkedHashMap<>();
    needed.put("head", manifest.head());
    needed.put("task", manifest.task());
    needed.put("kind", manifest.kind());
    needed.put("modality", manifest.modality());
    needed.put("shape", manifest.shape());
    needed.put("classes", manifest.classes());
    needed.put("files", manifest.files());
    needed.forEach(
        (name, value) -> {
          if (value == null) {
            throw bad(file, "its field \"" + name + "\" is missing", null);
          }
        });
    manifest
        .files()
        .forEach(
            (name, sha256) -> {
              if (!FILE.matcher(name).matches() || name.equals(NAME)) {
                throw bad(file, "\"files\" names '" + name + "', which no file can be", null);
              }
              if (sha256 == null || !SHA256.matcher(sha256).matches()) {
                throw bad(file, "the sha-256 of " + name + " is '" + sha256 + "'", null);
              }
            });
    if (!manifest.files().containsKey(HeadStore.MODEL)) {
      throw bad(file, "its \"files\" do not name " + HeadStore.MODEL, null);
    }
  }

  private static BadInputException bad(Path file, String reason, Throwable cause) {
    return new BadInputException(file + " is not the head.json of this version: " + reason, cause);
  }
}
