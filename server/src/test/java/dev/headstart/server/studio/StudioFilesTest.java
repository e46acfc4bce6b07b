package dev.headstart.server.studio;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.server.SharedServer;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The page and its files come from the jar alone, and may do nothing that they need not. */
class StudioFilesTest {
  private static final Pattern LINKS = Pattern.compile("(?:src|href)=\"(/studio/[^\"]*)\"");
  private static final Pattern IMPORTS = Pattern.compile("from \"\\./([^\"]*)\"");

  /** What would make HTML or code out of a string, such as the name of a class. */
  private static final List<String> UNSAFE =
      List.of(
          "innerHTML",
          "outerHTML",
          "insertAdjacentHTML",
          "document.write",
          "eval(",
          "new Function",
          "localStorage");

  @Test
  void thePageIsStrict() throws Exception {
    HttpResponse<byte[]> page = SharedServer.send("GET", "/", null);
    assertEquals(200, page.statusCode());
    assertEquals("text/html;charset=utf-8", header(page, "Content-Type"));
    String policy = header(page, "Content-Security-Policy");
    assertTrue(policy.startsWith("default-src 'self';"), policy);
    assertFalse(policy.contains("unsafe"), policy);
    assertEquals("nosniff", header(page, "X-Content-Type-Options"));
    String html = text(page);
    assertFalse(html.contains("://"), "something from elsewhere");
    assertFalse(html.contains("<style"), "an inline style");
    assertFalse(Pattern.compile("<script(?![^>]* src=)").matcher(html).find(), "an inline script");
  }

  @Test
  void anUnchangedPageIsNotSentAgain() throws Exception {
    String tag = header(SharedServer.send("GET", "/", null), "ETag");
    HttpResponse<byte[]> again = SharedServer.send("GET", "/", null, "If-None-Match", tag);
    assertEquals(304, again.statusCode());
    assertEquals(0, again.body().length);
  }

  /** Also holds that no file is listed in vain, and none is missing in the list. */
  @Test
  void everyFileIsServedAndStays() throws Exception {
    String html = text(SharedServer.send("GET", "/", null));
    String folder = first(LINKS, html).replaceAll("[^/]*$", "");
    TreeSet<String> wanted = new TreeSet<>();
    all(LINKS, html).forEach(link -> wanted.add(link.substring(folder.length())));
    TreeSet<String> seen = new TreeSet<>();
    while (!wanted.isEmpty()) {
      String name = wanted.pollFirst();
      seen.add(name);
      HttpResponse<byte[]> file = SharedServer.send("GET", folder + name, null);
      assertEquals(200, file.statusCode(), name);
      assertTrue(header(file, "Cache-Control").contains("immutable"), name);
      assertEquals("nosniff", header(file, "X-Content-Type-Options"));
      if (name.endsWith(".js")) {
        assertEquals("text/javascript;charset=utf-8", header(file, "Content-Type"));
        all(IMPORTS, text(file)).stream().filter(i -> !seen.contains(i)).forEach(wanted::add);
      }
    }
    TreeSet<String> own = new TreeSet<>(seen);
    own.removeAll(List.of("preact.js", "uplot.js", "uplot.css"));
    assertEquals(own, new TreeSet<>(StudioFiles.OWN));
    try (Stream<Path> files = Files.list(sources())) {
      TreeSet<String> there = new TreeSet<>(List.of("index.html"));
      there.addAll(StudioFiles.OWN);
      assertEquals(
          there,
          files
              .map(file -> file.getFileName().toString())
              .collect(java.util.stream.Collectors.toCollection(TreeSet::new)));
    }
  }

  @Test
  void nothingElseIsServed() throws Exception {
    String folder =
        first(LINKS, text(SharedServer.send("GET", "/", null))).replaceAll("[^/]*$", "");
    for (String path :
        List.of(
            folder + "index.html",
            folder + "..%2FStudioFiles.class",
            folder + "%2e%2e%2fdocs%2fopenapi.yaml",
            "/studio/0000000000000000/app.js")) {
      assertEquals(404, SharedServer.send("GET", path, null).statusCode(), path);
    }
  }

  @Test
  void noModuleMakesMarkupOutOfStrings() throws Exception {
    for (String name : StudioFiles.OWN) {
      String source = Files.readString(sources().resolve(name));
      for (String unsafe : UNSAFE) {
        assertFalse(source.contains(unsafe), name + " has " + unsafe);
      }
    }
  }

  private static Path sources() {
    return Path.of("src/main/resources/dev/headstart/server/studio");
  }

  private static String first(Pattern pattern, String text) {
    return all(pattern, text).get(0);
  }

  private static List<String> all(Pattern pattern, String text) {
    return pattern.matcher(text).results().map(match -> match.group(1)).toList();
  }

  private static String header(HttpResponse<byte[]> response, String name) {
    return response.headers().firstValue(name).orElseThrow();
  }

  private static String text(HttpResponse<byte[]> response) {
    return new String(response.body(), StandardCharsets.UTF_8);
  }
}
