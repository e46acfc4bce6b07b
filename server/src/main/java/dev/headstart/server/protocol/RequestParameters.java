package dev.headstart.server.protocol;

import dev.headstart.error.BadInputException;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;

/**
 * The parameters of an inference request that this server knows; others are ignored, as the
 * protocol asks.
 *
 * @param priority 1 is served first; 0, the default, after all others
 * @param timeout from arrival to answer; null for the server's own
 * @param binaryOutputs whether outputs that do not say themselves are wanted as binary (HTTP only)
 */
public record RequestParameters(int priority, Duration timeout, boolean binaryOutputs) {
  /** Of a request without any. */
  public static final RequestParameters NONE = new RequestParameters(0, null, false);

  private static final List<String> SEQUENCE =
      List.of("sequence_id", "sequence_start", "sequence_end");
  private static final List<String> SHARED_MEMORY =
      List.of("shared_memory_region", "shared_memory_byte_size", "shared_memory_offset");

  /**
   * Reads a request's parameters.
   *
   * @param parameters values are {@link String}, {@link Boolean}, {@link Double} or an integer
   *     {@link Number}
   * @throws BadInputException for a value that its parameter cannot have
   * @throws NotSupportedException for parameters of sequences
   */
  public static RequestParameters of(Map<String, Object> parameters) {
    if (parameters.isEmpty()) {
      return NONE;
    }
    for (String name : SEQUENCE) {
      Object value = parameters.get(name);
      if (value != null && !value.equals(false) && !value.equals("") && !isZero(value)) {
        throw new NotSupportedException(
            "parameter '" + name + "': models here keep no state between requests");
      }
    }
    long priority = integer(parameters, "priority", 0, Long.MAX_VALUE, 0);
    long timeout = integer(parameters, "timeout", 0, Long.MAX_VALUE, 0);
    return new RequestParameters(
        (int) Math.min(priority, Integer.MAX_VALUE),
        timeout == 0 ? null : Duration.of(timeout, ChronoUnit.MICROS),
        truth(parameters, "binary_data_output", false));
  }

  /**
   * Checks what an input or output says of where its data lies.
   *
   * @throws NotSupportedException if it lies in shared memory
   */
  public static void checkPlace(String tensor, Map<String, Object> parameters) {
    for (String name : SHARED_MEMORY) {
      if (parameters.containsKey(name)) {
        throw new NotSupportedException(
            "tensor '"
                + Names.shown(tensor)
                + "': shared memory is not supported, send the data with the request");
      }
    }
  }

  /**
   * An integer parameter.
   *
   * @param otherwise if it is not there
   * @throws BadInputException if it is no integer between the bounds
   */
  public static long integer(
      Map<String, Object> parameters, String name, long least, long most, long otherwise) {
    Object value = parameters.get(name);
    if (value == null) {
      return otherwise;
    }
    if (value instanceof Number number
        && !(value instanceof Double)
        && number.longValue() >= least
        && number.longValue() <= most) {
      return number.longValue();
    }
    throw new BadInputException(
        "parameter '"
            + name
            + "' is an integer "
            + (most == Long.MAX_VALUE ? "of at least " + least : "from " + least + " to " + most)
            + ", not "
            + Names.shown(value.toString()));
  }

  /**
   * A parameter that is true or false.
   *
   * @param otherwise if it is not there
   * @throws BadInputException if it is neither
   */
  public static boolean truth(Map<String, Object> parameters, String name, boolean otherwise) {
    Object value = parameters.getOrDefault(name, otherwise);
    if (value instanceof Boolean truth) {
      return truth;
    }
    throw new BadInputException(
        "parameter '" + name + "' is true or false, not " + Names.shown(value.toString()));
  }

  private static boolean isZero(Object value) {
    return value instanceof Number number && !(value instanceof Double) && number.longValue() == 0;
  }
}
