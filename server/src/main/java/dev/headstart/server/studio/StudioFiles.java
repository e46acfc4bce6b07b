package dev.headstart.server.studio;

import dev.headstart.server.JarFiles;
import io.micronaut.core.annotation.Nullable;
import jakarta.inject.Singleton;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What Studio is made of, read from the jar when it is first asked for, and then kept. */
@Singleton
final class StudioFiles {
  /** The page's own, beside the classes. */
  static final List<String> OWN =
      List.of(
          "adders.js",
          "advice.js",
          "answer.js",
          "api.js",
          "app.js",
          "burst.js",
          "camera.js",
          "checkup.js",
          "classes.js",
          "column.js",
          "compare.js",
          "confusion.js",
          "curves.js",
          "dialog.js",
          "drop.js",
          "el.js",
          "follow.js",
          "head.js",
          "heads.js",
          "icon.svg",
          "icons.js",
          "labelling.js",
          "login.js",
          "new-head.js",
          "notice.js",
          "numbers.js",
          "recipe.js",
          "results.js",
          "run.js",
          "sample-view.js",
          "sample.js",
          "samples.js",
          "settings.js",
          "strays.js",
          "studio.css",
          "system.js",
          "teach.js",
          "try.js",
          "uploading.js",
          "uploads.js",
          "versions.js",
          "words.js");

  /** Of libraries: the name that modules import, the WebJar, and the file in it. */
  private static final List<Library> LIBRARIES =
      List.of(
          new Library("preact.js", "preact", "dist/preact.module.js"),
          new Library("uplot.js", "uplot", "dist/uPlot.esm.js"),
          new Library("uplot.css", "uplot", "dist/uPlot.min.css"));

  private static final Map<String, String> TYPES =
      Map.of("js", "text/javascript", "css", "text/css", "svg", "image/svg+xml");

  private static final int BUILD_LENGTH = 16;

  private Contents contents;

  private record Library(String name, String artifact, String file) {}

  private record Contents(Map<String, byte[]> files, String build, byte[] page) {}

  /** The page, in which {@link #build} stands in every address. */
  byte[] page() {
    return contents().page;
  }

  /** A digest of all files: as long as it stays, so do they. */
  String build() {
    return contents().build;
  }

  /**
   * @return the file's bytes; null if there is none of this name
   */
  @Nullable
  byte[] file(String name) {
    return contents().files.get(name);
  }

  /** The media type that a file's name says. */
  static String type(String name) {
    String type = TYPES.get(name.substring(name.lastIndexOf('.') + 1));
    return type.startsWith("text/") ? type + ";charset=utf-8" : type;
  }

  private synchronized Contents contents() {
    if (contents == null) {
      Map<String, byte[]> files = new TreeMap<>();
      OWN.forEach(name -> files.put(name, JarFiles.beside(StudioFiles.class, name)));
      LIBRARIES.forEach(
          library ->
              files.put(
                  library.name,
                  JarFiles.webJar("org.webjars.npm", library.artifact, library.file)));
      byte[] page = JarFiles.beside(StudioFiles.class, "index.html");
      String build = digest(files, page);
      contents =
          new Contents(
              files,
              build,
              new String(page, StandardCharsets.UTF_8)
                  .replace("@build@", build)
                  .getBytes(StandardCharsets.UTF_8));
    }
    return contents;
  }

  private static String digest(Map<String, byte[]> files, byte[] page) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      files.forEach(
          (name, bytes) -> {
            digest.update(name.getBytes(StandardCharsets.UTF_8));
            digest.update(bytes);
          });
      digest.update(page);
      return HexFormat.of().formatHex(digest.digest()).substring(0, BUILD_LENGTH);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e); // every JDK has it
    }
  }
}
