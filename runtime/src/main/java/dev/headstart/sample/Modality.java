package dev.headstart.sample;

import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * What kind of thing a sample is. In a base model's manifest: {@code image}, {@code text}, {@code
 * tensor}.
 */
public enum Modality {
  @JsonProperty("image")
  IMAGE("pictures"),
  @JsonProperty("text")
  TEXT("texts"),
  @JsonProperty("tensor")
  VECTOR("feature vectors");

  private final String plural;

  Modality(String plural) {
    this.plural = plural;
  }

  /** For messages: "pictures", "texts", "feature vectors". */
  public String plural() {
    return plural;
  }
}
