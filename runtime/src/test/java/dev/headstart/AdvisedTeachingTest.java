package dev.headstart;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.advise.Advice;
import dev.headstart.advise.AdviceRequest;
import dev.headstart.error.HeadstartException;
import dev.headstart.error.UsageException;
import dev.headstart.head.HeadKind;
import dev.headstart.sample.DataSource;
import dev.headstart.train.RecipeOptions;
import dev.headstart.train.TeachRequest;
import dev.headstart.train.TeachRequest.Promotion;
import dev.headstart.train.TeachResult;
import dev.headstart.train.TrainingListener;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What teaching does where a request leaves something open. */
class AdvisedTeachingTest {
  @TempDir private Path folder;
  private Headstart headstart;
  private Path data;
  private final List<String> notes = new ArrayList<>();
  private final TrainingListener listener =
      new TrainingListener() {
        @Override
        public void note(String message) {
          notes.add(message);
        }
      };

  @BeforeEach
  void open() throws IOException {
    headstart = Headstart.open(folder.resolve("workspace"));
    data = folder.resolve("reports.jsonl");
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      lines.add("{\"text\":\"The pump in hall " + i + " leaks.\",\"label\":\"water\"}");
      lines.add("{\"text\":\"Lamp " + i + " does not light.\",\"label\":\"light\"}");
    }
    Files.write(data, lines);
  }

  @AfterEach
  void close() {
    headstart.close();
  }

  private TeachResult teach(String cut, RecipeOptions options) {
    return headstart.teach(
        new TeachRequest("reports", data, null, cut, options, Promotion.ALWAYS), listener);
  }

  private static RecipeOptions quick(HeadKind kind) {
    return RecipeOptions.of(kind).with(RecipeOptions.Passes.of(3, null));
  }

  @Test
  void nothingSaidFollowsTheAdvice() {
    Advice advice =
        headstart.advise(
            new AdviceRequest(DataSource.at(data), null, "auto", null), TrainingListener.NONE);
    TeachResult taught = teach("auto", quick(null));
    assertEquals(advice.cut(), taught.cut());
    assertEquals(advice.kind(), taught.kind());
    assertEquals(1, notes.size());
    assertTrue(notes.get(0).startsWith("minilm is cut at " + advice.cut() + ": "), notes.get(0));
    TeachResult prototype = teachAnother(quick(new HeadKind.Prototype()));
    assertEquals("prototype", prototype.kind());
    assertEquals(advice.cut(), prototype.cut());
    assertEquals(0, prototype.computed(), "all features are known");
  }

  private TeachResult teachAnother(RecipeOptions options) {
    return headstart.teach(
        new TeachRequest("another", data, null, "auto", options, Promotion.ALWAYS), listener);
  }

  @Test
  void whatIsSaidWins() {
    assertEquals("layer1", teach("layer1", quick(null)).cut());
    assertEquals(List.of(), notes, "nothing was open");
  }

  @Test
  void aLiveHeadStaysAsItIs() {
    teach("layer2", quick(new HeadKind.Mlp(8)));
    TeachResult again = teach("auto", quick(null));
    assertEquals("layer2", again.cut());
    assertEquals("mlp:8", again.kind());
    assertEquals(List.of("as version 1 is: minilm, cut at layer2"), notes);
    TeachResult linear = teach("auto", quick(new HeadKind.Linear()));
    assertEquals("layer2", linear.cut());
    assertEquals("linear", linear.kind());
    assertEquals("pooled", teach("pooled", quick(null)).cut());
  }

  @Test
  void aLiveTailStaysATail() {
    RecipeOptions tail = quick(null).with(RecipeOptions.FineTuning.unfreeze("1"));
    assertEquals("tail", teach("auto", tail).kind());
    TeachResult again = teach("auto", quick(null));
    assertEquals("tail", again.kind());
    assertEquals("1", again.recipe().unfreeze());
    assertEquals("linear", teach("auto", quick(new HeadKind.Linear())).kind());
  }

  @Test
  void whatIsWrongIsSaidBeforeAnythingRuns() {
    assertThrows(
        UsageException.class,
        () ->
            headstart.teach(
                new TeachRequest(
                    "a/b", data, null, "auto", RecipeOptions.DEFAULTS, Promotion.ALWAYS),
                listener));
    HeadstartException resumed =
        assertThrows(
            HeadstartException.class,
            () ->
                headstart.teach(
                    new TeachRequest(
                            "reports", data, null, "auto", RecipeOptions.DEFAULTS, Promotion.ALWAYS)
                        .resumed(),
                    listener));
    assertTrue(resumed.getMessage().contains("resume"), resumed.getMessage());
    assertEquals(List.of(), notes);
  }
}
