package dev.headstart.workspace;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.headstart.disk.Staging;
import dev.headstart.error.BadInputException;
import dev.headstart.error.ConflictException;
import dev.headstart.error.FailureException;
import dev.headstart.error.NotFoundException;
import dev.headstart.head.HeadManifest;
import dev.headstart.head.HeadStore;
import dev.headstart.teach.HeadSettings;
import dev.headstart.train.RunStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.LocalDateTime;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * A head with all its versions in one file, to carry it to another device. A zip file:
 *
 * <pre>
 * bundle.json               {"format": 1, "head": …, "live": number or null}
 * &lt;version&gt;/head.json       as in the workspace, and the files that it names
 * &lt;version&gt;/samples.json    {"trained": [sha-256, …], "judged": [sha-256, …]}
 * </pre>
 *
 * <p>A bundle is hostile until read: names that are not those above, more bytes than such a file
 * can need, files that are not what head.json says and models that are not heads are refused before
 * anything is published.
 */
public final class HeadBundle {
  static final int FORMAT = 1;
  static final String BUNDLE = "bundle.json";
  static final String SAMPLES = "samples.json";
  static final JsonMapper JSON =
      JsonMapper.builder()
          .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  record Bundle(int format, String head, Integer live) {}

  record Samples(Set<String> trained, Set<String> judged) {}

  private HeadBundle() {}

  /**
   * Writes a head's bundle.
   *
   * @param file replaced in one go, if it is there
   * @return the versions in it
   * @throws NotFoundException if there is no such head
   * @throws FailureException if the file cannot be written
   */
  public static List<Integer> write(Workspace workspace, String head, Path file) {
    HeadStore heads = workspace.heads();
    // What is live and which versions there are must not change on the way.
    return heads.reading(
        head,
        () -> {
          List<Integer> versions = heads.versions(head);
          if (versions.isEmpty()) {
            throw new NotFoundException("head", head, heads.heads());
          }
          write(heads, workspace.runs(), head, versions, file);
          return versions;
        });
  }

  private static void write(
      HeadStore heads, RunStore runs, String head, List<Integer> versions, Path file) {
    Path target = file.toAbsolutePath();
    try {
      Path part = Staging.name(target.getParent());
      try {
        try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(part))) {
          OptionalInt live = heads.live(head);
          Bundle bundle = new Bundle(FORMAT, head, live.isPresent() ? live.getAsInt() : null);
          add(zip, BUNDLE, JSON.writeValueAsBytes(bundle));
          Set<String> judged = runs.judgedBy(head);
          for (int version : versions) {
            add(zip, heads.load(head, version), samples(runs, head, version, judged));
          }
        }
        Files.move(part, target, StandardCopyOption.REPLACE_EXISTING);
      } finally {
        Files.deleteIfExists(part);
      }
    } catch (IOException e) {
      throw new FailureException(
          "the bundle " + file + " cannot be written: " + e + "; choose another file", e);
    }
  }

  /** What judged any version judged, to later versions; but this one if it trained on it. */
  private static Samples samples(RunStore runs, String head, int version, Set<String> judged) {
    Set<String> trained = new TreeSet<>(runs.trainedOn(head, version));
    Set<String> others = new TreeSet<>(judged);
    others.removeAll(trained);
    return new Samples(trained, others);
  }

  private static void add(ZipOutputStream zip, HeadStore.Stored stored, Samples samples)
      throws IOException {
    String folder = stored.manifest().version() + "/";
    add(zip, folder + HeadFile.NAME, HeadFile.write(stored.manifest()));
    for (String name : new TreeSet<>(stored.manifest().files().keySet())) {
      zip.putNextEntry(entry(folder + name));
      Files.copy(stored.folder().resolve(name), zip);
      zip.closeEntry();
    }
    add(zip, folder + SAMPLES, JSON.writeValueAsBytes(samples));
  }

  private static void add(ZipOutputStream zip, String name, byte[] content) throws IOException {
    zip.putNextEntry(entry(name));
    zip.write(content);
    zip.closeEntry();
  }

  /** Without the time of writing, so that the same head gives the same file. */
  private static ZipEntry entry(String name) {
    ZipEntry entry = new ZipEntry(name);
    entry.setTimeLocal(LocalDateTime.of(1980, 1, 1, 0, 0));
    return entry;
  }

  /**
   * Reads a bundle into a workspace. Versions keep their order; where some had been removed, the
   * numbers close up.
   *
   * @param head what the head is called here; must not exist
   * @return the numbers here, ascending, by the numbers in the bundle
   * @throws NotFoundException if there is no such file
   * @throws BadInputException if the file is no sound bundle, or the head exists
   * @throws ConflictException if samples were brought to a head of this name, and the bundle's
   *     learns from something else
   */
  public static Map<Integer, Integer> read(Workspace workspace, String head, Path file) {
    HeadStore heads = workspace.heads();
    if (!Files.exists(file)) {
      throw new NotFoundException("there is no bundle " + file);
    }
    if (!Files.isRegularFile(file)) {
      throw new BadInputException(file + " is no bundle of a head: it is not a file");
    }
    requireNew(heads, head);
    try (BundleReader reader = new BundleReader(workspace, head, file)) {
      reader.read();
      return heads.deciding(head, () -> publish(workspace, head, reader));
    }
  }

  /** What answers for a head takes what its samples are. */
  private static void requireAlike(HeadSettings taught, HeadManifest version) {
    if (taught.modality() != version.modality() || taught.task() != version.task()) {
      throw new ConflictException(
          "the head '"
              + taught.head()
              + "' learns from "
              + taught.modality().plural()
              + " (task "
              + taught.task().id()
              + "), but the bundle's from "
              + version.modality().plural()
              + " (task "
              + version.task().id()
              + "): import it under another name");
    }
  }

  private static void requireNew(HeadStore heads, String head) {
    if (!heads.versions(head).isEmpty()) {
      throw new BadInputException(
          "there is a head '"
              + head
              + "' already: import the bundle under another name, or remove that head first");
    }
  }

  /** All of it, or nothing: what fails on the way takes back what was published before. */
  private static Map<Integer, Integer> publish(
      Workspace workspace, String head, BundleReader reader) {
    HeadStore heads = workspace.heads();
    requireNew(heads, head);
    workspace
        .samples()
        .settings(head)
        .ifPresent(
            taught ->
                reader.versions().values().forEach(one -> requireAlike(taught, one.manifest())));
    Map<Integer, Integer> numbers = new TreeMap<>();
    try {
      reader
          .versions()
          .forEach(
              (there, version) -> {
                int here = heads.publish(version.folder(), version.manifest());
                numbers.put(there, here);
                workspace.runs().record(head, here, version.memberships());
              });
      if (reader.live().isPresent()) {
        heads.promote(head, numbers.get(reader.live().getAsInt()));
      }
    } catch (RuntimeException e) {
      takeBack(heads, head, reader, e);
      throw e;
    }
    return numbers;
  }

  private static void takeBack(
      HeadStore heads, String head, BundleReader reader, RuntimeException failure) {
    try {
      reader.close(); // first, as this frees space on a disk that may be full
      if (!heads.versions(head).isEmpty()) {
        heads.remove(head);
      }
    } catch (RuntimeException e) {
      failure.addSuppressed(e);
    }
  }
}
