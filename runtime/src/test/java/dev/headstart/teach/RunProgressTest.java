package dev.headstart.teach;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import org.junit.jupiter.api.Test;

class RunProgressTest {
  private final RunProgress progress = new RunProgress();

  @Test
  void whatIsLeftIsAllThatThereCanBe() {
    progress.refit(1.25);
    assertNull(progress.eta());
    progress.stage("features", -1);
    assertNull(progress.eta());
    progress.stage("train", 10);
    assertNull(progress.eta(), "nothing is known of an epoch");
    progress.pace(2);
    assertEquals(2 * (10 + 1.25 * 10), progress.eta());
    progress.epoch(4); // one that goes on: three are done before
    assertEquals(2 * (6 + 1.25 * 10), progress.eta(), "early stopping may spare some: at most");
    progress.stage("refit", 4);
    assertEquals(2 * 4, progress.eta(), "as many as the training took, known now");
    progress.none();
    assertNull(progress.eta());
    progress.begin();
    progress.stage("train", 10);
    assertNull(progress.eta(), "it began anew");
  }

  @Test
  void withoutARefitNothingFollows() {
    progress.refit(0);
    progress.stage("train", 10);
    progress.pace(0.5);
    assertEquals(5, progress.eta());
  }
}
