package dev.headstart.server.http;

import dev.headstart.error.BadInputException;
import dev.headstart.server.protocol.Limits;
import dev.headstart.server.protocol.Names;
import dev.headstart.server.protocol.Room;
import io.micronaut.http.HttpHeaders;
import io.micronaut.http.HttpRequest;
import io.micronaut.http.HttpStatus;
import io.micronaut.http.ServerHttpRequest;
import io.micronaut.http.body.AvailableByteBody;
import io.micronaut.http.body.ByteBody;
import io.micronaut.http.body.CloseableAvailableByteBody;
import io.micronaut.http.exceptions.HttpStatusException;
import io.micronaut.scheduling.TaskExecutors;
import jakarta.inject.Named;
import jakarta.inject.Singleton;
import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutorService;
import java.util.function.Function;
import java.util.zip.GZIPInputStream;
import java.util.zip.Inflater;
import java.util.zip.InflaterInputStream;
import java.util.zip.ZipException;
import org.reactivestreams.Subscriber;
import org.reactivestreams.Subscription;

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

  /** What a byte of JSON may become at worst: {@code 1,} is an INT64. */
  private static final int JSON_GROWS = 3;

  private final Limits limits;
  private final Room room;
  private final ExecutorService workers;

  Bodies(Limits limits, Room room, @Named(TaskExecutors.BLOCKING) ExecutorService workers) {
    this.limits = limits;
    this.room = room;
    this.workers = workers;
  }

  /**
   * Reads a request's body and works on it. The work begins on the event loop for small bodies, on
   * a worker for large and for compressed ones. What the body takes of the {@link Room} is given
   * back when the work is done.
   *
   * @return what the work gives; fails as it does, with a {@link BadInputException} for a
   *     compression that is not sound, with a {@link HttpStatusException} (413) for a body over the
   *     limit, with an {@link dev.headstart.error.UnavailableException} if there is no room
   */
  public <R> CompletionStage<R> read(
      HttpRequest<?> request, Function<byte[], CompletionStage<R>> work) {
    ByteBody body = ((ServerHttpRequest<?>) request).byteBody();
    String encoding = request.getHeaders().get(HttpHeaders.CONTENT_ENCODING);
    boolean plain = encoding == null || encoding.isBlank() || encoding.equalsIgnoreCase("identity");
    if (plain && body instanceof AvailableByteBody available && available.length() <= Room.FREE) {
      try (CloseableAvailableByteBody own = available.split()) {
        return work.apply(own.toByteArray());
      }
    }
    Room.Lease lease = room.lease();
    Collector collector = new Collector(lease, body.expectedLength().orElse(0));
    if (body.expectedLength().orElse(0) > limits.body()) {
      // Fails at once; what comes is still taken from the network, so that the next one is seen.
      body.move().buffer().whenComplete((none, failure) -> collector.onError(failure));
    } else {
      body.move().toByteArrayPublisher().subscribe(collector);
    }
    CompletionStage<byte[]> bytes =
        plain
            ? collector.thenCompose(this::offTheEventLoopIfLarge)
            : collector.thenApplyAsync(
                compressed ->
                    decompress(compressed, encoding.strip().toLowerCase(Locale.ROOT), lease),
                workers);
    return bytes
        .thenCompose(
            whole -> {
              lease.take(JSON_GROWS * json(request, whole.length));
              return work.apply(whole);
            })
        .whenComplete((done, failure) -> lease.close());
  }

  /** How much of a body may be JSON. */
  private static long json(HttpRequest<?> request, int length) {
    Integer header = Headers.length(request.getHeaders().get(Headers.LENGTH));
    return header == null ? length : Math.min(header, length);
  }

  /** Puts a body together as it arrives. */
  private final class Collector extends CompletableFuture<byte[]> implements Subscriber<byte[]> {
    private final Growing bytes;
    private Subscription subscription;

    Collector(Room.Lease lease, long expected) {
      this.bytes = new Growing(lease, (int) Math.min(expected, limits.body()));
    }

    @Override
    public void onSubscribe(Subscription made) {
      subscription = made;
      made.request(Long.MAX_VALUE);
    }

    @Override
    public void onNext(byte[] next) {
      if (isDone()) {
        return; // on its way when the others were refused
      }
      try {
        bytes.add(next, next.length);
      } catch (RuntimeException | OutOfMemoryError e) {
        bytes.clear();
        completeExceptionally(e);
        subscription.cancel();
      }
    }

    @Override
    public void onError(Throwable failure) {
      bytes.clear();
      completeExceptionally(failure);
    }

    @Override
    public void onComplete() {
      complete(bytes.whole());
    }
  }

  /** Bytes that become more; all of them are taken from the room. */
  private static final class Growing {
    private static final int SMALLEST = 8 << 10;

    private final Room.Lease lease;
    private final int expected;
    private byte[] bytes;
    private int length;

    /**
     * @param expected how many there will be, if that is known: what is never sent is not allocated
     */
    Growing(Room.Lease lease, int expected) {
      this.lease = lease;
      this.expected = expected;
      this.bytes = new byte[expected == 0 ? SMALLEST : Math.min(expected, Room.FREE)];
    }

    void add(byte[] more, int count) {
      lease.take(count);
      int needed = length + count;
      if (needed > bytes.length) {
        int twice = Math.max(needed, 2 * length);
        bytes = Arrays.copyOf(bytes, needed <= expected ? Math.min(twice, expected) : twice);
      }
      System.arraycopy(more, 0, bytes, length, count);
      length = needed;
    }

    byte[] whole() {
      return length == bytes.length ? bytes : Arrays.copyOf(bytes, length);
    }

    void clear() {
      bytes = new byte[0];
    }
  }

  private CompletionStage<byte[]> offTheEventLoopIfLarge(byte[] body) {
    return body.length > LARGE
        ? CompletableFuture.supplyAsync(() -> body, workers)
        : CompletableFuture.completedFuture(body);
  }

  private byte[] decompress(byte[] compressed, String encoding, Room.Lease lease) {
    Growing body = new Growing(lease, 0);
    byte[] some = new byte[Room.FREE];
    int length = 0;
    try (InputStream in = open(compressed, encoding)) {
      for (int count; (count = in.read(some)) >= 0; ) {
        length += count;
        if (length > limits.body()) {
          throw new HttpStatusException(
              HttpStatus.REQUEST_ENTITY_TOO_LARGE,
              "the decompressed body is larger than " + limits.body() + " bytes");
        }
        body.add(some, count);
      }
      return body.whole();
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
