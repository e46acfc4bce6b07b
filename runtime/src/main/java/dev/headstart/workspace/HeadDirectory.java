package dev.headstart.workspace;

import dev.headstart.disk.Disk;
import dev.headstart.disk.Staging;
import dev.headstart.error.BadInputException;
import dev.headstart.error.FailureException;
import dev.headstart.error.NotFoundException;
import dev.headstart.head.HeadManifest;
import dev.headstart.head.HeadNames;
import dev.headstart.head.HeadStore;
import dev.headstart.train.RunStore;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Heads as folders:
 *
 * <pre>
 * heads/&lt;head&gt;/&lt;version&gt;/  immutable: head.json and the files that it names
 * heads/&lt;head&gt;/live        the live version's number
 * heads/&lt;head&gt;/.previous   the versions that were live before, the latest in the last line
 * heads/&lt;head&gt;/.last       a number up to which all are used up, if versions were removed
 * heads/&lt;head&gt;/.lock       held to number, promote and remove; never deleted
 * heads/&lt;head&gt;/.run        where a training is, to go on from if it is stopped
 * heads/&lt;head&gt;/.staged-…   what is being written, or deleted
 * </pre>
 *
 * <p>What makes it safe against a crash: a version is complete on the disk before one rename gives
 * it its number; {@code live} is replaced by one rename; a version is taken out of sight by one
 * rename before it is deleted. Numbers are given in order, and never twice, not even after the head
 * was removed: who remembers a head and a number cannot meet another version under them.
 *
 * <p>Anything else in these folders is somebody else's and let be.
 */
final class HeadDirectory implements HeadStore {
  private static final Logger LOG = LoggerFactory.getLogger(HeadDirectory.class);
  private static final String LIVE = "live";
  private static final String PREVIOUS = ".previous";
  private static final String LAST = ".last";
  private static final Pattern NUMBER = Pattern.compile("[1-9][0-9]{0,8}");
  private static final int LARGEST = 999_999_999;

  private final Failures failures;
  private final Path heads;
  private final RunStore runs;

  /**
   * @param runs forgets what belongs to removed versions
   */
  HeadDirectory(Failures failures, RunStore runs) {
    this.failures = failures;
    this.heads = failures.root().resolve("heads");
    this.runs = runs;
  }

  /** Removes what killed processes left unfinished. */
  void sweep() {
    try {
      for (String name : list(heads, HeadNames::valid)) {
        Staging.sweep(heads.resolve(name));
      }
    } catch (IOException e) {
      throw failures.write(e);
    }
  }

  @Override
  public List<String> heads() {
    return names(heads, name -> HeadNames.valid(name) && !versions(name).isEmpty());
  }

  @Override
  public List<Integer> versions(String head) {
    return numbers(head).stream().filter(version -> exists(head, version)).toList();
  }

  @Override
  public Map<String, FileTime> changes() {
    Map<String, FileTime> changes = new HashMap<>();
    for (String head : names(heads, HeadNames::valid)) {
      Path home = heads.resolve(head);
      try {
        // All that changes a head renames something in its folder.
        changes.put(head, Files.getLastModifiedTime(home));
      } catch (NoSuchFileException e) {
        // Removed meanwhile.
      } catch (IOException e) {
        throw failures.read(home, e);
      }
    }
    return changes;
  }

  /** All numbers in use, ascending, be it by versions or by foreign files. */
  private List<Integer> numbers(String head) {
    return names(home(head), name -> NUMBER.matcher(name).matches()).stream()
        .map(Integer::valueOf)
        .sorted()
        .toList();
  }

  private boolean exists(String head, int version) {
    return Files.isRegularFile(folder(head, version).resolve(HeadFile.NAME));
  }

  @Override
  public OptionalInt live(String head) {
    OptionalInt version = number(file(head, LIVE));
    return version.isPresent() && exists(head, version.getAsInt()) ? version : OptionalInt.empty();
  }

  /** The number that a file holds; nothing if there is no such file. */
  private OptionalInt number(Path file) {
    String text;
    try {
      text = new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1).strip();
    } catch (NoSuchFileException e) {
      return OptionalInt.empty();
    } catch (IOException e) {
      throw failures.read(file, e);
    }
    if (!NUMBER.matcher(text).matches()) {
      throw new BadInputException(
          file
              + " should hold a version's number, but holds '"
              + text.substring(0, Math.min(40, text.length()))
              + "': delete it and promote a version");
    }
    return OptionalInt.of(Integer.parseInt(text));
  }

  @Override
  public Stored load(String head, int version) {
    Path folder = folder(head, version);
    require(head, version);
    try {
      HeadManifest manifest = HeadFile.read(folder.resolve(HeadFile.NAME), head, version);
      for (Map.Entry<String, String> file : manifest.files().entrySet()) {
        verify(folder.resolve(file.getKey()), file.getValue());
      }
      return new Stored(manifest, folder);
    } catch (NoSuchFileException e) {
      require(head, version); // removed meanwhile
      throw new BadInputException(
          e.getFile()
              + " is missing, although head.json names it: restore it from a backup, or promote"
              + " another version and remove this one",
          e);
    } catch (IOException e) {
      throw failures.read(folder, e);
    }
  }

  private static void verify(Path file, String expected) throws IOException {
    String sha256 = Disk.sha256(file);
    if (!sha256.equals(expected)) {
      throw new BadInputException(
          file
              + " was changed or is damaged: head.json says sha-256 "
              + expected
              + ", the file has "
              + sha256
              + ". Restore it from a backup, or promote another version and remove this one");
    }
  }

  private void require(String head, int version) {
    if (exists(head, version)) {
      return;
    }
    List<Integer> versions = versions(head);
    if (versions.isEmpty()) {
      throw new NotFoundException("head", head, heads());
    }
    throw new NotFoundException(
        "head '" + head + "' has no version " + version + ". It has: " + list(versions));
  }

  @Override
  public Stored loadLive(String head) {
    OptionalInt live = live(head);
    while (live.isPresent()) {
      try {
        return load(head, live.getAsInt());
      } catch (NotFoundException e) {
        OptionalInt now = live(head); // another process promoted one and removed this
        if (now.equals(live)) {
          throw e;
        }
        live = now;
      }
    }
    if (versions(head).isEmpty()) {
      throw new NotFoundException("head", head, heads());
    }
    throw noneLive(head);
  }

  private NotFoundException noneLive(String head) {
    return new NotFoundException(
        "no version of head '" + head + "' is live; promote one of: " + list(versions(head)));
  }

  @Override
  public Path stage(String head) {
    Path home = home(head);
    try {
      Disk.createDirectories(home);
      return Files.createDirectory(Staging.name(home));
    } catch (IOException e) {
      throw failures.write(e);
    }
  }

  @Override
  public Path run(String head) {
    return file(head, ".run");
  }

  @Override
  public void discard(Path staged) {
    requireStaged(staged, String.valueOf(staged.getParent().getFileName()));
    try {
      Disk.deleteTree(staged);
    } catch (IOException e) {
      throw failures.write(e);
    }
  }

  private void requireStaged(Path folder, String head) {
    if (!home(head).equals(folder.getParent())
        || !folder.getFileName().toString().startsWith(Staging.PREFIX)) {
      throw new IllegalArgumentException(folder + " was not staged for the head " + head);
    }
  }

  @Override
  public int publish(Path staged, HeadManifest draft) {
    String head = draft.head();
    requireStaged(staged, head);
    try {
      Map<String, String> files = new TreeMap<>();
      for (String name : list(staged, name -> !name.equals(HeadFile.NAME))) {
        Path file = staged.resolve(name);
        if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
          throw new BadInputException(file + " is not a file: a version is a folder of files");
        }
        Disk.force(file);
        files.put(name, Disk.sha256(file));
      }
      return ProcessLock.holding(lock(head), () -> publish(staged, draft, files));
    } catch (IOException e) {
      throw failures.write(e);
    }
  }

  private int publish(Path staged, HeadManifest draft, Map<String, String> files)
      throws IOException {
    Path home = staged.getParent();
    for (int number = next(draft.head()); number <= LARGEST; number++) {
      Path file = staged.resolve(HeadFile.NAME);
      byte[] json = HeadFile.write(draft.published(number, files));
      HeadFile.parse(file, json); // what could not be read back is not published
      Files.write(file, json);
      Disk.force(file);
      Disk.force(staged);
      Path folder = home.resolve(Integer.toString(number));
      try {
        Files.move(staged, folder, StandardCopyOption.ATOMIC_MOVE);
      } catch (IOException e) {
        // Where a file system's locks do not work between machines, another was first.
        if (Files.exists(folder, LinkOption.NOFOLLOW_LINKS)) {
          continue;
        }
        throw e;
      }
      Disk.force(home);
      return number;
    }
    throw new FailureException(
        "head '"
            + draft.head()
            + "' has used up its version numbers, remove what is named "
            + LARGEST
            + " in "
            + home);
  }

  /** The number after all that are or were in use; under the head's lock. */
  private int next(String head) {
    int last = number(file(head, LAST)).orElse(0);
    return numbers(head).stream().reduce(last, Math::max) + 1;
  }

  @Override
  public void promote(String head, int version) {
    require(head, version); // before a lock file is made for a head that does not exist
    deciding(
        head,
        () -> {
          load(head, version);
          OptionalInt live = replaceable(head);
          if (live.isPresent() && live.getAsInt() != version) {
            List<Integer> previous = new ArrayList<>(previous(head));
            previous.add(live.getAsInt());
            replace(file(head, PREVIOUS), previous);
          }
          replace(file(head, LIVE), List.of(version));
          return version;
        });
  }

  /** What is live, if the file says so: promoting is what puts a damaged one right. */
  private OptionalInt replaceable(String head) {
    try {
      return live(head);
    } catch (BadInputException e) {
      LOG.warn("{}; it is replaced", e.getMessage());
      return OptionalInt.empty();
    }
  }

  @Override
  public int rollback(String head) {
    if (versions(head).isEmpty()) {
      throw new NotFoundException("head", head, heads());
    }
    return deciding(
        head,
        () -> {
          int live = live(head).orElseThrow(() -> noneLive(head));
          List<Integer> previous = new ArrayList<>(previous(head));
          // A crash may have left the live version on top: it is written before this list is cut.
          while (!previous.isEmpty() && previous.get(previous.size() - 1) == live) {
            previous.remove(previous.size() - 1);
          }
          if (previous.isEmpty()) {
            throw new NotFoundException(
                "head '"
                    + head
                    + "' has no version that was live before the live version "
                    + live
                    + "; promote one of: "
                    + list(versions(head)));
          }
          int version = previous.remove(previous.size() - 1);
          load(head, version);
          replace(file(head, LIVE), List.of(version));
          replace(file(head, PREVIOUS), previous);
          return version;
        });
  }

  /** The versions that were live before and are still there, the latest last. */
  private List<Integer> previous(String head) {
    Path file = file(head, PREVIOUS);
    try {
      return Files.readAllLines(file, StandardCharsets.ISO_8859_1).stream()
          .filter(line -> NUMBER.matcher(line).matches())
          .map(Integer::valueOf)
          .filter(version -> exists(head, version))
          .toList();
    } catch (NoSuchFileException e) {
      return List.of();
    } catch (IOException e) {
      throw failures.read(file, e);
    }
  }

  /** A number a line. */
  private void replace(Path file, List<Integer> numbers) {
    String lines = numbers.stream().map(number -> number + "\n").collect(Collectors.joining());
    try {
      Disk.replace(file, lines.getBytes(StandardCharsets.US_ASCII));
    } catch (IOException e) {
      throw failures.write(e);
    }
  }

  @Override
  public <T> T deciding(String head, Supplier<T> decision) {
    Path home = home(head);
    try {
      Disk.createDirectories(home);
      return ProcessLock.holding(lock(head), decision::get);
    } catch (IOException e) {
      throw failures.write(e);
    }
  }

  @Override
  public <T> T reading(String head, Supplier<T> reader) {
    try {
      return ProcessLock.sharing(lock(head), reader::get);
    } catch (IOException e) {
      throw failures.read(lock(head), e);
    }
  }

  @Override
  public void remove(String head) {
    if (versions(head).isEmpty()) {
      throw new NotFoundException("head", head, heads());
    }
    deciding(
        head,
        () -> {
          try {
            Files.deleteIfExists(file(head, LIVE));
            Files.deleteIfExists(file(head, PREVIOUS));
            Files.deleteIfExists(run(head));
            Disk.force(home(head));
          } catch (IOException e) {
            throw failures.write(e);
          }
          List<Integer> versions = versions(head);
          delete(head, versions);
          runs.forget(head);
          return versions;
        });
  }

  @Override
  public void remove(String head, int version) {
    require(head, version);
    deciding(
        head,
        () -> {
          require(head, version);
          if (live(head).equals(OptionalInt.of(version))) {
            throw new BadInputException(
                "version "
                    + version
                    + " of head '"
                    + head
                    + "' is live: promote another one first, or remove the whole head");
          }
          delete(head, List.of(version));
          runs.forget(head, List.of(version));
          return version;
        });
  }

  /** Under the head's lock. */
  private void delete(String head, List<Integer> versions) {
    Path home = home(head);
    replace(file(head, LAST), List.of(next(head) - 1));
    try {
      List<Path> trash = new ArrayList<>();
      for (int version : versions) {
        Path gone = Staging.name(home);
        Files.move(folder(head, version), gone, StandardCopyOption.ATOMIC_MOVE);
        trash.add(gone);
      }
      Disk.force(home);
      for (Path gone : trash) {
        Disk.deleteTree(gone);
      }
    } catch (IOException e) {
      throw failures.write(e);
    }
  }

  private Path home(String head) {
    return heads.resolve(HeadNames.check(head));
  }

  private Path folder(String head, int version) {
    return home(head).resolve(Integer.toString(version));
  }

  private Path lock(String head) {
    return file(head, ".lock");
  }

  private Path file(String head, String name) {
    return home(head).resolve(name);
  }

  private List<String> names(Path directory, Predicate<String> wanted) {
    try {
      return list(directory, wanted);
    } catch (IOException e) {
      throw failures.read(directory, e);
    }
  }

  /** The wanted names in a directory, sorted; none if there is no such directory. */
  private static List<String> list(Path directory, Predicate<String> wanted) throws IOException {
    try (Stream<Path> entries = Files.list(directory)) {
      return entries.map(e -> e.getFileName().toString()).filter(wanted).sorted().toList();
    } catch (NoSuchFileException | NotDirectoryException e) {
      return List.of();
    }
  }

  private static String list(List<Integer> versions) {
    return String.join(", ", versions.stream().map(String::valueOf).toList());
  }
}
