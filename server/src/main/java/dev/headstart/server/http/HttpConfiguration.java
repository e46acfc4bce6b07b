package dev.headstart.server.http;

import dev.headstart.server.protocol.Limits;
import io.micronaut.context.annotation.Replaces;
import io.micronaut.context.event.BeanCreatedEvent;
import io.micronaut.context.event.BeanCreatedEventListener;
import io.micronaut.http.server.netty.DefaultHttpCompressionStrategy;
import io.micronaut.http.server.netty.HttpCompressionStrategy;
import io.micronaut.http.server.netty.configuration.NettyHttpServerConfiguration;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpUtil;
import jakarta.inject.Singleton;

/** What Micronaut's HTTP server does differently here from its defaults. */
@Singleton
final class HttpConfiguration implements BeanCreatedEventListener<NettyHttpServerConfiguration> {
  private final Limits limits;

  HttpConfiguration(Limits limits) {
    this.limits = limits;
  }

  @Override
  public NettyHttpServerConfiguration onCreated(
      BeanCreatedEvent<NettyHttpServerConfiguration> event) {
    NettyHttpServerConfiguration http = event.getBean();
    http.setMaxRequestSize(limits.body());
    http.setMaxRequestBufferSize(limits.body());
    http.setRequestDecompressionEnabled(false);
    // A picture's tensor in a few pieces instead of some seventy.
    http.setMaxChunkSize(1 << 20);
    // A refused request (503) is no reason to make its client connect again.
    http.setKeepAliveOnServerError(true);
    return http;
  }

  /** Compresses binary answers too; small ones, and pictures, are not worth it. */
  @Singleton
  @Replaces(DefaultHttpCompressionStrategy.class)
  static final class Compression implements HttpCompressionStrategy {
    private static final int SMALLEST = 1024;
    private static final int FAST = 3;

    @Override
    public boolean shouldCompress(HttpResponse response) {
      String type = response.headers().get(HttpHeaderNames.CONTENT_TYPE);
      return type != null
          && !type.startsWith("image/")
          && HttpUtil.getContentLength(response, 0) >= SMALLEST;
    }

    @Override
    public int getCompressionLevel() {
      return FAST;
    }

    @Override
    public int getMaxZstdEncodeSize() {
      return 0;
    }
  }
}
