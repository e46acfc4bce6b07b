package dev.headstart.server.studio;

import dev.headstart.server.security.RequiresRole;
import io.micronaut.core.annotation.Nullable;
import io.micronaut.http.HttpHeaders;
import io.micronaut.http.HttpResponse;
import io.micronaut.http.MediaType;
import io.micronaut.http.MutableHttpResponse;
import io.micronaut.http.annotation.Controller;
import io.micronaut.http.annotation.Get;
import io.micronaut.http.annotation.Header;
import io.micronaut.http.annotation.PathVariable;
import io.micronaut.http.server.exceptions.NotFoundException;

/**
 * The page and its files. It needs no key, as it holds nothing of anybody's: what it shows it asks
 * for over the API, which does.
 */
@RequiresRole.Open
@Controller(produces = MediaType.ALL)
final class StudioController {
  /**
   * Everything comes from this server, nothing from elsewhere and nothing written into the page;
   * pictures and the camera may also come out of the page's own memory.
   */
  static final String POLICY =
      "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; object-src 'none';"
          + " base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

  /** The build is in the address, so what has been read once never changes. */
  private static final String FOREVER = "public, max-age=31536000, immutable";

  private final StudioFiles files;

  StudioController(StudioFiles files) {
    this.files = files;
  }

  /** The page is asked for each time, and comes only if it is another one. */
  @Get("/")
  HttpResponse<byte[]> page(@Header(HttpHeaders.IF_NONE_MATCH) @Nullable String known) {
    String tag = '"' + files.build() + '"';
    MutableHttpResponse<byte[]> answer =
        tag.equals(known)
            ? HttpResponse.notModified()
            : answer(files.page(), "text/html;charset=utf-8");
    return answer
        .header(HttpHeaders.ETAG, tag)
        .header(HttpHeaders.CACHE_CONTROL, "no-cache")
        .header("Content-Security-Policy", POLICY)
        .header("Permissions-Policy", "camera=(self), microphone=(), geolocation=()")
        .header("Referrer-Policy", "no-referrer")
        .header("X-Content-Type-Options", "nosniff");
  }

  /** Of another build nothing is left: who has an old page open gets a new one by loading it. */
  @Get("/studio/{build}/{file}")
  HttpResponse<byte[]> file(@PathVariable String build, @PathVariable String file) {
    byte[] bytes = build.equals(files.build()) ? files.file(file) : null;
    if (bytes == null) {
      throw new NotFoundException();
    }
    return answer(bytes, StudioFiles.type(file))
        .header(HttpHeaders.CACHE_CONTROL, FOREVER)
        .header("X-Content-Type-Options", "nosniff");
  }

  private static MutableHttpResponse<byte[]> answer(byte[] body, String type) {
    return HttpResponse.ok(body).header(HttpHeaders.CONTENT_TYPE, type).contentLength(body.length);
  }
}
