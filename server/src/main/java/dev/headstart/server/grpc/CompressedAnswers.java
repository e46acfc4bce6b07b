package dev.headstart.server.grpc;

import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import java.util.Set;

/** Answers a client that compresses its requests in the same encoding. */
final class CompressedAnswers implements ServerInterceptor {
  private static final Metadata.Key<String> ENCODING =
      Metadata.Key.of("grpc-encoding", Metadata.ASCII_STRING_MARSHALLER);
  private static final Set<String> KNOWN = Set.of("gzip", "deflate");

  @Override
  public <Q, R> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
    String encoding = headers.get(ENCODING);
    if (encoding != null && KNOWN.contains(encoding)) {
      call.setCompression(encoding);
    }
    return next.startCall(call, headers);
  }
}
