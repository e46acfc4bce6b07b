package dev.headstart.preprocess;

import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * The kernels of Pillow's {@code Resample.c}: weights by the distance from the new pixel's centre.
 */
public enum Filter {
  /** No mixing: the old pixel under the new pixel's centre. */
  @JsonProperty("nearest")
  NEAREST(0) {
    @Override
    double weight(double x) {
      throw new UnsupportedOperationException("nearest picks, it does not weigh");
    }
  },
  @JsonProperty("bilinear")
  BILINEAR(1) {
    @Override
    double weight(double x) {
      double distance = Math.abs(x);
      return distance < 1 ? 1 - distance : 0;
    }
  },
  /** Keys' cubic convolution with a = -0.5. */
  @JsonProperty("bicubic")
  BICUBIC(2) {
    @Override
    double weight(double x) {
      double d = Math.abs(x);
      if (d < 1) {
        return ((A + 2) * d - (A + 3)) * d * d + 1;
      }
      return d < 2 ? (((d - 5) * d + 8) * d - 4) * A : 0;
    }
  },
  @JsonProperty("lanczos")
  LANCZOS(3) {
    @Override
    double weight(double x) {
      return -3 <= x && x < 3 ? sinc(x) * sinc(x / 3) : 0;
    }
  };

  private static final double A = -0.5;

  private final double support;

  Filter(double support) {
    this.support = support;
  }

  /** The weight vanishes at this distance, in pixels of the larger of the two pictures. */
  double support() {
    return support;
  }

  abstract double weight(double x);

  private static double sinc(double x) {
    if (x == 0) {
      return 1;
    }
    double angle = x * Math.PI;
    return Math.sin(angle) / angle;
  }
}
