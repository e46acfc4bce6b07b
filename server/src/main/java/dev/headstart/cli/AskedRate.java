package dev.headstart.cli;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * What {@code --rate} says.
 *
 * @param value null where it is to be found
 */
record AskedRate(Double value) {

  /** Reads a number or {@code auto}. */
  static final class Converter implements ITypeConverter<AskedRate> {
    @Override
    public AskedRate convert(String text) {
      if (text.equals("auto")) {
        return new AskedRate(null);
      }
      try {
        return new AskedRate(Double.valueOf(text));
      } catch (NumberFormatException e) {
        throw new TypeConversionException("'" + text + "' is neither a number nor auto");
      }
    }
  }
}
