package dev.headstart.preprocess;

import dev.headstart.error.BadInputException;
import dev.headstart.sample.ImageSample;
import dev.headstart.sample.Sample;
import dev.headstart.sample.TextSample;

final class Checks {
  private Checks() {}

  static void require(boolean condition, String message) {
    if (!condition) {
      throw new BadInputException(message);
    }
  }

  /** The sample as the kind that the base model takes. */
  static <S extends Sample> S as(Class<S> kind, Sample sample) {
    if (!kind.isInstance(sample)) {
      String expected =
          kind == ImageSample.class
              ? "a picture"
              : kind == TextSample.class ? "a text" : "a feature vector";
      throw new BadInputException(
          sample.name()
              + ": the base model takes "
              + expected
              + ", but this is one of the "
              + sample.modality().plural());
    }
    return kind.cast(sample);
  }
}
