package dev.headstart.workspace;

import dev.headstart.backbone.FeatureStore;
import dev.headstart.disk.Disk;
import dev.headstart.disk.Staging;
import dev.headstart.error.BadInputException;
import dev.headstart.error.FailureException;
import dev.headstart.head.HeadStore;
import dev.headstart.teach.RunLog;
import dev.headstart.teach.SampleStore;
import dev.headstart.train.RunStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The directory that holds what lasts:
 *
 * <pre>
 * headstart.db     SQLite: samples, runs, features, and which samples judged which version
 * headstart.lock   held while a process opens the database
 * headstart.runs   held by the process that trains
 * blobs/           originals of samples
 * thumbnails/      small pictures of them
 * features/        features too large for the database
 * models/          added base models, a folder each
 * heads/           heads and their versions
 * </pre>
 *
 * <p>Foreign files are let be. Several processes may have one workspace open. One that cannot be
 * written (read-only, or its disk full) opens for reading: what must write throws a {@link
 * FailureException} that says why, and features are not remembered.
 *
 * <p>A database that is damaged, or a newer Headstart's, shows when features or memberships are
 * first asked for; heads are read and go live without it.
 *
 * <p>Safe for several threads. Whoever opens it closes it.
 */
public final class Workspace implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Workspace.class);

  private final Failures failures;
  private final Optional<FailureException> unwritable;
  private final FeatureCache features;
  private final Memberships runs;
  private final HeadDirectory heads;
  private final Samples samples;
  private final RunTable runLog;
  private Opened opened;
  private boolean closed;

  /**
   * The database. It is opened when it is first needed: a prediction needs none, and starts faster
   * without.
   *
   * @param database nothing if there is none that can be read
   * @param unwritable why it cannot be written, if so
   */
  record Opened(Optional<Database> database, Optional<FailureException> unwritable) {}

  private Workspace(Failures failures, Optional<FailureException> unwritable) {
    this.failures = failures;
    this.unwritable = unwritable;
    this.features = new FeatureCache(failures, this::opened);
    this.runs = new Memberships(this::opened);
    this.heads = new HeadDirectory(failures, runs);
    this.samples = new Samples(failures, this::opened, features);
    this.runLog = new RunTable(this::opened, failures);
  }

  /**
   * Opens the workspace, and makes it if there is none.
   *
   * @throws BadInputException if the path is a file
   * @throws FailureException if it cannot be made
   */
  public static Workspace open(Path path) {
    Failures failures = new Failures(path.toAbsolutePath().normalize());
    for (Path part = failures.root(); part != null; part = part.getParent()) {
      if (Files.exists(part) && !Files.isDirectory(part)) {
        throw new BadInputException(
            "the workspace " + path + " must be a directory, but " + part + " is a file");
      }
    }
    try {
      Disk.createDirectories(failures.root());
      failures = new Failures(path.toRealPath()); // locks go by it
    } catch (IOException e) {
      throw failures.write(e);
    }
    try {
      Disk.createDirectories(failures.root().resolve("heads"));
      Disk.createDirectories(failures.root().resolve("models"));
      ProcessLock.holding(lock(failures), () -> null); // whether it can be written
      Workspace workspace = new Workspace(failures, Optional.empty());
      workspace.heads.sweep();
      Staging.sweep(workspace.models());
      return workspace;
    } catch (IOException e) {
      return openReadOnly(failures, failures.write(e));
    }
  }

  private static Workspace openReadOnly(Failures failures, FailureException unwritable) {
    Workspace workspace = new Workspace(failures, Optional.of(unwritable));
    if (!Failures.isUnwritable(unwritable) || workspace.isEmpty()) {
      throw unwritable;
    }
    LOG.warn("{}. It is opened for reading only", unwritable.getMessage());
    return workspace;
  }

  private boolean isEmpty() {
    return !Files.exists(root().resolve(Database.FILE)) && heads.heads().isEmpty();
  }

  private static Path lock(Failures failures) {
    return failures.root().resolve("headstart.lock");
  }

  private synchronized Opened opened() {
    if (closed) {
      throw new IllegalStateException("the workspace " + root() + " is closed");
    }
    if (opened == null) {
      opened = unwritable.isPresent() ? readOnly(unwritable.get()) : writable();
    }
    return opened;
  }

  private Opened writable() {
    try {
      Database database = ProcessLock.holding(lock(failures), () -> Database.open(failures));
      features.sweep(database);
      samples.sweep(database);
      return new Opened(Optional.of(database), Optional.empty());
    } catch (IOException e) {
      throw failures.write(e);
    } catch (FailureException e) {
      if (!Failures.isUnwritable(e)) {
        throw e;
      }
      return readOnly(e);
    }
  }

  /** What there is to read; if there is nothing, why it was not made. */
  private Opened readOnly(FailureException reason) {
    Optional<Database> database = Database.openReadOnly(failures);
    if (database.isEmpty() && heads.heads().isEmpty()) {
      throw reason;
    }
    if (unwritable.isEmpty() || database.isEmpty()) {
      LOG.warn(
          "{}. {}",
          reason.getMessage(),
          database.isEmpty()
              ? "Features and memberships in " + Database.FILE + " are not known"
              : "It is opened for reading only");
    }
    return new Opened(database, Optional.of(reason));
  }

  /** Features, remembered by space and sample. */
  public FeatureStore features() {
    return features;
  }

  /** Heads and their versions. */
  public HeadStore heads() {
    return heads;
  }

  /** Which samples trained and judged which version. */
  public RunStore runs() {
    return runs;
  }

  /** Heads that are taught while serving, and their samples. */
  public SampleStore samples() {
    return samples;
  }

  /** Trainings that were asked for. */
  public RunLog runLog() {
    return runLog;
  }

  /** The folder of added base models; missing in a workspace that never could be written. */
  public Path models() {
    return root().resolve("models");
  }

  /** The workspace itself, as a real path. */
  public Path root() {
    return failures.root();
  }

  /**
   * To be called before long work whose result is to be stored.
   *
   * @throws BadInputException if a newer Headstart made the workspace
   * @throws FailureException if the workspace is open for reading only; says why
   */
  public void requireWritable() {
    if (opened().unwritable().isPresent()) {
      throw opened().unwritable().get();
    }
  }

  /** The database; nothing if there is none, and none could be made. */
  Optional<Database> database() {
    return opened().database();
  }

  /**
   * Copies the database as it is at this moment into a folder.
   *
   * @return false if there is none
   */
  boolean snapshot(Path folder) {
    if (!Files.exists(root().resolve(Database.FILE))) {
      return false;
    }
    Optional<Database> database = database();
    database.ifPresent(d -> d.copy(folder.resolve(Database.FILE)));
    return database.isPresent();
  }

  Failures failures() {
    return failures;
  }

  /** Closes the database; the stores are of no use afterwards. Idempotent. */
  @Override
  public synchronized void close() {
    closed = true;
    if (opened != null) {
      opened.database().ifPresent(Database::close);
    }
  }
}
