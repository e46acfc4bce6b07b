package dev.headstart.head;

import dev.headstart.error.UsageException;
import java.math.BigInteger;

/**
 * What of a base model trains under a head's new classifier; written as {@code head}, a number of
 * blocks, {@code all}, a pattern of names, or the name of a tap or tensor.
 */
public sealed interface Unfreeze {

  /** Nothing of the base. */
  record Head() implements Unfreeze {
    @Override
    public String toString() {
      return "head";
    }
  }

  /** The last blocks. */
  record Blocks(int count) implements Unfreeze {
    @Override
    public String toString() {
      return String.valueOf(count);
    }
  }

  /** Everything after a tap or tensor. */
  record After(String name) implements Unfreeze {
    @Override
    public String toString() {
      return name;
    }
  }

  /** The parameters whose own name, or whose layer's, matches; {@code *} stands for anything. */
  record Matching(String pattern) implements Unfreeze {
    @Override
    public String toString() {
      return pattern;
    }
  }

  /** The whole base. */
  record All() implements Unfreeze {
    @Override
    public String toString() {
      return "all";
    }
  }

  /**
   * Reads what the command line takes.
   *
   * @throws UsageException if it says nothing, or no blocks
   */
  static Unfreeze parse(String text) {
    if (text.isBlank()) {
      throw new UsageException(
          "what is to be unfrozen is empty: expected head, a number of blocks, a tap or tensor, a"
              + " pattern of parameter names with *, or all");
    }
    if (text.equals("head")) {
      return new Head();
    }
    if (text.equals("all")) {
      return new All();
    }
    if (text.matches("[+-]?[0-9]+")) {
      BigInteger count = new BigInteger(text);
      if (count.signum() < 1) {
        throw new UsageException(
            "the number of blocks to unfreeze must be 1 or more, got "
                + count
                + "; to train the head alone, say head");
      }
      return new Blocks(count.min(BigInteger.valueOf(Integer.MAX_VALUE)).intValue());
    }
    return text.contains("*") ? new Matching(text) : new After(text);
  }
}
