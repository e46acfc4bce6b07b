package dev.headstart.server.http;

import dev.headstart.error.BadInputException;
import dev.headstart.server.protocol.Limits;
import dev.headstart.server.protocol.Names;
import io.micronaut.http.HttpHeaders;
import io.micronaut.http.HttpRequest;
import io.micronaut.http.HttpStatus;
import io.micronaut.http.ServerHttpRequest;
import io.micronaut.http.body.AvailableByteBody;
import io.micronaut.http.body.ByteBody;
import io.micronaut.http.body.CloseableAvailableByteBody;
import io.micronaut.http.body.CloseableByteBody;
import io.micronaut.http.exceptions.HttpStatusException;
import io.micronaut.scheduling.TaskExecutors;
import jakarta.inject.Named;
import jakarta.inject.Singleton;
import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutorService;
import java.util.zip.GZIPInputStream;
import java.util.zip.Inflater;
import java.util.zip.InflaterInputStream;
import java.util.zip.ZipException;

/**
 * Reads request bodies whole, whatever content type they claim, and decompresses them. What they
 * hold decompressed counts against the limit, and no more than that is ever allocated.
 *
 * <p>Micronaut's own decompression is switched off ({@link HttpConfiguration}): it inflates what
 * has arrived before it looks at the limit.
 */
@Singleton
public final class Bodies {
  /** A body that takes longer than this to read keeps others waiting on its event loop. */
  private static final int LARGE = 1 << 20;

  private final Limits limits;
  private final ExecutorService workers;

  Bodies(Limits limits, @Named(TaskExecutors.BLOCKING) ExecutorService workers) {
    this.limits = limits;
    this.workers = workers;
  }

  /**
   * Reads a request's body.
   *
   * @return completes on the event loop for small bodies, on a worker for large and for compressed
   *     ones; fails with a {@link BadInputException} for a compression that is not sound, with a
   *     {@link HttpStatusException} (413) for one over the limit
   */
  public CompletionStage<byte[]> read(HttpRequest<?> request) {
    ByteBody body = ((ServerHttpRequest<?>) request).byteBody();
    CompletableFuture<byte[]> bytes;
    if (body instanceof AvailableByteBody available) {
      try (CloseableAvailableByteBody own = available.split()) {
        bytes = CompletableFuture.completedFuture(own.toByteArray());
      }
    } else {
      bytes = bufferAll(body.move());
    }
    String encoding = request.getHeaders().get(HttpHeaders.CONTENT_ENCODING);
    return encoding == null || encoding.isBlank() || encoding.equalsIgnoreCase("identity")
        ? bytes.thenCompose(this::offTheEventLoopIfLarge)
        : bytes.thenApplyAsync(
            compressed -> decompress(compressed, encoding.strip().toLowerCase(Locale.ROOT)),
            workers);
  }

  @SuppressWarnings("try") // the buffered body is closed once it is copied
  private static CompletableFuture<byte[]> bufferAll(CloseableByteBody body) {
    return body.buffer()
        .thenApply(
            buffered -> {
              try (CloseableAvailableByteBody own = buffered) {
                return own.toByteArray();
              }
            })
        .toCompletableFuture();
  }

  private CompletionStage<byte[]> offTheEventLoopIfLarge(byte[] body) {
    return body.length > LARGE
        ? CompletableFuture.supplyAsync(() -> body, workers)
        : CompletableFuture.completedFuture(body);
  }

  private byte[] decompress(byte[] compressed, String encoding) {
    try (InputStream in = open(compressed, encoding)) {
      byte[] body = in.readNBytes(limits.body());
      if (in.read() >= 0) {
        throw new HttpStatusException(
            HttpStatus.REQUEST_ENTITY_TOO_LARGE,
            "the decompressed body is larger than " + limits.body() + " bytes");
      }
      return body;
    } catch (ZipException | EOFException e) {
      throw new BadInputException("the body is not sound " + encoding + ": " + e.getMessage(), e);
    } catch (IOException e) {
      throw new IllegalStateException("memory can always be read", e);
    }
  }

  private static InputStream open(byte[] compressed, String encoding) throws IOException {
    InputStream in = new ByteArrayInputStream(compressed);
    return switch (encoding) {
      case "gzip", "x-gzip" -> new GZIPInputStream(in, 8192);
      case "deflate" -> inflate(in, compressed);
      default ->
          throw new HttpStatusException(
              HttpStatus.UNSUPPORTED_MEDIA_TYPE,
              "content encoding '"
                  + Names.shown(encoding)
                  + "' is not known, expected gzip or deflate");
    };
  }

  /** {@code deflate} means zlib's framing (RFC 9110); some clients send the bare stream. */
  private static InputStream inflate(InputStream in, byte[] compressed) {
    boolean zlib =
        compressed.length < 2
            || (compressed[0] & 0x0f) == 8
                && ((compressed[0] & 0xff) << 8 | compressed[1] & 0xff) % 31 == 0;
    Inflater inflater = new Inflater(!zlib);
    return new InflaterInputStream(in, inflater, 8192) {
      @Override
      public void close() throws IOException {
        super.close();
        inflater.end();
      }
    };
  }
}
