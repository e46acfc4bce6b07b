package dev.headstart.artifact;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.Shared;
import dev.headstart.Training;
import dev.headstart.error.BadInputException;
import dev.headstart.onnx.CutModels;
import dev.headstart.onnx.ModelCutter;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.TensorInfo;
import dev.headstart.zoo.Kind;
import dev.headstart.zoo.ZooNet;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a plan says against what a process that trains takes. */
class TrainingPlanTest {
  @TempDir Path folder;

  @BeforeEach
  void needsTraining() {
    Training.require();
  }

  private static Artifacts artifacts(OnnxModel model, Optimizer optimizer) {
    return Artifacts.generate(model, ArtifactOptions.of(Loss.CE, optimizer));
  }

  private static Map<String, long[]> shapes(Artifacts artifacts, int batch) {
    Map<String, long[]> shapes = new LinkedHashMap<>();
    for (TensorInfo input : artifacts.inputs()) {
      long[] shape = input.shape().clone();
      shape[0] = batch;
      shapes.put(input.name(), shape);
    }
    return shapes;
  }

  /** How much the resident memory of a process of its own grows in two steps. */
  private long measured(Artifacts artifacts, Map<String, long[]> shapes)
      throws IOException, InterruptedException {
    artifacts.writeTo(folder);
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                // A heap that is there from the start and a compiler that takes little, so that
                // it is training that grows
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Xms96m",
                "-Xmx96m",
                "-XX:+AlwaysPreTouch",
                "-cp",
                System.getProperty("java.class.path"),
                TrainingMemory.class.getName(),
                folder.toString(),
                "1",
                "2"));
    for (TensorInfo input : artifacts.inputs()) {
      String shape =
          Arrays.stream(shapes.get(input.name()))
              .mapToObj(Long::toString)
              .collect(Collectors.joining(","));
      command.addAll(List.of(input.name(), input.type().name(), shape));
    }
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    String output = new String(process.getInputStream().readAllBytes());
    assertEquals(0, process.waitFor(), output);
    return Long.parseLong(output.split(" ")[0]) + TrainingPlan.of(artifacts, shapes).inputBytes();
  }

  private void assertWithinAQuarter(Artifacts artifacts, Map<String, long[]> shapes)
      throws IOException, InterruptedException {
    TrainingPlan plan = TrainingPlan.of(artifacts, shapes);
    long measured = measured(artifacts, shapes);
    System.out.printf(
        "%s: peak %.1f MB, measured %.1f%n", plan, plan.peakBytes() / 1e6, measured / 1e6);
    assertTrue(
        Math.abs(plan.peakBytes() - measured) <= measured / 4.0,
        plan.peakBytes() + " bytes planned, measured " + measured);
  }

  @EnabledOnOs(value = OS.LINUX, disabledReason = "resident memory is read from /proc")
  @ParameterizedTest
  @CsvSource({"RESNET, 17, 1024", "VGG, 13, 768", "MOBILENET_V3, 18, 512", "CONVNEXT, 20, 1024"})
  void thePeakIsNearTheMeasuredOne(Kind kind, int opset, int batch) throws Exception {
    Artifacts artifacts = artifacts(kind.network(opset, 1, 0).model(), Optimizer.AdamW.pytorch());
    assertWithinAQuarter(artifacts, shapes(artifacts, batch));
  }

  @EnabledOnOs(value = OS.LINUX, disabledReason = "resident memory is read from /proc")
  @Test
  void thePeakOfEfficientNetsLastBlockIsNearTheMeasuredOne() throws Exception {
    OnnxModel model =
        OnnxModel.read(Shared.path("golden/efficientnet-lite0-last-block/forward.onnx"));
    Artifacts artifacts = artifacts(model, Optimizer.AdamW.microsoft());
    assertWithinAQuarter(artifacts, shapes(artifacts, 10));
  }

  /** Of one sample, dimensions of 1 look as if they were broadcast. */
  @Test
  void activationsGrowWithTheBatchFromOneSampleOn() {
    OnnxModel model =
        OnnxModel.read(Shared.path("golden/efficientnet-lite0-last-block/forward.onnx"));
    Artifacts artifacts = artifacts(model, Optimizer.AdamW.microsoft());
    long one = TrainingPlan.of(artifacts, shapes(artifacts, 1)).activationBytes();
    long two = TrainingPlan.of(artifacts, shapes(artifacts, 2)).activationBytes();
    long four = TrainingPlan.of(artifacts, shapes(artifacts, 4)).activationBytes();
    assertTrue(one < two && two < 2 * one + 1, one + " " + two);
    assertEquals(2 * (two - one), four - two, 0.1 * (four - two));
  }

  @Test
  void countsAreTheModels() {
    // 64 x 10 and 10: gradients and two moments beside them
    ZooNet net = Kind.VGG.network(17, 1, 0);
    Artifacts head =
        Artifacts.generate(
            net.model(),
            ArtifactOptions.of(Loss.CE, Optimizer.AdamW.pytorch())
                .trainable(List.of("classifier.6.weight", "classifier.6.bias")));
    TrainingPlan plan = TrainingPlan.of(head, shapes(head, 8));
    assertEquals(330, plan.trained());
    assertEquals(4 * 330 * 3, plan.stateBytes());
    assertEquals(8 * 3 * 32 * 32 * 4 + 8 * 8, plan.inputBytes());
    assertEquals(8, plan.batch());
    Artifacts all = artifacts(net.model(), Optimizer.AdamW.pytorch());
    TrainingPlan whole = TrainingPlan.of(all, shapes(all, 8));
    assertEquals(0, whole.frozen());
    assertEquals(plan.trained() + plan.frozen(), whole.trained());
    assertTrue(whole.keptBytes() > plan.keptBytes());
    assertTrue(whole.activationBytes() >= whole.keptBytes());
  }

  @Test
  void whatDoesNotFitIsRefusedWithWhatWould() {
    ZooNet net = Kind.VGG.network(17, 1, 0);
    Artifacts whole = artifacts(net.model(), Optimizer.AdamW.pytorch());
    TrainingPlan plan = TrainingPlan.of(whole, shapes(whole, 256));
    String cut = net.cuts().get(2);
    CutModels parts = ModelCutter.cut(net.model(), cut);
    Artifacts back = artifacts(parts.back(), Optimizer.AdamW.pytorch());
    Map<String, TrainingPlan> deeper = Map.of(cut, TrainingPlan.of(back, shapes(back, 256)));
    plan.requireFits(plan.peakBytes(), size -> plan, deeper);

    String message =
        assertThrows(
                BadInputException.class,
                () ->
                    plan.requireFits(
                        TrainingPlan.of(whole, shapes(whole, 64)).peakBytes(),
                        size -> TrainingPlan.of(whole, shapes(whole, size)),
                        deeper))
            .getMessage();
    assertTrue(message.contains("a batch of 64 ("), message);
    assertTrue(message.contains("or " + cut + " ("), message);

    String nothing =
        assertThrows(
                BadInputException.class,
                () ->
                    plan.requireFits(
                        1000, size -> TrainingPlan.of(whole, shapes(whole, size)), deeper))
            .getMessage();
    assertTrue(nothing.contains("neither a smaller batch nor a deeper cut"), nothing);
  }

  @Test
  void aShapeThatIsMissingOrWrongIsRefused() {
    Artifacts artifacts = artifacts(Kind.VGG.network(17, 1, 0).model(), Optimizer.AdamW.pytorch());
    assertThrows(BadInputException.class, () -> TrainingPlan.of(artifacts, Map.of()));
    Map<String, long[]> wrong = shapes(artifacts, 4);
    wrong.put("pixels", new long[] {4, 3, 32, 33});
    assertTrue(
        assertThrows(BadInputException.class, () -> TrainingPlan.of(artifacts, wrong))
            .getMessage()
            .contains("pixels"));
  }
}
