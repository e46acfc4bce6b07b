package dev.headstart.server.security;

import io.micronaut.context.event.BeanCreatedEvent;
import io.micronaut.context.event.BeanCreatedEventListener;
import io.micronaut.http.netty.channel.ChannelPipelineCustomizer;
import io.micronaut.http.server.netty.NettyServerCustomizer;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.http.HttpMessage;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.concurrent.Future;
import jakarta.inject.Singleton;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Closes connections whose clients take longer than allowed to send a request, be it a byte at a
 * time (slowloris), and those that are more than allowed. What an idle connection may is the HTTP
 * server's own matter.
 */
@Singleton
final class SlowClients implements BeanCreatedEventListener<NettyServerCustomizer.Registry> {
  private static final Logger LOG = LoggerFactory.getLogger(SlowClients.class);

  private final ConnectionSettings settings;
  private final AtomicInteger open = new AtomicInteger();
  private final Rarely refusals = new Rarely();

  SlowClients(ConnectionSettings settings) {
    this.settings = settings;
  }

  @Override
  public NettyServerCustomizer.Registry onCreated(
      BeanCreatedEvent<NettyServerCustomizer.Registry> event) {
    event.getBean().register(new Customizer(null));
    return event.getBean();
  }

  private final class Customizer implements NettyServerCustomizer {
    private final Channel channel;

    Customizer(Channel channel) {
      this.channel = channel;
    }

    @Override
    public NettyServerCustomizer specializeForChannel(Channel channel, ChannelRole role) {
      return role == ChannelRole.CONNECTION ? new Customizer(channel) : this;
    }

    @Override
    public void onInitialPipelineBuilt() {
      if (open.incrementAndGet() > settings.max()) {
        open.decrementAndGet();
        if (refusals.now() >= 0) {
          LOG.warn("more than {} connections: {} is closed", settings.max(), channel);
        }
        channel.close();
        return;
      }
      channel.closeFuture().addListener(closed -> open.decrementAndGet());
      Clock clock = new Clock();
      channel
          .pipeline()
          .addBefore(
              ChannelPipelineCustomizer.HANDLER_HTTP_SERVER_CODEC, "request-begins", clock.begins())
          .addAfter(
              ChannelPipelineCustomizer.HANDLER_HTTP_SERVER_CODEC, "request-ends", clock.ends());
    }
  }

  /** When the request that a client is sending began. All on the connection's event loop. */
  private final class Clock {
    private final long limit = settings.request().toNanos();
    private long began;
    private boolean sending;
    private Future<?> check;

    /** Sees bytes. */
    ChannelInboundHandlerAdapter begins() {
      return new ChannelInboundHandlerAdapter() {
        @Override
        public void channelActive(ChannelHandlerContext context) {
          begin(); // one that never sends anything is slow as well
          check =
              context
                  .executor()
                  .scheduleAtFixedRate(
                      () -> check(context), limit, Math.max(1, limit / 4), TimeUnit.NANOSECONDS);
          context.fireChannelActive();
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object bytes) {
          if (!sending) {
            begin();
          }
          context.fireChannelRead(bytes);
        }

        @Override
        public void channelInactive(ChannelHandlerContext context) {
          if (check != null) {
            check.cancel(false);
          }
          context.fireChannelInactive();
        }
      };
    }

    /** Sees requests. */
    ChannelInboundHandlerAdapter ends() {
      return new ChannelInboundHandlerAdapter() {
        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
          if (message instanceof LastHttpContent) {
            sending = false;
          } else if (message instanceof HttpMessage && !sending) {
            begin(); // behind another in the same bytes
          }
          context.fireChannelRead(message);
        }
      };
    }

    private void begin() {
      sending = true;
      began = System.nanoTime();
    }

    private void check(ChannelHandlerContext context) {
      if (sending && System.nanoTime() - began > limit) {
        if (refusals.now() >= 0) {
          LOG.warn("{} takes too long to send a request and is closed", context.channel());
        }
        context.close();
      }
    }
  }
}
