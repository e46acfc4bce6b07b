package dev.headstart.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.head.HeadKind;
import dev.headstart.sample.Modality;
import dev.headstart.sample.Task;
import java.util.List;
import java.util.Optional;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PartingTest {
  private static Recipe recipe(String kind) {
    return RecipeOptions.of(HeadKind.parse(kind)).resolve(Task.SINGLE, 10);
  }

  private static List<Epoch> history(
      int epochs,
      IntToDoubleFunction trainLoss,
      IntToDoubleFunction loss,
      double trainAccuracy,
      double accuracy) {
    return IntStream.rangeClosed(1, epochs)
        .mapToObj(
            e ->
                new Epoch(
                    e,
                    0.1,
                    trainLoss.applyAsDouble(e),
                    trainAccuracy,
                    new Metrics(loss.applyAsDouble(e), accuracy, accuracy, null, null, null, null)))
        .toList();
  }

  private static Optional<String> said(List<Epoch> history, int validation) {
    return Parting.of(history, validation, recipe("mlp:8"), Modality.IMAGE, false);
  }

  @Test
  void aRisingLossIsSaidWithWhatToDo() {
    IntToDoubleFunction rising = e -> 0.5 + Math.abs(e - 5) * 0.05;
    String said = said(history(20, e -> 1.0 / e, rising, 0.9, 0.85), 100).orElseThrow();
    assertTrue(said.contains("from epoch 5 to 20"), said);
    assertTrue(said.contains("from 0.500 to 1.25"), said);
    assertTrue(said.contains("--augment auto") && said.contains("--head linear"), said);
    assertTrue(said.contains("--weight-decay 0.1"), said);
    List<Epoch> same = history(20, e -> 1.0 / e, rising, 0.9, 0.85);
    String tried = Parting.of(same, 100, recipe("mlp:8"), Modality.IMAGE, true).orElseThrow();
    assertFalse(tried.contains("augment"), tried);
    String text =
        Parting.of(
                history(20, e -> 1.0 / e, rising, 0.9, 0.85),
                100,
                recipe("linear"),
                Modality.TEXT,
                false)
            .orElseThrow();
    assertFalse(text.contains("augment") || text.contains("smaller head"), text);
  }

  @Test
  void chanceIsNotSaid() {
    IntToDoubleFunction flat = e -> 0.5 + (e % 3) * 0.02;
    assertEquals(Optional.empty(), said(history(30, e -> 1.0 / e, flat, 0.97, 0.93), 100));
    // One bad epoch at the end, as patience may have it.
    IntToDoubleFunction spike = e -> e == 30 ? 2 : 0.5;
    assertEquals(Optional.empty(), said(history(30, e -> 1.0 / e, spike, 0.97, 0.93), 100));
    // Both rise: that is another trouble.
    assertEquals(Optional.empty(), said(history(30, e -> e, e -> e, 0.9, 0.9), 100));
    assertEquals(Optional.empty(), said(List.of(), 10));
    assertEquals(
        Optional.empty(), said(List.of(new Epoch(1, 1, 1, 1.0, null)), 0), "nothing judged");
  }

  @Test
  void aGapIsSaidWhereItIsMoreThanNoise() {
    assertTrue(said(history(9, e -> 1.0 / e, e -> 1, 1, 0.8), 60).orElseThrow().contains("80 %"));
    assertEquals(Optional.empty(), said(history(9, e -> 1.0 / e, e -> 1, 1, 0.8), 10));
    assertEquals(Optional.empty(), said(history(9, e -> 1.0 / e, e -> 1, 1, 0.95), 10_000));
    List<Epoch> numbers =
        List.of(
            new Epoch(1, 1, 2, null, new Metrics(1, null, null, null, 1.0, 1.0, 0.5)),
            new Epoch(2, 1, 1, null, new Metrics(1, null, null, null, 1.0, 1.0, 0.5)));
    assertEquals(Optional.empty(), said(numbers, 100));
  }
}
