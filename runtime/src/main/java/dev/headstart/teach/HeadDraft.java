package dev.headstart.teach;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.headstart.backbone.BaseModel;
import dev.headstart.backbone.BaseModels;
import dev.headstart.backbone.Cut;
import dev.headstart.error.BadInputException;
import dev.headstart.error.NotFoundException;
import dev.headstart.onnx.ModelCutter;
import dev.headstart.sample.ClassesLabel;
import dev.headstart.sample.Label;
import dev.headstart.sample.Modality;
import dev.headstart.sample.NumberLabel;
import dev.headstart.sample.Task;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;

/**
 * A head that is to be made; null where it does not matter.
 *
 * @param classes that it has before any sample
 */
public record HeadDraft(
    String head,
    Modality modality,
    Task task,
    String base,
    String cut,
    List<String> classes,
    HeadSettings.Keep keep,
    JsonNode recipe,
    Rules rules) {

  /** A head of which nothing but its name matters. */
  public static HeadDraft of(String head) {
    return new HeadDraft(head, null, null, null, null, null, null, null, null);
  }

  /** What is left open, the first sample says. */
  HeadDraft with(NewSample first) {
    Label label = first.label();
    Task said =
        label instanceof NumberLabel
            ? Task.REGRESSION
            : label instanceof ClassesLabel ? Task.MULTI : Task.SINGLE;
    return new HeadDraft(
        head,
        modality == null ? first.sample().modality() : modality,
        task == null ? said : task,
        base,
        cut,
        classes,
        keep,
        recipe,
        rules);
  }

  /**
   * The settings of a new head: what is left open is settled.
   *
   * @throws BadInputException if a head cannot be so
   * @throws NotFoundException if the base model or the cut does not exist
   */
  HeadSettings settings(BaseModels models) {
    if (models.names().contains(head)) {
      throw new BadInputException(
          "'" + head + "' is the name of a base model; give the head another one");
    }
    Modality of = modality;
    if (of == null) {
      of = base == null ? Modality.IMAGE : models.get(base).manifest().modality();
    }
    String its = base;
    String at = null;
    if (of == Modality.VECTOR) {
      if (base != null || cut != null) {
        throw new BadInputException("feature vectors need no base model and no cut");
      }
      HeadChange.requireKeepable(of, keep);
    } else {
      its = base == null ? models.byDefault(of).id() : base;
      at = cut(models.get(its), of);
    }
    return new HeadSettings(
        head,
        of,
        task == null ? Task.SINGLE : task,
        its,
        at,
        keep == null ? HeadSettings.Keep.SAMPLES : keep,
        recipe == null ? JsonNodeFactory.instance.objectNode() : recipe,
        rules == null ? Rules.NONE : rules,
        Instant.now().truncatedTo(ChronoUnit.MILLIS));
  }

  private String cut(BaseModel model, Modality of) {
    if (model.manifest().modality() != of) {
      throw new BadInputException(
          "the base model "
              + model
              + " takes "
              + model.manifest().modality().plural()
              + ", but the head's samples are "
              + of.plural());
    }
    Cut found = model.cut(cut == null ? "auto" : cut);
    if (!model.cutNames().contains(found.name())) {
      try {
        ModelCutter.cut(model.model(), found.tensor());
      } catch (NotFoundException e) {
        throw new NotFoundException("cut (or tensor) of " + model, found.name(), model.cutNames());
      }
    }
    return found.name();
  }
}
