package dev.headstart.sample;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * One thing to learn from or to predict for. Samples are immutable and may be used from several
 * threads. Two samples are the same if their bytes are; names are for people.
 */
public sealed interface Sample permits ImageSample, TextSample, VectorSample, FeaturesOnlySample {

  /** For people: the file's path as given, or {@code file.jsonl:12}. */
  String name();

  /** What the sample is. */
  Modality modality();

  /**
   * What identifies the sample: the picture's encoded bytes, the text's UTF-8, the vector's
   * little-endian float32. May read a file; not cached. The caller must not write to it.
   *
   * @throws dev.headstart.error.BadInputException if the file cannot be read
   */
  byte[] bytes();

  /**
   * SHA-256 of {@link #bytes()}, 64 lower-case hexadecimal digits; computed once.
   *
   * @throws dev.headstart.error.BadInputException if the file cannot be read
   */
  String sha256();

  /** SHA-256 of these bytes, 64 lower-case hexadecimal digits. */
  static String sha256(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform must have SHA-256", e);
    }
  }
}
