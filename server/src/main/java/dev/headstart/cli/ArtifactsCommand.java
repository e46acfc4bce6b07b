package dev.headstart.cli;

import com.github.freva.asciitable.Column;
import dev.headstart.artifact.ArtifactOptions;
import dev.headstart.artifact.Artifacts;
import dev.headstart.artifact.Loss;
import dev.headstart.artifact.LossGraph;
import dev.headstart.artifact.Objective;
import dev.headstart.artifact.Optimizer;
import dev.headstart.error.FailureException;
import dev.headstart.error.NotFoundException;
import dev.headstart.error.UsageException;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.TensorInfo;
import dev.headstart.train.Recipe;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code artifacts}: any ONNX model in, the four files to train it with out. */
@Command(
    name = "artifacts",
    customSynopsis = "headstart artifacts --model FILE --out DIR [OPTIONS]",
    description = {
      "Writes the training artifacts of an ONNX model, as Microsoft's Python tool would.",
      "",
      "training_model.onnx, eval_model.onnx, optimizer_model.onnx and checkpoint go with any ONNX"
          + " Runtime that can train. Inputs are the model's own, then labels (loss ce, int64) or"
          + " target (bce, mse, l1; float); the loss is output 0. A loss of one's own is an ONNX"
          + " graph: its first input, or those with names of the model's outputs, take the scores;"
          + " its other inputs become the step's; its only output is the loss, one number."
    },
    footer = {
      "  ./headstart artifacts --model net.onnx --loss ce --optimizer adamw --out net-training",
      "  ./headstart artifacts --model net.onnx --trainable fc.weight,fc.bias --loss mse --out out",
      "  ./headstart artifacts --model net.onnx --freeze 'stem.*' --loss focal.onnx --out out"
    })
final class ArtifactsCommand extends HeadstartCommand {
  @Option(
      names = "--model",
      required = true,
      paramLabel = "FILE",
      description = "The forward model, with its weights")
  private Path model;

  @Option(
      names = "--trainable",
      paramLabel = "NAMES",
      split = ",",
      defaultValue = "all",
      description =
          "Parameters to train, by name or pattern (* stands for anything), or all (default)")
  private List<String> trainable;

  @Option(
      names = "--freeze",
      paramLabel = "NAMES",
      split = ",",
      description = "Parameters among them that are not to be trained, by name or pattern")
  private List<String> freeze = List.of();

  @Option(
      names = "--loss",
      paramLabel = "LOSS",
      defaultValue = "ce",
      description =
          "ce (cross entropy of logits; default), bce (binary, of logits), mse, l1, or an ONNX file"
              + " that computes it")
  private String loss;

  @Option(
      names = "--optimizer",
      paramLabel = "NAME",
      defaultValue = "adamw",
      description = "adamw (default) or sgd")
  private Recipe.OptimizerName optimizer;

  @Option(
      names = "--output",
      paramLabel = "TENSOR",
      description = "What the loss is taken of. Default: the model's only output")
  private String output;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "DIR",
      description = "Folder for the four files; made if it is not there")
  private Path out;

  private static final List<String> FILES =
      List.of(Artifacts.TRAINING, Artifacts.EVAL, Artifacts.OPTIMIZER, Artifacts.CHECKPOINT);

  /** What {@code --json} prints. */
  private record Summary(
      String out,
      List<String> files,
      long trainable,
      List<Parameter> parameters,
      List<Parameter> inputs,
      List<String> warnings) {}

  private record Parameter(String name, long[] shape) {}

  @Override
  public Integer call() {
    Objective objective = objective();
    if (!Files.exists(model)) {
      throw new NotFoundException("there is no model file " + model);
    }
    requireApart();
    ArtifactOptions options =
        ArtifactOptions.of(
                objective,
                optimizer == Recipe.OptimizerName.ADAMW
                    ? Optimizer.AdamW.microsoft()
                    : new Optimizer.Sgd())
            .output(output)
            .frozen(freeze);
    if (!trainable.equals(List.of("all"))) {
      options = options.trainable(trainable);
    }
    Artifacts artifacts = Artifacts.generate(OnnxModel.read(model), options);
    artifacts.writeTo(out);
    Summary summary = summary(artifacts);
    if (json()) {
      console().json(summary);
      return Main.DONE;
    }
    summary.warnings().forEach(console()::warning);
    console().print("In " + out + ": " + String.join(", ", summary.files()) + "\n");
    console()
        .print(
            Figures.table(
                new Column[] {Figures.left("trained", 50), Figures.left("shape", 25)},
                rows(summary.parameters())));
    console().print("\n" + summary.trainable() + " numbers are trained. A step takes:\n");
    for (Parameter input : summary.inputs()) {
      console().print("  " + input.name() + " " + shape(input.shape()));
    }
    return Main.DONE;
  }

  /** What is read must not be what is written. */
  private void requireApart() {
    for (Path input : List.of(model, Path.of(loss))) {
      for (String file : FILES) {
        try {
          Path written = out.resolve(file);
          if (Files.exists(input) && Files.exists(written) && Files.isSameFile(input, written)) {
            throw new UsageException(
                "the artifacts would overwrite " + input + ": say another folder with --out");
          }
        } catch (IOException e) {
          throw new FailureException(input + " cannot be read: " + e, e);
        }
      }
    }
  }

  private Objective objective() {
    for (Loss usual : Loss.values()) {
      if (usual.toString().equals(loss)) {
        return usual;
      }
    }
    if (Files.exists(Path.of(loss))) {
      return new LossGraph(OnnxModel.read(Path.of(loss)));
    }
    if (loss.endsWith(".onnx")) {
      throw new NotFoundException("there is no loss graph " + loss);
    }
    throw new UsageException(
        "unknown loss '" + loss + "', expected ce, bce, mse, l1 or an ONNX file");
  }

  private Summary summary(Artifacts artifacts) {
    List<Parameter> parameters = new ArrayList<>();
    long numbers = 0;
    for (Map.Entry<String, Tensor> entry : artifacts.checkpoint().weights().entrySet()) {
      long[] shape = entry.getValue().shape();
      parameters.add(new Parameter(entry.getKey(), shape));
      numbers += Arrays.stream(shape).reduce(1, (a, b) -> a * b);
    }
    List<Parameter> inputs = new ArrayList<>();
    for (TensorInfo input : artifacts.inputs()) {
      inputs.add(new Parameter(input.name(), input.shape()));
    }
    return new Summary(out.toString(), FILES, numbers, parameters, inputs, artifacts.warnings());
  }

  private static Object[][] rows(List<Parameter> parameters) {
    return parameters.stream()
        .map(p -> new Object[] {p.name(), shape(p.shape())})
        .toArray(Object[][]::new);
  }

  /** Free dimensions as question marks. */
  private static String shape(long[] shape) {
    return shape == null ? "of any shape" : Arrays.toString(shape).replace("-1", "?");
  }
}
