package dev.headstart.sample;

import dev.headstart.error.BadInputException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** A text. */
public final class TextSample implements Sample {

  private static final int MAX_BYTES = 16 << 20;

  private final String name;
  private final String text; // null where it is read from the file
  private final Path file;
  private final Digest digest;

  /**
   * @param text any string. Surrogates without their partner, which no encoding can hold, become
   *     U+FFFD; all else, NUL and the empty text included, is kept as it is.
   */
  public TextSample(String name, String text) {
    this(name, wellFormed(text), null, new Digest());
  }

  private TextSample(String name, String text, Path file, Digest digest) {
    this.name = name;
    this.text = text;
    this.file = file;
    this.digest = digest;
  }

  /**
   * The text in a file that was written from {@link #bytes()}; it is read anew whenever it is asked
   * for.
   *
   * @param sha256 of the file
   */
  public static TextSample of(String name, Path file, String sha256) {
    return new TextSample(name, null, file, new Digest(sha256));
  }

  /**
   * The text in a file: UTF-8, or what its byte order mark says.
   *
   * @throws BadInputException if the file cannot be read or is not in that encoding
   */
  public static TextSample of(Path file) {
    byte[] bytes = ImageSample.read(file, MAX_BYTES);
    Charset charset = StandardCharsets.UTF_8;
    int mark = 0;
    if (startsWith(bytes, 0xEF, 0xBB, 0xBF)) {
      mark = 3;
    } else if (startsWith(bytes, 0xFF, 0xFE)) {
      charset = StandardCharsets.UTF_16LE;
      mark = 2;
    } else if (startsWith(bytes, 0xFE, 0xFF)) {
      charset = StandardCharsets.UTF_16BE;
      mark = 2;
    }
    try {
      ByteBuffer rest = ByteBuffer.wrap(bytes, mark, bytes.length - mark);
      return new TextSample(file.toString(), charset.newDecoder().decode(rest).toString());
    } catch (CharacterCodingException e) {
      throw new BadInputException(
          file + ": not a text in " + charset + "; save it in that encoding", e);
    }
  }

  private static boolean startsWith(byte[] bytes, int... mark) {
    if (bytes.length < mark.length) {
      return false;
    }
    for (int i = 0; i < mark.length; i++) {
      if ((bytes[i] & 0xFF) != mark[i]) {
        return false;
      }
    }
    return true;
  }

  private static String wellFormed(String text) {
    StringBuilder repaired = null;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (!Character.isSurrogate(c)) {
        continue;
      }
      if (Character.isHighSurrogate(c)
          && i + 1 < text.length()
          && Character.isLowSurrogate(text.charAt(i + 1))) {
        i++;
        continue;
      }
      if (repaired == null) {
        repaired = new StringBuilder(text);
      }
      repaired.setCharAt(i, '\uFFFD');
    }
    return repaired == null ? text : repaired.toString();
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public Modality modality() {
    return Modality.TEXT;
  }

  /**
   * The text, well-formed Unicode.
   *
   * @throws BadInputException if its file cannot be read
   */
  public String text() {
    return text != null ? text : new String(bytes(), StandardCharsets.UTF_8);
  }

  @Override
  public byte[] bytes() {
    // Limited like a picture: what was a text once was not too long for one.
    return text != null
        ? text.getBytes(StandardCharsets.UTF_8)
        : ImageSample.read(file, ImageSample.MAX_BYTES);
  }

  @Override
  public String sha256() {
    return digest.of(this::bytes);
  }
}
