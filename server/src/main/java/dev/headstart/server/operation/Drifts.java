package dev.headstart.server.operation;

import dev.headstart.confidence.Drift;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/** How a head's drift looks in JSON. */
public final class Drifts {
  private Drifts() {}

  /** {@code {"state", "shareAbove", "expected", "samples"}}. */
  public static Map<String, Object> json(Drift.State state) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("state", state.word().name().toLowerCase(Locale.ROOT));
    json.put("shareAbove", state.share());
    json.put("expected", state.expected());
    json.put("samples", state.samples());
    return json;
  }
}
