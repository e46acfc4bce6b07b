package dev.headstart.server.security;

import io.micronaut.context.event.BeanCreatedEvent;
import io.micronaut.context.event.BeanCreatedEventListener;
import io.micronaut.http.netty.channel.ChannelPipelineCustomizer;
import io.micronaut.http.server.netty.NettyServerCustomizer;
import io.netty.channel.Channel;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.DecoderException;
import io.netty.handler.codec.DecoderResult;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.ReferenceCountUtil;
import jakarta.inject.Singleton;
import java.util.List;

/**
 * Refuses requests whose end, or whose addressee, two servers could see differently (request
 * smuggling), where Netty's decoder lets them pass, and closes their connections: what follows on
 * them cannot be told apart from the body. The rules are those of RFC 9112, 3.2 and 6.3.
 */
@Singleton
final class Framing implements BeanCreatedEventListener<NettyServerCustomizer.Registry> {

  @Override
  public NettyServerCustomizer.Registry onCreated(
      BeanCreatedEvent<NettyServerCustomizer.Registry> event) {
    event.getBean().register(new Customizer(null));
    return event.getBean();
  }

  private record Customizer(Channel channel) implements NettyServerCustomizer {

    @Override
    public NettyServerCustomizer specializeForChannel(Channel channel, ChannelRole role) {
      return role == ChannelRole.CONNECTION ? new Customizer(channel) : this;
    }

    @Override
    public void onInitialPipelineBuilt() {
      if (channel.pipeline().get(ChannelPipelineCustomizer.HANDLER_HTTP_SERVER_CODEC) != null) {
        channel
            .pipeline()
            .addAfter(ChannelPipelineCustomizer.HANDLER_HTTP_SERVER_CODEC, "framing", new Check());
      }
    }
  }

  /** Of one connection. */
  private static final class Check extends ChannelDuplexHandler {
    /** Nothing more is read from here on. */
    private boolean refused;

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
      if (refused) {
        ReferenceCountUtil.release(message);
      } else if (message instanceof HttpRequest request) {
        String fault = request.decoderResult().isSuccess() ? fault(request) : null;
        if (fault != null) {
          refused = true;
          request.setDecoderResult(DecoderResult.failure(new DecoderException(fault)));
        }
        context.fireChannelRead(message);
      } else if (message instanceof HttpContent content && content.decoderResult().isFailure()) {
        // Netty ends the body here, as if it were whole.
        refused = true;
        String reason = content.decoderResult().cause().getMessage();
        ReferenceCountUtil.release(message);
        context.fireExceptionCaught(
            new DecoderException("the body's chunks are not sound: " + reason));
      } else {
        context.fireChannelRead(message);
      }
    }

    @Override
    public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
      boolean last = refused && message instanceof LastHttpContent;
      context.write(
          message, last ? promise.unvoid().addListener(ChannelFutureListener.CLOSE) : promise);
    }

    /** What is wrong with a request; null for nothing. */
    private static String fault(HttpRequest request) {
      HttpHeaders headers = request.headers();
      HttpVersion version = request.protocolVersion();
      if (!version.equals(HttpVersion.HTTP_1_1) && !version.equals(HttpVersion.HTTP_1_0)) {
        return version + " is not spoken here, but HTTP/1.1";
      }
      if (headers.contains(HttpHeaderNames.TRANSFER_ENCODING)) {
        List<String> encodings = headers.getAll(HttpHeaderNames.TRANSFER_ENCODING);
        if (encodings.size() > 1
            || !HttpHeaderValues.CHUNKED.contentEqualsIgnoreCase(encodings.get(0).strip())) {
          return "Transfer-Encoding may be chunked and nothing else";
        }
      }
      int hosts = headers.getAll(HttpHeaderNames.HOST).size();
      if (hosts > 1 || hosts == 0 && version.equals(HttpVersion.HTTP_1_1)) {
        return "a request has one header Host, not " + hosts;
      }
      if (headers.getAll(HttpHeaderNames.ORIGIN).size() > 1) {
        return "a request has one header Origin at most";
      }
      // The addressee in the first line counts, and Host is passed over.
      String uri = request.uri();
      int authority = uri.startsWith("/") ? -1 : uri.indexOf("://");
      if (authority >= 0) {
        int end = uri.indexOf('/', authority + 3);
        headers.set(
            HttpHeaderNames.HOST, uri.substring(authority + 3, end < 0 ? uri.length() : end));
      }
      return null;
    }
  }
}
