package dev.headstart.teach;

import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Runs as JSON, in answers and in their events, as docs/http-api.md has it. */
public final class RunViews {
  private RunViews() {}

  /** A run without its epochs. */
  static Map<String, Object> run(Run run, String stage, Double eta) {
    return run(run, stage, eta, null);
  }

  /**
   * A run.
   *
   * @param stage that it is in; null where it is in none
   * @param eta seconds that are left; null where that is not known
   * @param epochs null to leave them out
   */
  public static Map<String, Object> run(
      Run run, String stage, Double eta, List<RunLog.LoggedEpoch> epochs) {
    Map<String, Object> data = new LinkedHashMap<>();
    data.put("id", run.id());
    data.put("head", run.head());
    data.put("state", run.state().id());
    data.put("cause", run.cause().id());
    data.put("stage", stage);
    data.put("created", time(run.created()));
    data.put("started", time(run.started()));
    data.put("ended", time(run.ended()));
    data.put("eta", eta);
    data.put("samples", run.samples());
    if (epochs != null) {
      data.put("epochs", epochs.stream().map(RunViews::epoch).toList());
    }
    data.put("version", run.version());
    data.put("promoted", run.promoted());
    data.put("reason", run.reason());
    data.put("recipe", run.recipe());
    return data;
  }

  private static String time(Instant time) {
    return time == null ? null : time.toString();
  }

  static Map<String, Object> stage(String name, long total) {
    Map<String, Object> data = new LinkedHashMap<>();
    data.put("stage", name);
    data.put("total", total);
    return data;
  }

  static Map<String, Object> epoch(RunLog.LoggedEpoch logged) {
    Map<String, Object> data = new LinkedHashMap<>();
    data.put("stage", logged.stage());
    data.put("epoch", logged.epoch().epoch());
    data.put("of", logged.of());
    data.put("rate", logged.epoch().rate());
    data.put("trainLoss", logged.epoch().trainLoss());
    data.put("trainAccuracy", logged.epoch().trainAccuracy());
    data.put("validation", logged.epoch().validation());
    return data;
  }
}
