package dev.headstart.server.operation;

import io.grpc.ForwardingServerCall;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.micronaut.context.annotation.Bean;
import io.micronaut.context.annotation.Factory;
import io.micronaut.context.annotation.Requires;
import io.micronaut.core.order.Ordered;
import io.micronaut.http.HttpRequest;
import io.micronaut.http.MutableHttpResponse;
import io.micronaut.http.annotation.RequestFilter;
import io.micronaut.http.annotation.ResponseFilter;
import io.micronaut.http.annotation.ServerFilter;
import io.micronaut.http.filter.ServerFilterPhase;
import io.micronaut.web.router.RouteAttributes;
import io.micronaut.web.router.UriRouteMatch;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.propagation.TextMapGetter;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.autoconfigure.AutoConfiguredOpenTelemetrySdk;
import jakarta.inject.Singleton;
import java.util.List;
import java.util.Map;

/**
 * A span for every request of both transports, below the one that its {@code traceparent} names,
 * sent to a collector. Without an endpoint none of this is made. What else OpenTelemetry can be
 * told ({@code OTEL_SERVICE_NAME}, {@code OTEL_TRACES_SAMPLER}, …) it reads from the environment
 * itself.
 */
@Factory
@Requires(property = Tracing.ENDPOINT)
final class Tracing {
  static final String ENDPOINT = "headstart.tracing.endpoint";
  private static final int FAILED = 500;

  @Singleton
  @Bean(preDestroy = "close")
  OpenTelemetrySdk telemetry(TracingSettings settings) {
    return AutoConfiguredOpenTelemetrySdk.builder()
        .disableShutdownHook()
        .addPropertiesSupplier(
            () ->
                Map.of(
                    "otel.exporter.otlp.endpoint", settings.endpoint(),
                    "otel.exporter.otlp.protocol", "http/protobuf",
                    "otel.service.name", "headstart",
                    "otel.metrics.exporter", "none",
                    "otel.logs.exporter", "none"))
        .build()
        .getOpenTelemetrySdk();
  }

  @Singleton
  Tracer tracer(OpenTelemetrySdk telemetry) {
    return telemetry.getTracer("dev.headstart");
  }

  private static <C> Span begin(Tracer tracer, String name, C carrier, TextMapGetter<C> getter) {
    Context parent =
        W3CTraceContextPropagator.getInstance().extract(Context.root(), carrier, getter);
    return tracer.spanBuilder(name).setParent(parent).setSpanKind(SpanKind.SERVER).startSpan();
  }

  /** Of HTTP; see the semantic conventions of OpenTelemetry for HTTP servers. */
  @ServerFilter(ServerFilter.MATCH_ALL_PATTERN)
  @Requires(property = ENDPOINT)
  static final class Http implements Ordered, TextMapGetter<HttpRequest<?>> {
    private static final String SPAN = "headstart.span";

    private final Tracer tracer;

    Http(Tracer tracer) {
      this.tracer = tracer;
    }

    @Override
    public int getOrder() {
      return ServerFilterPhase.TRACING.order();
    }

    @RequestFilter
    void before(HttpRequest<?> request) {
      Span span = begin(tracer, request.getMethodName(), request, this);
      span.setAttribute("http.request.method", request.getMethodName());
      span.setAttribute("url.path", request.getUri().getRawPath());
      RouteAttributes.getRouteMatch(request)
          .filter(UriRouteMatch.class::isInstance)
          .map(match -> ((UriRouteMatch<?, ?>) match).getVariableValues())
          .ifPresent(
              values -> {
                Object model = values.getOrDefault("model", values.get("head"));
                if (model != null) {
                  span.setAttribute("headstart.model", model.toString());
                }
              });
      request.setAttribute(SPAN, span);
    }

    @ResponseFilter
    void after(HttpRequest<?> request, MutableHttpResponse<?> response) {
      request
          .getAttribute(SPAN, Span.class)
          .ifPresent(
              span -> {
                span.setAttribute("http.response.status_code", response.code());
                if (response.code() >= FAILED) {
                  span.setStatus(StatusCode.ERROR);
                }
                span.end();
              });
    }

    @Override
    public Iterable<String> keys(HttpRequest<?> carrier) {
      return carrier.getHeaders().names();
    }

    @Override
    public String get(HttpRequest<?> carrier, String key) {
      return carrier.getHeaders().get(key);
    }
  }

  /** Of gRPC. */
  @Singleton
  @Requires(property = ENDPOINT)
  static final class Grpc implements ServerInterceptor, TextMapGetter<Metadata> {
    private final Tracer tracer;

    Grpc(Tracer tracer) {
      this.tracer = tracer;
    }

    @Override
    public <Q, A> ServerCall.Listener<Q> interceptCall(
        ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
      Span span = begin(tracer, call.getMethodDescriptor().getFullMethodName(), headers, this);
      span.setAttribute("rpc.system", "grpc");
      return next.startCall(
          new ForwardingServerCall.SimpleForwardingServerCall<>(call) {
            @Override
            public void close(Status status, Metadata trailers) {
              span.setAttribute("rpc.grpc.status_code", status.getCode().value());
              if (!status.isOk()) {
                span.setStatus(StatusCode.ERROR);
              }
              span.end();
              super.close(status, trailers);
            }
          },
          headers);
    }

    @Override
    public Iterable<String> keys(Metadata carrier) {
      return List.copyOf(carrier.keys());
    }

    @Override
    public String get(Metadata carrier, String key) {
      return carrier.get(Metadata.Key.of(key, Metadata.ASCII_STRING_MARSHALLER));
    }
  }
}
