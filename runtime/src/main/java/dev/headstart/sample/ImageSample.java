package dev.headstart.sample;

import dev.headstart.error.BadInputException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A picture: a file that is read when it is asked for, or bytes already here. Not decoded. */
public final class ImageSample implements Sample {

  /** Larger files are refused before they fill the memory. */
  static final int MAX_BYTES = 256 << 20;

  private final String name;
  private final Path file;
  private final byte[] bytes;
  private final Digest digest;

  private ImageSample(String name, Path file, byte[] bytes, Digest digest) {
    this.name = name;
    this.file = file;
    this.bytes = bytes;
    this.digest = digest;
  }

  /** The picture in a file, which is read anew at each call of {@link #bytes()}. */
  public static ImageSample of(Path file) {
    return new ImageSample(file.toString(), file, null, new Digest());
  }

  /** As {@link #of(Path)}, where the file's SHA-256 is known. */
  public static ImageSample of(String name, Path file, String sha256) {
    return new ImageSample(name, file, null, new Digest(sha256));
  }

  /**
   * The picture in these bytes.
   *
   * @param bytes an encoded picture; shared, not copied
   */
  public static ImageSample of(String name, byte[] bytes) {
    return new ImageSample(name, null, bytes, new Digest());
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public Modality modality() {
    return Modality.IMAGE;
  }

  @Override
  public byte[] bytes() {
    return bytes != null ? bytes : read(file, MAX_BYTES);
  }

  @Override
  public String sha256() {
    return digest.of(this::bytes);
  }

  /**
   * A regular file's content.
   *
   * @throws BadInputException if it is missing, not a regular file, too large or unreadable
   */
  static byte[] read(Path file, int maxBytes) {
    if (!Files.exists(file)) {
      throw new BadInputException(file + ": there is no such file");
    }
    if (!Files.isRegularFile(file)) {
      throw new BadInputException(file + ": not a regular file");
    }
    try (InputStream in = Files.newInputStream(file)) {
      byte[] content = in.readNBytes(maxBytes);
      if (content.length == maxBytes && in.read() >= 0) {
        throw new BadInputException(
            file + ": larger than " + (maxBytes >> 20) + " MB, the most that is read");
      }
      return content;
    } catch (AccessDeniedException e) {
      throw new BadInputException(file + ": cannot be read: permission denied", e);
    } catch (IOException e) {
      throw new BadInputException(file + ": cannot be read: " + e.getMessage(), e);
    }
  }
}
