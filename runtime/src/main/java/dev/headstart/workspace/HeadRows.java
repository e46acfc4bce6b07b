package dev.headstart.workspace;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.headstart.sample.Modality;
import dev.headstart.sample.Task;
import dev.headstart.teach.HeadSettings;
import dev.headstart.teach.Renaming;
import dev.headstart.teach.Rules;
import dev.headstart.train.TeachRequest.Promotion;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.LocalTime;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.SqlStatement;

/** Rows of the tables {@code head}, {@code class} and {@code renaming}. */
final class HeadRows {
  static final JsonMapper JSON = new JsonMapper();
  private static final Comparator<String> BY_CODE_POINT =
      Comparator.comparing(name -> name.codePoints().toArray(), Arrays::compare);

  private HeadRows() {}

  static List<HeadSettings> all(Handle handle) {
    return handle
        .createQuery("SELECT * FROM head ORDER BY head")
        .map((row, context) -> settings(row))
        .list();
  }

  static Optional<HeadSettings> find(Handle handle, String head) {
    return handle
        .createQuery("SELECT * FROM head WHERE head = :head")
        .bind("head", head)
        .map((row, context) -> settings(row))
        .findOne();
  }

  private static HeadSettings settings(ResultSet row) throws SQLException {
    String quiet = row.getString("quiet");
    return new HeadSettings(
        row.getString("head"),
        value(Modality.class, row.getString("modality")),
        Task.of(row.getString("task")),
        row.getString("base"),
        row.getString("cut"),
        value(HeadSettings.Keep.class, row.getString("keep")),
        json(row.getString("recipe")),
        new Rules(
            integer(row, "after"),
            quiet == null ? null : LocalTime.parse(quiet),
            Promotion.of(row.getString("promote")),
            integer(row, "keep_versions")),
        Instant.ofEpochMilli(row.getLong("created")));
  }

  static void insert(Handle handle, HeadSettings settings) {
    bind(
            handle.createUpdate(
                "INSERT INTO head VALUES (:head, :modality, :task, :base, :cut, :keep, :recipe,"
                    + " :after, :quiet, :promote, :keepVersions, :created)"),
            settings)
        .execute();
  }

  /** Whether there was one to be replaced. */
  static boolean update(Handle handle, HeadSettings settings) {
    return bind(
                handle.createUpdate(
                    "UPDATE head SET modality = :modality, task = :task, base = :base, cut = :cut,"
                        + " keep = :keep, recipe = :recipe, after = :after, quiet = :quiet,"
                        + " promote = :promote, keep_versions = :keepVersions, created = :created"
                        + " WHERE head = :head"),
                settings)
            .execute()
        > 0;
  }

  private static <S extends SqlStatement<S>> S bind(S statement, HeadSettings settings) {
    Rules rules = settings.rules();
    return statement
        .bind("head", settings.head())
        .bind("modality", id(settings.modality()))
        .bind("task", settings.task().id())
        .bind("base", settings.base())
        .bind("cut", settings.cut())
        .bind("keep", settings.keep().id())
        .bind("recipe", settings.recipe().toString())
        .bind("after", rules.after())
        .bind("quiet", rules.quiet() == null ? null : rules.quiet().toString())
        .bind("promote", rules.promote().toString())
        .bind("keepVersions", rules.keepVersions())
        .bind("created", settings.created().toEpochMilli());
  }

  /** Classes in the order in which they came, and how many samples each has. */
  static Map<String, Integer> classes(Handle handle, String head) {
    // All are counted in an index; the few that do not count, in another one.
    Map<Long, Integer> unreadable = new HashMap<>();
    handle
        .createQuery(
            "SELECT m.class, count(*) FROM sample s JOIN sample_class m ON m.sample = s.sequence"
                + " WHERE s.head = :head AND s.state = 'unreadable' GROUP BY m.class")
        .bind("head", head)
        .map((row, context) -> Map.entry(row.getLong(1), row.getInt(2)))
        .forEach(entry -> unreadable.put(entry.getKey(), entry.getValue()));
    Map<String, Integer> classes = new LinkedHashMap<>();
    handle
        .createQuery(
            "SELECT c.name, c.id, (SELECT count(*) FROM sample_class m WHERE m.class = c.id)"
                + " FROM class c WHERE c.head = :head ORDER BY c.id")
        .bind("head", head)
        .map(
            (row, context) ->
                Map.entry(
                    row.getString(1), row.getInt(3) - unreadable.getOrDefault(row.getLong(2), 0)))
        .forEach(entry -> classes.put(entry.getKey(), entry.getValue()));
    return classes;
  }

  /** Ids of the classes by name. */
  static Map<String, Long> classIds(Handle handle, String head) {
    Map<String, Long> ids = new LinkedHashMap<>();
    handle
        .createQuery("SELECT name, id FROM class WHERE head = :head ORDER BY id")
        .bind("head", head)
        .map((row, context) -> Map.entry(row.getString(1), row.getLong(2)))
        .forEach(entry -> ids.put(entry.getKey(), entry.getValue()));
    return ids;
  }

  /** Adds those that are not there, in this order. */
  static void addClasses(Handle handle, String head, Collection<String> names) {
    names.forEach(
        name ->
            handle.execute(
                "INSERT INTO class (head, name) VALUES (?, ?) ON CONFLICT DO NOTHING", head, name));
  }

  /** Adds those that are not there, sorted by code point; ids of all by name. */
  static Map<String, Long> classIds(Handle handle, String head, Collection<String> names) {
    Map<String, Long> known = classIds(handle, head);
    List<String> fresh =
        names.stream().filter(n -> !known.containsKey(n)).distinct().sorted(BY_CODE_POINT).toList();
    if (fresh.isEmpty()) {
      return known;
    }
    addClasses(handle, head, fresh);
    return classIds(handle, head);
  }

  static void addRenaming(Handle handle, String head, Renaming renaming) {
    handle.execute(
        "INSERT INTO renaming (head, until, old, new) VALUES (?, ?, ?, ?)",
        head,
        renaming.until(),
        renaming.from(),
        renaming.to());
  }

  static List<Renaming> renamings(Handle handle, String head) {
    return handle
        .createQuery("SELECT until, old, new FROM renaming WHERE head = :head ORDER BY id")
        .bind("head", head)
        .map((row, context) -> new Renaming(row.getInt(1), row.getString(2), row.getString(3)))
        .list();
  }

  /** An enum's constant as the database has it. */
  static String id(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }

  static <E extends Enum<E>> E value(Class<E> type, String id) {
    return Enum.valueOf(type, id.toUpperCase(Locale.ROOT));
  }

  static Integer integer(ResultSet row, String column) throws SQLException {
    int value = row.getInt(column);
    return row.wasNull() ? null : value;
  }

  static Instant time(ResultSet row, String column) throws SQLException {
    long millis = row.getLong(column);
    return row.wasNull() ? null : Instant.ofEpochMilli(millis);
  }

  static JsonNode json(String text) {
    try {
      return JSON.readTree(text);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("this program writes JSON, and read '" + text + "'", e);
    }
  }
}
