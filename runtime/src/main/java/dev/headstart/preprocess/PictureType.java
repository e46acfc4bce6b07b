package dev.headstart.preprocess;

import dev.headstart.error.BadInputException;

/** Tells what kind of picture bytes are, by the first of them, without decoding. */
public final class PictureType {
  private PictureType() {}

  /**
   * The media type of a picture that can be read: {@code image/jpeg}, {@code image/png}, {@code
   * image/gif}, {@code image/bmp} or {@code image/webp}.
   *
   * @throws BadInputException with the reason alone, if it is none, saying what it looks like
   */
  public static String of(byte[] bytes) {
    return ImageDecoder.mediaType(bytes);
  }
}
