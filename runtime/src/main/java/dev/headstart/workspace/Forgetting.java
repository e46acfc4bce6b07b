package dev.headstart.workspace;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.PreparedBatch;

/**
 * Takes samples out of every table. What stays are counts: how many samples a version learned from
 * and was judged by, under random bytes in place of their digests, and how many of those were
 * forgotten.
 */
final class Forgetting {
  private Forgetting() {}

  /**
   * What has no row any more.
   *
   * @param count rows of samples that went
   * @param blobs whose original and thumbnail no head keeps
   * @param features whose features no head has a sample for
   */
  record Forgotten(int count, List<String> blobs, List<String> features) {

    /** Whether rows went. */
    boolean deletes() {
      return count > 0 || !features.isEmpty();
    }
  }

  /** Forgets samples of a head; those of them that are not there do no harm. */
  static Forgotten samples(Handle handle, String head, Collection<String> ids) {
    List<String> found = new ArrayList<>();
    for (List<byte[]> chunk : SampleRows.chunks(ids)) {
      found.addAll(
          handle
              .createQuery("SELECT id FROM sample WHERE head = :head AND id IN (<ids>)")
              .bind("head", head)
              .bindList("ids", chunk)
              .map((row, context) -> SampleRows.HEX.formatHex(row.getBytes(1)))
              .list());
    }
    execute(handle, "DELETE FROM sample WHERE head = ? AND id = ?", head, found);
    execute(
        handle,
        "DELETE FROM run_sample WHERE run IN (SELECT id FROM run WHERE head = ?) AND sample = ?",
        head,
        found);
    mark(handle, head, found);
    return new Forgotten(
        found.size(), unwanted(handle, found, " AND kept = 1"), unwanted(handle, found, ""));
  }

  private static void execute(Handle handle, String sql, String head, List<String> ids) {
    for (List<byte[]> chunk : SampleRows.chunks(ids)) {
      try (PreparedBatch batch = handle.prepareBatch(sql)) {
        chunk.forEach(id -> batch.add(head, id));
        batch.execute();
      }
    }
  }

  /** Versions that learned from the samples, or were judged by them and refitted with them. */
  private static void mark(Handle handle, String head, List<String> ids) {
    Map<Integer, Integer> marks = new TreeMap<>();
    List<Integer> versions =
        handle
            .createQuery("SELECT DISTINCT version FROM membership WHERE head = :head")
            .bind("head", head)
            .mapTo(Integer.class)
            .list();
    for (int version : versions) {
      for (List<byte[]> chunk : SampleRows.chunks(ids)) {
        try (PreparedBatch batch =
            handle.prepareBatch(
                "UPDATE membership SET sample = randomblob(32)"
                    + " WHERE head = ? AND version = ? AND sample = ?")) {
          chunk.forEach(id -> batch.add(head, version, id));
          for (int updated : batch.execute()) {
            marks.merge(version, updated, Integer::sum);
          }
        }
      }
    }
    marks.values().removeIf(count -> count == 0);
    marks.forEach(
        (version, count) ->
            handle.execute(
                "INSERT INTO forgotten (head, version, samples) VALUES (?, ?, ?)"
                    + " ON CONFLICT DO UPDATE SET samples = samples + excluded.samples",
                head,
                version,
                count));
  }

  /** Those of the samples that no head has, or keeps. */
  static List<String> unwanted(Handle handle, Collection<String> ids, String condition) {
    List<String> unwanted = new ArrayList<>(ids);
    for (List<byte[]> chunk : SampleRows.chunks(ids)) {
      unwanted.removeAll(
          handle
              .createQuery("SELECT DISTINCT id FROM sample WHERE id IN (<ids>)" + condition)
              .bindList("ids", chunk)
              .map((row, context) -> SampleRows.HEX.formatHex(row.getBytes(1)))
              .set());
    }
    return unwanted;
  }
}
