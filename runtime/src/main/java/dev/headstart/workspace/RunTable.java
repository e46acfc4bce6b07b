package dev.headstart.workspace;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import dev.headstart.error.NotFoundException;
import dev.headstart.sample.Label;
import dev.headstart.teach.Run;
import dev.headstart.teach.RunLog;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.PreparedBatch;
import org.jdbi.v3.core.statement.Query;

/** Runs in the database. */
final class RunTable implements RunLog {
  private static final int CHUNK = 1000;

  private final Supplier<Workspace.Opened> database;
  private final Failures failures;

  RunTable(Supplier<Workspace.Opened> database, Failures failures) {
    this.database = database;
    this.failures = failures;
  }

  private <T> T read(Function<Handle, T> query, T none) {
    return database.get().database().map(d -> d.read(query)).orElse(none);
  }

  private Database writable() {
    Workspace.Opened opened = database.get();
    if (opened.unwritable().isPresent()) {
      throw opened.unwritable().get();
    }
    return opened.database().orElseThrow();
  }

  private <T> T change(Function<Handle, T> statements) {
    return writable()
        .changeDurably(
            handle -> {
              T changed = statements.apply(handle);
              revise(handle);
              return changed;
            });
  }

  private static void revise(Handle handle) {
    handle.execute("UPDATE revision SET number = number + 1");
  }

  @Override
  public Run create(String head, JsonNode recipe, Run.Cause cause) {
    return change(
        handle -> {
          long id =
              handle
                  .createUpdate(
                      "INSERT INTO run (head, recipe, cause, state, samples, created)"
                          + " VALUES (:head, :recipe, :cause, 'queued', 0, :created)")
                  .bind("head", head)
                  .bind("recipe", recipe.toString())
                  .bind("cause", cause.id())
                  .bind("created", now())
                  .executeAndReturnGeneratedKeys("id")
                  .mapTo(Long.class)
                  .one();
          return require(handle, id);
        });
  }

  @Override
  public Run start(long id, LinkedHashMap<String, Label> snapshot) {
    return change(
        handle -> {
          clear(handle, id);
          handle.execute(
              "DELETE FROM run_sample WHERE run IN (SELECT id FROM run WHERE head = ?"
                  + " AND state IN ('failed', 'cancelled'))",
              require(handle, id).head());
          Iterator<Map.Entry<String, Label>> rest = snapshot.entrySet().iterator();
          for (int position = 0; rest.hasNext(); position += CHUNK) {
            insert(handle, id, position, rest);
          }
          handle.execute(
              "UPDATE run SET state = 'running', samples = ?, started = ?, ended = NULL,"
                  + " version = NULL, promoted = NULL, reason = NULL WHERE id = ?",
              snapshot.size(),
              now(),
              id);
          return require(handle, id);
        });
  }

  private static void clear(Handle handle, long id) {
    handle.execute("DELETE FROM run_sample WHERE run = ?", id);
    handle.execute("DELETE FROM run_epoch WHERE run = ?", id);
  }

  private static void insert(
      Handle handle, long id, int position, Iterator<Map.Entry<String, Label>> rest) {
    try (PreparedBatch batch =
        handle.prepareBatch(
            "INSERT INTO run_sample (run, sample, position, label) VALUES (?, ?, ?, ?)")) {
      for (int i = 0; i < CHUNK && rest.hasNext(); i++) {
        Map.Entry<String, Label> entry = rest.next();
        batch.add(
            id,
            SampleRows.HEX.parseHex(entry.getKey()),
            position + i,
            SampleRows.json(entry.getValue()).toString());
      }
      batch.execute();
    }
  }

  @Override
  public LinkedHashMap<String, Label> snapshot(long id) {
    LinkedHashMap<String, Label> snapshot = new LinkedHashMap<>();
    read(
            handle ->
                handle
                    .createQuery(
                        "SELECT sample, label FROM run_sample WHERE run = :run ORDER BY position")
                    .bind("run", id)
                    .map(
                        (row, context) ->
                            Map.entry(
                                SampleRows.HEX.formatHex(row.getBytes(1)),
                                SampleRows.label(HeadRows.json(row.getString(2)))))
                    .list(),
            List.<Map.Entry<String, Label>>of())
        .forEach(entry -> snapshot.put(entry.getKey(), entry.getValue()));
    return snapshot;
  }

  @Override
  public void epoch(long id, LoggedEpoch epoch) {
    String json;
    try {
      json = HeadRows.JSON.writeValueAsString(epoch);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("an epoch is numbers, which are JSON", e);
    }
    writable()
        .write(
            handle -> {
              handle.execute(
                  "INSERT INTO run_epoch (run, place, number, epoch) SELECT id, ?, ?, ? FROM run"
                      + " WHERE id = ? ON CONFLICT DO UPDATE SET epoch = excluded.epoch",
                  epoch.stage().equals("refit") ? 1 : 0,
                  epoch.epoch().epoch(),
                  json,
                  id);
              revise(handle);
            });
  }

  @Override
  public List<LoggedEpoch> epochs(long id) {
    return read(
        handle ->
            handle
                .createQuery("SELECT epoch FROM run_epoch WHERE run = :run ORDER BY place, number")
                .bind("run", id)
                .map((row, context) -> epoch(row.getString(1)))
                .list(),
        List.of());
  }

  private static LoggedEpoch epoch(String json) {
    try {
      return HeadRows.JSON.readValue(json, LoggedEpoch.class);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("this program writes epochs, and read '" + json + "'", e);
    }
  }

  @Override
  public Run change(long id, Run.State state, Integer version, Boolean promoted, String reason) {
    return change(
        handle -> {
          require(handle, id);
          handle.execute(
              "UPDATE run SET state = ?, version = ?, promoted = ?, reason = ?, ended = ?"
                  + " WHERE id = ?",
              state.id(),
              version,
              promoted,
              reason,
              state.ended() ? now() : null,
              id);
          return require(handle, id);
        });
  }

  private static Run require(Handle handle, long id) {
    return handle
        .createQuery("SELECT * FROM run WHERE id = :id")
        .bind("id", id)
        .map((row, context) -> run(row))
        .findOne()
        .orElseThrow(() -> new NotFoundException("there is no run " + id));
  }

  @Override
  public Run get(String head, long id) {
    return read(
            handle ->
                handle
                    .createQuery("SELECT * FROM run WHERE head = :head AND id = :id")
                    .bind("head", head)
                    .bind("id", id)
                    .map((row, context) -> run(row))
                    .findOne(),
            Optional.<Run>empty())
        .orElseThrow(() -> new NotFoundException("head '" + head + "' has no run " + id));
  }

  @Override
  public List<Run> list(String head, int limit) {
    return read(
        handle -> {
          Query query =
              handle.createQuery(
                  "SELECT * FROM run"
                      + (head == null ? "" : " WHERE head = :head")
                      + " ORDER BY id DESC LIMIT :limit");
          if (head != null) {
            query.bind("head", head);
          }
          return query.bind("limit", limit).map((row, context) -> run(row)).list();
        },
        List.of());
  }

  @Override
  public List<Run> open() {
    return read(
        handle ->
            handle
                .createQuery("SELECT * FROM run WHERE state IN ('queued', 'running') ORDER BY id")
                .map((row, context) -> run(row))
                .list(),
        List.of());
  }

  @Override
  public Optional<AutoCloseable> claim() {
    writable();
    return ProcessLock.claim(failures.root().resolve("headstart.runs"), failures);
  }

  @Override
  public Optional<Long> madeBy(String head, int version) {
    return read(
        handle ->
            handle
                .createQuery(
                    "SELECT max(id) FROM run WHERE head = :head AND version = :version"
                        + " HAVING max(id) IS NOT NULL")
                .bind("head", head)
                .bind("version", version)
                .mapTo(Long.class)
                .findOne(),
        Optional.empty());
  }

  private static Run run(ResultSet row) throws SQLException {
    Integer promoted = HeadRows.integer(row, "promoted");
    return new Run(
        row.getLong("id"),
        row.getString("head"),
        HeadRows.json(row.getString("recipe")),
        HeadRows.value(Run.Cause.class, row.getString("cause")),
        HeadRows.value(Run.State.class, row.getString("state")),
        row.getInt("samples"),
        HeadRows.time(row, "created"),
        HeadRows.time(row, "started"),
        HeadRows.time(row, "ended"),
        HeadRows.integer(row, "version"),
        promoted == null ? null : promoted == 1,
        row.getString("reason"));
  }

  private static long now() {
    return Instant.now().toEpochMilli();
  }
}
