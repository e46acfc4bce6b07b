package dev.headstart.server.http;

import io.micronaut.http.HttpStatus;
import io.micronaut.http.MutableHttpResponse;
import io.micronaut.http.server.exceptions.response.ErrorContext;
import io.micronaut.http.server.exceptions.response.ErrorResponseProcessor;
import io.netty.handler.codec.DecoderException;
import jakarta.inject.Singleton;

/** Errors that Micronaut answers itself, such as a request that is not HTTP, in our words' form. */
@Singleton
final class ErrorBodies implements ErrorResponseProcessor<byte[]> {

  @Override
  public MutableHttpResponse<byte[]> processResponse(
      ErrorContext context, MutableHttpResponse<?> response) {
    HttpStatus status = HttpStatus.valueOf(response.code());
    String message =
        context.getErrors().isEmpty()
            ? context
                .getRootCause()
                .filter(cause -> cause instanceof DecoderException)
                .map(cause -> "the request is not sound HTTP: " + cause.getMessage())
                .orElse(status.getReason())
            : context.getErrors().get(0).getMessage();
    MutableHttpResponse<byte[]> answer = Answers.error(status, message);
    response.getHeaders().forEachValue(answer::header);
    return answer;
  }
}
