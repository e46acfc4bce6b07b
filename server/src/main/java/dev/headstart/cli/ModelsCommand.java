package dev.headstart.cli;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.github.freva.asciitable.Column;
import dev.headstart.Headstart;
import dev.headstart.backbone.BaseModel;
import dev.headstart.backbone.BaseModels;
import dev.headstart.backbone.Manifest;
import dev.headstart.backbone.ManifestDraft;
import dev.headstart.error.BadInputException;
import dev.headstart.error.NotFoundException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;

/** {@code models}: the base models, bundled and added. */
@Command(
    name = "models",
    description = "Base models: the bundled ones, and those added to the workspace.",
    subcommands = {
      ModelsCommand.ListAll.class,
      ModelsCommand.Show.class,
      ModelsCommand.Add.class,
      ModelsCommand.Remove.class
    },
    footer = {
      "  ./headstart models list",
      "  ./headstart models show efficientnet-lite0",
      "  ./headstart models add resnet18.onnx --name resnet --manifest resnet.json"
    })
final class ModelsCommand extends HeadstartCommand {

  @Override
  public Integer call() {
    throw new ParameterException(spec.commandLine(), "what about base models?");
  }

  @Command(
      name = "list",
      description = "All base models.",
      footer = {"  ./headstart models list", "  ./headstart models list --json"})
  static final class ListAll extends HeadstartCommand {
    @Override
    public Integer call() {
      try (Headstart headstart = open()) {
        List<BaseModel> models = readable(headstart.models());
        if (json()) {
          models.forEach(model -> console().json(model.manifest()));
          return Main.DONE;
        }
        Object[][] rows =
            models.stream()
                .map(BaseModel::manifest)
                .map(
                    m ->
                        new Object[] {
                          m.id(), modality(m), taps(m), m.licence() == null ? "?" : m.licence()
                        })
                .toArray(Object[][]::new);
        console()
            .print(
                Figures.table(
                    new Column[] {
                      Figures.left("base model", 24),
                      Figures.left("takes", 15),
                      Figures.left("cuts (--cut)", 24),
                      Figures.left("licence", 14)
                    },
                    rows));
        return Main.DONE;
      }
    }

    /** One that is damaged must not hide the others. */
    private List<BaseModel> readable(BaseModels models) {
      List<BaseModel> readable = new ArrayList<>();
      for (String name : models.names()) {
        try {
          readable.add(models.get(name));
        } catch (BadInputException | NotFoundException e) {
          console().warning("base model " + name + ": " + e.getMessage());
        }
      }
      return readable;
    }

    private static String taps(Manifest manifest) {
      return manifest.taps().stream().map(Manifest.Tap::name).collect(Collectors.joining(", "));
    }
  }

  private static String modality(Manifest manifest) {
    return manifest.preprocessing() == null ? "not said" : manifest.modality().plural();
  }

  @Command(
      name = "show",
      description = "A base model's manifest; with --json as it is in the file.",
      footer = {"  ./headstart models show minilm", "  ./headstart models show minilm --json"})
  static final class Show extends HeadstartCommand {
    @Parameters(paramLabel = "NAME", description = "The base model's name")
    private String name;

    @Override
    public Integer call() {
      try (Headstart headstart = open()) {
        BaseModel model = headstart.models().get(name);
        if (json()) {
          console().json(model.manifest());
        } else {
          console().print(described(model));
        }
        return Main.DONE;
      }
    }
  }

  /** A base model in some lines. */
  private static String described(BaseModel model) {
    Manifest manifest = model.manifest();
    List<String> lines = new ArrayList<>();
    lines.add("Base model " + manifest.id() + ", takes: " + modality(manifest));
    lines.add("  licence        " + said(manifest.licence()));
    lines.add("  source         " + said(manifest.source()));
    lines.add("  sha-256        " + manifest.sha256());
    lines.add("  classes        " + (model.labels().isEmpty() ? "none" : model.labels().size()));
    lines.add(
        "  preprocessing  "
            + (manifest.preprocessing() == null
                ? "not said"
                : Console.JSON.valueToTree(manifest.preprocessing()).toString()));
    lines.add("");
    List<Object[]> rows = new ArrayList<>();
    manifest.inputs().forEach(i -> rows.add(row("input", i.name(), i.name(), i.shape())));
    manifest.taps().forEach(t -> rows.add(row("cut", t.name(), t.tensor(), t.shape())));
    manifest.blocks().forEach(b -> rows.add(row("block", b.name(), b.cut(), null)));
    manifest.outputs().forEach(o -> rows.add(row("output", o.name(), o.name(), o.shape())));
    lines.add(
        Figures.table(
            new Column[] {
              Figures.left("what", 8),
              Figures.left("name", 18),
              Figures.left("tensor", 28),
              Figures.left("shape", 18)
            },
            rows.toArray(Object[][]::new)));
    return String.join("\n", lines);
  }

  private static String said(String value) {
    return value == null ? "not said" : value;
  }

  private static Object[] row(String what, String name, String tensor, List<Object> shape) {
    return new Object[] {what, name, tensor, shape == null ? "" : shape.toString()};
  }

  @Command(
      name = "add",
      description = {
        "Adds an ONNX model to the workspace.",
        "",
        "What can be worked out from the graph is (inputs, outputs, cuts). What only a person knows"
            + " (modality, preprocessing, labels, licence) comes from a manifest; without one"
            + " it is said what is missing, with a manifest to start from."
      },
      footer = {
        "  ./headstart models add encoder.onnx",
        "  ./headstart models add resnet18.onnx --name resnet --manifest resnet.json"
      })
  static final class Add extends HeadstartCommand {
    private static final ObjectMapper DRAFT =
        new ObjectMapper().setDefaultPropertyInclusion(JsonInclude.Include.NON_NULL);

    @Parameters(paramLabel = "FILE", description = "The ONNX model, external data beside it")
    private Path file;

    @Option(
        names = "--name",
        paramLabel = "NAME",
        description = "What it is called. Default: the file's name without .onnx")
    private String name;

    @Option(
        names = "--manifest",
        paramLabel = "FILE",
        description = "A manifest.json; models show NAME --json prints one")
    private Path manifest;

    @Override
    public Integer call() {
      try (Headstart headstart = open()) {
        BaseModel model = headstart.models().add(file, name, manifest);
        if (json()) {
          console().json(model.manifest());
        } else {
          console().print(described(model));
          say(model.manifest());
        }
        return Main.DONE;
      }
    }

    private void say(Manifest added) {
      if (added.preprocessing() != null) {
        console().message("Next:");
        console().message(next("teach HEAD --data PATH --base " + added.id()));
        return;
      }
      String inputs =
          added.inputs().stream()
              .map(i -> i.name() + " " + i.type() + i.shape())
              .collect(Collectors.joining(", "));
      console()
          .message(
              "Inputs, outputs and cuts were worked out from the graph. How a sample becomes the"
                  + " input\n"
                  + inputs
                  + "\nis not in it, so that nothing can be taught on this base model yet.");
      Optional<ManifestDraft.Guess> guess = ManifestDraft.guess(added);
      if (guess.isEmpty()) {
        console()
            .message(
                "It looks like neither pictures, nor texts, nor vectors. For the form of a manifest"
                    + " see:");
        console().message(next("models show efficientnet-lite0 --json"));
        return;
      }
      console()
          .message(
              "It looks like "
                  + guess.get().modality().plural()
                  + ". Write this to "
                  + added.id()
                  + ".json, changed to what the model was trained with:\n");
      console().message(DRAFT.valueToTree(guess.get()).toPrettyString());
      console().message("\nThen:");
      console().message(next("models remove " + added.id()));
      console()
          .message(
              next(
                  "models add "
                      + file
                      + " --name "
                      + added.id()
                      + " --manifest "
                      + added.id()
                      + ".json"));
    }
  }

  @Command(
      name = "remove",
      description = "Removes an added base model. Heads taught on it can no longer predict.",
      footer = "  ./headstart models remove resnet")
  static final class Remove extends HeadstartCommand {
    @Parameters(paramLabel = "NAME", description = "The base model's name")
    private String name;

    @Override
    public Integer call() {
      try (Headstart headstart = open()) {
        headstart.models().remove(name);
        if (json()) {
          console().json(Map.of("removed", name));
        } else {
          console().print("The base model " + name + " is removed.");
        }
        return Main.DONE;
      }
    }
  }
}
