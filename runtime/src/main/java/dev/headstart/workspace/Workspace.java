package dev.headstart.workspace;

import dev.headstart.backbone.FeatureStore;
import dev.headstart.error.BadInputException;
import dev.headstart.error.FailureException;
import dev.headstart.head.HeadStore;
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
 * headstart.db     SQLite: features, and which samples judged which version
 * headstart.lock   held while a process opens the workspace
 * features/        features too large for the database
 * models/          added base models, a folder each
 * heads/           heads and their versions
 * </pre>
 *
 * <p>Foreign files are let be. Several processes may have one workspace open. One that cannot be
 * written (read-only, or its disk full) opens for reading: what must write throws a {@link
 * FailureException} that says why, and features are not remembered.
 *
 * <p>Safe for several threads. Whoever opens it closes it.
 */
public final class Workspace implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Workspace.class);

  private final Failures failures;
  private final Optional<Database> database;
  private final Optional<FailureException> unwritable;
  private final FeatureCache features;
  private final Memberships runs;
  private final HeadDirectory heads;

  private Workspace(
      Failures failures, Optional<Database> database, Optional<FailureException> unwritable) {
    this.failures = failures;
    this.database = database;
    this.unwritable = unwritable;
    this.features = new FeatureCache(failures, database, unwritable.isEmpty());
    this.runs = new Memberships(database, unwritable);
    this.heads = new HeadDirectory(failures, runs);
  }

  /**
   * Opens the workspace, and makes it if there is none.
   *
   * @throws BadInputException if the path is a file, or a newer Headstart's workspace
   * @throws FailureException if it cannot be made, or its database is damaged
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
      return openWritable(failures);
    } catch (FailureException e) {
      if (!Failures.isUnwritable(e)) {
        throw e;
      }
      return openReadOnly(failures, e);
    }
  }

  /** What there is to read; if there is nothing, why it was not made. */
  private static Workspace openReadOnly(Failures failures, FailureException unwritable) {
    Optional<Database> database = Database.openReadOnly(failures);
    Workspace workspace = new Workspace(failures, database, Optional.of(unwritable));
    if (database.isEmpty() && workspace.heads.heads().isEmpty()) {
      throw unwritable;
    }
    LOG.warn(
        "{}. It is opened for reading only{}",
        unwritable.getMessage(),
        database.isPresent() ? "" : ", without the features in " + Database.FILE);
    return workspace;
  }

  private static Workspace openWritable(Failures failures) {
    Path root = failures.root();
    Database database;
    try {
      database =
          ProcessLock.holding(
              root.resolve("headstart.lock"),
              () -> {
                Disk.createDirectories(root.resolve("heads"));
                Disk.createDirectories(root.resolve("models"));
                return Database.open(failures);
              });
    } catch (IOException e) {
      throw failures.write(e);
    }
    Workspace workspace = new Workspace(failures, Optional.of(database), Optional.empty());
    try {
      workspace.sweep();
      return workspace;
    } catch (RuntimeException e) {
      database.close();
      throw e;
    }
  }

  private void sweep() {
    heads.sweep();
    features.sweep();
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
   * @throws FailureException if the workspace is open for reading only; says why
   */
  public void requireWritable() {
    if (unwritable.isPresent()) {
      throw unwritable.get();
    }
  }

  /**
   * What to throw when a file in the workspace, such as one in a staged folder, could not be
   * written.
   */
  public FailureException cannotWrite(IOException cause) {
    return failures.write(cause);
  }

  /** Closes the database; the stores are of no use afterwards. */
  @Override
  public void close() {
    database.ifPresent(Database::close);
  }
}
