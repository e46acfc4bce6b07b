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
  };

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
   * The schedule of that name: constant, linear or cosine.
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
    return name().toLowerCase(Locale.ROOT);
  }
}
