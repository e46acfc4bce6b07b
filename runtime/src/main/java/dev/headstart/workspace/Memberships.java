package dev.headstart.workspace;

import dev.headstart.error.FailureException;
import dev.headstart.train.RunStore;
import java.util.Collection;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.PreparedBatch;

/**
 * Which samples each version trained on and was judged by, in the database. What could not be
 * written is a {@link FailureException}.
 */
final class Memberships implements RunStore {
  private static final int CHUNK = 1000;
  private static final HexFormat HEX = HexFormat.of();

  private final Supplier<Workspace.Opened> database;

  Memberships(Supplier<Workspace.Opened> database) {
    this.database = database;
  }

  @Override
  public Set<String> judgedBy(String head) {
    return samples(
        handle ->
            handle
                .createQuery(
                    "SELECT DISTINCT sample FROM membership WHERE head = :head AND validation = 1")
                .bind("head", head)
                .mapTo(byte[].class)
                .list());
  }

  @Override
  public Set<String> trainedOn(String head, int version) {
    return samples(
        handle ->
            handle
                .createQuery(
                    "SELECT sample FROM membership"
                        + " WHERE head = :head AND version = :version AND validation = 0")
                .bind("head", head)
                .bind("version", version)
                .mapTo(byte[].class)
                .list());
  }

  @Override
  public Set<String> members(String head, int version) {
    return samples(
        handle ->
            handle
                .createQuery(
                    "SELECT sample FROM membership WHERE head = :head AND version = :version")
                .bind("head", head)
                .bind("version", version)
                .mapTo(byte[].class)
                .list());
  }

  private Set<String> samples(Function<Handle, Collection<byte[]>> query) {
    Set<String> samples = new HashSet<>();
    database
        .get()
        .database()
        .ifPresent(d -> d.read(query).forEach(s -> samples.add(HEX.formatHex(s))));
    return samples;
  }

  @Override
  public void record(String head, int version, Map<String, Boolean> validation) {
    write(
        handle -> {
          handle.execute("DELETE FROM membership WHERE head = ? AND version = ?", head, version);
          // In the order of the table's key, so that its pages fill one after the other.
          Iterator<Map.Entry<String, Boolean>> rest =
              new TreeMap<>(validation).entrySet().iterator();
          while (rest.hasNext()) {
            insert(handle, head, version, rest);
          }
        });
  }

  private static void insert(
      Handle handle, String head, int version, Iterator<Map.Entry<String, Boolean>> rest) {
    try (PreparedBatch batch =
        handle.prepareBatch(
            "INSERT INTO membership (head, version, sample, validation) VALUES (?, ?, ?, ?)")) {
      for (int i = 0; i < CHUNK && rest.hasNext(); i++) {
        Map.Entry<String, Boolean> entry = rest.next();
        batch.add(head, version, HEX.parseHex(entry.getKey()), entry.getValue() ? 1 : 0);
      }
      batch.execute();
    }
  }

  @Override
  public void forget(String head) {
    write(
        handle -> {
          handle.execute("DELETE FROM membership WHERE head = ?", head);
          handle.execute("DELETE FROM forgotten WHERE head = ?", head);
        });
  }

  @Override
  public void forget(String head, Collection<Integer> versions) {
    write(
        handle -> {
          for (int version : versions) {
            handle.execute(
                "DELETE FROM membership WHERE head = ? AND version = ? AND validation = 0",
                head,
                version);
            handle.execute("DELETE FROM forgotten WHERE head = ? AND version = ?", head, version);
            handle.execute(
                "DELETE FROM run_sample WHERE run IN"
                    + " (SELECT id FROM run WHERE head = ? AND version = ?)",
                head,
                version);
          }
        });
  }

  private void write(Consumer<Handle> statements) {
    Workspace.Opened opened = database.get();
    if (opened.unwritable().isPresent()) {
      throw opened.unwritable().get();
    }
    opened.database().orElseThrow().writeDurably(statements);
  }
}
