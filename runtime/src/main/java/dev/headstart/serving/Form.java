package dev.headstart.serving;

import dev.headstart.error.BadInputException;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.TensorInfo;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** Which of a model's forms a request has, and whether its tensors are what that form says. */
final class Form {
  static final String SAMPLE = "sample";
  static final String TENSORS = "tensors";
  static final String FEATURES = "features";

  private Form() {}

  /**
   * The form that the inputs have.
   *
   * @param maxBatch samples at most
   * @throws BadInputException naming the input, what was expected and what came
   */
  static InputForm of(List<InputForm> forms, Map<String, Tensor> inputs, int maxBatch) {
    BadInputException first = null;
    for (InputForm form : forms) {
      if (names(form).equals(inputs.keySet())) {
        try {
          check(form, inputs, maxBatch);
          return form;
        } catch (BadInputException e) {
          first = first == null ? e : first; // two forms may have the same names
        }
      }
    }
    throw first != null ? first : misnamed(forms, inputs.keySet());
  }

  private static Set<String> names(InputForm form) {
    return form.inputs().stream()
        .map(TensorInfo::name)
        .collect(Collectors.toCollection(LinkedHashSet::new));
  }

  private static BadInputException misnamed(List<InputForm> forms, Set<String> given) {
    String expected =
        forms.stream()
            .map(form -> form.inputs().stream().map(i -> i.name() + " " + described(i)))
            .map(names -> names.collect(Collectors.joining(" and ")))
            .distinct()
            .collect(Collectors.joining(", or "));
    if (given.isEmpty()) {
      return new BadInputException("no inputs came, expected " + expected);
    }
    Set<String> known = forms.stream().flatMap(f -> names(f).stream()).collect(Collectors.toSet());
    for (String name : given) {
      if (!known.contains(name)) {
        return new BadInputException(
            "unknown input '" + shortened(name) + "', expected " + expected);
      }
    }
    for (InputForm form : forms) {
      Set<String> missing = names(form);
      if (missing.containsAll(given)) {
        missing.removeAll(given);
        return new BadInputException(
            "the input '" + missing.iterator().next() + "' is missing, expected " + expected);
      }
    }
    return new BadInputException(
        "the inputs " + given + " do not go together, expected " + expected);
  }

  private static String shortened(String name) {
    return name.length() <= 100 ? name : name.substring(0, 100) + "…";
  }

  private static void check(InputForm form, Map<String, Tensor> inputs, int maxBatch) {
    long batch = -1;
    String counted = null;
    for (TensorInfo expected : form.inputs()) {
      Tensor given = inputs.get(expected.name());
      check(expected, given);
      if (!batched(expected)) {
        continue;
      }
      long samples = given.shape()[0];
      if (counted != null && samples != batch) {
        throw new BadInputException(
            "the input '"
                + expected.name()
                + "' holds "
                + samples
                + " samples, but '"
                + counted
                + "' "
                + batch);
      }
      if (samples > maxBatch) {
        throw new BadInputException(
            "the input '"
                + expected.name()
                + "' holds "
                + samples
                + " samples; at most "
                + maxBatch
                + " come in one request");
      }
      batch = samples;
      counted = expected.name();
    }
  }

  private static void check(TensorInfo expected, Tensor given) {
    String name = "the input '" + expected.name() + "'";
    if (expected.type() != null && expected.type() != given.type()) {
      throw new BadInputException(
          name
              + " is "
              + described(expected)
              + ", but came as "
              + datatype(given.type())
              + " "
              + Arrays.toString(given.shape()));
    }
    long[] shape = given.shape();
    long[] dims = expected.shape();
    boolean fits = dims == null || dims.length == shape.length;
    for (int i = 0; fits && dims != null && i < dims.length; i++) {
      fits = dims[i] < 0 || dims[i] == shape[i];
    }
    if (!fits) {
      throw new BadInputException(
          name + " is " + described(expected) + ", but came with shape " + Arrays.toString(shape));
    }
    if (Tensor.elements(shape) == 0) {
      // Kernels are not made for tensors without elements; some divide by their size.
      throw new BadInputException(name + " is empty: it came with shape " + Arrays.toString(shape));
    }
  }

  /** In the protocol's words, as {@code FP32 [-1, 3]}. */
  private static String described(TensorInfo info) {
    String type = info.type() == null ? "of any datatype" : datatype(info.type());
    return type
        + (info.shape() == null
            ? ""
            : " "
                + Arrays.toString(
                    Arrays.stream(info.shape()).map(dim -> Math.max(-1, dim)).toArray()));
  }

  /** The protocol's name of an element type. */
  private static String datatype(ElementType type) {
    return switch (type) {
      case FLOAT -> "FP32";
      case DOUBLE -> "FP64";
      case FLOAT16 -> "FP16";
      case BFLOAT16 -> "BF16";
      case STRING -> "BYTES";
      default -> type.name();
    };
  }

  /** Whether the first dimension counts samples. */
  static boolean batched(TensorInfo info) {
    return info.shape() != null && info.shape().length > 0 && info.shape()[0] < 0;
  }

  /** How many samples inputs of a form hold; 1 where no dimension counts them. */
  static int samples(InputForm form, Map<String, Tensor> inputs) {
    return form.inputs().stream()
        .filter(Form::batched)
        .mapToInt(info -> (int) inputs.get(info.name()).shape()[0])
        .findFirst()
        .orElse(1);
  }

  /**
   * The outputs that a request asked for.
   *
   * @param standard given without being asked for
   * @param onRequest given only when named
   * @throws BadInputException for a name that is not among them
   */
  static List<String> outputs(
      List<String> wanted, List<TensorInfo> standard, List<TensorInfo> onRequest) {
    if (wanted.isEmpty()) {
      return standard.stream().map(TensorInfo::name).toList();
    }
    for (String name : wanted) {
      if (standard.stream().noneMatch(o -> o.name().equals(name))
          && onRequest.stream().noneMatch(o -> o.name().equals(name))) {
        throw new BadInputException(
            "unknown output '"
                + shortened(name)
                + "', expected one of "
                + standard.stream().map(TensorInfo::name).toList()
                + (onRequest.isEmpty()
                    ? ""
                    : " or " + onRequest.stream().map(TensorInfo::name).toList()));
      }
    }
    return wanted;
  }

  /**
   * Checks that features are finite.
   *
   * @throws BadInputException naming the element
   */
  static void requireFinite(String name, Tensor tensor) {
    if (tensor.type() != ElementType.FLOAT || tensor.finite()) {
      return;
    }
    float[] values = tensor.floats();
    for (int i = 0; i < values.length; i++) {
      if (!Float.isFinite(values[i])) {
        throw new BadInputException(
            "the input '"
                + name
                + "' holds "
                + values[i]
                + " at element "
                + i
                + "; expected finite numbers");
      }
    }
  }

  /**
   * Checks that numbers of rows, such as tokens' ids, are in the table.
   *
   * @param rows of the table
   * @throws BadInputException naming the element
   */
  static void requireRows(String name, Tensor tensor, long rows) {
    boolean longs = tensor.type() == ElementType.INT64;
    if (!longs && tensor.type() != ElementType.INT32) {
      return;
    }
    var data = tensor.data();
    for (int i = 0; data.hasRemaining(); i++) {
      long id = longs ? data.getLong() : data.getInt();
      if (id < -rows || id >= rows) {
        throw new BadInputException(
            "the input '"
                + name
                + "' holds "
                + id
                + " at element "
                + i
                + "; expected 0 to "
                + (rows - 1));
      }
    }
  }
}
