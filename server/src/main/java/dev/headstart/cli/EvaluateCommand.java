package dev.headstart.cli;

import dev.headstart.Headstart;
import dev.headstart.predict.Evaluation;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code evaluate}: labelled samples in, a version's metrics out. */
@Command(
    name = "evaluate",
    customSynopsis = "headstart evaluate HEAD --data PATH [OPTIONS]",
    description = "Judges a version of a head on labelled samples that it was not taught with.",
    footer = {
      "  ./headstart evaluate animals --data more-photos",
      "  ./headstart evaluate mail --data test.jsonl --version 2 --json"
    })
final class EvaluateCommand extends HeadstartCommand {
  @Parameters(paramLabel = "HEAD", description = "The head's name")
  private String head;

  @Option(
      names = "--data",
      required = true,
      paramLabel = "PATH",
      description = "As for teach: a directory with one folder a class, a .jsonl or a .csv file")
  private Path data;

  @Mixin private VersionOption version;

  @Mixin private ProviderOption provider;

  @Override
  public Integer call() {
    Evaluation evaluation = evaluate();
    if (json()) {
      console().json(evaluation);
    } else {
      console().print(report(evaluation));
    }
    return Main.DONE;
  }

  private Evaluation evaluate() {
    try (Headstart headstart = open(provider.providers());
        Progress progress = new Progress(console())) {
      return headstart.evaluate(head, version.version(), data, progress);
    }
  }

  private static String report(Evaluation evaluation) {
    StringBuilder text = new StringBuilder();
    text.append("Head ")
        .append(evaluation.head())
        .append(", version ")
        .append(evaluation.version())
        .append(", on ")
        .append(evaluation.samples())
        .append(" samples")
        .append(evaluation.provider() == null ? "" : ", on " + evaluation.provider())
        .append(":\n  ")
        .append(Figures.line(evaluation.metrics()));
    if (evaluation.metrics().confusion() != null) {
      text.append("\n\n")
          .append(Figures.confusion(evaluation.classes(), evaluation.metrics().confusion()));
    }
    TeachReport.skipped(text, evaluation.skipped());
    return text.append('\n').toString();
  }
}
