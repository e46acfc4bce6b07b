package dev.headstart.cli;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.github.freva.asciitable.Column;
import dev.headstart.Headstart;
import dev.headstart.error.NotFoundException;
import dev.headstart.predict.Evaluation;
import dev.headstart.predict.Prediction;
import dev.headstart.predict.Predictor;
import dev.headstart.sample.ClassLabel;
import dev.headstart.sample.DataSet;
import dev.headstart.sample.Item;
import dev.headstart.sample.Items;
import dev.headstart.sample.LabeledSample;
import dev.headstart.sample.Sample;
import dev.headstart.sample.TextSample;
import dev.headstart.train.RecipeOptions;
import dev.headstart.train.TeachRequest;
import dev.headstart.train.TeachResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code demo}: the main job on the data in {@code examples/}. */
@Command(
    name = "demo",
    description = {
      "Teaches two heads from real data that lies in examples/, and shows how well they do.",
      "",
      "demo-mail learns to tell ham from spam from 300 mails, demo-fashion ten kinds of clothing from"
          + " 300 pictures. Both are judged on 300 others that took no part."
    },
    footer = {"  ./headstart demo", "  ./headstart demo --workspace /tmp/demo --json"})
final class DemoCommand extends HeadstartCommand {
  @Mixin private ProviderOption provider;

  /** A lesson of the demo. */
  private record Lesson(String head, String about, String train, String test, String next) {}

  private static final List<Lesson> LESSONS =
      List.of(
          new Lesson(
              "demo-mail",
              "ham or spam, from mails",
              "mail/train.jsonl",
              "mail/test.jsonl",
              "\"Congratulations, you have won! Click here to claim\""),
          new Lesson(
              "demo-fashion",
              "ten kinds of clothing, from pictures",
              "fashion/train",
              "fashion/test",
              "%s/fashion/test/bag/*.png"));

  /**
   * What {@code --json} prints of a lesson.
   *
   * @param accuracy held out, as the other figures
   * @param predictions for the first held-out sample of each class
   */
  private record Summary(
      @JsonIgnore String provider,
      String head,
      int version,
      boolean promoted,
      TeachResult.Samples samples,
      int tested,
      Double accuracy,
      Double macroF1,
      double loss,
      List<String> classes,
      int[][] confusion,
      List<Answer> predictions,
      TeachResult.Seconds seconds) {}

  /** An example: what it is, and what the head says. */
  private record Answer(String input, String is, String label, float score) {}

  @Override
  public Integer call() {
    Path examples = examples();
    List<Summary> summaries = new ArrayList<>();
    try (Headstart headstart = open(provider.providers())) {
      for (Lesson lesson : LESSONS) {
        Summary summary = run(headstart, lesson, examples);
        summaries.add(summary);
        if (json()) {
          console().json(summary);
        } else {
          console().print(report(summary));
        }
      }
    }
    if (!json()) {
      console()
          .print(
              "Time\n\n"
                  + Figures.seconds(
                      summaries.stream().map(Summary::head).toList(),
                      summaries.stream().map(Summary::seconds).toList())
                  + "\n");
      console().message("Next:");
      for (Lesson lesson : LESSONS) {
        console()
            .message(
                next(
                    "predict "
                        + lesson.head()
                        + " "
                        + String.format(lesson.next(), shortest(examples))));
      }
      console().message(next("heads show demo-fashion"));
      console().message(next("teach animals --data YOUR-PHOTOS"));
    }
    return Main.DONE;
  }

  /** Relative to where the person stands, if that is shorter. */
  private static Path shortest(Path path) {
    Path here = Path.of("").toAbsolutePath();
    return path.startsWith(here) ? here.relativize(path) : path;
  }

  private static Path examples() {
    String home = System.getProperty("headstart.home");
    Path examples = Path.of(home == null ? "" : home, "examples").toAbsolutePath().normalize();
    for (Lesson lesson : LESSONS) {
      if (!Files.exists(examples.resolve(lesson.train()))) {
        throw new NotFoundException(
            "the demo's data is not in "
                + examples
                + ": start the demo with ./headstart from a clone of the repository, or name that"
                + " with -Dheadstart.home=DIR");
      }
    }
    return examples;
  }

  private Summary run(Headstart headstart, Lesson lesson, Path examples) {
    console().message("Teaching " + lesson.head() + ": " + lesson.about());
    TeachRequest request =
        new TeachRequest(
            lesson.head(),
            examples.resolve(lesson.train()),
            null,
            "auto",
            RecipeOptions.DEFAULTS,
            TeachRequest.Promotion.IF_NOT_WORSE);
    Path test = examples.resolve(lesson.test());
    TeachResult taught;
    Evaluation evaluation;
    try (Progress progress = new Progress(console())) {
      taught = headstart.teach(request, progress);
      evaluation = headstart.evaluate(lesson.head(), taught.version(), test, progress);
    }
    return new Summary(
        taught.manifest().provenance().provider(),
        lesson.head(),
        taught.version(),
        taught.promoted(),
        taught.samples(),
        evaluation.samples(),
        evaluation.metrics().accuracy(),
        evaluation.metrics().macroF1(),
        evaluation.metrics().loss(),
        evaluation.classes(),
        evaluation.metrics().confusion(),
        answers(headstart, lesson.head(), taught.version(), test),
        taught.seconds());
  }

  /** For the first sample of each class in the held-out data, right or wrong. */
  private static List<Answer> answers(Headstart headstart, String head, int version, Path test) {
    Map<String, Sample> first = new LinkedHashMap<>();
    try (Items items = DataSet.open(test).items()) {
      while (items.hasNext()) {
        Item item = items.next();
        if (item instanceof LabeledSample labeled && labeled.label() instanceof ClassLabel label) {
          first.putIfAbsent(label.name(), labeled.sample());
        }
      }
    }
    List<Answer> answers = new ArrayList<>();
    try (Predictor predictor = headstart.predictor(head, version)) {
      first.forEach(
          (is, sample) -> {
            Prediction prediction = predictor.predict(sample);
            String shown =
                sample instanceof TextSample text
                    ? text.text()
                    : shortest(Path.of(sample.name())).toString();
            answers.add(
                new Answer(
                    PredictCommand.abbreviated(shown, 36),
                    is,
                    prediction.label(),
                    prediction.scores().get(prediction.label())));
          });
    }
    return answers;
  }

  private static String report(Summary summary) {
    StringBuilder text = new StringBuilder();
    text.append(
        String.format(
            Locale.ROOT,
            "%n%s, version %d: taught with %d samples, judged on %d others, on %s%n"
                + "  accuracy %.3f   macro-F1 %.3f   loss %s%n%n",
            summary.head(),
            summary.version(),
            summary.samples().train() + summary.samples().validation(),
            summary.tested(),
            summary.provider(),
            summary.accuracy(),
            summary.macroF1(),
            Figures.of(summary.loss())));
    text.append(Figures.confusion(summary.classes(), summary.confusion()));
    text.append("\n\nThe first of each class\n");
    Object[][] rows =
        summary.predictions().stream()
            .map(
                a ->
                    new Object[] {
                      a.input(),
                      a.is(),
                      a.label() + (a.label().equals(a.is()) ? "" : " (wrong)"),
                      String.format(Locale.ROOT, "%.0f %%", 100 * a.score())
                    })
            .toArray(Object[][]::new);
    text.append(
        Figures.table(
            new Column[] {
              Figures.left("sample", 36),
              Figures.left("is", 10),
              Figures.left("taken for", 18),
              Figures.right("score")
            },
            rows));
    return text.append('\n').toString();
  }
}
