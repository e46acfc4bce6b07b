package dev.headstart.server.teach;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.error.UnavailableException;
import dev.headstart.server.Draining;
import io.micronaut.http.sse.Event;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.reactivestreams.Publisher;
import org.reactivestreams.Subscriber;
import org.reactivestreams.Subscription;

/** Streams with clients that read, read slowly, or go away. */
class EventStreamsTest {
  private final EventStreams streams =
      new EventStreams(
          new TeachSettings(true, 1, 0, 1, 0, 0, 2),
          new Draining(),
          Runnable::run,
          Duration.ofHours(1));
  private final AtomicInteger closed = new AtomicInteger();

  @AfterEach
  void close() {
    streams.close();
  }

  /** Reads as much as it asks for. */
  private static final class Client implements Subscriber<Event<String>> {
    private final List<String> read = new ArrayList<>();
    private Subscription subscription;
    private boolean complete;
    private volatile int comments;

    static Client of(Publisher<Event<String>> publisher) {
      Client client = new Client();
      publisher.subscribe(client);
      return client;
    }

    @Override
    public void onSubscribe(Subscription made) {
      subscription = made;
    }

    @Override
    public synchronized void onNext(Event<String> event) {
      if (event.getName() == null) {
        comments++;
      } else {
        read.add(event.getId() + " " + event.getName() + " " + event.getData());
      }
    }

    @Override
    public void onError(Throwable failure) {
      throw new AssertionError(failure);
    }

    @Override
    public void onComplete() {
      complete = true;
    }
  }

  private EventStreams.Stream open(int replayed) {
    return (EventStreams.Stream)
        streams
            .open(
                Runnable::run,
                stream -> {
                  for (int i = 0; i < replayed; i++) {
                    stream.offer("" + i, "epoch", "{}");
                  }
                  return closed::incrementAndGet;
                })
            .body();
  }

  @Test
  void whatIsOfferedIsReadInOrder() {
    EventStreams.Stream stream = open(2);
    Client client = Client.of(stream);
    stream.offer("2", "end", "{\"a\":1}");
    stream.end();
    assertEquals(List.of(), client.read);
    client.subscription.request(2);
    assertEquals(List.of("0 epoch {}"), client.read);
    client.subscription.request(Long.MAX_VALUE);
    assertEquals(List.of("0 epoch {}", "1 epoch {}", "2 end {\"a\":1}"), client.read);
    assertTrue(client.complete);
    assertEquals(1, closed.get());
    assertEquals(0, streams.size());
  }

  @Test
  void aClientThatDoesNotReadIsDropped() {
    EventStreams.Stream stream = open(5_000); // what there is already may be much
    Client client = Client.of(stream);
    assertEquals(1, streams.size());
    stream.offer("x", "epoch", "{}");
    assertEquals(0, streams.size());
    assertEquals(1, closed.get());
    assertTrue(client.complete);
  }

  @Test
  void aClientThatGoesAwayIsForgotten() {
    EventStreams.Stream stream = open(1);
    Client client = Client.of(stream);
    client.subscription.cancel();
    stream.offer("1", "epoch", "{}");
    client.subscription.cancel();
    assertEquals(List.of(), client.read);
    assertFalse(client.complete);
    assertEquals(1, closed.get());
    assertEquals(0, streams.size());
  }

  /** What was offered before a client went, on another thread than its own, is not handed over. */
  @Test
  void nothingIsHandedOverToAClientThatWent() {
    List<Runnable> waiting = new ArrayList<>();
    EventStreams.Stream stream =
        (EventStreams.Stream) streams.open(waiting::add, any -> closed::incrementAndGet).body();
    Client client = Client.of(stream);
    client.subscription.request(Long.MAX_VALUE);
    stream.offer("1", "epoch", "{}");
    assertEquals(List.of(), client.read); // only on its own thread
    client.subscription.cancel();
    waiting.forEach(Runnable::run);
    assertEquals(List.of(), client.read);
    assertEquals(1, closed.get());
    assertEquals(0, streams.size());
  }

  @Test
  void aThreadThatHasStoppedEndsTheStream() {
    EventStreams.Stream stream =
        (EventStreams.Stream)
            streams
                .open(
                    work -> {
                      throw new RejectedExecutionException("shut down");
                    },
                    any -> closed::incrementAndGet)
                .body();
    Client.of(stream);
    stream.offer("1", "epoch", "{}");
    assertEquals(0, streams.size());
    assertEquals(1, closed.get());
  }

  @Test
  void thereAreNotMoreThanAllowed() {
    Client first = Client.of(open(0));
    Client.of(open(0));
    assertThrows(UnavailableException.class, () -> open(0));
    first.subscription.cancel();
    Client.of(open(0));
  }

  @Test
  void aCommentKeepsAQuietStreamOpen() throws Exception {
    EventStreams quick =
        new EventStreams(
            new TeachSettings(true, 1, 0, 1, 0, 0, 2),
            new Draining(),
            Runnable::run,
            Duration.ofMillis(20));
    EventStreams.Stream stream =
        (EventStreams.Stream) quick.open(Runnable::run, any -> closed::incrementAndGet).body();
    Client client = Client.of(stream);
    client.subscription.request(Long.MAX_VALUE);
    for (int i = 0; i < 500 && client.comments < 4; i++) {
      Thread.sleep(10);
    }
    assertTrue(client.comments >= 4);
    quick.close();
    assertTrue(client.complete);
  }

  @Test
  void theyEndWhenTheServerStops() {
    Client client = Client.of(open(0));
    client.subscription.request(10);
    streams.shutdownGracefully();
    assertTrue(client.complete);
    assertEquals(1, closed.get());
  }

  /**
   * Several threads offer, one asks for more now and then; nothing is lost, nothing comes twice.
   */
  @Test
  void severalThreadsOffer() throws Exception {
    EventStreams.Stream stream = open(0);
    Client client = Client.of(stream);
    CountDownLatch begin = new CountDownLatch(1);
    List<Thread> threads = new ArrayList<>();
    for (int t = 0; t < 4; t++) {
      int from = t * 200;
      Thread thread =
          new Thread(
              () -> {
                try {
                  begin.await();
                } catch (InterruptedException e) {
                  throw new IllegalStateException(e);
                }
                for (int i = 0; i < 200; i++) {
                  stream.offer("" + (from + i), "epoch", "{}");
                  client.subscription.request(1);
                }
              });
      thread.start();
      threads.add(thread);
    }
    begin.countDown();
    for (Thread thread : threads) {
      thread.join();
    }
    client.subscription.request(Long.MAX_VALUE);
    assertEquals(800, client.read.size());
    assertEquals(800, client.read.stream().distinct().count());
  }
}
