package dev.headstart.server.grpc;

import dev.headstart.error.BadInputException;
import dev.headstart.error.ConflictException;
import dev.headstart.error.HeadstartException;
import dev.headstart.error.NotFoundException;
import dev.headstart.error.UnavailableException;
import dev.headstart.error.UsageException;
import dev.headstart.server.protocol.NotSupportedException;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.concurrent.CompletionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What clients are told of a failure. */
final class Statuses {
  private static final Logger LOG = LoggerFactory.getLogger(Statuses.class);

  /** Milliseconds after which a client that retries by itself should come again. */
  private static final Metadata.Key<String> PUSHBACK =
      Metadata.Key.of("grpc-retry-pushback-ms", Metadata.ASCII_STRING_MARSHALLER);

  /**
   * Characters of a message. It travels percent-encoded in a header, up to nine bytes for each, and
   * clients take 8 KB of headers.
   */
  private static final int LONGEST = 700;

  private Statuses() {}

  /**
   * The status of a failure. A full queue is UNAVAILABLE, the status that clients retry (so says
   * gRPC's own guide to status codes), and not RESOURCE_EXHAUSTED, which they take for a limit that
   * stays.
   */
  static StatusRuntimeException of(Throwable failure) {
    Throwable reason =
        failure instanceof CompletionException && failure.getCause() != null
            ? failure.getCause()
            : failure;
    Metadata trailers = new Metadata();
    if (reason instanceof UnavailableException unavailable
        && unavailable.reason() == UnavailableException.Reason.OVERLOADED) {
      trailers.put(PUSHBACK, "1000");
    }
    Status status = status(reason);
    String message = status.getDescription();
    return (message == null || message.length() <= LONGEST
            ? status
            : status.withDescription(message.substring(0, LONGEST) + "…"))
        .asRuntimeException(trailers);
  }

  private static Status status(Throwable reason) {
    if (reason instanceof HeadstartException known) {
      return code(known).toStatus().withDescription(known.getMessage());
    }
    if (reason instanceof NotSupportedException) {
      return Status.UNIMPLEMENTED.withDescription(reason.getMessage());
    }
    if (reason instanceof StatusRuntimeException own) {
      return own.getStatus();
    }
    LOG.error("A gRPC call failed unexpectedly", reason);
    return Status.INTERNAL.withDescription("internal error; the server's log says more");
  }

  private static Status.Code code(HeadstartException known) {
    if (known instanceof BadInputException || known instanceof UsageException) {
      return Status.Code.INVALID_ARGUMENT;
    }
    if (known instanceof ConflictException) {
      return Status.Code.FAILED_PRECONDITION;
    }
    if (known instanceof NotFoundException) {
      return Status.Code.NOT_FOUND;
    }
    if (known instanceof UnavailableException unavailable) {
      return unavailable.reason() == UnavailableException.Reason.TIMEOUT
          ? Status.Code.DEADLINE_EXCEEDED
          : Status.Code.UNAVAILABLE;
    }
    LOG.error("A gRPC call failed", known);
    return Status.Code.INTERNAL;
  }
}
