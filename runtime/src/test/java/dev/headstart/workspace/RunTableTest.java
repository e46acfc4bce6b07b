package dev.headstart.workspace;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.headstart.error.NotFoundException;
import dev.headstart.sample.ClassLabel;
import dev.headstart.sample.Label;
import dev.headstart.teach.NewSample;
import dev.headstart.teach.Run;
import dev.headstart.teach.RunLog;
import dev.headstart.teach.RunLog.LoggedEpoch;
import dev.headstart.train.Epoch;
import dev.headstart.train.Metrics;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunTableTest {
  private static final JsonNode RECIPE = JsonNodeFactory.instance.objectNode().put("epochs", 3);

  @TempDir Path temp;

  @Test
  void aRunIsRememberedFromItsRequestToItsVersion() {
    long id;
    LinkedHashMap<String, Label> snapshot = new LinkedHashMap<>();
    for (int i = 2100; i > 0; i--) {
      snapshot.put(FeatureCacheTest.digest(i), new ClassLabel("c" + i % 3));
    }
    snapshot.put(FeatureCacheTest.digest(9001), Stored.classes("b", "a"));
    snapshot.put(FeatureCacheTest.digest(9002), Stored.number(-1.5));
    snapshot.put(FeatureCacheTest.digest(9003), Stored.number(2));
    try (Workspace workspace = Workspace.open(temp)) {
      RunLog runs = workspace.runLog();
      Run run = runs.create("parts", RECIPE, Run.Cause.RULE);
      id = run.id();
      assertEquals(Run.State.QUEUED, run.state());
      assertEquals(RECIPE, run.recipe());
      assertNull(run.started());
      assertEquals(List.of(run), runs.open());
      runs.start(id, snapshot);
      runs.epoch(id, epoch("train", 1, 0.5));
      runs.epoch(id, epoch("train", 2, 0.4));
      runs.epoch(id, epoch("train", 2, 0.3)); // gone back to after it was stopped
      runs.epoch(id, epoch("refit", 1, 0.2));
    }
    try (Workspace workspace = Workspace.open(temp)) {
      RunLog runs = workspace.runLog();
      assertEquals(Run.State.RUNNING, runs.get("parts", id).state());
      assertEquals(2103, runs.get("parts", id).samples());
      assertEquals(List.copyOf(snapshot.entrySet()), List.copyOf(runs.snapshot(id).entrySet()));
      assertEquals(
          List.of(epoch("train", 1, 0.5), epoch("train", 2, 0.3), epoch("refit", 1, 0.2)),
          runs.epochs(id));
      Run done = runs.change(id, Run.State.DONE, 4, true, "the first version");
      assertEquals(4, done.version());
      assertEquals(true, done.promoted());
      assertNotNull(done.ended());
      assertEquals(Optional.of(id), runs.madeBy("parts", 4));
      assertEquals(Optional.empty(), runs.madeBy("parts", 5));
      assertEquals(Optional.empty(), runs.madeBy("other", 4));
      assertEquals(List.of(), runs.open());
      assertEquals(snapshot, runs.snapshot(id));
      assertThrows(NotFoundException.class, () -> runs.get("other", id));
      assertThrows(NotFoundException.class, () -> runs.get("parts", id + 1));
      assertThrows(
          NotFoundException.class, () -> runs.change(id + 1, Run.State.DONE, null, null, null));
    }
  }

  private static LoggedEpoch epoch(String stage, int number, double loss) {
    Metrics metrics =
        stage.equals("refit") ? null : new Metrics(loss, 0.9, 0.8, null, null, null, null);
    return new LoggedEpoch(stage, 5, new Epoch(number, 0.001, loss, 0.5, metrics));
  }

  @Test
  void aRunThatStartsAnewForgetsItsEpochs() {
    try (Workspace workspace = Workspace.open(temp)) {
      RunLog runs = workspace.runLog();
      long id = runs.create("parts", RECIPE, Run.Cause.REQUEST).id();
      LinkedHashMap<String, Label> first =
          new LinkedHashMap<>(Map.of("aa".repeat(32), new ClassLabel("x")));
      runs.start(id, first);
      runs.epoch(id, epoch("train", 1, 0.5));
      LinkedHashMap<String, Label> second =
          new LinkedHashMap<>(Map.of("bb".repeat(32), new ClassLabel("y")));
      runs.start(id, second);
      assertEquals(List.of(), runs.epochs(id));
      assertEquals(second, runs.snapshot(id));
      runs.change(id, Run.State.INTERRUPTED, null, null, "stopped");
      assertEquals(second, runs.snapshot(id), "it can go on");
      runs.change(id, Run.State.RUNNING, null, null, null);
      assertNull(runs.get("parts", id).ended());
      runs.change(id, Run.State.CANCELLED, null, null, "asked for");
      assertEquals(second, runs.snapshot(id), "what changes since is told by it");
      runs.start(runs.create("other", RECIPE, Run.Cause.REQUEST).id(), first);
      assertEquals(second, runs.snapshot(id), "of another head");
      runs.start(runs.create("parts", RECIPE, Run.Cause.REQUEST).id(), first);
      assertEquals(Map.of(), runs.snapshot(id));
      runs.epoch(999, epoch("train", 1, 0.5)); // of a run that is gone
    }
  }

  @Test
  void theNewestAreFirstAndGoWithTheirHead() {
    try (Workspace workspace = Workspace.open(temp)) {
      RunLog runs = workspace.runLog();
      workspace.samples().create(Stored.pictures("a"), List.of());
      long one = runs.create("a", RECIPE, Run.Cause.REQUEST).id();
      long two = runs.create("b", RECIPE, Run.Cause.REQUEST).id();
      long three = runs.create("a", RECIPE, Run.Cause.REQUEST).id();
      assertEquals(List.of(three, two, one), ids(runs.list(null, 9)));
      assertEquals(List.of(three), ids(runs.list("a", 1)));
      assertEquals(List.of(one, two, three), ids(runs.open()));
      workspace.samples().remove("a");
      assertEquals(List.of(two), ids(runs.list(null, 9)));
    }
  }

  private static List<Long> ids(List<Run> runs) {
    return runs.stream().map(Run::id).toList();
  }

  @Test
  void whatIsForgottenLeavesTheSnapshots() {
    try (Workspace workspace = Workspace.open(temp)) {
      workspace.samples().create(Stored.pictures("a"), List.of());
      NewSample gone = Stored.picture("gone", "x");
      NewSample stays = Stored.picture("stays", "x");
      workspace.samples().add("a", List.of(gone, stays));
      RunLog runs = workspace.runLog();
      long id = runs.create("a", RECIPE, Run.Cause.REQUEST).id();
      LinkedHashMap<String, Label> snapshot = new LinkedHashMap<>();
      snapshot.put(Stored.id(gone), gone.label());
      snapshot.put(Stored.id(stays), stays.label());
      runs.start(id, snapshot);
      workspace.samples().delete("a", List.of(Stored.id(gone)));
      assertEquals(Map.of(Stored.id(stays), stays.label()), runs.snapshot(id));
    }
  }
}
