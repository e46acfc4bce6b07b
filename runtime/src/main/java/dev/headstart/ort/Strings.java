package dev.headstart.ort;

import dev.headstart.error.BadInputException;
import dev.headstart.onnx.Tensor;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** The elements of a tensor of strings as the Java API takes them. */
final class Strings {
  private Strings() {}

  /**
   * @param name the input's, for messages
   * @throws BadInputException for an element that is not UTF-8
   */
  static String[] decoded(String name, Tensor tensor) {
    List<byte[]> values = tensor.strings();
    String[] strings = new String[values.size()];
    for (int i = 0; i < strings.length; i++) {
      try {
        strings[i] =
            StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(values.get(i))).toString();
      } catch (CharacterCodingException e) {
        throw new BadInputException(
            "element " + i + " of input '" + name + "' is not valid UTF-8 text", e);
      }
    }
    return strings;
  }
}
