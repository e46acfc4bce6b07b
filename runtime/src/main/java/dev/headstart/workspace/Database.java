package dev.headstart.workspace;

import dev.headstart.error.BadInputException;
import dev.headstart.error.FailureException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.Jdbi;
import org.jdbi.v3.core.JdbiException;
import org.sqlite.SQLiteConfig;
import org.sqlite.SQLiteConfig.JournalMode;
import org.sqlite.SQLiteConfig.SynchronousMode;
import org.sqlite.SQLiteConfig.TransactionMode;

/**
 * The workspace's SQLite file. One connection a process, used by one thread at a time: SQLite has
 * one writer anyhow, and a connection held open spares the checkpoint that closing the last one
 * costs.
 *
 * <p>{@code PRAGMA user_version} is the number of {@link #MIGRATIONS} applied. One is never changed
 * once released; a new one is added at the end.
 */
final class Database implements AutoCloseable {
  static final String FILE = "headstart.db";

  /** How long to wait for another process's write. */
  static final Duration BUSY = Duration.ofSeconds(30);

  /** How long to wait for another process's reading, before its log is let be. */
  static final Duration PATIENCE = Duration.ofSeconds(5);

  static final List<List<String>> MIGRATIONS =
      List.of(
          List.of(
              // data is a FeatureRecord, or NULL where it lies in a file of features/
              """
              CREATE TABLE feature (
                space BLOB NOT NULL, sample BLOB NOT NULL, data BLOB,
                PRIMARY KEY (space, sample)) STRICT
              """,
              """
              CREATE TABLE membership (
                head TEXT NOT NULL, version INTEGER NOT NULL, sample BLOB NOT NULL,
                validation INTEGER NOT NULL CHECK (validation IN (0, 1)),
                PRIMARY KEY (head, version, sample)) STRICT, WITHOUT ROWID
              """),
          List.of(
              // recipe is JSON, quiet a LocalTime, created milliseconds since 1970
              """
              CREATE TABLE head (
                head TEXT PRIMARY KEY, modality TEXT NOT NULL, task TEXT NOT NULL,
                base TEXT, cut TEXT, keep TEXT NOT NULL, recipe TEXT NOT NULL,
                after INTEGER, quiet TEXT, promote TEXT NOT NULL, keep_versions INTEGER,
                created INTEGER NOT NULL) STRICT, WITHOUT ROWID
              """,
              """
              CREATE TABLE class (
                id INTEGER PRIMARY KEY,
                head TEXT NOT NULL REFERENCES head ON DELETE CASCADE,
                name TEXT NOT NULL,
                UNIQUE (head, name)) STRICT
              """,
              // new is NULL where the class was removed
              """
              CREATE TABLE renaming (
                id INTEGER PRIMARY KEY,
                head TEXT NOT NULL REFERENCES head ON DELETE CASCADE,
                until INTEGER NOT NULL, old TEXT NOT NULL, new TEXT) STRICT
              """,
              // number is the label of a regression; other labels are in sample_class
              """
              CREATE TABLE sample (
                sequence INTEGER PRIMARY KEY AUTOINCREMENT,
                id BLOB NOT NULL,
                head TEXT NOT NULL REFERENCES head ON DELETE CASCADE,
                number REAL, name TEXT NOT NULL,
                state TEXT NOT NULL CHECK (state IN ('pending', 'ready', 'unreadable')),
                reason TEXT, type TEXT NOT NULL, bytes INTEGER NOT NULL,
                kept INTEGER NOT NULL CHECK (kept IN (0, 1)),
                space BLOB, source TEXT NOT NULL, added INTEGER NOT NULL,
                UNIQUE (id, head)) STRICT
              """,
              "CREATE INDEX sample_of_head ON sample (head)",
              """
              CREATE TABLE sample_class (
                sample INTEGER NOT NULL REFERENCES sample ON DELETE CASCADE,
                class INTEGER NOT NULL REFERENCES class ON DELETE CASCADE,
                PRIMARY KEY (sample, class)) STRICT, WITHOUT ROWID
              """,
              "CREATE INDEX sample_of_class ON sample_class (class)",
              """
              CREATE TABLE forgotten (
                head TEXT NOT NULL, version INTEGER NOT NULL, samples INTEGER NOT NULL,
                PRIMARY KEY (head, version)) STRICT, WITHOUT ROWID
              """,
              """
              CREATE TABLE run (
                id INTEGER PRIMARY KEY AUTOINCREMENT,
                head TEXT NOT NULL, recipe TEXT NOT NULL, cause TEXT NOT NULL,
                state TEXT NOT NULL, samples INTEGER NOT NULL,
                created INTEGER NOT NULL, started INTEGER, ended INTEGER,
                version INTEGER, promoted INTEGER CHECK (promoted IN (0, 1)), reason TEXT) STRICT
              """,
              "CREATE INDEX run_of_head ON run (head)",
              // label is JSON: a class, a list of classes, or a number
              """
              CREATE TABLE run_sample (
                run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
                sample BLOB NOT NULL, position INTEGER NOT NULL, label TEXT NOT NULL,
                PRIMARY KEY (run, sample)) STRICT, WITHOUT ROWID
              """,
              // place is 0 for the training, 1 for the refit; epoch is a RunLog.LoggedEpoch
              """
              CREATE TABLE run_epoch (
                run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
                place INTEGER NOT NULL, number INTEGER NOT NULL, epoch TEXT NOT NULL,
                PRIMARY KEY (run, place, number)) STRICT, WITHOUT ROWID
              """,
              "CREATE TABLE revision (number INTEGER NOT NULL) STRICT",
              "INSERT INTO revision VALUES (0)"),
          // the few that do not count among a class's samples
          List.of(
              "CREATE INDEX sample_unreadable ON sample (head) WHERE state = 'unreadable'",
              // whether rows were deleted whose copies may still lie in unused parts of pages
              "ALTER TABLE revision ADD COLUMN stale INTEGER NOT NULL DEFAULT 0"));

  private final Failures failures;
  private final Connection connection;
  private final Jdbi jdbi;

  /** Which file it is that is open, if the file system can tell; null while it is being made. */
  private Object opened;

  private Database(Failures failures, Connection connection) {
    this.failures = failures;
    this.connection = connection;
    this.jdbi = Jdbi.create(connection);
  }

  /**
   * Opens or makes the database. The caller keeps other processes from doing the same meanwhile.
   *
   * @throws BadInputException if a newer Headstart or another program made it
   * @throws FailureException if it cannot be written, or is damaged
   */
  static Database open(Failures failures) {
    SQLiteConfig config = new SQLiteConfig();
    config.setJournalMode(JournalMode.WAL);
    config.setSynchronous(SynchronousMode.NORMAL);
    config.setTransactionMode(TransactionMode.IMMEDIATE);
    config.setBusyTimeout((int) BUSY.toMillis());
    config.enforceForeignKeys(true);
    Database database = connect(failures, config, uri(failures.root(), ""));
    try {
      // What is deleted is overwritten, in the database's own pages as in the log's.
      database.read(handle -> handle.execute("PRAGMA secure_delete = ON"));
      // A VACUUM needs room beside the database; elsewhere may be memory, or read-only.
      String root = failures.root().toString().replace("'", "''");
      database.read(handle -> handle.execute("PRAGMA temp_store_directory = '" + root + "'"));
      database.migrate();
      database.opened = database.fileKey();
      return database;
    } catch (RuntimeException e) {
      database.close();
      throw e;
    }
  }

  /**
   * Opens the database for reading only, where nothing can be written; nothing if there is none or
   * if it cannot be read without writing.
   *
   * @throws BadInputException if a newer Headstart or another program made it
   */
  static Optional<Database> openReadOnly(Failures failures) {
    Path file = failures.root().resolve(FILE);
    if (!Files.exists(file)) {
      return Optional.empty();
    }
    SQLiteConfig config = new SQLiteConfig();
    config.setReadOnly(true);
    config.setBusyTimeout((int) BUSY.toMillis());
    // A WAL database opens read-only only if the files beside it are there. If they are not, no
    // process has it open and all of it lies in the one file, which then counts as immutable.
    boolean wal = Files.exists(file.resolveSibling(FILE + "-wal"));
    String[] attempts = wal ? new String[] {"?mode=ro"} : new String[] {"?mode=ro", "?immutable=1"};
    for (String mode : attempts) {
      Database database;
      try {
        database = connect(failures, config, uri(failures.root(), mode));
      } catch (FailureException e) {
        if (Failures.isUnwritable(e)) {
          continue;
        }
        throw e;
      }
      try {
        if (database.read(database::version) == MIGRATIONS.size()) {
          return Optional.of(database);
        }
      } catch (FailureException e) {
        if (!Failures.isUnwritable(e)) {
          database.close();
          throw e;
        }
      } catch (RuntimeException e) {
        database.close();
        throw e;
      }
      database.close();
    }
    return Optional.empty();
  }

  private static Database connect(Failures failures, SQLiteConfig config, String uri) {
    SqliteLibrary.prepare();
    try {
      return new Database(failures, config.createConnection(uri));
    } catch (SQLException e) {
      throw failures.database(e);
    }
  }

  /** As a URI, so that a path may hold any character. */
  private static String uri(Path root, String query) {
    return "jdbc:sqlite:file:" + root.resolve(FILE).toUri().getRawPath() + query;
  }

  private void migrate() {
    if (read(this::version) == MIGRATIONS.size()) {
      return;
    }
    write(
        handle -> {
          for (int done = version(handle); done < MIGRATIONS.size(); done++) {
            MIGRATIONS.get(done).forEach(handle::execute);
            handle.execute("PRAGMA user_version = " + (done + 1));
          }
        });
  }

  /** The number of migrations applied, checked to be one that this Headstart knows. */
  private int version(Handle handle) {
    Path file = failures.root().resolve(FILE);
    int version = handle.createQuery("PRAGMA user_version").mapTo(Integer.class).one();
    if (version < 0 || version > MIGRATIONS.size()) {
      throw new BadInputException(
          file
              + " has schema version "
              + version
              + ", this Headstart knows 1 to "
              + MIGRATIONS.size()
              + ": a newer one made it. Update Headstart or choose another workspace with"
              + " --workspace");
    }
    if (version == 0
        && handle.createQuery("SELECT count(*) FROM sqlite_master").mapTo(Integer.class).one()
            > 0) {
      throw new BadInputException(
          file
              + " is the database of another program (it has tables, but no schema version of"
              + " Headstart's): choose another workspace with --workspace");
    }
    return version;
  }

  /**
   * @throws FailureException as {@link Failures#database} words it
   */
  synchronized <T> T read(Function<Handle, T> query) {
    try {
      return jdbi.withHandle(query::apply);
    } catch (JdbiException e) {
      throw failures.database(e);
    }
  }

  /**
   * One transaction: all of it is there afterwards, or none. A power cut may still undo it, but
   * nothing else.
   *
   * @throws FailureException as {@link Failures#database} words it
   */
  synchronized void write(Consumer<Handle> statements) {
    requireInPlace();
    try {
      jdbi.useTransaction(statements::accept);
    } catch (JdbiException e) {
      throw failures.database(e);
    }
  }

  /** As {@link #write}, and a power cut does not undo it either. */
  synchronized void writeDurably(Consumer<Handle> statements) {
    changeDurably(
        handle -> {
          statements.accept(handle);
          return null;
        });
  }

  /** As {@link #writeDurably}, with what the statements brought. */
  synchronized <T> T changeDurably(Function<Handle, T> statements) {
    requireInPlace();
    synchronous("FULL");
    try {
      return jdbi.inTransaction(statements::apply);
    } catch (JdbiException e) {
      throw failures.database(e);
    } finally {
      synchronous("NORMAL");
    }
  }

  /**
   * What goes into a file that another program removed or moved is found by nobody any more, though
   * SQLite writes on.
   */
  private void requireInPlace() {
    if (opened != null && !opened.equals(fileKey())) {
      throw failures.removed(FILE);
    }
  }

  private Object fileKey() {
    try {
      return Files.readAttributes(failures.root().resolve(FILE), BasicFileAttributes.class)
          .fileKey();
    } catch (NoSuchFileException e) {
      throw failures.removed(FILE);
    } catch (IOException e) {
      throw failures.write(e);
    }
  }

  /** Within a change that deletes: {@link #purge} has something to do. */
  static void stale(Handle handle) {
    handle.execute("UPDATE revision SET stale = 1");
  }

  /**
   * Takes what was deleted out of the files. {@code secure_delete} overwrites rows where they lay
   * last, but not the copies that stay in unused parts of pages when SQLite moves rows between
   * pages: after deletions the database is written anew (some 8 ms for each of its megabytes). Then
   * the write-ahead log is emptied.
   *
   * @return false if another process kept reading for {@link #PATIENCE}; what the log holds then
   *     stays until the next time
   */
  synchronized boolean purge() {
    return read(
        handle -> {
          handle.execute("PRAGMA busy_timeout = " + PATIENCE.toMillis());
          try {
            if (handle.createQuery("SELECT stale FROM revision").mapTo(Boolean.class).one()) {
              handle.execute("VACUUM");
              handle.execute("UPDATE revision SET stale = 0");
            }
            return handle
                    .createQuery("PRAGMA wal_checkpoint(TRUNCATE)")
                    .map((row, context) -> row.getInt(1))
                    .one()
                == 0;
          } finally {
            handle.execute("PRAGMA busy_timeout = " + BUSY.toMillis());
          }
        });
  }

  /** Writes a copy, as the database is at this moment, without what was deleted. */
  synchronized void copy(Path file) {
    read(handle -> handle.execute("VACUUM INTO ?", file.toString()));
  }

  private void synchronous(String mode) {
    read(handle -> handle.execute("PRAGMA synchronous = " + mode));
  }

  @Override
  public synchronized void close() {
    try {
      connection.close();
    } catch (SQLException e) {
      throw failures.database(e);
    }
  }
}
