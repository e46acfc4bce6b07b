package dev.headstart.server.protocol;

import dev.headstart.error.BadInputException;
import io.micronaut.context.annotation.ConfigurationProperties;
import io.micronaut.core.bind.annotation.Bindable;

/**
 * What a request may hold at most, whatever transport it comes by.
 *
 * @param body bytes of a request, after decompression
 * @param tensors inputs of a request, and outputs that it names
 * @param elements of all its inputs together
 * @param string bytes of one element of a BYTES tensor
 * @param batch samples in a request, which are also the most that are run at once
 * @param depth of nested arrays and objects in JSON
 * @param inFlight bytes of memory for all requests that are being answered, see {@link Room}; 0 for
 *     a quarter of the heap
 */
@ConfigurationProperties("headstart.limits")
public record Limits(
    @Bindable(defaultValue = "67108864") int body,
    @Bindable(defaultValue = "256") int tensors,
    @Bindable(defaultValue = "16777216") int elements,
    @Bindable(defaultValue = "33554432") int string,
    @Bindable(defaultValue = "64") int batch,
    @Bindable(defaultValue = "32") int depth,
    @Bindable(defaultValue = "0") long inFlight) {

  /** The defaults, for tests and for those who build a codec themselves. */
  public static Limits defaults() {
    return new Limits(64 << 20, 256, 16 << 20, 32 << 20, 64, 32, 0);
  }

  /**
   * @param what {@code inputs} or {@code outputs}
   * @throws BadInputException if there are more than allowed
   */
  public void checkTensors(int count, String what) {
    if (count > tensors) {
      throw new BadInputException("a request may have " + tensors + " " + what + " at most");
    }
  }

  /**
   * @param count elements of a request's inputs so far
   * @throws BadInputException if they are more than allowed
   */
  public void checkElements(long count) {
    if (count > elements) {
      throw new BadInputException(
          "a request's inputs may have " + elements + " elements at most in all");
    }
  }

  /**
   * @param bytes of an element
   * @throws BadInputException if they are more than allowed
   */
  public void checkString(String input, long bytes) {
    if (bytes > string) {
      throw new BadInputException(
          "an element of input '"
              + Names.shown(input)
              + "' has "
              + bytes
              + " bytes; "
              + string
              + " are allowed");
    }
  }
}
