package dev.headstart.cli;

import com.github.freva.asciitable.AsciiTable;
import com.github.freva.asciitable.Column;
import com.github.freva.asciitable.HorizontalAlign;
import com.github.freva.asciitable.OverflowBehaviour;
import dev.headstart.train.CrossValidation;
import dev.headstart.train.Metrics;
import dev.headstart.train.TeachResult;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** Numbers and tables as people read them. */
final class Figures {
  /** With more classes the matrix is no longer readable, and its largest entries are named. */
  private static final int MATRIX_CLASSES = 12;

  private static final int MISTAKES = 12;
  private static final int NAME = 20;

  /** The space on both sides of a cell, which the library counts as a part of it. */
  private static final int PADDING = 2;

  private Figures() {}

  /** A number in four digits. */
  static String of(double value) {
    return Math.abs(value) >= 1e-3 && Math.abs(value) < 1e5
        ? String.format(Locale.ROOT, "%.4g", value)
        : value == 0 ? "0" : String.format(Locale.ROOT, "%.2e", value);
  }

  /** A number as it was said: four digits at most, and no zeros behind them. */
  static String plain(double value) {
    return new BigDecimal(value).round(new MathContext(4)).stripTrailingZeros().toPlainString();
  }

  /** What of these figures applies, in a line. */
  static String line(Metrics metrics) {
    List<String> parts = new ArrayList<>();
    add(parts, "accuracy", metrics.accuracy());
    add(parts, "macro-F1", metrics.macroF1());
    if (metrics.mae() != null) {
      parts.add("mae " + of(metrics.mae()));
      parts.add("rmse " + of(metrics.rmse()));
      parts.add("r2 " + of(metrics.r2()));
    }
    parts.add("loss " + of(metrics.loss()));
    return String.join("   ", parts);
  }

  /**
   * What to expect on new samples.
   *
   * @param samples that it is known from
   */
  static String expected(CrossValidation.Summary found, int samples) {
    String folds = "(" + found.folds() + "-fold, " + samples + " samples)";
    return found.accuracy() != null
        ? String.format(
            Locale.ROOT,
            "accuracy of %.2f to %.2f expected on new samples %s",
            found.low(),
            found.high(),
            folds)
        : String.format(
            Locale.ROOT,
            "rmse of %s to %s expected on new samples %s",
            of(found.low()),
            of(found.high()),
            folds);
  }

  private static void add(List<String> parts, String name, Double value) {
    if (value != null) {
      parts.add(String.format(Locale.ROOT, "%s %.3f", name, value));
    }
  }

  /** Classes with how often each was hit, and what was taken for what. */
  static String confusion(List<String> classes, int[][] confusion) {
    return classes.size() <= MATRIX_CLASSES
        ? matrix(classes, confusion)
        : perClass(classes, confusion) + "\n\n" + mistakes(classes, confusion);
  }

  private static String matrix(List<String> classes, int[][] confusion) {
    int n = classes.size();
    Column[] columns = new Column[n + 2];
    columns[0] = left("is \\ taken for", NAME);
    Object[][] rows = new Object[n][n + 2];
    for (int i = 0; i < n; i++) {
      columns[i + 1] = right(String.valueOf(i + 1));
      rows[i][0] = String.format(Locale.ROOT, "%2d %s", i + 1, classes.get(i));
      for (int j = 0; j < n; j++) {
        rows[i][j + 1] = confusion[i][j] == 0 ? "." : String.valueOf(confusion[i][j]);
      }
      rows[i][n + 1] = recall(confusion, i);
    }
    columns[n + 1] = right("right");
    return table(columns, rows);
  }

  private static String perClass(List<String> classes, int[][] confusion) {
    Object[][] rows = new Object[classes.size()][3];
    for (int i = 0; i < rows.length; i++) {
      int samples = 0;
      for (int count : confusion[i]) {
        samples += count;
      }
      rows[i] = new Object[] {classes.get(i), String.valueOf(samples), recall(confusion, i)};
    }
    return table(new Column[] {left("class", 40), right("samples"), right("right")}, rows);
  }

  private static String mistakes(List<String> classes, int[][] confusion) {
    record Mistake(int is, int taken, int times) {}
    List<Mistake> mistakes = new ArrayList<>();
    for (int i = 0; i < confusion.length; i++) {
      for (int j = 0; j < confusion.length; j++) {
        if (i != j && confusion[i][j] > 0) {
          mistakes.add(new Mistake(i, j, confusion[i][j]));
        }
      }
    }
    if (mistakes.isEmpty()) {
      return "No class was taken for another.";
    }
    mistakes.sort(Comparator.comparingInt(Mistake::times).reversed());
    Object[][] rows =
        mistakes.stream()
            .limit(MISTAKES)
            .map(
                m ->
                    new Object[] {classes.get(m.is), classes.get(m.taken), String.valueOf(m.times)})
            .toArray(Object[][]::new);
    return "Most frequent mistakes\n"
        + table(new Column[] {left("is", 30), left("taken for", 30), right("times")}, rows);
  }

  private static String recall(int[][] confusion, int row) {
    int samples = 0;
    for (int count : confusion[row]) {
      samples += count;
    }
    return samples == 0
        ? "-"
        : String.format(Locale.ROOT, "%.0f %%", 100.0 * confusion[row][row] / samples);
  }

  /** Stage times, a column a run. */
  static String seconds(List<String> names, List<TeachResult.Seconds> runs) {
    Column[] columns = new Column[runs.size() + 1];
    Object[][] rows = new Object[4][runs.size() + 1];
    columns[0] = left("stage", 30);
    rows[0][0] = "decode (read and prepare)";
    rows[1][0] = "features (base model)";
    rows[2][0] = "train (and judge, refit)";
    rows[3][0] = "total";
    for (int run = 0; run < runs.size(); run++) {
      TeachResult.Seconds seconds = runs.get(run);
      columns[run + 1] = right(names.get(run));
      rows[0][run + 1] = time(seconds.decode());
      rows[1][run + 1] = time(seconds.features());
      rows[2][run + 1] = time(seconds.train());
      rows[3][run + 1] = time(seconds.total());
    }
    return table(columns, rows);
  }

  private static String time(double seconds) {
    return String.format(Locale.ROOT, "%.2f s", seconds);
  }

  /** A column of words, cut where it is too wide. */
  static Column left(String header, int width) {
    return new Column()
        .header(header)
        .headerAlign(HorizontalAlign.LEFT)
        .dataAlign(HorizontalAlign.LEFT)
        .maxWidth(width + PADDING, OverflowBehaviour.ELLIPSIS_RIGHT);
  }

  /** A column of numbers. */
  static Column right(String header) {
    return new Column()
        .header(header)
        .headerAlign(HorizontalAlign.RIGHT)
        .dataAlign(HorizontalAlign.RIGHT);
  }

  static String table(Column[] columns, Object[][] rows) {
    return AsciiTable.getTable(
            AsciiTable.BASIC_ASCII_NO_DATA_SEPARATORS_NO_OUTSIDE_BORDER, columns, rows)
        .lines()
        .map(String::stripTrailing)
        .collect(Collectors.joining("\n"));
  }
}
