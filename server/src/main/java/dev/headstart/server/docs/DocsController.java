package dev.headstart.server.docs;

import dev.headstart.Headstart;
import dev.headstart.server.JarFiles;
import dev.headstart.server.http.Answers;
import dev.headstart.server.security.RequiresRole;
import io.micronaut.http.HttpHeaders;
import io.micronaut.http.HttpResponse;
import io.micronaut.http.MediaType;
import io.micronaut.http.MutableHttpResponse;
import io.micronaut.http.annotation.Controller;
import io.micronaut.http.annotation.Get;
import io.micronaut.http.annotation.PathVariable;
import io.micronaut.http.server.exceptions.NotFoundException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;

/** The document and its page; every file is read once. */
@RequiresRole.Open
@Controller(produces = MediaType.ALL)
final class DocsController {
  private static final String DAY = "max-age=86400";

  /** Files of the page by name, with their types; what is not ours comes from Swagger UI. */
  private static final Map<String, String> FILES =
      Map.of(
          "page.js", "text/javascript",
          "swagger-ui-bundle.js", "text/javascript",
          "swagger-ui.css", "text/css",
          "favicon-32x32.png", "image/png");

  private final Map<String, byte[]> read = new ConcurrentHashMap<>();

  @Get("/openapi.yaml")
  HttpResponse<byte[]> yaml() {
    return answer(document().getBytes(StandardCharsets.UTF_8), "application/yaml");
  }

  @Get("/openapi.json")
  HttpResponse<byte[]> json() {
    return Answers.json(new Yaml(new SafeConstructor(new LoaderOptions())).load(document()));
  }

  @Get("/docs")
  HttpResponse<byte[]> page() {
    return answer(own("index.html"), "text/html;charset=utf-8");
  }

  @Get("/docs/{file}")
  HttpResponse<byte[]> file(@PathVariable String file) {
    String type = FILES.get(file);
    if (type == null) {
      throw new NotFoundException();
    }
    return answer(file.equals("page.js") ? own(file) : viewers(file), type)
        .header(HttpHeaders.CACHE_CONTROL, DAY);
  }

  private static MutableHttpResponse<byte[]> answer(byte[] body, String type) {
    return HttpResponse.ok(body).header(HttpHeaders.CONTENT_TYPE, type).contentLength(body.length);
  }

  private String document() {
    return new String(own("openapi.yaml"), StandardCharsets.UTF_8)
        .replace("@version@", Headstart.version());
  }

  private byte[] own(String name) {
    return read.computeIfAbsent(name, file -> JarFiles.beside(DocsController.class, file));
  }

  private byte[] viewers(String name) {
    return read.computeIfAbsent(name, file -> JarFiles.webJar("org.webjars", "swagger-ui", file));
  }
}
