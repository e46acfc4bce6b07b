package dev.headstart.workspace;

import com.fasterxml.jackson.core.JacksonException;
import dev.headstart.disk.Disk;
import dev.headstart.disk.Staging;
import dev.headstart.error.BadInputException;
import dev.headstart.error.FailureException;
import dev.headstart.error.NotFoundException;
import dev.headstart.head.HeadNames;
import dev.headstart.teach.HeadSettings;
import dev.headstart.train.TrainingListener;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Enumeration;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.Deflater;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/**
 * A workspace in one file: a zip file of what lies in it, not compressed, and at its end {@code
 * backup.json}:
 *
 * <pre>
 * {"format": 1, "headstart": "0.1.0", "created": "2026-…", "files": {"heads/a/1/head.json": sha-256, …}}
 * </pre>
 *
 * <p>It is taken while others teach and serve: each head's versions under that head's lock, then
 * the database as it is at one moment, then what that names. A sample that is forgotten meanwhile
 * is not in it. Keys, certificates and half-done trainings are not in it either.
 */
public final class WorkspaceBackup {
  static final int FORMAT = 1;
  static final String MANIFEST = "backup.json";

  private static final Pattern FOLDERS =
      Pattern.compile("(?:heads|models|blobs|thumbnails|features)/[^\\\\:]+|headstart\\.db");

  /** What of a head is no version. */
  private static final List<String> POINTERS = List.of("live", ".previous", ".last");

  private WorkspaceBackup() {}

  /** What is in a backup. */
  record Manifest(int format, String headstart, String created, Map<String, String> files) {}

  /**
   * What was written or read.
   *
   * @param files how many
   * @param bytes of all of them
   */
  public record Summary(int files, long bytes) {}

  /**
   * Writes a backup.
   *
   * @param release version of this library
   * @param file replaced in one go, if it is there
   * @throws BadInputException if the file would lie within the workspace
   * @throws FailureException if it cannot be written
   */
  public static Summary write(
      Workspace workspace, String release, Path file, TrainingListener listener) {
    Path target = file.toAbsolutePath().normalize();
    Path folder = target.getParent();
    if (folder == null || !Files.isDirectory(folder)) {
      throw new NotFoundException("there is no folder " + folder + " to write the backup into");
    }
    try {
      if (folder.toRealPath().startsWith(workspace.root())) {
        throw new BadInputException(
            "the backup " + file + " would lie in the workspace itself: choose another folder");
      }
      Path part = Staging.name(folder);
      Path copy = Staging.name(folder);
      try {
        Files.createDirectory(copy);
        Summary summary;
        try (Writer writer = new Writer(workspace.root(), part, listener)) {
          summary = writer.write(workspace, release, copy);
        }
        Disk.force(part);
        Files.move(
            part, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        Disk.force(folder);
        return summary;
      } finally {
        Files.deleteIfExists(part);
        if (Files.exists(copy)) {
          Disk.deleteTree(copy);
        }
      }
    } catch (IOException e) {
      throw new FailureException(
          "the backup " + file + " cannot be written: " + e + "; choose another file", e);
    }
  }

  /** Files into a zip file, each with its digest. */
  private static final class Writer implements AutoCloseable {
    private final Path root;
    private final ZipOutputStream zip;
    private final TrainingListener listener;
    private final Map<String, String> digests = new TreeMap<>();
    private long bytes;

    Writer(Path root, Path part, TrainingListener listener) throws IOException {
      this.root = root;
      this.listener = listener;
      this.zip = new ZipOutputStream(new BufferedOutputStream(Files.newOutputStream(part)));
      zip.setLevel(Deflater.NO_COMPRESSION);
    }

    Summary write(Workspace workspace, String release, Path copy) throws IOException {
      listener.stage("heads", -1);
      for (Path head : entries(root.resolve("heads"))) {
        String name = head.getFileName().toString();
        if (HeadNames.valid(name) && Files.isDirectory(head)) {
          IOException failed = workspace.heads().reading(name, () -> head(workspace, name));
          if (failed != null) {
            throw failed;
          }
        }
      }
      tree(root.resolve("models"));
      if (workspace.snapshot(copy)) {
        listener.stage("samples", -1);
        try (Database snapshot = Database.open(new Failures(copy))) {
          samples(snapshot);
        }
        add(copy.resolve(Database.FILE), Database.FILE);
      }
      Manifest manifest =
          new Manifest(
              FORMAT, release, Instant.now().truncatedTo(ChronoUnit.SECONDS).toString(), digests);
      zip.putNextEntry(new ZipEntry(MANIFEST));
      zip.write(HeadRows.JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(manifest));
      zip.closeEntry();
      return new Summary(digests.size(), bytes);
    }

    /** Under the head's lock; what failed, if anything did. */
    private IOException head(Workspace workspace, String head) {
      Path home = root.resolve("heads").resolve(head);
      try {
        for (int version : workspace.heads().versions(head)) {
          tree(home.resolve(Integer.toString(version)));
        }
        for (String pointer : POINTERS) {
          if (Files.exists(home.resolve(pointer))) {
            add(home.resolve(pointer));
          }
        }
        return null;
      } catch (IOException e) {
        return e;
      }
    }

    /** What the database names; what went meanwhile is forgotten here as well. */
    private void samples(Database snapshot) throws IOException {
      Blobs blobs = new Blobs(new Failures(root));
      List<String> gone = new ArrayList<>();
      for (String id : snapshot.read(SampleRows::kept)) {
        try {
          add(blobs.original(id));
          if (Files.exists(blobs.thumbnail(id))) {
            add(blobs.thumbnail(id));
          }
        } catch (NoSuchFileException e) {
          if (e.getFile().equals(blobs.original(id).toString())) {
            gone.add(id);
          }
        }
      }
      for (String name : snapshot.read(FeatureCache::fileNames)) {
        try {
          add(root.resolve(name));
        } catch (NoSuchFileException e) {
          listener.progress(digests.size()); // computed again when they are needed
        }
      }
      if (!gone.isEmpty()) {
        listener.warning(
            gone.size() + " samples have no original any more, and are left out of the backup");
        FeatureCache features = new FeatureCache(new Failures(root), () -> null);
        snapshot.writeDurably(
            handle -> {
              for (HeadSettings head : HeadRows.all(handle)) {
                features.forget(handle, Forgetting.samples(handle, head.head(), gone).features());
              }
            });
      }
    }

    /** All regular files below a folder but those that are not finished. */
    private void tree(Path folder) throws IOException {
      for (Path entry : entries(folder)) {
        if (Files.isDirectory(entry, LinkOption.NOFOLLOW_LINKS)) {
          tree(entry);
        } else if (Files.isRegularFile(entry, LinkOption.NOFOLLOW_LINKS)) {
          add(entry);
        }
      }
    }

    private static List<Path> entries(Path folder) throws IOException {
      if (!Files.isDirectory(folder)) {
        return List.of();
      }
      try (Stream<Path> entries = Files.list(folder)) {
        return entries
            .filter(entry -> !entry.getFileName().toString().startsWith(Staging.PREFIX))
            .sorted()
            .toList();
      }
    }

    private void add(Path file) throws IOException {
      add(file, root.relativize(file).toString().replace('\\', '/'));
    }

    private void add(Path file, String name) throws IOException {
      try (InputStream in = Files.newInputStream(file)) {
        zip.putNextEntry(new ZipEntry(name));
        DigestOutputStream out = new DigestOutputStream(zip, sha256());
        bytes += in.transferTo(out);
        zip.closeEntry();
        digests.put(name, HexFormat.of().formatHex(out.getMessageDigest().digest()));
      }
      listener.progress(digests.size());
    }

    @Override
    public void close() throws IOException {
      zip.close();
    }
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java platform has SHA-256", e);
    }
  }

  /**
   * Makes a workspace of a backup. Nothing of it appears before all of it was checked.
   *
   * @param path a folder that is empty, or not there
   * @throws NotFoundException if there is no such backup
   * @throws BadInputException if it is no whole backup, or the workspace is not empty
   * @throws FailureException if the workspace cannot be written
   */
  public static Summary restore(Path file, Path path, TrainingListener listener) {
    if (!Files.isRegularFile(file)) {
      throw new NotFoundException("there is no backup " + file);
    }
    Path root = path.toAbsolutePath().normalize();
    Failures failures = new Failures(root);
    try {
      requireEmpty(root);
      Disk.createDirectories(root);
      Path staged = Files.createDirectory(Staging.name(root));
      try {
        Summary summary = extract(file, staged, listener);
        return ProcessLock.holding(
            root.toRealPath().resolve("headstart.lock"),
            () -> {
              requireEmpty(root);
              publish(staged, root);
              return summary;
            });
      } finally {
        Disk.deleteTree(staged);
      }
    } catch (IOException e) {
      throw failures.write(e);
    }
  }

  /** Folders and locks are nothing that could be lost. */
  private static void requireEmpty(Path root) throws IOException {
    if (!Files.exists(root)) {
      return;
    }
    try (Stream<Path> files = Files.walk(root)) {
      files
          .filter(file -> !Files.isDirectory(file) && !file.endsWith("headstart.lock"))
          .filter(file -> !root.relativize(file).toString().startsWith(Staging.PREFIX))
          .findAny()
          .ifPresent(
              file -> {
                throw new BadInputException(
                    "the workspace "
                        + root
                        + " is not empty (there is "
                        + file
                        + "): a backup is restored into an empty folder, or one that is not there"
                        + " yet; choose another with --workspace, or move that one away");
              });
    }
  }

  /** The database comes last: without it the rest can be seen to be unfinished. */
  private static void publish(Path staged, Path root) throws IOException {
    for (String name : List.of("blobs", "thumbnails", "features", "models", "heads", "db")) {
      String entry = name.equals("db") ? Database.FILE : name;
      Path from = staged.resolve(entry);
      if (Files.exists(from)) {
        Path to = root.resolve(entry);
        if (Files.isDirectory(to)) {
          Disk.deleteTree(to); // only folders within
        }
        Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
      }
    }
    Disk.force(root);
  }

  private static Summary extract(Path file, Path staged, TrainingListener listener)
      throws IOException {
    try (ZipFile zip = new ZipFile(file.toFile())) {
      Manifest manifest = manifest(zip, file);
      listener.stage("restore", manifest.files().size());
      requireSame(zip, manifest, file);
      long bytes = 0;
      int done = 0;
      for (Map.Entry<String, String> entry : manifest.files().entrySet()) {
        Path target = staged.resolve(entry.getKey()).normalize();
        if (!FOLDERS.matcher(entry.getKey()).matches() || !target.startsWith(staged)) {
          throw bad(file, "it has a file '" + entry.getKey() + "', which no workspace has");
        }
        Files.createDirectories(target.getParent());
        try (InputStream in = zip.getInputStream(zip.getEntry(entry.getKey()));
            OutputStream out = Files.newOutputStream(target)) {
          DigestOutputStream digesting = new DigestOutputStream(out, sha256());
          bytes += in.transferTo(digesting);
          String found = HexFormat.of().formatHex(digesting.getMessageDigest().digest());
          if (!found.equals(entry.getValue())) {
            throw bad(file, "'" + entry.getKey() + "' in it was changed or is damaged");
          }
        }
        Disk.force(target);
        listener.progress(++done);
      }
      try (Stream<Path> folders = Files.walk(staged)) {
        for (Path folder : (Iterable<Path>) folders.filter(Files::isDirectory)::iterator) {
          Disk.force(folder);
        }
      }
      return new Summary(done, bytes);
    } catch (java.util.zip.ZipException e) {
      throw bad(file, e.getMessage());
    }
  }

  private static Manifest manifest(ZipFile zip, Path file) throws IOException {
    ZipEntry entry = zip.getEntry(MANIFEST);
    if (entry == null) {
      throw bad(file, "it has no " + MANIFEST);
    }
    Manifest manifest;
    try (InputStream in = zip.getInputStream(entry)) {
      manifest = HeadRows.JSON.readValue(in, Manifest.class);
    } catch (JacksonException e) {
      throw bad(file, MANIFEST + " in it: " + e.getOriginalMessage());
    }
    if (manifest.format() > FORMAT) {
      throw new BadInputException(
          file
              + " has format "
              + manifest.format()
              + ", this Headstart reads "
              + FORMAT
              + ": a newer one wrote it, update Headstart");
    }
    if (manifest.format() != FORMAT || manifest.files() == null) {
      throw bad(file, MANIFEST + " in it has no format or no files");
    }
    return manifest;
  }

  private static void requireSame(ZipFile zip, Manifest manifest, Path file) {
    int count = 0;
    for (Enumeration<? extends ZipEntry> all = zip.entries(); all.hasMoreElements(); ) {
      String name = all.nextElement().getName();
      if (!name.equals(MANIFEST) && !manifest.files().containsKey(name)) {
        throw bad(file, "it has a file '" + name + "' that its " + MANIFEST + " does not name");
      }
      count++;
    }
    if (count != manifest.files().size() + 1) {
      throw bad(file, "it lacks files that its " + MANIFEST + " names");
    }
  }

  private static BadInputException bad(Path file, String reason) {
    return new BadInputException(
        file + " is no whole backup of a workspace: " + reason + "; take another backup");
  }
}
