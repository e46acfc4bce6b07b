package dev.headstart.server.teach;

import dev.headstart.Headstart;
import dev.headstart.error.BadInputException;
import dev.headstart.error.NotFoundException;
import dev.headstart.head.HeadNames;
import dev.headstart.server.http.Answers;
import dev.headstart.server.protocol.Names;
import dev.headstart.server.security.RequiresRole;
import dev.headstart.server.security.Role;
import io.micronaut.context.annotation.Requires;
import io.micronaut.http.HttpRequest;
import io.micronaut.http.HttpResponse;
import io.micronaut.http.HttpStatus;
import io.micronaut.http.MediaType;
import io.micronaut.http.annotation.Controller;
import io.micronaut.http.annotation.Get;
import io.micronaut.http.annotation.PathVariable;
import io.micronaut.http.annotation.Post;
import io.micronaut.http.server.types.files.StreamedFile;
import io.micronaut.scheduling.TaskExecutors;
import io.micronaut.scheduling.annotation.ExecuteOn;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;

/** Heads as files: a version as one ONNX model, all versions as a bundle, there and back. */
@RequiresRole(Role.PREDICT)
@Requires(property = TeachSettings.ENABLED, notEquals = "false")
@Controller(value = "/v1/heads/{head}", produces = MediaType.ALL, consumes = MediaType.ALL)
final class ExportController {
  /** Characters of what is said of a bundle. */
  private static final int LONGEST_SHOWN = 500;

  private static final MediaType ZIP = MediaType.of("application/zip");

  private final Headstart headstart;
  private final Exchange exchange;

  ExportController(Headstart headstart, Exchange exchange) {
    this.headstart = headstart;
    this.exchange = exchange;
  }

  @Get("/versions/{version}/model")
  @ExecuteOn(TaskExecutors.BLOCKING)
  HttpResponse<?> model(@PathVariable String head, @PathVariable String version) {
    Integer number = Names.version(version);
    return file(
        file -> headstart.fused(head, number).write(file),
        MediaType.APPLICATION_OCTET_STREAM_TYPE,
        head + "-" + number + ".onnx");
  }

  @Get("/bundle")
  @ExecuteOn(TaskExecutors.BLOCKING)
  HttpResponse<?> bundle(@PathVariable String head) {
    if (headstart.heads().versions(head).isEmpty()) {
      throw new NotFoundException(
          "the head '" + Names.shown(head) + "' has no version that a bundle could hold");
    }
    return file(file -> headstart.exportBundle(head, file), ZIP, head + ".zip");
  }

  /** A file that is made for one answer, and gone when it is sent. */
  private static HttpResponse<?> file(Consumer<Path> writer, MediaType type, String name) {
    try {
      Path folder = Files.createTempDirectory("headstart-");
      Path file = folder.resolve("export");
      try {
        writer.accept(file);
        long size = Files.size(file);
        StreamedFile streamed =
            new StreamedFile(
                Files.newInputStream(file, StandardOpenOption.DELETE_ON_CLOSE),
                type,
                System.currentTimeMillis(),
                size);
        return HttpResponse.ok(streamed.attach(name));
      } finally {
        Files.deleteIfExists(file); // the open stream keeps its content
        Files.deleteIfExists(folder);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @RequiresRole(Role.TEACH)
  @Post("/bundle")
  CompletionStage<HttpResponse<?>> read(@PathVariable String head, HttpRequest<?> request) {
    HeadNames.check(head);
    return exchange.bytes(request, body -> read(head, body));
  }

  /** Where the server keeps files is nothing to its clients. */
  private static String withoutPaths(String message, Path file) {
    String shown =
        message.replace(file.toString(), "the bundle").replaceAll("/\\S*/\\.staged-[^/\\s]*/", "");
    return shown.length() <= LONGEST_SHOWN ? shown : shown.substring(0, LONGEST_SHOWN) + "…";
  }

  private HttpResponse<?> read(String head, byte[] body) {
    if (body.length == 0) {
      throw new BadInputException("the request has no body; expected a bundle");
    }
    try {
      Path file = Files.createTempFile("headstart-", ".zip");
      try {
        Files.write(file, body);
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("head", head);
        json.put("versions", headstart.importBundle(head, file));
        return Answers.json(HttpStatus.CREATED, json);
      } catch (BadInputException e) {
        throw new BadInputException(withoutPaths(e.getMessage(), file), e);
      } finally {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
