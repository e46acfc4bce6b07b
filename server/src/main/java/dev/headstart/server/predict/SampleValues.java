package dev.headstart.server.predict;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import dev.headstart.error.BadInputException;
import dev.headstart.server.protocol.Names;
import java.io.IOException;
import java.util.Base64;

/**
 * What samples are in JSON, wherever they stand: {@code "text"}, {@code "image"} in base64, and the
 * numbers of {@code "features"}.
 */
public final class SampleValues {
  private SampleValues() {}

  /**
   * The text that the parser stands on.
   *
   * @param sample for messages: which it is, as {@code sample 3}
   * @throws BadInputException if it is no string
   */
  public static String text(JsonParser json, String sample) throws IOException {
    return string(json, "'text' of " + sample + " must be a string");
  }

  /**
   * The bytes of the picture that the parser stands on.
   *
   * @throws BadInputException if it is no base64
   */
  public static byte[] image(JsonParser json, String sample) throws IOException {
    String must = "'image' of " + sample + " must be a picture's bytes in base64";
    try {
      return Base64.getDecoder().decode(string(json, must));
    } catch (IllegalArgumentException e) {
      throw new BadInputException(must + ": " + Names.shown(e.getMessage()), e);
    }
  }

  /**
   * The number that the parser stands on.
   *
   * @param index among the sample's features
   * @throws BadInputException if it is none that FP32 can hold
   */
  public static float number(JsonParser json, int index, String sample) throws IOException {
    float number = json.currentToken().isNumeric() ? json.getFloatValue() : Float.NaN;
    if (!Float.isFinite(number)) {
      throw new BadInputException(
          "feature "
              + index
              + " of "
              + sample
              + " must be a number in the range of FP32, not "
              + Names.shown(json.getText()));
    }
    return number;
  }

  private static String string(JsonParser json, String must) throws IOException {
    if (json.currentToken() != JsonToken.VALUE_STRING) {
      throw new BadInputException(must + ", not " + Names.shown(json.getText()));
    }
    return json.getText();
  }
}
