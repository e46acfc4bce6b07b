package dev.headstart.server.teach;

import dev.headstart.sample.ClassLabel;
import dev.headstart.sample.ClassesLabel;
import dev.headstart.sample.Label;
import dev.headstart.sample.NumberLabel;
import dev.headstart.teach.Added;
import dev.headstart.teach.StoredSample;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What there is, as JSON of docs/http-api.md: maps, lists and plain values. */
final class Views {
  private Views() {}

  static Object label(Label label) {
    if (label instanceof ClassLabel single) {
      return single.name();
    }
    return label instanceof NumberLabel number
        ? (Object) number.value()
        : List.copyOf(((ClassesLabel) label).names());
  }

  static String time(Instant time) {
    return time == null ? null : time.toString();
  }

  static Map<String, Object> sample(StoredSample sample) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("id", sample.id());
    json.put("label", label(sample.label()));
    json.put("name", sample.name());
    json.put("state", sample.state().id());
    json.put("reason", sample.reason());
    json.put("type", sample.type());
    json.put("bytes", sample.bytes());
    json.put("kept", sample.kept());
    json.put("source", sample.source().id());
    json.put("added", time(sample.added()));
    return json;
  }

  static Map<String, Object> added(List<Added> added, List<Refused> refused) {
    Map<String, Object> json = new LinkedHashMap<>();
    for (Added.Status status : Added.Status.values()) {
      json.put(status.id(), added.stream().filter(one -> one.status() == status).count());
    }
    json.put("samples", added.stream().map(Views::added).toList());
    json.put("refused", refused.stream().map(Views::refused).toList());
    return json;
  }

  private static Map<String, Object> added(Added added) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("id", added.sample().id());
    json.put("label", label(added.sample().label()));
    json.put("status", added.status().id());
    json.put("state", added.sample().state().id());
    return json;
  }

  private static Map<String, Object> refused(Refused refused) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("name", refused.name());
    json.put("error", refused.error());
    return json;
  }
}
