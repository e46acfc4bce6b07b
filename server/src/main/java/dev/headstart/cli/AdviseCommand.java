package dev.headstart.cli;

import dev.headstart.Headstart;
import dev.headstart.advise.AdviceRequest;
import dev.headstart.advise.Advised;
import dev.headstart.sample.DataSource;
import dev.headstart.sample.Task;
import java.nio.file.Path;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code advise}: labelled samples in, how to teach them out. */
@Command(
    name = "advise",
    description = {
      "Says how to teach a head from labelled samples, and why.",
      "",
      "One pass through the base model gives the features of all its taps. On each, a head in closed"
          + " form shows how well it tells the classes apart; the base's statistics show how like its"
          + " own domain the samples are. Nothing is trained. teach without options follows the"
          + " advice, and takes the features over.",
      "",
      "It also names samples to look at: labels that are likely wrong, the same thing under two"
          + " labels, blank pictures, classes with too few."
    },
    footer = {
      "  ./headstart advise --data photos",
      "  ./headstart advise --data mail.jsonl --base minilm-fp32 --json"
    })
final class AdviseCommand extends HeadstartCommand {
  @Option(
      names = "--data",
      required = true,
      paramLabel = "PATH",
      description =
          "A directory with one folder a class (pictures, or texts that end in .txt), a .jsonl or a"
              + " .csv file")
  private Path data;

  @Option(
      names = "--base",
      paramLabel = "MODEL",
      description = "Base model. Default: by what the samples are (headstart models list)")
  private String base;

  @Option(
      names = "--task",
      paramLabel = "TASK",
      description =
          "single (one class a sample), multi (any number of them) or regression (a"
              + " number). Default: as the labels look")
  private Task task;

  @Option(
      names = "--domain",
      paramLabel = "ABOUT",
      description =
          "Instead of advice: statistics of the samples as the base model's own domain, as JSON for"
              + " its manifest; ABOUT says what they are")
  private String domain;

  @Mixin private ProviderOption provider;

  @Override
  public Integer call() {
    AdviceRequest request = new AdviceRequest(DataSource.at(data), base, "auto", task);
    if (domain != null) {
      try (Headstart headstart = open(provider.providers());
          Progress progress = new Progress(console())) {
        console().json(Map.of("domain", headstart.domain(request, domain, progress)));
      }
      return Main.DONE;
    }
    Advised advised;
    try (Headstart headstart = open(provider.providers());
        Progress progress = new Progress(console())) {
      advised = headstart.advised(request, progress);
    }
    if (json()) {
      console().json(advised);
    } else {
      console().print(AdviceReport.of(advised));
      console().message("Next:");
      console()
          .message(next("teach NAME --data " + data + (base == null ? "" : " --base " + base)));
    }
    return Main.DONE;
  }
}
