package dev.headstart.workspace;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.headstart.sample.ClassLabel;
import dev.headstart.sample.ClassesLabel;
import dev.headstart.sample.Label;
import dev.headstart.sample.NumberLabel;
import dev.headstart.sample.Task;
import dev.headstart.teach.StoredSample;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.PreparedBatch;
import org.jdbi.v3.core.statement.Query;

/** Rows of the tables {@code sample} and {@code sample_class}. */
final class SampleRows {
  static final HexFormat HEX = HexFormat.of();

  /** Rows in one IN list, or one batch. */
  static final int CHUNK = 500;

  private static final Pattern ID = Pattern.compile("[0-9a-f]{64}");
  private static final String SELECT =
      """
      SELECT s.*, h.task, (
        SELECT json_group_array(c.name) FROM sample_class m JOIN class c ON c.id = m.class
        WHERE m.sample = s.sequence) AS classes
      FROM sample s JOIN head h ON h.head = s.head
      """;

  private SampleRows() {}

  static Optional<StoredSample> find(Handle handle, String head, String id) {
    return handle
        .createQuery(SELECT + "WHERE s.head = :head AND s.id = :id")
        .bind("head", head)
        .bind("id", HEX.parseHex(id))
        .map((row, context) -> sample(row))
        .findOne();
  }

  /** Those of the samples that are there, by id. */
  static Map<String, StoredSample> find(Handle handle, String head, Collection<String> ids) {
    Map<String, StoredSample> found = new LinkedHashMap<>();
    for (List<byte[]> chunk : chunks(ids)) {
      handle
          .createQuery(SELECT + "WHERE s.head = :head AND s.id IN (<ids>)")
          .bind("head", head)
          .bindList("ids", chunk)
          .map((row, context) -> sample(row))
          .forEach(sample -> found.put(sample.id(), sample));
    }
    return found;
  }

  /** Oldest first. */
  static List<StoredSample> all(Handle handle, String head) {
    return handle
        .createQuery(SELECT + "WHERE s.head = :head ORDER BY s.sequence")
        .bind("head", head)
        .map((row, context) -> sample(row))
        .list();
  }

  /** Newest first. */
  static List<StoredSample> page(
      Handle handle, String head, String label, StoredSample.State state, long before, int limit) {
    String sql =
        SELECT
            + where(label, state)
            + " AND s.sequence < :before ORDER BY s.sequence DESC LIMIT :limit";
    return bind(handle.createQuery(sql), head, label, state)
        .bind("before", before)
        .bind("limit", limit)
        .map((row, context) -> sample(row))
        .list();
  }

  static int count(Handle handle, String head, String label, StoredSample.State state) {
    String sql = "SELECT count(*) FROM sample s " + where(label, state);
    return bind(handle.createQuery(sql), head, label, state).mapTo(Integer.class).one();
  }

  private static String where(String label, StoredSample.State state) {
    String where = "WHERE s.head = :head" + (state == null ? "" : " AND s.state = :state");
    if (label == null) {
      return where;
    }
    return label.isEmpty()
        ? where + " AND s.sequence NOT IN (SELECT m.sample FROM sample_class m)"
        : where
            + " AND s.sequence IN (SELECT m.sample FROM sample_class m"
            + " JOIN class c ON c.id = m.class WHERE c.head = :head AND c.name = :label)";
  }

  private static Query bind(Query query, String head, String label, StoredSample.State state) {
    query.bind("head", head);
    if (state != null) {
      query.bind("state", state.id());
    }
    if (label != null && !label.isEmpty()) {
      query.bind("label", label);
    }
    return query;
  }

  private static StoredSample sample(ResultSet row) throws SQLException {
    byte[] space = row.getBytes("space");
    return new StoredSample(
        HEX.formatHex(row.getBytes("id")),
        row.getLong("sequence"),
        label(row),
        row.getString("name"),
        HeadRows.value(StoredSample.State.class, row.getString("state")),
        row.getString("reason"),
        row.getString("type"),
        row.getLong("bytes"),
        row.getBoolean("kept"),
        space == null ? null : HEX.formatHex(space),
        HeadRows.value(StoredSample.Source.class, row.getString("source")),
        HeadRows.time(row, "added"));
  }

  private static Label label(ResultSet row) throws SQLException {
    Task task = Task.of(row.getString("task"));
    if (task == Task.REGRESSION) {
      return new NumberLabel(row.getDouble("number"));
    }
    return label(task, HeadRows.json(row.getString("classes")));
  }

  /** A label of JSON: a class, a list of classes or a number. */
  static Label label(JsonNode json) {
    return json.isTextual()
        ? new ClassLabel(json.textValue())
        : json.isNumber() ? new NumberLabel(json.doubleValue()) : label(Task.MULTI, json);
  }

  private static Label label(Task task, JsonNode names) {
    if (task == Task.SINGLE) {
      return new ClassLabel(names.get(0).textValue());
    }
    TreeSet<String> classes = new TreeSet<>();
    names.forEach(name -> classes.add(name.textValue()));
    return new ClassesLabel(classes);
  }

  /** As {@link #label(JsonNode)} reads it. */
  static JsonNode json(Label label) {
    JsonNodeFactory json = JsonNodeFactory.instance;
    if (label instanceof ClassLabel one) {
      return json.textNode(one.name());
    }
    if (label instanceof NumberLabel number) {
      return json.numberNode(number.value());
    }
    var names = json.arrayNode();
    label.names().forEach(names::add);
    return names;
  }

  /** Adds rows; their sequence is given here. */
  static void insert(
      Handle handle, String head, List<StoredSample> samples, Map<String, Long> classes) {
    for (int from = 0; from < samples.size(); from += CHUNK) {
      List<StoredSample> chunk = samples.subList(from, Math.min(samples.size(), from + CHUNK));
      List<Long> sequences;
      try (PreparedBatch batch =
          handle.prepareBatch(
              "INSERT INTO sample (id, head, number, name, state, reason, type, bytes, kept, space,"
                  + " source, added) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")) {
        for (StoredSample sample : chunk) {
          batch.add(
              HEX.parseHex(sample.id()),
              head,
              number(sample.label()),
              sample.name(),
              sample.state().id(),
              sample.reason(),
              sample.type(),
              sample.bytes(),
              sample.kept() ? 1 : 0,
              sample.space() == null ? null : HEX.parseHex(sample.space()),
              sample.source().id(),
              sample.added().toEpochMilli());
        }
        batch.execute();
      }
      sequences = lastSequences(handle, chunk.size());
      try (PreparedBatch batch = handle.prepareBatch("INSERT INTO sample_class VALUES (?, ?)")) {
        int rows = 0;
        for (int i = 0; i < chunk.size(); i++) {
          for (String name : chunk.get(i).label().names()) {
            batch.add(sequences.get(i), classes.get(name));
            rows++;
          }
        }
        if (rows > 0) {
          batch.execute();
        }
      }
    }
  }

  /** Of the last rows inserted, in their order: nobody else inserts within the transaction. */
  private static List<Long> lastSequences(Handle handle, int count) {
    List<Long> sequences =
        new ArrayList<>(
            handle
                .createQuery("SELECT sequence FROM sample ORDER BY sequence DESC LIMIT :count")
                .bind("count", count)
                .mapTo(Long.class)
                .list());
    Collections.reverse(sequences);
    return sequences;
  }

  private static Double number(Label label) {
    return label instanceof NumberLabel number ? number.value() : null;
  }

  static void relabel(Handle handle, long sequence, Label label, Map<String, Long> classes) {
    handle.execute("UPDATE sample SET number = ? WHERE sequence = ?", number(label), sequence);
    handle.execute("DELETE FROM sample_class WHERE sample = ?", sequence);
    for (String name : label.names()) {
      handle.execute("INSERT INTO sample_class VALUES (?, ?)", sequence, classes.get(name));
    }
  }

  /** Replaces what may change of a sample that is there. */
  static void update(Handle handle, StoredSample sample, Map<String, Long> classes) {
    handle.execute(
        "UPDATE sample SET name = ?, state = ?, reason = ?, type = ?, bytes = ?, kept = ?, space = ?,"
            + " source = ? WHERE sequence = ?",
        sample.name(),
        sample.state().id(),
        sample.reason(),
        sample.type(),
        sample.bytes(),
        sample.kept() ? 1 : 0,
        sample.space() == null ? null : HEX.parseHex(sample.space()),
        sample.source().id(),
        sample.sequence());
    relabel(handle, sample.sequence(), sample.label(), classes);
  }

  /**
   * Notes that a sample's features are there.
   *
   * @param kept whether its original stays
   * @return whether the sample is there
   */
  static boolean ready(Handle handle, String head, String id, String space, boolean kept) {
    return handle.execute(
            "UPDATE sample SET state = 'ready', reason = NULL, space = ?"
                + (kept ? "" : ", kept = 0")
                + " WHERE head = ? AND id = ?",
            HEX.parseHex(space),
            head,
            HEX.parseHex(id))
        > 0;
  }

  /** Ids of a head's samples, oldest first. */
  static List<String> ids(Handle handle, String head) {
    return handle
        .createQuery("SELECT id FROM sample WHERE head = :head ORDER BY sequence")
        .bind("head", head)
        .map((row, context) -> HEX.formatHex(row.getBytes(1)))
        .list();
  }

  /** Ids of the samples that have this class and no other. */
  static List<String> idsOfOnly(Handle handle, long classId) {
    return handle
        .createQuery(
            "SELECT s.id FROM sample_class m JOIN sample s ON s.sequence = m.sample"
                + " WHERE m.class = :class AND NOT EXISTS (SELECT 1 FROM sample_class o"
                + " WHERE o.sample = m.sample AND o.class <> m.class)")
        .bind("class", classId)
        .map((row, context) -> HEX.formatHex(row.getBytes(1)))
        .list();
  }

  /** Ids of the samples whose originals some head keeps. */
  static List<String> kept(Handle handle) {
    return handle
        .createQuery("SELECT DISTINCT id FROM sample WHERE kept = 1")
        .map((row, context) -> HEX.formatHex(row.getBytes(1)))
        .list();
  }

  /** Deletes a row; its features stay. */
  static void delete(Handle handle, StoredSample sample) {
    handle.execute("DELETE FROM sample WHERE sequence = ?", sample.sequence());
  }

  /** Whether any sample could have this id. */
  static boolean isId(String id) {
    return ID.matcher(id).matches();
  }

  /** Digests for IN lists. */
  static List<List<byte[]>> chunks(Collection<String> ids) {
    List<byte[]> digests = ids.stream().distinct().map(HEX::parseHex).toList();
    List<List<byte[]>> chunks = new ArrayList<>();
    for (int from = 0; from < digests.size(); from += CHUNK) {
      chunks.add(digests.subList(from, Math.min(digests.size(), from + CHUNK)));
    }
    return chunks;
  }
}
