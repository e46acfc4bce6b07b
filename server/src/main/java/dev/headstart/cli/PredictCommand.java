package dev.headstart.cli;

import dev.headstart.Headstart;
import dev.headstart.confidence.Novelty;
import dev.headstart.error.BadInputException;
import dev.headstart.error.HeadstartException;
import dev.headstart.error.NotFoundException;
import dev.headstart.error.UsageException;
import dev.headstart.head.HeadManifest;
import dev.headstart.predict.Prediction;
import dev.headstart.predict.Predictor;
import dev.headstart.sample.Sample;
import dev.headstart.sample.Task;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Stack;
import picocli.CommandLine.Command;
import picocli.CommandLine.IParameterConsumer;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code predict}: samples in, a prediction for each out. */
@Command(
    name = "predict",
    description = {
      "Answers for samples.",
      "",
      "What an input is depends on the head: a picture's file; a text, or @FILE for one in a file;"
          + " or a vector of numbers, as [0.1, 2] or 0.1,2 or @FILE with a vector a line. The input"
          + " - reads standard input, an input a line."
    },
    footer = {
      "  ./headstart predict animals cat.jpg dog.png",
      "  ./headstart predict mail \"Dear friend, you have won\" @letter.txt",
      "  ./headstart predict pump \"[20.5, 1.02, 3]\" --version 2",
      "  ./headstart predict animals hat.jpg --unknown",
      "  ls *.jpg | ./headstart predict animals - --json",
      "  ./headstart predict pump -- -1.5,0.2,3   (behind --, as it begins with -)"
    })
final class PredictCommand extends HeadstartCommand {
  /** Inputs that go through the model together: bounds memory, and keeps both cores busy. */
  private static final int CHUNK = 64;

  private static final int BAR = 24;
  private static final int SHOWN = 5;

  @Parameters(index = "0", paramLabel = "HEAD", description = "The head's name")
  private String head;

  @Parameters(
      index = "1..*",
      arity = "1..*",
      paramLabel = "INPUT",
      description = "Samples; - for standard input")
  private List<String> inputs;

  @Option(
      names = "--unknown",
      arity = "0..1",
      paramLabel = "RATE",
      parameterConsumer = OptionalRate.class,
      description = {
        "Answer \"unknown\" where a sample is too unlike what the head learned; RATE of familiar"
            + " samples are taken for unknown too (default: 0.05)"
      })
  private Double unknown;

  @Mixin private VersionOption version;

  @Mixin private ProviderOption provider;

  private double limit = Double.POSITIVE_INFINITY;
  private int answered;
  private int missing;
  private int unusable;

  @Override
  public Integer call() {
    try (Headstart headstart = open(provider.providers());
        Predictor predictor = headstart.predictor(head, version.version())) {
      if (!json()) {
        console().message(opened(predictor));
      }
      if (unknown != null) {
        limit = limit(predictor);
      }
      Inputs samples = new Inputs(predictor.manifest().modality());
      List<Sample> waiting = new ArrayList<>();
      for (String input : inputs) {
        if (input.equals("-")) {
          readStandardInput(samples, waiting, predictor);
        } else {
          add(samples, input, waiting);
        }
        if (waiting.size() >= CHUNK) {
          answer(waiting, predictor);
        }
      }
      answer(waiting, predictor);
    }
    if (missing + unusable == 0) {
      return Main.DONE;
    }
    if (answered + missing + unusable > 1) {
      console()
          .message(
              answered + " answered, " + (missing + unusable) + " could not be, as said above");
    }
    return unusable > 0 ? Main.BAD_INPUT : Main.NOT_FOUND;
  }

  /** The next word is a rate where it is a number, else an input. */
  static final class OptionalRate implements IParameterConsumer {
    @Override
    public void consumeParameters(Stack<String> words, ArgSpec option, CommandSpec command) {
      String next = words.isEmpty() ? "" : words.peek();
      boolean number = next.matches("[0-9]*\\.?[0-9]+([eE][-+]?[0-9]+)?");
      option.setValue(number ? Prediction.rate(words.pop()) : Novelty.USUAL_RATE);
    }
  }

  private double limit(Predictor predictor) {
    HeadManifest manifest = predictor.manifest();
    if (manifest.task() == Task.REGRESSION) {
      throw new UsageException(
          "--unknown answers for a class, but head '" + head + "' gives a number: see its novelty");
    }
    return predictor
        .novelty()
        .orElseThrow(
            () ->
                new BadInputException(
                    "version "
                        + manifest.version()
                        + " of head '"
                        + head
                        + "' does not know what is unlike its samples: it had fewer than five, or"
                        + " is of an older Headstart. Teach it again for --unknown"))
        .limit(unknown);
  }

  private static String opened(Predictor predictor) {
    return "Head "
        + predictor.manifest().head()
        + ", version "
        + predictor.manifest().version()
        + predictor.provider().map(provider -> ", on " + provider).orElse("");
  }

  /** Answers as soon as no more is there to read, so that a slow writer gets its answers. */
  private void readStandardInput(Inputs samples, List<Sample> waiting, Predictor predictor) {
    try {
      BufferedReader lines =
          new BufferedReader(new InputStreamReader(console().in(), StandardCharsets.UTF_8));
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (!line.isBlank()) {
          add(samples, line, waiting);
        }
        if (waiting.size() >= CHUNK || !lines.ready()) {
          answer(waiting, predictor);
        }
      }
    } catch (IOException e) {
      throw new BadInputException(
          "standard input cannot be read (" + e.getMessage() + "): expected an input a line", e);
    }
  }

  private void add(Inputs samples, String input, List<Sample> waiting) {
    try {
      waiting.addAll(samples.of(input));
    } catch (NotFoundException | BadInputException e) {
      refuse(e);
    }
  }

  private void refuse(HeadstartException e) {
    console().error(e.getMessage());
    if (e instanceof NotFoundException) {
      missing++;
    } else {
      unusable++;
    }
  }

  private void answer(List<Sample> samples, Predictor predictor) {
    if (samples.isEmpty()) {
      return;
    }
    predictor.predict(
        samples,
        new Predictor.Sink<>() {
          @Override
          public void accept(int index, Prediction found) {
            Prediction prediction = found.unknownAbove(limit);
            answered++;
            if (json()) {
              console().json(prediction);
            } else {
              console().print(shown(prediction));
            }
          }

          @Override
          public void unreadable(int index, String reason) {
            String name = samples.get(index).name();
            refuse(new BadInputException(reason.startsWith(name) ? reason : name + ": " + reason));
          }
        });
    samples.clear();
  }

  private static String shown(Prediction prediction) {
    StringBuilder text = new StringBuilder(abbreviated(prediction.input(), Console.WIDTH - 14));
    text.append(": ");
    if (prediction.value() != null) {
      return text.append(Figures.of(prediction.value())).append(novelty(prediction)).toString();
    }
    if (prediction.label() != null) {
      text.append(prediction.label());
    } else {
      text.append(prediction.labels().isEmpty() ? "none" : String.join(", ", prediction.labels()));
    }
    text.append(novelty(prediction));
    List<Map.Entry<String, Float>> best =
        prediction.scores().entrySet().stream()
            .sorted(Map.Entry.<String, Float>comparingByValue(Comparator.reverseOrder()))
            .limit(SHOWN)
            .toList();
    int width = best.stream().mapToInt(e -> Math.min(30, e.getKey().length())).max().orElse(1);
    for (Map.Entry<String, Float> score : best) {
      text.append(
          String.format(
              Locale.ROOT,
              "%n  %-" + width + "s %5.1f %%  %s",
              abbreviated(score.getKey(), 30),
              100 * score.getValue(),
              "#".repeat(Math.round(BAR * score.getValue()))));
    }
    return text.toString();
  }

  /** Said where a sample is unlike what the head learned. */
  private static String novelty(Prediction prediction) {
    return prediction.novelty() == null || prediction.novelty() <= 1
        ? ""
        : String.format(
            Locale.ROOT, " (novelty %.2f: unlike what it learned)", prediction.novelty());
  }

  /** On one line, cut where it is too long. */
  static String abbreviated(String text, int width) {
    String line = text.strip().replaceAll("\\s+", " ");
    return line.codePointCount(0, line.length()) <= width
        ? line
        : line.substring(0, line.offsetByCodePoints(0, width - 1)) + "…";
  }
}
