package dev.headstart.cli;

import com.github.freva.asciitable.Column;
import dev.headstart.advise.Advice;
import dev.headstart.advise.Advised;
import java.util.List;
import java.util.Locale;

/** Advice, for people. */
final class AdviceReport {
  private static final int BAR = 30;

  private AdviceReport() {}

  static String of(Advised advised) {
    List<String> sick = advised.report().lines();
    StringBuilder text = new StringBuilder(of(advised.advice()));
    if (!sick.isEmpty()) {
      text.append("\nSamples to look at\n");
      sick.forEach(line -> text.append(wrapped(line)));
    }
    return text.toString();
  }

  private static String of(Advice advice) {
    StringBuilder text = new StringBuilder("Advice\n\n");
    if (advice.base() != null) {
      row(text, "base", advice.base());
      row(text, "cut", advice.cut());
    }
    row(text, "head", advice.kind());
    if (advice.base() != null) {
      row(
          text,
          "unfreeze",
          advice.unfreeze().equals("head")
              ? "nothing of the base"
              : "the last " + advice.unfreeze() + " blocks");
    }
    row(text, "rate", Figures.plain(advice.rate()));
    row(text, "augment", advice.augment());
    Advice.Expected expected = advice.expected();
    if (expected != null) {
      row(
          text,
          "expect",
          String.format(
              Locale.ROOT,
              "%s %.3f (%.3f to %.3f)",
              expected.accuracy() != null ? "accuracy" : "R²",
              expected.accuracy() != null ? expected.accuracy() : expected.r2(),
              expected.low(),
              expected.high()));
    }
    if (advice.fit() != null) {
      row(
          text,
          "fit",
          String.format(
              Locale.ROOT,
              "%.2f of 1: how like the base's own domain the samples are",
              advice.fit()));
    }
    row(text, "takes", "about " + Progress.duration(advice.seconds()) + " to train");
    text.append("\nWhy\n");
    advice.reasons().forEach(reason -> text.append(wrapped(reason)));
    text.append('\n').append(taps(advice));
    return text.append('\n').toString();
  }

  /** From deep to shallow, the higher the better. */
  private static String taps(Advice advice) {
    boolean numbers = advice.taps().stream().anyMatch(tap -> tap.r2() != null);
    List<Advice.TapScore> taps = advice.taps();
    Object[][] rows = new Object[taps.size()][5];
    for (int i = 0; i < rows.length; i++) {
      Advice.TapScore tap = taps.get(i);
      double figure = numbers ? tap.r2() : tap.accuracy();
      rows[i] =
          new Object[] {
            tap.advised() ? "*" : "",
            tap.cut(),
            bar(figure),
            String.format(Locale.ROOT, "%.3f", figure),
            String.format(Locale.ROOT, "%.3f", tap.score())
          };
    }
    return Figures.table(
        new Column[] {
          Figures.left("", 1),
          Figures.left("tap, deep to shallow", 30),
          Figures.left("", BAR),
          Figures.right(numbers ? "R²" : "accuracy"),
          Figures.right("LogME")
        },
        rows);
  }

  private static String bar(double figure) {
    return "#".repeat((int) Math.round(BAR * Math.max(0, Math.min(1, figure))));
  }

  private static void row(StringBuilder text, String name, String value) {
    text.append(String.format(Locale.ROOT, "  %-9s %s%n", name, value));
  }

  /** A point of a list, broken into lines. */
  private static String wrapped(String reason) {
    StringBuilder text = new StringBuilder("  -");
    int column = text.length();
    for (String word : reason.split(" ")) {
      if (column + 1 + word.length() > Console.WIDTH) {
        text.append("\n   ");
        column = 4;
      }
      text.append(' ').append(word);
      column += 1 + word.length();
    }
    return text.append('\n').toString();
  }
}
