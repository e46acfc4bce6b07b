package dev.headstart.cli;

import dev.headstart.train.Epoch;
import dev.headstart.train.Metrics;
import dev.headstart.train.TrainingListener;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import me.tongfei.progressbar.DelegatingProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/**
 * Shows on standard error how far a command is: for a person who watches a bar with the time left,
 * for a log file a line now and then, and for training a line for some of the epochs.
 */
final class Progress implements TrainingListener, AutoCloseable {
  /** Lines for about so many epochs, whatever their number. */
  private static final int EPOCH_LINES = 10;

  /** Epochs' lines are printed together this often, so that printing does not slow a short run. */
  private static final long PAUSE = Duration.ofMillis(300).toNanos();

  /** An epoch's line at least, or a line of a log file at most, every so many nanoseconds. */
  private static final long PATIENCE = Duration.ofSeconds(5).toNanos();

  private final Console console;
  private String stage = "";
  private long total;
  private long epochs;
  private long began;
  private long shown;
  private ProgressBar bar;
  private final List<Epoch> waiting = new ArrayList<>();
  private Epoch last;

  Progress(Console console) {
    this.console = console;
  }

  @Override
  public void stage(String name, long steps) {
    if (!name.equals("refit") || !stage.equals("train")) {
      close();
    }
    stage = name;
    total = steps;
    began = System.nanoTime();
    shown = began;
    if (console.watched() && !name.equals("train") && !name.equals("refit")) {
      bar =
          new ProgressBarBuilder()
              .setTaskName(name)
              .setInitialMax(steps)
              .setStyle(ProgressBarStyle.ASCII)
              .setConsumer(
                  new DelegatingProgressBarConsumer(
                      text -> console.err().print("\r" + text), Console.WIDTH))
              .setUpdateIntervalMillis(200)
              .build();
    }
  }

  @Override
  public void progress(long done) {
    if (bar != null) {
      bar.stepTo(done);
    } else if (System.nanoTime() - shown > PATIENCE) {
      shown = System.nanoTime();
      console.message(
          total < 0
              ? String.format(Locale.ROOT, "%s: %d so far", stage, done)
              : String.format(
                  Locale.ROOT, "%s: %d of %d, %s left", stage, done, total, left(done)));
    }
  }

  @Override
  public void pace(double seconds, int of) {
    double all = seconds * of;
    if (stage.equals("train") && all * 1e9 > PATIENCE) {
      console.message(
          String.format(
              Locale.ROOT,
              "about %s an epoch, %s in all, less if it stops early",
              duration(seconds),
              duration(all)));
    }
  }

  /** Seconds as people say them. */
  static String duration(double seconds) {
    if (seconds < 1) {
      return String.format(Locale.ROOT, "%.1f s", seconds);
    }
    if (seconds < 90) {
      return Math.round(seconds) + " s";
    }
    long minutes = Math.round(seconds / 60);
    return minutes < 90
        ? minutes + " minutes"
        : String.format(Locale.ROOT, "%.1f hours", seconds / 3600);
  }

  @Override
  public void epoch(Epoch epoch) {
    if (stage.equals("refit")) {
      progress(epoch.epoch());
      return;
    }
    epochs = total;
    long every = Math.max(1, total / EPOCH_LINES);
    boolean late = System.nanoTime() - shown > PATIENCE;
    last = epoch;
    if (epoch.epoch() == 1 || epoch.epoch() % every == 0 || late) {
      waiting.add(epoch);
    }
    if (!waiting.isEmpty() && System.nanoTime() - shown > PAUSE) {
      shown = System.nanoTime();
      waiting.forEach(e -> show(e, e == epoch ? "  " + left(e.epoch()) + " left" : ""));
      waiting.clear();
    }
  }

  private void show(Epoch epoch, String left) {
    Metrics judged = epoch.validation();
    console.message(
        String.format(
            Locale.ROOT,
            "epoch %3d of %d  loss %-8s%s%s",
            epoch.epoch(),
            epochs,
            Figures.of(epoch.trainLoss()),
            judged == null ? "" : "  validation: " + figures(judged),
            left));
    if (epoch == last) {
      last = null;
    }
  }

  private static String figures(Metrics metrics) {
    String loss = String.format(Locale.ROOT, "loss %-8s", Figures.of(metrics.loss()));
    if (metrics.accuracy() == null) {
      return loss + " rmse " + Figures.of(metrics.rmse());
    }
    return loss + String.format(Locale.ROOT, " accuracy %.3f", metrics.accuracy());
  }

  private String left(long done) {
    double each = (System.nanoTime() - began) / 1e9 / Math.max(1, done);
    long seconds = Math.round(each * Math.max(0, total - done));
    return seconds < 3600
        ? String.format(Locale.ROOT, "%d:%02d", seconds / 60, seconds % 60)
        : String.format(Locale.ROOT, "%d:%02d h", seconds / 3600, seconds / 60 % 60);
  }

  @Override
  public void warning(String message) {
    say(() -> console.warning(message));
  }

  @Override
  public void note(String message) {
    say(() -> console.message(message));
  }

  /** Prints a line where the bar stands, and the bar below it. */
  private void say(Runnable line) {
    if (bar != null) {
      bar.pause();
      clear();
    }
    line.run();
    if (bar != null) {
      bar.resume();
    }
  }

  /** Takes the bar off the line that it stands on. */
  private void clear() {
    console.err().print("\r" + " ".repeat(Console.WIDTH) + "\r");
  }

  /** Ends what is shown of the stage; idempotent. */
  @Override
  public void close() {
    if (bar != null) {
      bar.close();
      bar = null;
      clear();
    }
    waiting.forEach(epoch -> show(epoch, ""));
    waiting.clear();
    if (last != null) {
      show(last, "");
    }
    stage = "";
  }
}
