package dev.headstart.server.teach;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.cfg.EnumFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.headstart.advise.Advised;
import dev.headstart.sample.ClassLabel;
import dev.headstart.sample.ClassesLabel;
import dev.headstart.sample.Label;
import dev.headstart.sample.NumberLabel;
import dev.headstart.teach.Added;
import dev.headstart.teach.HeadSettings;
import dev.headstart.teach.HeadView;
import dev.headstart.teach.Run;
import dev.headstart.teach.RunView;
import dev.headstart.teach.RunViews;
import dev.headstart.teach.StoredSample;
import dev.headstart.teach.Versions;
import dev.headstart.train.Metrics;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What there is, as JSON of docs/http-api.md: maps, lists and plain values. */
final class Views {
  private static final ObjectMapper JSON =
      JsonMapper.builder().enable(EnumFeature.WRITE_ENUMS_TO_LOWERCASE).build();

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

  static Map<String, Object> head(HeadView head) {
    HeadSettings settings = head.settings();
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("head", settings.head());
    json.put("modality", HeadBodies.name(settings.modality()));
    json.put("task", settings.task().id());
    json.put("base", settings.base());
    json.put("cut", settings.cut());
    json.put("keep", settings.keep().id());
    json.put("version", head.version());
    json.put("versions", head.versions());
    json.put("takes", head.takes());
    json.put("classes", head.classes().stream().map(Views::ofClass).toList());
    json.put("samples", counts(head.samples()));
    json.put("recipe", settings.recipe());
    json.put("rules", HeadBodies.json(settings.rules()));
    json.put("run", head.run() == null ? null : run(head.run()));
    return json;
  }

  private static Map<String, Object> ofClass(HeadView.ClassView one) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("name", one.name());
    json.put("samples", one.samples());
    json.put("known", one.known());
    return json;
  }

  private static Map<String, Object> counts(HeadView.Counts counts) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("total", counts.total());
    json.put("ready", counts.ready());
    json.put("pending", counts.pending());
    json.put("unreadable", counts.unreadable());
    json.put("since", counts.since());
    return json;
  }

  /** A run as it is known without what is going on in it. */
  static Map<String, Object> run(Run run) {
    return RunViews.run(run, null, null, List.of());
  }

  static Map<String, Object> run(RunView view) {
    return RunViews.run(view.run(), view.stage(), view.eta(), view.epochs());
  }

  static Map<String, Object> version(Versions.VersionView version) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("version", version.version());
    json.put("live", version.live());
    json.put("created", version.created());
    json.put("kind", version.kind());
    json.put("base", version.base());
    json.put("cut", version.cut());
    json.put("classes", version.classes());
    Map<String, Object> samples = new LinkedHashMap<>();
    samples.put("train", version.samples().train());
    samples.put("validation", version.samples().validation());
    json.put("samples", samples);
    json.put("metrics", version.metrics());
    json.put("calibration", version.calibration());
    json.put("crossValidation", version.crossValidation());
    json.put("forgotten", version.forgotten());
    json.put("run", version.run());
    return json;
  }

  static Map<String, Object> evaluation(Versions.Evaluation evaluation, boolean withSamples) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("version", evaluation.version());
    json.put("classes", evaluation.classes());
    Metrics metrics = evaluation.metrics();
    if (metrics == null || metrics.accuracy() != null) {
      json.put("accuracy", metrics == null ? null : metrics.accuracy());
      json.put("macroF1", metrics == null ? null : metrics.macroF1());
    }
    json.put("loss", metrics == null ? null : metrics.loss());
    json.put("confusion", metrics == null ? null : metrics.confusion());
    if (metrics != null && metrics.mae() != null) {
      json.put("mae", metrics.mae());
      json.put("rmse", metrics.rmse());
      json.put("r2", metrics.r2());
    }
    if (withSamples) {
      json.put("samples", evaluation.samples().stream().map(Views::answer).toList());
    }
    return json;
  }

  private static Map<String, Object> answer(Versions.Answer answer) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("id", answer.id());
    json.put("label", label(answer.label()));
    json.put("predicted", answer.predicted());
    json.put("score", answer.score());
    return json;
  }

  static JsonNode advice(String head, Advised advised) {
    ObjectNode json = JSON.createObjectNode().put("head", head);
    json.setAll((ObjectNode) JSON.valueToTree(advised));
    return json;
  }

  static Map<String, Object> comparison(Versions.Comparison comparison) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("a", evaluation(comparison.a(), false));
    json.put("b", evaluation(comparison.b(), false));
    json.put("samples", comparison.samples());
    json.put("changed", comparison.changed().stream().map(Views::change).toList());
    return json;
  }

  private static Map<String, Object> change(Versions.Change change) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("id", change.id());
    json.put("label", label(change.label()));
    json.put("a", change.a());
    json.put("b", change.b());
    return json;
  }
}
