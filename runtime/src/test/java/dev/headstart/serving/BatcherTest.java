package dev.headstart.serving;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.error.BadInputException;
import dev.headstart.error.FailureException;
import dev.headstart.error.UnavailableException;
import dev.headstart.error.UnavailableException.Reason;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The scheduling, with work that is made up. */
@Timeout(300)
class BatcherTest {
  private static final long SEED = Long.getLong("seed", 7);
  private static final Duration LONG = Duration.ofSeconds(20);

  private final AtomicInteger released = new AtomicInteger();
  private final List<String> calls = Collections.synchronizedList(new ArrayList<>());
  private final List<Batcher> open = new ArrayList<>();

  @AfterEach
  void close() {
    open.forEach(batcher -> batcher.close(Duration.ofMillis(100)));
  }

  private Batcher batcher(int slots, int bound) {
    Batcher batcher = new Batcher(slots, bound);
    open.add(batcher);
    return batcher;
  }

  /** Each unit gives one character of the name; {@code work} runs in each call. */
  private final class Fake extends Job<String> {
    private final String name;
    private final Object key;
    private final Cost cost;
    private final int perCall;
    private final Consumer<Fake> work;
    private final char[] out;
    private final AtomicInteger frees = new AtomicInteger();
    private volatile Thread ranOn;
    private int most = Integer.MAX_VALUE;

    Fake(
        String name, Object key, int perCall, int priority, Duration timeout, Consumer<Fake> work) {
      this(name, key, perCall, priority, timeout, null, work);
    }

    Fake(
        String name,
        Object key,
        int perCall,
        int priority,
        Duration timeout,
        Cost cost,
        Consumer<Fake> work) {
      super(name.length(), priority, timeout);
      this.name = name;
      this.key = key;
      this.cost = cost;
      this.perCall = perCall;
      this.work = work;
      this.out = new char[name.length()];
    }

    @Override
    Object key() {
      return key;
    }

    @Override
    Cost cost() {
      return cost;
    }

    @Override
    int perCall() {
      return perCall;
    }

    @Override
    int calls() {
      return most;
    }

    @Override
    void run(List<Piece> pieces) {
      ranOn = Thread.currentThread();
      StringBuilder call = new StringBuilder();
      for (Piece piece : pieces) {
        Fake job = (Fake) piece.job();
        call.append(job.name, piece.from(), piece.from() + piece.count());
      }
      calls.add(call.toString());
      for (Piece piece : pieces) {
        Fake job = (Fake) piece.job();
        job.work.accept(job);
        for (int i = piece.from(); i < piece.from() + piece.count(); i++) {
          job.out[i] = job.name.charAt(i);
        }
      }
    }

    @Override
    String result() {
      return new String(out);
    }

    @Override
    void release() {
      frees.incrementAndGet();
      released.incrementAndGet();
    }
  }

  private Fake job(String name, Object key, int perCall, Consumer<Fake> work) {
    return new Fake(name, key, perCall, 0, LONG, work);
  }

  private static Consumer<Fake> wait(CountDownLatch latch) {
    return job -> {
      try {
        latch.await();
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    };
  }

  private static final Consumer<Fake> NOTHING = job -> {};

  private static String get(CompletionStage<String> stage) throws Exception {
    return stage.toCompletableFuture().get(20, TimeUnit.SECONDS);
  }

  private static Throwable failure(CompletionStage<String> stage) {
    return assertThrows(ExecutionException.class, () -> get(stage)).getCause();
  }

  /** Keeps the only slot busy until the latch opens. */
  private CompletionStage<String> block(Batcher batcher, Batcher.Line line, CountDownLatch latch)
      throws InterruptedException {
    CountDownLatch started = new CountDownLatch(1);
    var stage =
        batcher.submit(
            line,
            job(
                "!",
                null,
                1,
                j -> {
                  started.countDown();
                  wait(latch).accept(j);
                }));
    started.await();
    return stage;
  }

  @Test
  void whatQueuesUpMeanwhileSharesTheNextCall() throws Exception {
    Batcher batcher = batcher(1, 100);
    Batcher.Line line = new Batcher.Line("m");
    CountDownLatch latch = new CountDownLatch(1);
    block(batcher, line, latch);
    List<CompletionStage<String>> stages = new ArrayList<>();
    for (String name : List.of("a", "bc", "d", "e")) {
      stages.add(batcher.submit(line, job(name, name.equals("d") ? "other" : "k", 4, NOTHING)));
    }
    assertEquals(4, line.length());
    latch.countDown();
    for (int i = 0; i < 4; i++) {
      assertEquals(List.of("a", "bc", "d", "e").get(i), get(stages.get(i)));
    }
    assertEquals(List.of("!", "abce", "d"), calls);
    assertEquals(0, line.length());
  }

  @Test
  void aLargeJobIsDividedAndSharedByAllWorkers() throws Exception {
    Batcher batcher = batcher(3, 100);
    CountDownLatch three = new CountDownLatch(3);
    var stage =
        batcher.submit(
            new Batcher.Line("m"),
            job(
                "abcdefg",
                null,
                2,
                j -> {
                  three.countDown();
                  wait(three).accept(j); // only passes if three calls run at a time
                }));
    assertEquals("abcdefg", get(stage));
    assertEquals(4, calls.size());
  }

  @Test
  void aModelWithOneCallAtATimeLeavesTheOtherSlotsToOthers() throws Exception {
    Batcher batcher = batcher(3, 1000);
    Batcher.Line wide = new Batcher.Line("wide");
    Batcher.Line narrow = new Batcher.Line("narrow");
    AtomicInteger now = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    CountDownLatch latch = new CountDownLatch(1);
    List<CompletionStage<String>> stages = new ArrayList<>();
    for (int i = 0; i < 300; i++) {
      boolean first = i == 0;
      Fake job =
          job(
              "ab",
              "k",
              3,
              j -> {
                most.accumulateAndGet(now.incrementAndGet(), Math::max);
                if (first) {
                  wait(latch).accept(j);
                }
                now.decrementAndGet();
              });
      job.most = 1;
      stages.add(batcher.submit(wide, job));
      if (i == 10) {
        // The wide call waits, with others behind it.
        for (int k = 0; k < 20; k++) {
          assertEquals("n", get(batcher.submit(narrow, job("n", null, 1, NOTHING))));
        }
        latch.countDown();
      }
    }
    for (CompletionStage<String> stage : stages) {
      assertEquals("ab", get(stage));
    }
    assertEquals(1, most.get());
    assertEquals(0, wide.length());
  }

  @Test
  void quickWorkRunsOnTheCallersThreadUnlessSomebodyWaits() throws Exception {
    Batcher batcher = batcher(1, 100);
    Batcher.Line line = new Batcher.Line("m");
    Cost quick = new Cost();
    quick.observe(1000, 1);
    Fake first = new Fake("abc", "k", 2, 0, LONG, quick, NOTHING);
    assertTrue(batcher.submit(line, first).toCompletableFuture().isDone());
    assertSame(Thread.currentThread(), first.ranOn);
    assertEquals(List.of("ab", "c"), calls);
    CountDownLatch latch = new CountDownLatch(1);
    block(batcher, line, latch);
    Fake second = new Fake("d", "k", 2, 0, LONG, quick, NOTHING);
    var stage = batcher.submit(line, second);
    assertFalse(stage.toCompletableFuture().isDone());
    latch.countDown();
    assertEquals("d", get(stage));
    assertNotSame(Thread.currentThread(), second.ranOn);
    Cost slow = new Cost();
    slow.observe(10_000_000, 1);
    Fake third = new Fake("e", "k", 2, 0, LONG, slow, NOTHING);
    assertEquals("e", get(batcher.submit(line, third)));
    assertNotSame(Thread.currentThread(), third.ranOn);
  }

  @Test
  void priorityDecidesAndThenArrival() throws Exception {
    Batcher batcher = batcher(1, 100);
    Batcher.Line line = new Batcher.Line("m");
    CountDownLatch latch = new CountDownLatch(1);
    block(batcher, line, latch);
    List<CompletionStage<String>> stages = new ArrayList<>();
    int[] priorities = {0, 2, 1, 0, 2, 1};
    for (int i = 0; i < priorities.length; i++) {
      String name = String.valueOf((char) ('a' + i));
      stages.add(batcher.submit(line, new Fake(name, null, 1, priorities[i], LONG, NOTHING)));
    }
    latch.countDown();
    for (var stage : stages) {
      get(stage);
    }
    assertEquals(List.of("!", "c", "f", "b", "e", "a", "d"), calls);
  }

  @Test
  void linesTakeTurns() throws Exception {
    Batcher batcher = batcher(1, 100);
    CountDownLatch latch = new CountDownLatch(1);
    block(batcher, new Batcher.Line("x"), latch);
    Batcher.Line busy = new Batcher.Line("busy");
    Batcher.Line calm = new Batcher.Line("calm");
    List<CompletionStage<String>> stages = new ArrayList<>();
    stages.add(batcher.submit(busy, job("aaaa", null, 1, NOTHING)));
    stages.add(batcher.submit(busy, job("b", null, 1, NOTHING)));
    stages.add(batcher.submit(calm, job("c", null, 1, NOTHING)));
    latch.countDown();
    for (var stage : stages) {
      get(stage);
    }
    assertEquals(List.of("!", "a", "c", "a", "a", "a", "b"), calls);
  }

  /** What waits in the background runs when nobody else wants the slot. */
  @Test
  void theBackgroundWaitsForAllOthers() throws Exception {
    Batcher batcher = batcher(1, 100);
    CountDownLatch latch = new CountDownLatch(1);
    CompletionStage<String> blocked = block(batcher, new Batcher.Line("first"), latch);
    Batcher.Line behind = new Batcher.Line("behind", true);
    List<CompletionStage<String>> stages = new ArrayList<>();
    stages.add(batcher.submit(behind, job("x", null, 1, NOTHING)));
    stages.add(batcher.submit(behind, job("y", null, 1, NOTHING)));
    stages.add(batcher.submit(new Batcher.Line("a"), job("a", null, 1, NOTHING)));
    stages.add(batcher.submit(new Batcher.Line("b"), job("b", null, 1, NOTHING)));
    latch.countDown();
    get(blocked);
    for (CompletionStage<String> stage : stages) {
      get(stage);
    }
    assertEquals(List.of("a", "b", "x", "y"), calls.subList(calls.size() - 4, calls.size()));
  }

  /** However busy the others are, some of the background is done. */
  @Test
  void theBackgroundIsNotStarved() throws Exception {
    Batcher batcher = batcher(1, 100);
    Batcher.Line line = new Batcher.Line("busy");
    java.util.concurrent.atomic.AtomicBoolean over =
        new java.util.concurrent.atomic.AtomicBoolean();
    List<Thread> callers = new ArrayList<>();
    for (int t = 0; t < 3; t++) {
      Thread caller =
          new Thread(
              () -> {
                while (!over.get()) {
                  batcher.submit(line, job("busy", null, 4, NOTHING)).toCompletableFuture().join();
                }
              });
      callers.add(caller);
      caller.start();
    }
    Batcher.Line behind = new Batcher.Line("behind", true);
    for (int i = 0; i < 3; i++) {
      get(batcher.submit(behind, job("x", null, 1, NOTHING)));
    }
    over.set(true);
    for (Thread caller : callers) {
      caller.join();
    }
  }

  @Test
  void aFullLineRefuses() throws Exception {
    Batcher batcher = batcher(1, 2);
    Batcher.Line line = new Batcher.Line("m");
    CountDownLatch latch = new CountDownLatch(1);
    block(batcher, line, latch);
    var a = batcher.submit(line, job("a", null, 1, NOTHING));
    var b = batcher.submit(line, job("b", null, 1, NOTHING));
    var refused =
        assertInstanceOf(
            UnavailableException.class, failure(batcher.submit(line, job("c", null, 1, NOTHING))));
    assertEquals(Reason.OVERLOADED, refused.reason());
    var other = batcher.submit(new Batcher.Line("n"), job("d", null, 1, NOTHING));
    latch.countDown();
    assertEquals("abd", get(a) + get(b) + get(other));
  }

  @Test
  void whoWaitsTooLongIsToldAtOnceAndNeverRun() throws Exception {
    Batcher batcher = batcher(1, 100);
    Batcher.Line line = new Batcher.Line("m");
    CountDownLatch latch = new CountDownLatch(1);
    var running = block(batcher, line, latch);
    Fake late = new Fake("late", "k", 9, 0, Duration.ofMillis(20), NOTHING);
    var failed = assertInstanceOf(UnavailableException.class, failure(batcher.submit(line, late)));
    assertEquals(Reason.TIMEOUT, failed.reason());
    assertEquals(0, line.length());
    Fake never = new Fake("never", "k", 9, 0, Duration.ZERO, NOTHING);
    assertInstanceOf(UnavailableException.class, failure(batcher.submit(line, never)));
    latch.countDown();
    assertEquals("!", get(running));
    assertEquals("x", get(batcher.submit(line, job("x", "k", 1, NOTHING))));
    assertEquals(List.of("!", "x"), calls);
    assertTrue(batcher.close(LONG));
    assertEquals(1, late.frees.get());
    assertEquals(1, never.frees.get());
  }

  /** The caller has its answer, but what the job holds is not freed under the running call. */
  @Test
  void whoRunsTooLongIsToldAtOnceAndFreedLater() throws Exception {
    Batcher batcher = batcher(2, 100);
    CountDownLatch latch = new CountDownLatch(1);
    Fake slow = new Fake("ab", null, 1, 0, Duration.ofMillis(30), wait(latch));
    var failed =
        assertInstanceOf(
            UnavailableException.class, failure(batcher.submit(new Batcher.Line("m"), slow)));
    assertEquals(Reason.TIMEOUT, failed.reason());
    assertEquals(0, slow.frees.get());
    latch.countDown();
    assertTrue(batcher.close(LONG));
    assertEquals(1, slow.frees.get());
  }

  @Test
  void oneBadInputOfACallIsNotTheOthersFailure() throws Exception {
    Batcher batcher = batcher(1, 100);
    Batcher.Line line = new Batcher.Line("m");
    CountDownLatch latch = new CountDownLatch(1);
    block(batcher, line, latch);
    var a = batcher.submit(line, job("a", "k", 9, NOTHING));
    var b =
        batcher.submit(
            line,
            job(
                "b",
                "k",
                9,
                j -> {
                  throw new BadInputException("b is bad");
                }));
    var c = batcher.submit(line, job("c", "k", 9, NOTHING));
    latch.countDown();
    assertEquals("ac", get(a) + get(c));
    assertEquals("b is bad", assertInstanceOf(BadInputException.class, failure(b)).getMessage());
  }

  @Test
  void workersSurviveWhateverIsThrown() throws Exception {
    Batcher batcher = batcher(1, 100);
    Batcher.Line line = new Batcher.Line("m");
    for (Error error : List.of(new StackOverflowError(), new NoClassDefFoundError("x"))) {
      var stage =
          batcher.submit(
              line,
              job(
                  "a",
                  null,
                  1,
                  j -> {
                    throw error;
                  }));
      assertInstanceOf(FailureException.class, failure(stage));
    }
    var memory =
        batcher.submit(
            line,
            job(
                "m",
                null,
                1,
                j -> {
                  throw new OutOfMemoryError("for a test");
                }));
    assertInstanceOf(UnavailableException.class, failure(memory));
    assertEquals("b", get(batcher.submit(line, job("b", null, 1, NOTHING))));
    assertTrue(batcher.close(LONG));
    assertEquals(4, released.get());
  }

  @Test
  void closingAnswersWhatWasTakenAndRefusesTheRest() throws Exception {
    Batcher batcher = batcher(1, Integer.MAX_VALUE);
    Batcher.Line line = new Batcher.Line("m");
    CountDownLatch latch = new CountDownLatch(1);
    var running = block(batcher, line, latch);
    var waiting = batcher.submit(line, job("abc", null, 1, NOTHING));
    var closed = CompletableFuture.supplyAsync(() -> batcher.close(LONG));
    Throwable refused = null;
    while (refused == null) {
      var stage = batcher.submit(line, job("z", null, 1, NOTHING)).toCompletableFuture();
      refused = stage.isCompletedExceptionally() ? failure(stage) : null;
      Thread.sleep(1);
    }
    assertEquals(Reason.STOPPING, ((UnavailableException) refused).reason());
    latch.countDown();
    assertEquals("!abc", get(running) + get(waiting));
    assertTrue(closed.get());
  }

  @Test
  void whatCannotBeDrainedInTimeFails() throws Exception {
    Batcher batcher = batcher(1, 100);
    Batcher.Line line = new Batcher.Line("m");
    CountDownLatch latch = new CountDownLatch(1);
    var running = block(batcher, line, latch);
    var waiting = batcher.submit(line, job("a", null, 1, NOTHING));
    assertFalse(batcher.close(Duration.ofMillis(50)));
    assertEquals(Reason.STOPPING, ((UnavailableException) failure(running)).reason());
    assertEquals(Reason.STOPPING, ((UnavailableException) failure(waiting)).reason());
    latch.countDown();
  }

  /** Many callers, jobs of all kinds: each is answered once, rightly, and released once. */
  @Test
  void nothingIsLostUnderLoad() throws Exception {
    System.out.println("seed " + SEED);
    Batcher batcher = batcher(3, 50);
    List<Batcher.Line> lines = List.of(new Batcher.Line("a"), new Batcher.Line("b"));
    AtomicInteger wrong = new AtomicInteger();
    AtomicInteger answered = new AtomicInteger();
    List<Fake> jobs = Collections.synchronizedList(new ArrayList<>());
    List<Thread> callers = new ArrayList<>();
    for (int t = 0; t < 4; t++) {
      Random random = new Random(SEED + t);
      Thread caller =
          new Thread(
              () -> {
                for (int i = 0; i < 2000; i++) {
                  Cost cost = random.nextBoolean() ? new Cost() : null;
                  if (cost != null && random.nextBoolean()) {
                    cost.observe(1000, 1);
                  }
                  boolean bad = random.nextInt(10) == 0;
                  Duration timeout =
                      random.nextInt(10) == 0 ? Duration.ofNanos(random.nextInt(50_000)) : LONG;
                  Fake job =
                      new Fake(
                          "abcdefgh".substring(random.nextInt(8)),
                          random.nextInt(3) == 0 ? null : "k" + random.nextInt(2),
                          1 + random.nextInt(9),
                          random.nextInt(3),
                          timeout,
                          cost,
                          j -> {
                            if (bad) {
                              throw new BadInputException("bad");
                            }
                          });
                  jobs.add(job);
                  batcher
                      .submit(lines.get(random.nextInt(2)), job)
                      .whenComplete(
                          (result, failure) -> {
                            answered.incrementAndGet();
                            boolean right =
                                failure == null
                                    ? !bad && result.equals(job.name)
                                    : bad && failure instanceof BadInputException
                                        || failure instanceof UnavailableException;
                            if (!right) {
                              wrong.incrementAndGet();
                            }
                          });
                }
              });
      callers.add(caller);
      caller.start();
    }
    for (Thread caller : callers) {
      caller.join();
    }
    assertTrue(batcher.close(LONG));
    assertEquals(8000, answered.get());
    assertEquals(0, wrong.get());
    for (Fake job : jobs) {
      while (job.frees.get() == 0) {
        Thread.onSpinWait(); // the last step of a call that ends
      }
      assertEquals(1, job.frees.get());
    }
  }
}
