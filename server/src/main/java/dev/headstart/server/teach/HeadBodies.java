package dev.headstart.server.teach;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.headstart.error.BadInputException;
import dev.headstart.error.UsageException;
import dev.headstart.head.HeadNames;
import dev.headstart.sample.Modality;
import dev.headstart.sample.Task;
import dev.headstart.server.protocol.Names;
import dev.headstart.teach.HeadChange;
import dev.headstart.teach.HeadDraft;
import dev.headstart.teach.HeadSettings;
import dev.headstart.teach.Rules;
import dev.headstart.train.TeachRequest.Promotion;
import java.time.DateTimeException;
import java.time.LocalTime;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** What clients say of heads: which they want, and what is to be different. */
final class HeadBodies {
  private static final Map<String, Modality> MODALITIES =
      Map.of("image", Modality.IMAGE, "text", Modality.TEXT, "tensor", Modality.VECTOR);

  private HeadBodies() {}

  /** A head of which nothing more is said than what its samples are. */
  static HeadDraft draft(String head, Modality modality, Task task) {
    return new HeadDraft(head, modality, task, null, null, List.of(), null, null, null);
  }

  /** A head as its request wants it. */
  static HeadDraft draft(Fields fields) {
    String head = HeadNames.check(fields.required("head"));
    String modality = fields.text("modality");
    if (modality != null && !MODALITIES.containsKey(modality)) {
      throw wrong("modality", "image, text or tensor", modality);
    }
    List<String> classes = fields.texts("classes");
    HeadDraft draft =
        new HeadDraft(
            head,
            modality == null ? null : MODALITIES.get(modality),
            known("task", fields.text("task"), Task::of),
            fields.text("base"),
            fields.text("cut"),
            classes == null ? List.of() : classes.stream().map(Classes::check).toList(),
            keep(fields.text("keep")),
            fields.object("recipe"),
            rules(fields.object("rules"), Rules.NONE));
    fields.end();
    return draft;
  }

  /** What is to be different; what the request does not name stays. */
  static HeadChange change(Fields fields, HeadSettings now) {
    HeadSettings.Keep keep = keep(fields.text("keep"));
    ObjectNode recipe = fields.object("recipe");
    Rules rules = rules(fields.object("rules"), now.rules());
    fields.end();
    return new HeadChange(keep, recipe, rules);
  }

  /** The modality's name in JSON. */
  static String name(Modality modality) {
    return MODALITIES.entrySet().stream()
        .filter(entry -> entry.getValue() == modality)
        .map(Map.Entry::getKey)
        .findFirst()
        .orElseThrow();
  }

  private static HeadSettings.Keep keep(String name) {
    if (name == null) {
      return null;
    }
    return Arrays.stream(HeadSettings.Keep.values())
        .filter(keep -> keep.id().equals(name))
        .findFirst()
        .orElseThrow(() -> wrong("keep", "samples or features", name));
  }

  /** Rules that are not named stay; those that are null are none. */
  private static Rules rules(ObjectNode object, Rules now) {
    if (object == null) {
      return null;
    }
    Fields fields = new Fields(object);
    Rules rules =
        new Rules(
            fields.has("after") ? fields.positive("after") : now.after(),
            fields.has("quiet") ? time(fields.text("quiet")) : now.quiet(),
            fields.has("promote") ? promotion(fields.text("promote")) : now.promote(),
            fields.has("keepVersions") ? fields.positive("keepVersions") : now.keepVersions());
    fields.end();
    return rules;
  }

  private static Promotion promotion(String name) {
    return name == null ? Promotion.IF_NOT_WORSE : known("promote", name, Promotion::of);
  }

  private static LocalTime time(String time) {
    try {
      return time == null ? null : LocalTime.parse(time);
    } catch (DateTimeException e) {
      throw wrong("quiet", "a time of the day as 02:30", time);
    }
  }

  private static <T> T known(String field, String name, Function<String, T> of) {
    try {
      return name == null ? null : of.apply(name);
    } catch (UsageException e) {
      throw new BadInputException("'" + field + "': " + e.getMessage(), e);
    }
  }

  private static BadInputException wrong(String field, String expected, String came) {
    return new BadInputException(
        "'" + field + "' must be " + expected + ", not '" + Names.shown(came) + "'");
  }

  /** Rules as clients wrote them. */
  static Map<String, Object> json(Rules rules) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("after", rules.after());
    json.put("quiet", rules.quiet() == null ? null : rules.quiet().toString());
    json.put("promote", rules.promote().toString());
    json.put("keepVersions", rules.keepVersions());
    return json;
  }
}
