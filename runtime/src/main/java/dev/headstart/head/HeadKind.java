package dev.headstart.head;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import dev.headstart.error.UsageException;

/**
 * What a head is made of; written as {@code linear}, {@code mlp:64}, {@code prototype} or {@code
 * tail}.
 */
public sealed interface HeadKind {

  /** One affine layer. */
  record Linear() implements HeadKind {
    @Override
    public String toString() {
      return "linear";
    }
  }

  /**
   * Two affine layers with a Relu between.
   *
   * @param hidden width of the layer between
   */
  record Mlp(int hidden) implements HeadKind {
    @Override
    public String toString() {
      return "mlp:" + hidden;
    }
  }

  /** Class means of normalised features; nothing is trained. */
  record Prototype() implements HeadKind {
    @Override
    public String toString() {
      return "prototype";
    }
  }

  /** The base model's own layers after the cut, unfrozen, under a new affine layer. */
  record Tail() implements HeadKind {
    @Override
    public String toString() {
      return "tail";
    }
  }

  /** As the command line writes it. */
  @JsonValue
  default String text() {
    return toString();
  }

  /**
   * Reads what {@link #text()} writes.
   *
   * @throws UsageException for anything else
   */
  @JsonCreator
  static HeadKind parse(String text) {
    if (text.equals("linear")) {
      return new Linear();
    }
    if (text.equals("prototype")) {
      return new Prototype();
    }
    if (text.equals("tail")) {
      return new Tail();
    }
    if (text.matches("mlp:[0-9]{1,5}")) {
      int hidden = Integer.parseInt(text.substring(4));
      if (hidden >= 1 && hidden <= 16384) {
        return new Mlp(hidden);
      }
    }
    throw new UsageException(
        "unknown head kind '"
            + text
            + "', expected linear, mlp:H (H from 1 to 16384), prototype or tail");
  }
}
