package dev.headstart.workspace;

import static dev.headstart.workspace.HeadDirectoryTest.assertMessage;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.OpenFiles;
import dev.headstart.error.BadInputException;
import dev.headstart.error.FailureException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Arrays;
import java.util.List;
import org.jdbi.v3.core.ConnectionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;

class WorkspaceTest {
  @TempDir Path temp;

  @Test
  void whatDoesNotExistIsMade() throws IOException {
    Path root = temp.resolve("deep/er");
    Workspace workspace = Workspace.open(root);
    try {
      assertEquals(root.toRealPath(), workspace.root());
      assertEquals(workspace.root().resolve("models"), workspace.models());
      assertTrue(Files.isDirectory(workspace.models()));
      assertFalse(Files.exists(root.resolve("headstart.db")), "not yet needed");
      workspace.requireWritable();
      assertTrue(Files.isRegularFile(root.resolve("headstart.db")));
    } finally {
      workspace.close();
    }
    workspace.close(); // twice is fine
    assertThrows(IllegalStateException.class, () -> workspace.runs().judgedBy("a"));
    assertFalse(Files.exists(root.resolve("headstart.db-wal")), "closed in order");
  }

  @Test
  void foreignFilesAreLetBe() throws IOException {
    Files.writeString(temp.resolve("notes.txt"), "mine");
    Files.createDirectories(temp.resolve("features/xy/mine"));
    use(temp);
    use(temp);
    assertEquals("mine", Files.readString(temp.resolve("notes.txt")));
    assertTrue(Files.exists(temp.resolve("features/xy/mine")));
  }

  @Test
  void aFileIsNoWorkspace() throws IOException {
    Path file = Files.writeString(temp.resolve("file"), "mine");
    assertMessage(
        BadInputException.class, () -> Workspace.open(file), file.toString(), "directory");
    assertMessage(
        BadInputException.class,
        () -> Workspace.open(file.resolve("in/it")),
        file + " is a file",
        "directory");
    assertEquals("mine", Files.readString(file));
  }

  @Test
  void whatIsNoDatabaseIsNotTouched() throws IOException {
    Path root = temp.resolve("w");
    use(root);
    Path file = root.resolve("headstart.db");
    byte[] good = Files.readAllBytes(file);
    String text = "This is not a database.".repeat(100);
    Files.writeString(file, text);
    assertMessage(FailureException.class, () -> use(root), file.toString(), "not a whole SQLite");
    assertEquals(text, Files.readString(file));
    byte[] damaged = good.clone();
    Arrays.fill(damaged, 100, 4096, (byte) 0x5a);
    Files.write(file, damaged);
    assertMessage(FailureException.class, () -> use(root), file.toString(), "not a whole SQLite");
    Files.write(file, good);
    use(root);
  }

  @Test
  void headsAreReadBesideADatabaseThatIsNone() throws IOException {
    Files.writeString(temp.resolve("headstart.db"), "This is not a database.".repeat(100));
    try (Workspace workspace = Workspace.open(temp)) {
      Versions.publish(workspace.heads(), "fruit");
      workspace.heads().promote("fruit", 1);
      assertEquals(1, workspace.heads().loadLive("fruit").manifest().version());
      assertMessage(
          FailureException.class, () -> workspace.runs().judgedBy("fruit"), "not a whole SQLite");
      assertMessage(FailureException.class, workspace::requireWritable, "not a whole SQLite");
    }
  }

  @Test
  void aNewerSchemaIsRefused() throws Exception {
    use(temp);
    sql("PRAGMA user_version = 9");
    assertMessage(BadInputException.class, () -> use(temp), "schema version 9", "1", "Update");
    sql("PRAGMA user_version = -1");
    assertMessage(BadInputException.class, () -> use(temp), "schema version -1");
  }

  @Test
  void aDatabaseThatIsRefusedIsNotLeftOpen() throws Exception {
    use(temp);
    sql("PRAGMA user_version = 9");
    Failures failures = new Failures(temp.toRealPath());
    assertMessage(BadInputException.class, () -> Database.open(failures), "version 9");
    assertMessage(BadInputException.class, () -> Database.openReadOnly(failures), "version 9");
    assertEquals(0, OpenFiles.of(temp.resolve("headstart.db")));
  }

  /** Nothing can be unpacked into the system's folder for temporary files. */
  @Test
  void sqliteIsUnpackedIntoOurOwnCache() throws Exception {
    Path cache = temp.resolve("cache");
    Path output = Files.createDirectory(temp.resolve("output"));
    String[] work = {"features", "0", "4", temp.resolve("w").toString()};
    List<String> options =
        List.of("-Djava.io.tmpdir=" + temp.resolve("none"), "-Dheadstart.cache=" + cache);
    Path left = Files.createDirectories(cache.resolve("sqlite")).resolve("sqlite-1-lib.so");
    Files.createFile(left);
    assertTrue(left.toFile().setLastModified(1));
    assertEquals(0, Child.start(output, options, work).waitFor());
    assertFalse(Files.exists(left), "what a killed process left");

    Files.delete(cache.resolve("sqlite"));
    Files.createFile(cache.resolve("sqlite"));
    assertEquals(1, Child.start(output, options, work).waitFor());
    String said = Files.readString(output.resolve("stderr"));
    assertTrue(said.contains("set HEADSTART_CACHE"), said);
  }

  @Test
  void anotherProgramsDatabaseIsRefused() throws Exception {
    sql("CREATE TABLE theirs (a)");
    assertMessage(BadInputException.class, () -> use(temp), "another program");
    sql("INSERT INTO theirs VALUES (1)");
  }

  @Test
  void aDatabaseThatIsADirectoryIsNamed() throws IOException {
    Files.createDirectories(temp.resolve("headstart.db"));
    assertMessage(FailureException.class, () -> use(temp), "headstart.db");
  }

  /** The database is opened when it is first needed. */
  private static void use(Path root) {
    try (Workspace workspace = Workspace.open(root)) {
      workspace.requireWritable();
    }
  }

  private void sql(String statement) throws SQLException {
    try (Connection connection =
            DriverManager.getConnection("jdbc:sqlite:" + temp.resolve("headstart.db"));
        Statement s = connection.createStatement()) {
      s.execute(statement);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "SQLITE_FULL, no space is left",
    "SQLITE_READONLY, read-only",
    "SQLITE_READONLY_DBMOVED, read-only",
    "SQLITE_CANTOPEN, cannot be opened",
    "SQLITE_IOERR_WRITE, check the disk",
    "SQLITE_CORRUPT, restore it from a backup",
    "SQLITE_NOTADB, restore it from a backup",
    "SQLITE_BUSY, locked by another process",
    "SQLITE_BUSY_SNAPSHOT, locked by another process",
    "SQLITE_MISUSE, [SQLITE_MISUSE]",
  })
  void whatSqliteSaysBecomesAdvice(SQLiteErrorCode code, String said) {
    SQLException cause = new SQLiteException("[" + code.name() + "]", code);
    FailureException failure = new Failures(temp).database(new ConnectionException(cause));
    assertTrue(failure.getMessage().contains(said), failure.getMessage());
    assertTrue(failure.getMessage().contains(temp.toString()), failure.getMessage());
  }

  @Test
  void whatTheDiskSaysBecomesAdvice() {
    Failures failures = new Failures(Path.of("/w"));
    assertEquals(
        "the workspace /w cannot be written: no permission for /w/x; change its permissions or"
            + " choose another workspace with --workspace",
        failures.write(new AccessDeniedException("/w/x")).getMessage());
    assertEquals(
        "the workspace /w cannot be written: /w/x does not exist; check whether another program"
            + " removed it, or choose another workspace with --workspace",
        failures.write(new NoSuchFileException("/w/x")).getMessage());
    assertEquals(
        "the workspace /w cannot be written: no space is left on its disk; free some, or choose"
            + " another workspace with --workspace",
        failures.write(new FileSystemException("/w/x", null, "Disk quota exceeded")).getMessage());
    assertEquals(
        "the workspace /w cannot be written: /w/x: Input/output error; check the disk or choose"
            + " another workspace with --workspace",
        failures.write(new FileSystemException("/w/x", null, "Input/output error")).getMessage());
    assertEquals(
        "/w/x cannot be read: no permission; check its permissions and the disk",
        failures.read(Path.of("/w/x"), new AccessDeniedException("/w/x")).getMessage());
  }
}
