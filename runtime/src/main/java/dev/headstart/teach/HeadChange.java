package dev.headstart.teach;

import com.fasterxml.jackson.databind.JsonNode;
import dev.headstart.error.BadInputException;
import dev.headstart.sample.Modality;

/** What is to be different of a head; null for what stays. */
public record HeadChange(HeadSettings.Keep keep, JsonNode recipe, Rules rules) {

  /**
   * The settings with the change.
   *
   * @throws BadInputException if a head cannot be so
   */
  HeadSettings of(HeadSettings now) {
    requireKeepable(now.modality(), keep);
    return new HeadSettings(
        now.head(),
        now.modality(),
        now.task(),
        now.base(),
        now.cut(),
        keep == null ? now.keep() : keep,
        recipe == null ? now.recipe() : recipe,
        rules == null ? now.rules() : rules,
        now.created());
  }

  static void requireKeepable(Modality modality, HeadSettings.Keep keep) {
    if (modality == Modality.VECTOR && keep == HeadSettings.Keep.FEATURES) {
      throw new BadInputException(
          "feature vectors are features themselves: 'keep' can be samples only");
    }
  }
}
