package dev.headstart.train;

import dev.headstart.error.UsageException;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** How the learning rate goes over a training. */
public enum Schedule {
  CONSTANT {
    @Override
    double decay(double progress) {
      return 1;
    }
  },
  LINEAR {
    @Override
    double decay(double progress) {
      return 1 - progress;
    }
  },
  /** Half a cosine wave down to 0 (SGDR without restarts, Loshchilov and Hutter 2017). */
  COSINE {
    @Override
    double decay(double progress) {
      return (1 + Math.cos(Math.PI * progress)) / 2;
    }
  },
  /**
   * Up from 1/25 over the warm-up, 0.3 of the steps where none is said, then down to 1/250000, both
   * along half a cosine wave (Smith and Topin 2018, as in PyTorch's OneCycleLR).
   */
  ONE_CYCLE {
    @Override
    public double factor(long step, long steps, double warmup) {
      double top = Math.max(0, (warmup > 0 ? warmup : 0.3) * steps - 1);
      return step < top
          ? between(LOWEST, 1, step / top)
          : between(LAST, 1, 1 - Math.min(1, (step - top) / Math.max(1, steps - 1 - top)));
    }

    private double between(double low, double high, double part) {
      return low + (high - low) * (1 - COSINE.decay(part));
    }

    @Override
    double decay(double progress) {
      return COSINE.decay(progress);
    }
  };

  private static final double LOWEST = 1 / 25.0;
  private static final double LAST = LOWEST / 1e4;

  abstract double decay(double progress);

  /**
   * The factor on the highest rate.
   *
   * @param step from 0
   * @param steps of the whole training
   * @param warmup part of the steps, in [0, 1), over which the factor first rises linearly to 1
   */
  public double factor(long step, long steps, double warmup) {
    double warm = warmup * steps;
    if (step + 1 < warm) {
      return (step + 1) / warm;
    }
    return decay(Math.min(1, Math.max(0, (step - warm) / Math.max(1, steps - warm))));
  }

  /**
   * The schedule of that name: constant, linear, cosine or one-cycle.
   *
   * @throws UsageException if there is none
   */
  public static Schedule of(String name) {
    return Arrays.stream(values())
        .filter(s -> s.toString().equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                new UsageException(
                    "unknown schedule '" + name + "', expected one of " + List.of(values())));
  }

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
