package dev.headstart.gradient;

import dev.headstart.onnx.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The matrices of a Resize: it works on one axis after the other, and along each axis every element
 * of the output is a weighted sum of elements of the input.
 *
 * <p>Sources: the ONNX specification of Resize (opsets 11 to 19) for coordinates and modes; Keys,
 * "Cubic convolution interpolation for digital image processing" (1981) for the cubic weights. As
 * ONNX Runtime does, coordinates are computed in 32-bit floats.
 */
final class Interpolation {

  /**
   * What happens along one axis.
   *
   * @param axis counted from the front
   * @param matrix float32 [output size, input size]
   */
  record Axis(int axis, Tensor matrix) {}

  private final ForwardNode n;
  private final String mode;
  private final String coordinates;
  private final String rounding;
  private final float coefficient;
  private final boolean excludeOutside;

  private Interpolation(ForwardNode n) {
    this.n = n;
    mode = n.string("mode", "nearest");
    coordinates = n.string("coordinate_transformation_mode", "half_pixel");
    rounding = n.string("nearest_mode", "round_prefer_floor");
    coefficient = n.real("cubic_coeff_a", -0.75f);
    excludeOutside = n.integer("exclude_outside", 0) != 0;
  }

  /**
   * The axes along which a Resize node does something.
   *
   * @throws dev.headstart.error.BadInputException if it does what is not linear or not known here,
   *     or if sizes or scales are not known
   */
  static List<Axis> of(ForwardNode n) {
    Interpolation resize = new Interpolation(n);
    if (n.integer("antialias", 0) != 0) {
      throw n.refusal("is not known with antialias; expected antialias 0");
    }
    if (!n.string("keep_aspect_ratio_policy", "stretch").equals("stretch")) {
      throw n.refusal("is only known for the keep_aspect_ratio_policy stretch");
    }
    int rank = n.rank(0);
    long[] in = n.shape(0);
    long[] out = n.outputShape(0);
    Tensor given = n.constant(2);
    float[] scales = given == null || given.elements() == 0 ? null : given.floats();
    long[] axes = n.integers("axes");
    if (axes == null) {
      axes = new long[rank];
      Arrays.setAll(axes, i -> i);
    }
    if ((scales != null && scales.length != axes.length) || (scales == null && !n.has(3))) {
      throw n.refusal("needs its scales as a constant, one for each of " + axes.length + " axes");
    }
    List<Axis> result = new ArrayList<>();
    for (int i = 0; i < axes.length; i++) {
      int axis = (int) (axes[i] < 0 ? axes[i] + rank : axes[i]);
      if (axis < 0 || axis >= rank) {
        throw n.refusal("names axis " + axes[i] + " of a tensor of rank " + rank);
      }
      if (scales != null && scales[i] == 1) {
        continue;
      }
      // Without a scale, batch and channels are not looked at: sizes must leave them alone.
      boolean known = in[axis] > 0 && out != null && out[axis] > 0;
      if (!known && (scales != null || axis > 1)) {
        throw n.refusal(
            "needs the sizes of axis "
                + axis
                + " before and after it: fix that dimension of the model's input, and give scales"
                + " or sizes as constants");
      }
      if (known && (scales != null || in[axis] != out[axis])) {
        float scale = scales == null ? (float) out[axis] / in[axis] : scales[i];
        result.add(new Axis(axis, resize.matrix((int) in[axis], (int) out[axis], scale)));
      }
    }
    return result;
  }

  private Tensor matrix(int in, int out, float scale) {
    Tensor.elements(out, in); // not too large
    float[] matrix = new float[out * in];
    for (int y = 0; y < out; y++) {
      float x = coordinate(y, in, out, scale);
      int row = y * in;
      switch (mode) {
        case "nearest" -> matrix[row + clamp(nearest(x), in)] = 1;
        case "linear" -> {
          float inside = Math.max(0, Math.min(x, in - 1));
          int left = (int) inside;
          matrix[row + left] += 1 - (inside - left);
          matrix[row + clamp(left + 1, in)] += inside - left;
        }
        case "cubic" -> cubic(x, in, matrix, row);
        default -> throw n.refusal("is not known for the mode " + mode);
      }
    }
    return Tensor.of(matrix, out, in);
  }

  /** Where element {@code y} of the output lies in the input. */
  private float coordinate(int y, int in, int out, float scale) {
    return switch (coordinates) {
      case "half_pixel" -> (y + 0.5f) / scale - 0.5f;
      case "half_pixel_symmetric" -> {
        float adjustment = out / (scale * in);
        yield in / 2f * (1 - adjustment) + (y + 0.5f) / scale - 0.5f;
      }
      case "pytorch_half_pixel" -> out > 1 ? (y + 0.5f) / scale - 0.5f : 0;
      case "align_corners" -> out == 1 ? 0 : y * (float) (in - 1) / (out - 1);
      case "asymmetric" -> y / scale;
      case "tf_half_pixel_for_nn" -> (y + 0.5f) / scale;
      default ->
          throw n.refusal("is not known for the coordinate_transformation_mode " + coordinates);
    };
  }

  private int nearest(float x) {
    return switch (rounding) {
      case "round_prefer_floor" -> (int) Math.ceil(x - 0.5f);
      case "round_prefer_ceil" -> (int) Math.floor(x + 0.5f);
      case "floor" -> (int) Math.floor(x);
      case "ceil" -> (int) Math.ceil(x);
      default -> throw n.refusal("is not known for the nearest_mode " + rounding);
    };
  }

  /** Over the four elements around x; beyond the border the last one, or none. */
  private void cubic(float x, int in, float[] matrix, int row) {
    int left = (int) Math.floor(x);
    float t = x - left;
    float a = coefficient;
    float[] weights = {
      ((a * (t + 1) - 5 * a) * (t + 1) + 8 * a) * (t + 1) - 4 * a,
      ((a + 2) * t - (a + 3)) * t * t + 1,
      ((a + 2) * (1 - t) - (a + 3)) * (1 - t) * (1 - t) + 1,
      ((a * (2 - t) - 5 * a) * (2 - t) + 8 * a) * (2 - t) - 4 * a
    };
    float total = 1;
    if (excludeOutside) {
      total = 0;
      for (int i = 0; i < 4; i++) {
        boolean outside = left - 1 + i < 0 || left - 1 + i >= in;
        weights[i] = outside ? 0 : weights[i];
        total += weights[i];
      }
    }
    for (int i = 0; i < 4; i++) {
      matrix[row + clamp(left - 1 + i, in)] += weights[i] / total;
    }
  }

  private static int clamp(int index, int size) {
    return Math.max(0, Math.min(index, size - 1));
  }
}
