package dev.headstart.sample;

import dev.headstart.error.BadInputException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Set;

/** Which files hold samples, by their names. What is really inside shows when they are decoded. */
final class SampleFiles {

  private static final Set<String> IMAGES = Set.of("jpg", "jpeg", "png", "bmp", "gif", "webp");
  private static final Set<String> LITTER = Set.of("thumbs.db", "desktop.ini", "__macosx");

  private SampleFiles() {}

  /** The modality that a file's extension stands for, or null for a foreign file. */
  static Modality modality(Path file) {
    String name = file.getFileName().toString().toLowerCase(Locale.ROOT);
    String extension = name.substring(name.lastIndexOf('.') + 1);
    if (IMAGES.contains(extension)) {
      return Modality.IMAGE;
    }
    return extension.equals("txt") ? Modality.TEXT : null;
  }

  /** Whether a file or folder is what systems and archivers leave behind. */
  static boolean isLitter(Path path) {
    String name = path.getFileName().toString();
    return name.startsWith(".") || LITTER.contains(name.toLowerCase(Locale.ROOT));
  }

  /** As {@link #modality}; a foreign name is taken for a picture, as decoding shows what it is. */
  static Modality assumedModality(Path file) {
    Modality modality = file.getFileName() == null ? null : modality(file);
    return modality == null ? Modality.IMAGE : modality;
  }

  /**
   * A path that a data set's file gives, which is relative to that file's folder.
   *
   * @throws BadInputException with the reason alone, if it can be no path
   */
  static Path resolve(Path dataSet, String file) {
    try {
      return dataSet.resolveSibling(file);
    } catch (InvalidPathException e) {
      throw new BadInputException("its file is no valid path: " + e.getReason(), e);
    }
  }

  /**
   * A sample of another kind than the rest is no bad sample but a wrong data set.
   *
   * @throws BadInputException naming it and both kinds
   */
  static void requireAlike(Path dataSet, Modality expected, String name, Modality found) {
    if (found != expected) {
      throw new BadInputException(
          name
              + " is one of the "
              + found.plural()
              + ", but "
              + dataSet
              + " began with "
              + expected.plural()
              + "; a data set holds one kind");
    }
  }

  /** The sample in a file. A text is read now, a picture when it is asked for. */
  static Item item(Path file, Modality modality, Label label) {
    if (!Files.isRegularFile(file)) {
      return new Unreadable(
          file.toString(), Files.exists(file) ? "not a regular file" : "there is no such file");
    }
    try {
      Sample sample = modality == Modality.TEXT ? TextSample.of(file) : ImageSample.of(file);
      return new LabeledSample(sample, label);
    } catch (BadInputException e) {
      return Unreadable.of(file.toString(), e);
    }
  }
}
