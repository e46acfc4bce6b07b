package dev.headstart.server.http;

import dev.headstart.error.BadInputException;
import dev.headstart.error.ConflictException;
import dev.headstart.error.FailureException;
import dev.headstart.error.HeadstartException;
import dev.headstart.error.NotFoundException;
import dev.headstart.error.UnavailableException;
import dev.headstart.error.UsageException;
import dev.headstart.server.RequestIds;
import dev.headstart.server.protocol.NotSupportedException;
import io.micronaut.core.convert.exceptions.ConversionErrorException;
import io.micronaut.http.HttpHeaders;
import io.micronaut.http.HttpMethod;
import io.micronaut.http.HttpRequest;
import io.micronaut.http.HttpResponse;
import io.micronaut.http.HttpStatus;
import io.micronaut.http.annotation.Controller;
import io.micronaut.http.annotation.Error;
import io.micronaut.http.exceptions.BufferLengthExceededException;
import io.micronaut.http.exceptions.ContentLengthExceededException;
import io.micronaut.http.exceptions.HttpStatusException;
import io.micronaut.http.server.exceptions.NotAllowedException;
import io.micronaut.web.router.exceptions.UnsatisfiedRouteException;
import io.netty.handler.codec.DecoderException;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import java.io.IOException;
import java.net.URISyntaxException;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The one place where what was thrown becomes a status and {@code {"error": …}}. */
@Controller
final class ErrorController {
  private static final Logger LOG = LoggerFactory.getLogger(ErrorController.class);

  /** Seconds after which a client whose request was refused for want of room may come again. */
  private static final String RETRY_AFTER = "1";

  @Error(global = true)
  HttpResponse<byte[]> error(HttpRequest<?> request, Throwable thrown) {
    Throwable cause = thrown;
    while ((cause instanceof CompletionException || cause instanceof ExecutionException)
        && cause.getCause() != null) {
      cause = cause.getCause();
    }
    return cause instanceof HeadstartException known
        ? known(request, known)
        : other(request, cause);
  }

  private static HttpResponse<byte[]> known(HttpRequest<?> request, HeadstartException e) {
    if (e instanceof NotFoundException) {
      return Answers.error(HttpStatus.NOT_FOUND, e.getMessage());
    }
    if (e instanceof BadInputException || e instanceof UsageException) {
      return Answers.error(HttpStatus.BAD_REQUEST, e.getMessage());
    }
    if (e instanceof ConflictException) {
      return Answers.error(HttpStatus.CONFLICT, e.getMessage());
    }
    if (e instanceof UnavailableException unavailable) {
      var answer = Answers.error(HttpStatus.SERVICE_UNAVAILABLE, e.getMessage());
      return unavailable.reason() == UnavailableException.Reason.TIMEOUT
          ? answer
          : answer.header(HttpHeaders.RETRY_AFTER, RETRY_AFTER);
    }
    if (e instanceof FailureException failure) {
      return failure
          .storage()
          .<HttpResponse<byte[]>>map(
              why ->
                  Answers.error(
                      HttpStatus.INSUFFICIENT_STORAGE,
                      "nothing can be stored in the server's workspace: " + why))
          .orElseGet(() -> unexpected(request, e));
    }
    throw new IllegalStateException("no status for " + e.getClass(), e);
  }

  private static HttpResponse<byte[]> other(HttpRequest<?> request, Throwable e) {
    if (e instanceof OutOfMemoryError) {
      // What the request had is free again: it is the one that failed, not the server.
      LOG.warn("{} {}: {}", request.getMethodName(), request.getPath(), e.toString());
      return Answers.error(
              HttpStatus.SERVICE_UNAVAILABLE, "the server has no memory left for this request")
          .header(HttpHeaders.RETRY_AFTER, RETRY_AFTER);
    }
    if (e instanceof NotSupportedException) {
      return Answers.error(HttpStatus.NOT_IMPLEMENTED, e.getMessage());
    }
    if (e instanceof NotAllowedException notAllowed) {
      return notAllowed(request, new TreeSet<>(notAllowed.getAllowedMethods()));
    }
    if (e instanceof io.micronaut.http.server.exceptions.NotFoundException) {
      return Answers.error(
          HttpStatus.NOT_FOUND, "there is nothing at " + request.getPath() + "; see /docs");
    }
    if (e instanceof HttpStatusException status) {
      return Answers.error(status.getStatus(), status.getMessage());
    }
    if (e instanceof ContentLengthExceededException || e instanceof BufferLengthExceededException) {
      return Answers.error(HttpStatus.REQUEST_ENTITY_TOO_LARGE, e.getMessage());
    }
    if (e instanceof TooLongHttpLineException) {
      return Answers.error(HttpStatus.REQUEST_URI_TOO_LONG, "the request's URI is too long");
    }
    if (e instanceof TooLongHttpHeaderException) {
      return Answers.error(
          HttpStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "the request's headers are too long");
    }
    if (e instanceof URISyntaxException
        || e instanceof DecoderException
        || e instanceof UnsatisfiedRouteException
        || e instanceof ConversionErrorException) {
      return Answers.error(HttpStatus.BAD_REQUEST, "the request is not sound: " + e.getMessage());
    }
    if (e instanceof IOException) {
      // The client went away in the middle of its request; nobody reads this.
      LOG.debug("{} {}: {}", request.getMethodName(), request.getPath(), e.toString());
      return Answers.error(HttpStatus.BAD_REQUEST, "the request ended early");
    }
    return unexpected(request, e);
  }

  private static HttpResponse<byte[]> notAllowed(HttpRequest<?> request, Set<String> allowed) {
    allowed.add(HttpMethod.OPTIONS.name());
    var answer =
        request.getMethod() == HttpMethod.OPTIONS
            ? HttpResponse.<byte[]>noContent()
            : Answers.error(
                HttpStatus.METHOD_NOT_ALLOWED,
                request.getMethodName() + " is not allowed here, expected one of " + allowed);
    return answer.header(HttpHeaders.ALLOW, String.join(", ", allowed));
  }

  /** What clients cannot mend is for the log; they get an id to ask about. */
  private static HttpResponse<byte[]> unexpected(HttpRequest<?> request, Throwable e) {
    String id = RequestIds.of(request);
    LOG.error("request {}: {} {} failed", id, request.getMethodName(), request.getPath(), e);
    return Answers.error(
        HttpStatus.INTERNAL_SERVER_ERROR,
        "the server failed at this request; its log says more about request " + id);
  }
}
