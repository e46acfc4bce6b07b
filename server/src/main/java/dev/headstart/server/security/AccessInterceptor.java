package dev.headstart.server.security;

import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import jakarta.inject.Singleton;
import java.util.Map;

/**
 * Asks gRPC calls for their key, in the same metadata as HTTP's headers. Their {@code :authority}
 * is not looked at: no browser can speak gRPC to a server that it was not given a certificate of,
 * and balancers put their own names there.
 */
@Singleton
final class AccessInterceptor implements ServerInterceptor {
  private static final Metadata.Key<String> AUTHORIZATION = key("authorization");
  private static final Metadata.Key<String> API_KEY = key("x-api-key");

  private static final String SERVICE = "inference.GRPCInferenceService/";

  /** What is missing needs {@link Role#ADMIN}. */
  private static final Map<String, Role> ROLES =
      Map.of(
          SERVICE + "ServerMetadata", Role.PREDICT,
          SERVICE + "ModelReady", Role.PREDICT,
          SERVICE + "ModelMetadata", Role.PREDICT,
          SERVICE + "ModelInfer", Role.PREDICT,
          SERVICE + "ModelStreamInfer", Role.PREDICT,
          SERVICE + "ModelConfig", Role.PREDICT,
          SERVICE + "ModelStatistics", Role.PREDICT,
          SERVICE + "RepositoryIndex", Role.PREDICT);

  private final Authentication authentication;

  AccessInterceptor(Authentication authentication) {
    this.authentication = authentication;
  }

  private static Metadata.Key<String> key(String name) {
    return Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER);
  }

  @Override
  public <Q, A> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
    String method = call.getMethodDescriptor().getFullMethodName();
    if (!authentication.asked() || open(method)) {
      return next.startCall(call, headers);
    }
    Role needed = needed(method);
    Authentication.Verdict verdict =
        authentication.judge(
            new Credentials(headers.get(AUTHORIZATION), headers.get(API_KEY), null),
            needed,
            call.getAttributes().get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR),
            method);
    if (verdict == Authentication.Verdict.ALLOWED) {
      return next.startCall(call, headers);
    }
    Status status =
        verdict == Authentication.Verdict.UNKNOWN
            ? Status.UNAUTHENTICATED
            : Status.PERMISSION_DENIED;
    call.close(status.withDescription(authentication.advice(verdict, needed)), new Metadata());
    return new ServerCall.Listener<>() {};
  }

  /** Whether a method needs no key. */
  static boolean open(String method) {
    return method.equals(SERVICE + "ServerLive")
        || method.equals(SERVICE + "ServerReady")
        || method.startsWith("grpc.health.v1.Health/");
  }

  /** The role that a method needs. */
  static Role needed(String method) {
    return method.startsWith("grpc.reflection.")
        ? Role.PREDICT
        : ROLES.getOrDefault(method, Role.ADMIN);
  }
}
