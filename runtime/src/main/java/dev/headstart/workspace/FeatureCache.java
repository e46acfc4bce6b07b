package dev.headstart.workspace;

import static java.nio.file.StandardCopyOption.ATOMIC_MOVE;
import static java.nio.file.StandardCopyOption.REPLACE_EXISTING;

import dev.headstart.backbone.FeatureStore;
import dev.headstart.backbone.Features;
import dev.headstart.disk.Disk;
import dev.headstart.disk.Staging;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.PreparedBatch;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Features as {@link FeatureRecord}s in the database; large ones in {@code
 * features/<xx>/<space>-<sample>.bin}, xx being the sample's first two digits. A damaged or missing
 * record is a miss, and is forgotten so that the next {@link #put} replaces it.
 */
final class FeatureCache implements FeatureStore {
  /** Longer records lie in files of their own: beyond this SQLite is the slower of the two. */
  static final int LARGEST_ROW = 256 << 10;

  /** Names in one IN list, and rows held in memory at once for one insertion. */
  private static final int CHUNK = 500;

  private static final Logger LOG = LoggerFactory.getLogger(FeatureCache.class);
  private static final Pattern DIGEST = Pattern.compile("(?:[0-9a-f]{2}){1,32}");
  private static final Pattern FILE = Pattern.compile("([0-9a-f]{2,64})-([0-9a-f]{2,64})\\.bin");
  private static final HexFormat HEX = HexFormat.of();

  private final Failures failures;
  private final Supplier<Workspace.Opened> database;

  /** What is computed while its sample is deleted must not come back. */
  private final Set<String> forgotten = ConcurrentHashMap.newKeySet();

  private boolean warned;

  FeatureCache(Failures failures, Supplier<Workspace.Opened> database) {
    this.failures = failures;
    this.database = database;
  }

  /** Removes what killed processes left unfinished, and files that no row has. */
  void sweep(Database opened) {
    Path features = failures.root().resolve("features");
    if (!Files.isDirectory(features)) {
      return;
    }
    try (DirectoryStream<Path> folders = Files.newDirectoryStream(features, "??")) {
      for (Path folder : folders) {
        Staging.sweep(folder);
      }
    } catch (IOException e) {
      throw failures.write(e);
    }
    // Within a transaction, as files are written within one: none is about to get its row.
    opened.write(handle -> remove(orphans(handle)));
  }

  private List<Path> orphans(Handle handle) {
    List<Path> orphans = new ArrayList<>();
    for (Path file : files()) {
      Matcher name = FILE.matcher(file.getFileName().toString());
      if (name.matches()
          && rows(handle, digest(name.group(1)), List.of(digest(name.group(2)))).stream()
              .noneMatch(row -> row.data == null)) {
        orphans.add(file);
      }
    }
    return orphans;
  }

  /** All files that hold features, and those that are foreign. */
  private List<Path> files() {
    Path features = failures.root().resolve("features");
    if (!Files.isDirectory(features)) {
      return List.of();
    }
    try (Stream<Path> files = Files.walk(features, 2)) {
      return files.filter(Files::isRegularFile).toList();
    } catch (IOException e) {
      throw failures.read(features, e);
    }
  }

  @Override
  public Map<String, Features> get(String space, Collection<String> samples) {
    byte[] key = digest(space);
    Map<String, Features> found = new HashMap<>();
    List<String> damaged = new ArrayList<>();
    List<String> wanted = samples.stream().distinct().toList();
    Workspace.Opened opened = database.get();
    if (opened.database().isEmpty()) {
      return found;
    }
    Database known = opened.database().get();
    for (int from = 0; from < wanted.size(); from += CHUNK) {
      List<byte[]> chunk =
          wanted.subList(from, Math.min(from + CHUNK, wanted.size())).stream()
              .map(FeatureCache::digest)
              .toList();
      for (Row row : known.read(handle -> rows(handle, key, chunk))) {
        byte[] record = row.data == null ? file(path(space, row.sample)) : row.data;
        FeatureRecord.decode(record)
            .ifPresentOrElse(
                features -> found.put(row.sample, features), () -> damaged.add(row.sample));
      }
    }
    if (opened.unwritable().isEmpty() && !damaged.isEmpty()) {
      LOG.info("{} cached features are damaged and will be computed again", damaged.size());
      known.write(handle -> forget(handle, key, damaged));
    }
    return found;
  }

  /**
   * @param data null where it lies in a file
   */
  private record Row(String sample, byte[] data) {}

  private static List<Row> rows(Handle handle, byte[] space, List<byte[]> samples) {
    return handle
        .createQuery(
            "SELECT sample, data FROM feature WHERE space = :space AND sample IN (<samples>)")
        .bind("space", space)
        .bindList("samples", samples)
        .map((row, context) -> new Row(HEX.formatHex(row.getBytes(1)), row.getBytes(2)))
        .list();
  }

  /** A file's bytes, none if it is gone. */
  private byte[] file(Path file) {
    try {
      return Files.readAllBytes(file);
    } catch (NoSuchFileException e) {
      return new byte[0];
    } catch (IOException e) {
      throw failures.read(file, e);
    }
  }

  private static void forget(Handle handle, byte[] space, List<String> samples) {
    try (PreparedBatch batch =
        handle.prepareBatch("DELETE FROM feature WHERE space = ? AND sample = ?")) {
      samples.forEach(sample -> batch.add(space, digest(sample)));
      batch.execute();
    }
  }

  /**
   * Forgets samples in every space, and what is still to be put of them.
   *
   * @return files to be removed once the transaction is done
   */
  List<Path> forget(Handle handle, Collection<String> samples) {
    forgotten.addAll(samples);
    List<Path> files = new ArrayList<>();
    for (byte[] space : spaces(handle)) {
      for (List<byte[]> chunk : SampleRows.chunks(samples)) {
        rows(handle, space, chunk).stream()
            .filter(row -> row.data == null)
            .forEach(row -> files.add(path(HEX.formatHex(space), row.sample)));
        try (PreparedBatch batch =
            handle.prepareBatch("DELETE FROM feature WHERE space = ? AND sample = ?")) {
          chunk.forEach(sample -> batch.add(space, sample));
          batch.execute();
        }
      }
    }
    return files;
  }

  /** Samples that came, or came back: what is put of them stays. */
  void remember(Collection<String> samples) {
    samples.forEach(forgotten::remove);
  }

  /** There are few, each with many samples: from one to the next by the key. */
  private static List<byte[]> spaces(Handle handle) {
    return handle
        .createQuery(
            "WITH RECURSIVE s(space) AS (SELECT min(space) FROM feature UNION ALL"
                + " SELECT (SELECT min(space) FROM feature WHERE space > s.space) FROM s"
                + " WHERE s.space IS NOT NULL) SELECT space FROM s WHERE space IS NOT NULL")
        .mapTo(byte[].class)
        .list();
  }

  /** The files of large features, as paths in the workspace. */
  static List<String> fileNames(Handle handle) {
    return handle
        .createQuery("SELECT space, sample FROM feature WHERE data IS NULL")
        .map((row, context) -> name(HEX.formatHex(row.getBytes(1)), HEX.formatHex(row.getBytes(2))))
        .list();
  }

  private static String name(String space, String sample) {
    return "features/" + sample.substring(0, 2) + "/" + space + "-" + sample + ".bin";
  }

  /** Removes files that no row has any more. */
  void remove(Collection<Path> files) {
    try {
      for (Path file : files) {
        if (Files.deleteIfExists(file)) {
          Disk.force(file.getParent());
        }
      }
    } catch (IOException e) {
      throw failures.write(e);
    }
  }

  /**
   * Puts a sample's features onto the disk itself, as far as the next durable transaction does not.
   *
   * @return whether they are there
   */
  boolean force(String space, String sample) {
    if (!get(space, List.of(sample)).containsKey(sample)) {
      return false;
    }
    Path file = path(space, sample);
    try {
      if (Files.exists(file)) {
        Disk.force(file);
        Disk.force(file.getParent());
        Disk.force(file.getParent().getParent());
      }
      return true;
    } catch (IOException e) {
      throw failures.write(e);
    }
  }

  @Override
  public void put(String space, Map<String, Features> features) {
    Workspace.Opened opened = database.get();
    if (opened.unwritable().isPresent()) {
      warn();
      return;
    }
    byte[] key = digest(space);
    List<Map.Entry<String, Features>> entries = new ArrayList<>(features.entrySet());
    opened
        .database()
        .orElseThrow()
        .write(
            handle -> {
              entries.removeIf(entry -> forgotten.contains(entry.getKey()));
              for (int from = 0; from < entries.size(); from += CHUNK) {
                insert(
                    handle,
                    space,
                    key,
                    entries.subList(from, Math.min(from + CHUNK, entries.size())));
              }
            });
  }

  private void insert(
      Handle handle, String space, byte[] key, List<Map.Entry<String, Features>> entries) {
    try (PreparedBatch batch =
        handle.prepareBatch(
            "INSERT OR IGNORE INTO feature (space, sample, data) VALUES (?, ?, ?)")) {
      for (Map.Entry<String, Features> entry : entries) {
        byte[] sample = digest(entry.getKey());
        byte[] record = FeatureRecord.encode(entry.getValue());
        if (record.length > LARGEST_ROW) {
          write(path(space, entry.getKey()), record);
          record = null;
        }
        batch.add(key, sample, record);
      }
      batch.execute();
    }
  }

  private void write(Path file, byte[] record) {
    try {
      Files.createDirectories(file.getParent());
      Path part = Staging.name(file.getParent());
      try {
        // Not forced to the disk: a record that a power cut damages is found out by its checksum.
        Files.write(part, record, StandardOpenOption.CREATE_NEW);
        Files.move(part, file, ATOMIC_MOVE, REPLACE_EXISTING);
      } finally {
        Files.deleteIfExists(part);
      }
    } catch (IOException e) {
      throw failures.write(e);
    }
  }

  private synchronized void warn() {
    if (!warned) {
      warned = true;
      LOG.warn("the workspace {} cannot be written: features are not remembered", failures.root());
    }
  }

  private Path path(String space, String sample) {
    return failures.root().resolve(name(space, sample));
  }

  private static byte[] digest(String hex) {
    if (!DIGEST.matcher(hex).matches()) {
      throw new IllegalArgumentException("expected lower-case hexadecimal, got '" + hex + "'");
    }
    return HEX.parseHex(hex);
  }
}
