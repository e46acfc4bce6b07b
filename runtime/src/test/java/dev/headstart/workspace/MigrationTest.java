package dev.headstart.workspace;

import static dev.headstart.workspace.HeadDirectoryTest.assertMessage;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.headstart.backbone.Features;
import dev.headstart.error.FailureException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Databases that earlier releases made. */
class MigrationTest {
  private static final Features FEATURES = FeatureCacheTest.vector(1, 3);

  @TempDir Path temp;

  private Connection connect() throws SQLException {
    return DriverManager.getConnection("jdbc:sqlite:" + temp.resolve("headstart.db"));
  }

  /** As release 0.1 made it: written out, so that it stays as it was. */
  private void version1() throws SQLException {
    SqliteLibrary.prepare();
    try (Connection connection = connect();
        Statement statement = connection.createStatement()) {
      statement.execute("PRAGMA journal_mode = WAL");
      statement.execute(
          "CREATE TABLE feature (space BLOB NOT NULL, sample BLOB NOT NULL, data BLOB,"
              + " PRIMARY KEY (space, sample)) STRICT");
      statement.execute(
          "CREATE TABLE membership (head TEXT NOT NULL, version INTEGER NOT NULL,"
              + " sample BLOB NOT NULL, validation INTEGER NOT NULL"
              + " CHECK (validation IN (0, 1)),"
              + " PRIMARY KEY (head, version, sample)) STRICT, WITHOUT ROWID");
      statement.execute("INSERT INTO membership VALUES ('fruit', 1, x'ab', 1)");
      statement.execute("INSERT INTO membership VALUES ('fruit', 1, x'cd', 0)");
      try (PreparedStatement insert =
          connection.prepareStatement("INSERT INTO feature VALUES (x'5a', x'ab', ?)")) {
        insert.setBytes(1, FeatureRecord.encode(FEATURES));
        insert.execute();
      }
      statement.execute("PRAGMA user_version = 1");
    }
  }

  private Object one(String sql) throws SQLException {
    try (Connection connection = connect();
        Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery(sql)) {
      return rows.next() ? rows.getObject(1) : null;
    }
  }

  @Test
  void whatAnEarlierReleaseWroteIsKept() throws SQLException {
    version1();
    try (Workspace workspace = Workspace.open(temp)) {
      assertEquals(Set.of("ab"), workspace.runs().judgedBy("fruit"));
      assertEquals(Set.of("cd"), workspace.runs().trainedOn("fruit", 1));
      assertEquals(Map.of("ab", FEATURES), workspace.features().get("5a", List.of("ab")));
      assertEquals(List.of(), workspace.samples().heads());
      workspace.samples().create(Stored.pictures("fruit"), List.of("a"));
      workspace.samples().add("fruit", Stored.pictures("a", "one"));
      assertEquals(1, workspace.samples().count("fruit", null, null));
    }
    assertEquals(Database.MIGRATIONS.size(), one("PRAGMA user_version"));
    assertEquals("ok", one("PRAGMA integrity_check"));
  }

  @Test
  void oneThatFailsHalfwayChangesNothing() throws SQLException {
    version1();
    try (Connection connection = connect();
        Statement statement = connection.createStatement()) {
      statement.execute("CREATE TABLE run (theirs TEXT)"); // in the way of a later table
    }
    try (Workspace workspace = Workspace.open(temp)) {
      assertMessage(FailureException.class, workspace::requireWritable, "run already exists");
    }
    assertEquals(1, one("PRAGMA user_version"));
    assertEquals(null, one("SELECT name FROM sqlite_master WHERE name = 'head'"));
    assertEquals(2, one("SELECT count(*) FROM membership"));
    try (Connection connection = connect();
        Statement statement = connection.createStatement()) {
      statement.execute("DROP TABLE run");
    }
    try (Workspace workspace = Workspace.open(temp)) {
      workspace.requireWritable();
      assertEquals(Set.of("ab"), workspace.runs().judgedBy("fruit"));
    }
  }
}
