package dev.headstart.sample;

import dev.headstart.error.BadInputException;

/**
 * A sample whose original was not kept: its features may still be remembered, under its digest.
 *
 * @param space that its features are remembered in; null for none
 */
public record FeaturesOnlySample(String name, Modality modality, String sha256, String space)
    implements Sample {

  /**
   * Always fails.
   *
   * @throws BadInputException saying that there is no original
   */
  @Override
  public byte[] bytes() {
    throw missing();
  }

  /** What there is to say where its features are not known. */
  public BadInputException missing() {
    return new BadInputException(
        name
            + ": its original was not kept, and its features are remembered for another base model,"
            + " cut, provider or runtime only: teach with those, or add the sample again");
  }
}
