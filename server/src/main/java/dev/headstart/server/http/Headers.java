package dev.headstart.server.http;

import dev.headstart.error.BadInputException;
import dev.headstart.server.protocol.Names;

/** Headers of the protocol's binary tensor extension. */
final class Headers {
  /** Bytes of JSON at the beginning of a body that goes on with binary tensors. */
  static final String LENGTH = "Inference-Header-Content-Length";

  private Headers() {}

  /**
   * Reads the header.
   *
   * @param value null if it did not come
   * @return null if it did not come
   * @throws BadInputException if it is no integer from 0 to 2^31 - 1
   */
  static Integer length(String value) {
    if (value == null) {
      return null;
    }
    try {
      int length = Integer.parseInt(value.strip());
      if (length >= 0) {
        return length;
      }
    } catch (NumberFormatException e) {
      // Said below.
    }
    throw new BadInputException(
        LENGTH + " is the length of the JSON in bytes, not '" + Names.shown(value) + "'");
  }
}
