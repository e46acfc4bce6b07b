package dev.headstart.workspace;

import dev.headstart.disk.Disk;
import dev.headstart.disk.Staging;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Originals of samples and thumbnails, by SHA-256:
 *
 * <pre>
 * blobs/ab/abcdef…            the bytes as they came
 * blobs/.lock                 held to add and to remove; never deleted
 * thumbnails/ab/abcdef….jpg   can be made again
 * </pre>
 *
 * <p>Heads share them. A file is there before its row, and goes after it: what has no row is
 * nobody's.
 */
final class Blobs {
  private static final String JPEG = ".jpg";
  private static final Pattern NAME = Pattern.compile("[0-9a-f]{64}");

  private final Failures failures;
  private final Path originals;
  private final Path thumbnails;

  Blobs(Failures failures) {
    this.failures = failures;
    this.originals = failures.root().resolve("blobs");
    this.thumbnails = failures.root().resolve("thumbnails");
  }

  /** Does what adds or removes files, with no other thread or process doing the same. */
  <T> T changing(Supplier<T> work) {
    try {
      Disk.createDirectories(originals);
      return ProcessLock.holding(originals.resolve(".lock"), work::get);
    } catch (IOException e) {
      throw failures.write(e);
    }
  }

  /** Reads with nobody adding or removing; the workspace need not be one that can be written. */
  <T> T reading(Supplier<T> work) throws IOException {
    return ProcessLock.sharing(originals.resolve(".lock"), work::get);
  }

  /** Where a sample's bytes are, if they are. */
  Path original(String id) {
    return originals.resolve(id.substring(0, 2)).resolve(id);
  }

  /** Where a sample's thumbnail is, if there is one. */
  Path thumbnail(String id) {
    return thumbnails.resolve(id.substring(0, 2)).resolve(id + JPEG);
  }

  /**
   * Puts originals onto the disk itself.
   *
   * @param bytes by id
   */
  void write(Collection<Original> written) {
    try {
      Set<Path> folders = new HashSet<>();
      for (Original original : written) {
        Path file = original(original.id);
        Disk.createDirectories(file.getParent());
        if (!whole(file, original)) {
          replace(file, original.bytes, true);
        }
        folders.add(file.getParent());
      }
      for (Path folder : folders) {
        Disk.force(folder);
      }
    } catch (IOException e) {
      throw failures.write(e);
    }
  }

  /** Bytes with their SHA-256. */
  record Original(String id, byte[] bytes) {}

  /** Whether the file is there already, and undamaged. */
  private static boolean whole(Path file, Original original) throws IOException {
    return Files.exists(file)
        && Files.size(file) == original.bytes.length
        && Disk.sha256(file).equals(original.id);
  }

  /** Not forced to the disk: it can be made again. */
  void writeThumbnail(String id, byte[] jpeg) {
    Path file = thumbnail(id);
    try {
      Disk.createDirectories(file.getParent());
      replace(file, jpeg, false);
    } catch (IOException e) {
      throw failures.write(e);
    }
  }

  private static void replace(Path file, byte[] bytes, boolean forced) throws IOException {
    Path part = Staging.name(file.getParent());
    try {
      Files.write(part, bytes, StandardOpenOption.CREATE_NEW);
      if (forced) {
        Disk.force(part);
      }
      Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } finally {
      Files.deleteIfExists(part);
    }
  }

  /** Removes originals and thumbnails. */
  void remove(Collection<String> ids) {
    try {
      Set<Path> folders = new HashSet<>();
      for (String id : ids) {
        for (Path file : List.of(original(id), thumbnail(id))) {
          if (Files.deleteIfExists(file)) {
            folders.add(file.getParent());
          }
        }
      }
      for (Path folder : folders) {
        Disk.force(folder); // a power cut must not bring them back
      }
    } catch (IOException e) {
      throw failures.write(e);
    }
  }

  /** Ids of all originals and thumbnails that are there. */
  Set<String> ids() {
    Set<String> ids = new HashSet<>();
    try {
      for (Path root : List.of(originals, thumbnails)) {
        for (Path folder : folders(root)) {
          try (Stream<Path> files = Files.list(folder)) {
            files
                .map(file -> file.getFileName().toString())
                .map(name -> name.endsWith(JPEG) ? name.substring(0, name.length() - 4) : name)
                .filter(NAME.asMatchPredicate())
                .forEach(ids::add);
          }
        }
      }
      return ids;
    } catch (IOException e) {
      throw failures.read(originals, e);
    }
  }

  /**
   * Removes what killed processes left: unfinished files, and those that no row has. To be called
   * within {@link #changing}.
   */
  void sweep(Predicate<String> wanted) {
    try {
      for (Path root : List.of(originals, thumbnails)) {
        for (Path folder : folders(root)) {
          Staging.sweep(folder);
        }
      }
    } catch (IOException e) {
      throw failures.write(e);
    }
    remove(ids().stream().filter(wanted.negate()).toList());
  }

  /** Whether there are any. */
  boolean exist() {
    return Files.isDirectory(originals);
  }

  private static List<Path> folders(Path root) throws IOException {
    List<Path> found = new ArrayList<>();
    if (Files.isDirectory(root)) {
      try (DirectoryStream<Path> folders = Files.newDirectoryStream(root, "??")) {
        folders.forEach(found::add);
      }
    }
    return found;
  }
}
