package dev.headstart.server.teach;

import dev.headstart.error.UnavailableException;
import dev.headstart.error.UnavailableException.Reason;
import dev.headstart.server.Draining;
import io.micronaut.http.HttpHeaders;
import io.micronaut.http.HttpRequest;
import io.micronaut.http.HttpResponse;
import io.micronaut.http.MediaType;
import io.micronaut.http.server.netty.NettyHttpRequest;
import io.micronaut.http.sse.Event;
import io.micronaut.runtime.graceful.GracefulShutdownCapable;
import io.micronaut.scheduling.TaskExecutors;
import jakarta.annotation.PreDestroy;
import jakarta.inject.Inject;
import jakarta.inject.Named;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.reactivestreams.Publisher;
import org.reactivestreams.Subscriber;
import org.reactivestreams.Subscription;

/**
 * Server-sent events (HTML, section 9.2). Whoever has news offers them to a stream and never waits:
 * what a client has not read yet is kept up to a bound, and a client that is slower than that is
 * dropped; it comes again with {@code Last-Event-ID}. A comment every quarter of a minute keeps
 * proxies from closing a connection on which nothing happens, and finds those that are gone.
 * Streams end when the server is told to stop. Safe for several threads.
 */
@Singleton
final class EventStreams implements GracefulShutdownCapable {
  /** Events that wait for one client, beyond those that it is given at first. */
  private static final int MOST_WAITING = 1_000;

  private static final Duration HEARTBEAT = Duration.ofSeconds(15);

  private final int most;
  private final Draining draining;
  private final Executor workers;
  private final AtomicInteger taken = new AtomicInteger();
  private final Set<Stream> open = ConcurrentHashMap.newKeySet();
  private final ScheduledExecutorService clock =
      new ScheduledThreadPoolExecutor(
          1,
          work -> {
            Thread daemon = new Thread(work, "headstart-heartbeat");
            daemon.setDaemon(true);
            return daemon;
          });

  @Inject
  EventStreams(
      TeachSettings settings,
      Draining draining,
      @Named(TaskExecutors.BLOCKING) ExecutorService workers) {
    this(settings, draining, workers, HEARTBEAT);
  }

  /**
   * @param workers where sources begin, as that may take a disk
   * @param heartbeat how long nothing may be sent
   */
  EventStreams(TeachSettings settings, Draining draining, Executor workers, Duration heartbeat) {
    this.workers = workers;
    this.most = settings.streams();
    this.draining = draining;
    clock.scheduleAtFixedRate(
        () -> open.forEach(Stream::beat),
        heartbeat.toMillis(),
        heartbeat.toMillis(),
        TimeUnit.MILLISECONDS);
  }

  /** How many clients listen. */
  int size() {
    return open.size();
  }

  /**
   * An answer that goes on until its source or its client ends it.
   *
   * @param request that is answered
   * @param source is told where to put events as soon as the client listens; what it gives is
   *     closed when nobody does any more. It may offer at once whatever there is already, however
   *     much.
   * @throws UnavailableException if there are too many streams, or the server stops
   */
  HttpResponse<Publisher<Event<String>>> open(
      HttpRequest<?> request, Function<Stream, AutoCloseable> source) {
    return open(loop(request), source);
  }

  /** The thread of a request's connection; answers that are streams are to be made on it. */
  static Executor loop(HttpRequest<?> request) {
    return ((NettyHttpRequest<?>) request).getChannelHandlerContext().channel().eventLoop();
  }

  /**
   * @param loop on which clients are told
   */
  HttpResponse<Publisher<Event<String>>> open(
      Executor loop, Function<Stream, AutoCloseable> source) {
    if (draining.begun()) {
      throw new UnavailableException(Reason.STOPPING, "the server is about to stop");
    }
    if (taken.get() >= most) {
      throw new UnavailableException(
          Reason.OVERLOADED,
          "there are " + most + " event streams already, as many as the server keeps");
    }
    return HttpResponse.<Publisher<Event<String>>>ok(new Stream(loop, source))
        // Else a client that accepts anything is given JSON.
        .contentType(MediaType.TEXT_EVENT_STREAM_TYPE)
        .header(HttpHeaders.CACHE_CONTROL, "no-store")
        // Nginx would keep events back until it has a page full of them.
        .header("X-Accel-Buffering", "no");
  }

  @Override
  public CompletionStage<?> shutdownGracefully() {
    open.forEach(Stream::end);
    return CompletableFuture.completedFuture(null);
  }

  @PreDestroy
  void close() {
    clock.shutdownNow();
    open.forEach(Stream::end);
  }

  /** One client's stream; it has one subscriber. */
  final class Stream implements Publisher<Event<String>>, Subscription {
    private final Executor loop;
    private final Function<Stream, AutoCloseable> source;
    private final Queue<Event<String>> waiting = new ArrayDeque<>();
    private Subscriber<? super Event<String>> client;
    private AutoCloseable feed;
    private long requested;
    private boolean opened;
    private boolean ended;
    private boolean cancelled;
    private boolean sending;

    Stream(Executor loop, Function<Stream, AutoCloseable> source) {
      this.loop = loop;
      this.source = source;
    }

    @Override
    public void subscribe(Subscriber<? super Event<String>> subscriber) {
      client = subscriber;
      taken.incrementAndGet();
      open.add(this);
      waiting.add(Event.of("").comment("headstart"));
      subscriber.onSubscribe(this);
      workers.execute(this::begin);
    }

    private void begin() {
      AutoCloseable made;
      try {
        made = source.apply(this);
      } catch (RuntimeException e) {
        cancel();
        loop.execute(() -> client.onError(e));
        return;
      }
      boolean late;
      synchronized (this) {
        feed = made;
        opened = true;
        late = cancelled;
      }
      if (late) {
        closeFeed();
      }
      if (draining.begun()) {
        end();
      }
      send();
    }

    /**
     * Sends an event, now or when the client has read those before.
     *
     * @param id null for none
     * @param type its name
     * @param json its data, in one line
     */
    void offer(String id, String type, String json) {
      offer(Event.of(json).name(type).id(id));
    }

    private void offer(Event<String> event) {
      synchronized (this) {
        if (ended || cancelled) {
          return;
        }
        waiting.add(event);
        if (opened && waiting.size() > MOST_WAITING) {
          waiting.clear(); // too slow: the connection is closed, and the client comes again
          ended = true;
        }
      }
      send();
    }

    private void beat() {
      synchronized (this) {
        if (!waiting.isEmpty()) {
          return;
        }
      }
      offer(Event.of("").comment(""));
    }

    /** Ends the stream behind the events that were offered. */
    void end() {
      synchronized (this) {
        ended = true;
      }
      send();
    }

    @Override
    public void request(long count) {
      synchronized (this) {
        requested = Math.max(requested, requested + count); // MAX_VALUE stays it
        if (!opened) {
          return; // the client is told of nothing before it is told of everything
        }
      }
      send();
    }

    @Override
    public void cancel() {
      synchronized (this) {
        if (cancelled) {
          return;
        }
        cancelled = true;
        waiting.clear();
      }
      taken.decrementAndGet();
      open.remove(this);
      closeFeed();
    }

    /**
     * Has the connection's own thread send, once at a time. There a client that goes is seen
     * between two events: what another thread would have handed over by then comes too late for
     * Micronaut, which throws at each and never frees it.
     */
    private void send() {
      synchronized (this) {
        if (sending || cancelled) {
          return;
        }
        sending = true;
      }
      try {
        loop.execute(this::drain);
      } catch (RejectedExecutionException e) {
        cancel(); // the server has stopped, and the connection with it
      }
    }

    private void drain() {
      while (true) {
        Event<String> next;
        synchronized (this) {
          boolean done = waiting.isEmpty() && ended;
          if (cancelled || !done && (waiting.isEmpty() || requested == 0)) {
            sending = false;
            return;
          }
          next = waiting.poll();
          if (next != null && requested != Long.MAX_VALUE) {
            requested--;
          }
        }
        if (next == null) {
          cancel();
          client.onComplete();
        } else {
          client.onNext(next);
        }
      }
    }

    private void closeFeed() {
      AutoCloseable closing;
      synchronized (this) {
        closing = feed;
        feed = null;
      }
      if (closing != null) {
        try {
          closing.close();
        } catch (Exception e) {
          throw new IllegalStateException("ending to listen failed", e);
        }
      }
    }
  }
}
