package dev.headstart.teach;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.headstart.sample.ClassLabel;
import dev.headstart.sample.Modality;
import dev.headstart.sample.Task;
import dev.headstart.train.TeachRequest.Promotion;
import dev.headstart.workspace.Workspace;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** When rules start runs, by a clock that the test moves; nothing trains here. */
class RunRulesTest {
  private static final String HEAD = "notes";
  private static final ZoneId ZONE = ZoneId.of("Europe/Berlin");

  @TempDir Path folder;
  private final List<Long> begun = new ArrayList<>();
  private ZonedDateTime now = ZonedDateTime.of(2026, 6, 10, 12, 0, 0, 0, ZONE);
  private Workspace workspace;
  private SampleStore store;
  private RunLog log;
  private RunRules rules;
  private int count;

  private final Clock clock =
      new Clock() {
        @Override
        public ZoneId getZone() {
          return now.getZone();
        }

        @Override
        public Clock withZone(ZoneId zone) {
          throw new UnsupportedOperationException();
        }

        @Override
        public Instant instant() {
          return now.toInstant();
        }
      };

  @BeforeEach
  void open() {
    workspace = Workspace.open(folder.resolve("workspace"));
    store = workspace.samples();
    log = workspace.runLog();
    rules = rules();
  }

  private RunRules rules() {
    return new RunRules(
        store,
        log,
        head ->
            begun.add(log.create(head, JsonNodeFactory.instance.objectNode(), Run.Cause.RULE).id()),
        clock);
  }

  @AfterEach
  void close() {
    rules.close();
    workspace.close();
  }

  private void head(Integer after, LocalTime quiet) {
    store.create(
        new HeadSettings(
            HEAD,
            Modality.TEXT,
            Task.SINGLE,
            "minilm",
            "pooled",
            HeadSettings.Keep.SAMPLES,
            JsonNodeFactory.instance.objectNode(),
            new Rules(after, quiet, Promotion.IF_NOT_WORSE, null),
            now.toInstant()),
        List.of());
  }

  private List<String> add(int samples, String... labels) {
    List<NewSample> added = new ArrayList<>();
    for (int i = 0; i < samples; i++) {
      added.add(NewSamples.text("text " + count++, labels[i % labels.length]));
    }
    List<String> ids = store.add(HEAD, added).stream().map(a -> a.sample().id()).toList();
    ids.forEach(id -> store.ready(HEAD, id, "5a".repeat(32)));
    return ids;
  }

  /** The clock moves, and rules are looked at. */
  private int after(Duration time, String... changed) {
    now = now.plus(time);
    rules.look(Set.of(changed));
    return begun.size();
  }

  /** The last run that was begun starts and ends. */
  private void over(Run.State state) {
    long run = begun.get(begun.size() - 1);
    log.start(run, RunSnapshot.of(store, HEAD).labels());
    log.change(run, state, state == Run.State.DONE ? begun.size() : null, null, "so");
  }

  @Test
  void atAQuietTimeThatPassesARunStarts() {
    head(null, LocalTime.of(3, 0));
    add(4, "a", "b");
    assertEquals(0, after(Duration.ofHours(1), HEAD), "13:00");
    assertEquals(0, after(Duration.ofHours(13).plusMinutes(59)), "02:59");
    assertEquals(1, after(Duration.ofMinutes(1)), "03:00 itself");
    assertEquals(1, after(Duration.ofSeconds(5)), "one a night");
    over(Run.State.DONE);
    assertEquals(1, after(Duration.ofDays(1)), "nothing changed");
    add(1, "a");
    assertEquals(1, after(Duration.ofHours(2), HEAD), "not before the next quiet time");
    assertEquals(2, after(Duration.ofDays(3)), "a machine that slept over several");
    assertEquals(2, after(Duration.ofDays(1)), "one waits already");
  }

  @Test
  void aQuietTimeThatPassedBeforeTheStartIsOver() {
    head(null, LocalTime.of(3, 0));
    add(4, "a", "b");
    now = now.withHour(3).withMinute(1);
    rules.close();
    rules = rules();
    assertEquals(0, after(Duration.ofMinutes(1), HEAD));
    assertEquals(1, after(Duration.ofDays(1)));
  }

  @Test
  void aClockThatIsSetStartsNothingTwice() {
    head(null, LocalTime.of(3, 0));
    add(4, "a", "b");
    assertEquals(0, after(Duration.ofHours(-10)), "back to 02:00: nothing passes");
    assertEquals(1, after(Duration.ofHours(1)), "03:00");
    over(Run.State.DONE);
    add(1, "a");
    assertEquals(1, after(Duration.ofHours(-20)), "back over it");
    assertEquals(2, after(Duration.ofHours(21)), "it passes once more, and something changed");
  }

  @Test
  void aQuietTimeThatSummerTimeSkipsOrRepeats() {
    head(null, LocalTime.of(2, 30));
    add(4, "a", "b");
    now = ZonedDateTime.of(2027, 3, 28, 1, 59, 0, 0, ZONE);
    rules.close();
    rules = rules();
    assertEquals(1, after(Duration.ofMinutes(2)), "03:01: there is no 02:30 on this day");
    over(Run.State.DONE);
    now = ZonedDateTime.of(2027, 10, 31, 2, 29, 0, 0, ZONE);
    rules.close();
    rules = rules();
    add(1, "a");
    assertEquals(2, after(Duration.ofMinutes(2)), "the first 02:31");
    over(Run.State.DONE);
    assertEquals(2, after(Duration.ofMinutes(50)), "02:21 again");
    assertEquals(2, after(Duration.ofMinutes(10)), "the second 02:31: nothing changed since");
  }

  @Test
  void ofOneClassThereIsNothingToLearn() {
    head(1, LocalTime.of(3, 0));
    add(4, "a");
    assertEquals(0, after(Duration.ofDays(1), HEAD));
    add(1, "b");
    assertEquals(1, after(Duration.ZERO, HEAD));
  }

  @Test
  void soManyChangesStartARun() {
    head(3, null);
    List<String> ids = add(6, "a", "b");
    assertEquals(0, after(Duration.ZERO), "of this head nothing is said to have changed");
    assertEquals(1, after(Duration.ZERO, HEAD));
    over(Run.State.DONE);
    add(1, "a");
    store.delete(HEAD, ids.subList(0, 1));
    assertEquals(1, after(Duration.ZERO, HEAD));
    store.relabel(HEAD, ids.get(1), new ClassLabel("a"));
    assertEquals(2, after(Duration.ZERO, HEAD), "one came, one went, one changed");
  }

  /** What a run that came to nothing was begun with is no change: it would begin for ever. */
  @Test
  void aRunThatFailedOrWasCancelledCountsAsOneThatStarted() {
    head(3, null);
    List<String> ids = add(6, "a", "b");
    assertEquals(1, after(Duration.ZERO, HEAD));
    for (Run.State state : List.of(Run.State.FAILED, Run.State.CANCELLED)) {
      int before = begun.size();
      over(state);
      assertEquals(before, after(Duration.ofHours(1), HEAD), state + ": not by itself");
      store.relabel(HEAD, ids.get(0), new ClassLabel(state.id()));
      store.relabel(HEAD, ids.get(1), new ClassLabel(state.id()));
      assertEquals(before, after(Duration.ZERO, HEAD), "two have other labels");
      store.delete(HEAD, List.of(ids.get(before + 1)));
      assertEquals(before + 1, after(Duration.ZERO, HEAD), "and one is gone");
    }
  }
}
