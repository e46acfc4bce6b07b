package dev.headstart.teach;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.headstart.backbone.BaseModel;
import dev.headstart.backbone.BaseModels;
import dev.headstart.head.HeadManifest;
import dev.headstart.sample.Modality;
import dev.headstart.sample.Task;
import java.time.Instant;
import java.util.Locale;

/**
 * What a head is to be, before and between its versions.
 *
 * @param head its name
 * @param modality what its samples are; all are alike
 * @param task what it answers
 * @param base base model's name; null for heads on feature vectors
 * @param cut a tap or a tensor of the base, never {@code auto}; null without a base
 * @param keep what is kept of a sample
 * @param recipe what runs take where their request says nothing: an object in the form of such a
 *     request
 * @param rules what happens by itself
 * @param created when it was made
 */
public record HeadSettings(
    String head,
    Modality modality,
    Task task,
    String base,
    String cut,
    Keep keep,
    JsonNode recipe,
    Rules rules,
    Instant created) {

  /** What is kept of a sample. */
  public enum Keep {
    /** The original, its thumbnail and its features. */
    SAMPLES,
    /** Its features alone, as soon as they are there. */
    FEATURES;

    /** {@code samples}, {@code features}. */
    public String id() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** What a head would be that was taught elsewhere, such as on the command line. */
  static HeadSettings adopted(HeadManifest version, BaseModels models) {
    String base = version.base() == null ? null : version.base().id();
    String cut = version.cut() == null ? null : version.cut().name();
    if (version.tail() != null) {
      // Classes are told apart where the base's own layers end, not where the tail begins.
      BaseModel model = models.get(base);
      cut = model.manifest().taps().isEmpty() ? cut : model.cut("auto").name();
    }
    return new HeadSettings(
        version.head(),
        version.modality(),
        version.task(),
        base,
        cut,
        Keep.SAMPLES,
        JsonNodeFactory.instance.objectNode(),
        Rules.NONE,
        Instant.parse(version.provenance().created()));
  }
}
