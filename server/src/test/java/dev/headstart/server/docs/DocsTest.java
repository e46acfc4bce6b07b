package dev.headstart.server.docs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.headstart.server.SharedServer;
import io.micronaut.web.router.Router;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The document says what there is, and the page needs nothing from elsewhere. */
class DocsTest {

  @Test
  void theDocumentHasEveryRouteAndNoOther() throws Exception {
    Set<String> routes =
        SharedServer.get()
            .bean(Router.class)
            .uriRoutes()
            .filter(route -> !route.getHttpMethodName().equals("HEAD"))
            .filter(route -> route.getDeclaringType().getName().startsWith("dev.headstart."))
            .map(
                route ->
                    route.getHttpMethodName() + " " + route.getUriMatchTemplate().toPathString())
            .collect(Collectors.toCollection(TreeSet::new));
    Set<String> documented = new TreeSet<>();
    document()
        .path("paths")
        .properties()
        .forEach(
            path ->
                path.getValue()
                    .fieldNames()
                    .forEachRemaining(
                        field -> {
                          if (!field.equals("parameters")) {
                            documented.add(
                                field.toUpperCase(java.util.Locale.ROOT) + " " + path.getKey());
                          }
                        }));
    assertEquals(routes, documented);
  }

  @Test
  void everyReferenceLeadsSomewhere() throws Exception {
    JsonNode document = document();
    Matcher references = Pattern.compile("\"\\$ref\":\"#([^\"]*)\"").matcher(document.toString());
    int count = 0;
    while (references.find()) {
      assertFalse(document.at(references.group(1)).isMissingNode(), references.group(1));
      count++;
    }
    assertTrue(count > 50);
  }

  @Test
  void thePageAndItsFilesComeFromHere() throws Exception {
    HttpResponse<byte[]> page = SharedServer.send("GET", "/docs", null);
    assertEquals(
        "text/html;charset=utf-8", page.headers().firstValue("Content-Type").orElseThrow());
    String html = new String(page.body(), StandardCharsets.UTF_8);
    assertFalse(html.contains("://"), "something from elsewhere");
    assertFalse(html.contains("<script>"), "an inline script");
    Matcher files = Pattern.compile("(?:src|href)=\"([^\"]*)\"").matcher(html);
    int count = 0;
    while (files.find()) {
      assertEquals(
          200, SharedServer.send("GET", files.group(1), null).statusCode(), files.group(1));
      count++;
    }
    assertEquals(5, count);
    assertEquals(404, SharedServer.send("GET", "/docs/..%2Fopenapi.yaml", null).statusCode());
  }

  @Test
  void bothFormsSayTheSame() throws Exception {
    String yaml =
        new String(SharedServer.send("GET", "/openapi.yaml", null).body(), StandardCharsets.UTF_8);
    assertTrue(yaml.contains("version: \"" + document().at("/info/version").asText() + "\""));
  }

  private static JsonNode document() throws Exception {
    return new ObjectMapper().readTree(SharedServer.send("GET", "/openapi.json", null).body());
  }
}
