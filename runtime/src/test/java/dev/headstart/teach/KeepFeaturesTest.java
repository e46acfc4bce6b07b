package dev.headstart.teach;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.Headstart;
import dev.headstart.Training;
import dev.headstart.serving.ModelRepository;
import dev.headstart.serving.ServingListener;
import dev.headstart.serving.ServingSettings;
import dev.headstart.workspace.Workspace;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Samples whose originals were thrown away, where features mean something else by now. */
@Timeout(120)
class KeepFeaturesTest {
  private static final String HEAD = "notes";

  @TempDir Path folder;

  private static NewSample sample(int i) {
    return i % 2 == 0
        ? NewSamples.text("a letter to the king, number " + i, "letter")
        : NewSamples.text("three eggs and " + i + " grams of butter", "recipe");
  }

  private static void settle(Teaching teaching) throws InterruptedException {
    while (!teaching.settled() || teaching.head(HEAD).samples().pending() > 0) {
      Thread.sleep(2);
    }
  }

  private static Run over(Teaching teaching) throws InterruptedException {
    Run run = teaching.runs().submit(HEAD, null, Run.Cause.REQUEST);
    while (!run.state().ended()) {
      Thread.sleep(2);
      run = teaching.runs().get(HEAD, run.id()).run();
    }
    return run;
  }

  /** Features of samples are said to be of another space. */
  private void of(String meaning, List<String> ids) {
    try (Workspace workspace = Workspace.open(folder)) {
      for (String id : ids) {
        StoredSample sample = workspace.samples().find(HEAD, id).orElseThrow();
        String other = meaning + sample.space().substring(32);
        workspace.features().put(other, workspace.features().get(sample.space(), List.of(id)));
        workspace.samples().ready(HEAD, id, other);
      }
    }
  }

  @Test
  void theyAreUnreadableUntilTheirFeaturesFitAgain() throws Exception {
    Training.require();
    List<String> ids = new ArrayList<>();
    String meaning;
    try (Headstart headstart = Headstart.open(folder);
        ModelRepository repository =
            headstart.repository(ServingSettings.defaults(), ServingListener.NONE);
        Teaching teaching = headstart.teaching(repository, TeachingSettings.defaults())) {
      HeadDraft draft =
          new HeadDraft(HEAD, null, null, null, null, null, HeadSettings.Keep.FEATURES, null, null);
      List<NewSample> samples = new ArrayList<>();
      for (int i = 0; i < 16; i++) {
        samples.add(sample(i));
      }
      teaching.add(HEAD, draft, samples).forEach(added -> ids.add(added.sample().id()));
      settle(teaching);
      assertTrue(teaching.store().samples(HEAD).stream().noneMatch(StoredSample::kept));
      assertEquals(Run.State.DONE, over(teaching).state());
      meaning = teaching.store().find(HEAD, ids.get(0)).orElseThrow().space().substring(0, 32);
    }
    of("0".repeat(32), ids.subList(0, 6));

    try (Headstart headstart = Headstart.open(folder);
        ModelRepository repository =
            headstart.repository(ServingSettings.defaults(), ServingListener.NONE);
        Teaching teaching = headstart.teaching(repository, TeachingSettings.defaults())) {
      settle(teaching);
      StoredSample lost = teaching.store().find(HEAD, ids.get(0)).orElseThrow();
      assertEquals(StoredSample.State.UNREADABLE, lost.state());
      assertTrue(lost.reason().contains("its original was not kept"), lost.reason());
      assertTrue(lost.reason().contains("add the sample again"), lost.reason());
      HeadView head = teaching.head(HEAD);
      assertEquals(16, head.samples().total());
      assertEquals(10, head.samples().ready());
      assertEquals(6, head.samples().unreadable());
      assertEquals(List.of(5, 5), head.classes().stream().map(c -> c.samples()).toList());
      Run run = over(teaching);
      assertEquals(Run.State.DONE, run.state(), run.reason());
      assertEquals(10, run.samples());
      assertEquals(10, teaching.versions().evaluate(HEAD, run.version(), false).samples().size());
      assertEquals(10, teaching.versions().compare(HEAD, 1, 2).samples());

      // As the message says: it comes again, its original goes again.
      Added again = teaching.add(HEAD, null, List.of(sample(0))).get(0);
      assertEquals(ids.get(0), again.sample().id());
      assertEquals(StoredSample.State.PENDING, again.sample().state());
      settle(teaching);
      StoredSample found = teaching.store().find(HEAD, ids.get(0)).orElseThrow();
      assertEquals(StoredSample.State.READY, found.state());
      assertFalse(found.kept());
      assertEquals(meaning, found.space().substring(0, 32));
      assertEquals(11, over(teaching).samples());
    }

    of(meaning, ids.subList(1, 6));
    try (Workspace workspace = Workspace.open(folder)) {
      ids.subList(1, 6).forEach(id -> workspace.samples().unreadable(HEAD, id, "another base"));
    }
    try (Headstart headstart = Headstart.open(folder);
        ModelRepository repository =
            headstart.repository(ServingSettings.defaults(), ServingListener.NONE);
        Teaching teaching = headstart.teaching(repository, TeachingSettings.defaults())) {
      settle(teaching);
      assertEquals(16, teaching.head(HEAD).samples().ready(), "the base is what it was");
      assertEquals(16, over(teaching).samples());
    }
  }
}
