package dev.headstart.artifact;

import dev.headstart.error.BadInputException;

/**
 * How one parameter trains, beside the others.
 *
 * @param rate its learning rate, as a multiple of the training session's; positive
 * @param decay its weight decay, as a multiple of the optimizer's; 0 for none. As in PyTorch's
 *     parameter groups, what decays in a step is rate · decay, so a parameter of a low rate also
 *     decays slowly
 */
public record ParameterOptions(float rate, float decay) {

  /** The session's rate, the optimizer's decay. */
  public static final ParameterOptions DEFAULT = new ParameterOptions(1, 1);

  public ParameterOptions {
    require(rate > 0 && Float.isFinite(rate), "rate", "positive: freeze what must not move", rate);
    require(decay >= 0 && Float.isFinite(decay), "decay", "0 or more", decay);
  }

  /** The session's rate times {@code factor}, the optimizer's decay. */
  public static ParameterOptions rate(float factor) {
    return new ParameterOptions(factor, 1);
  }

  private static void require(boolean holds, String what, String expected, float came) {
    if (!holds) {
      throw new BadInputException(
          "a parameter's " + what + " factor must be " + expected + "; got " + came);
    }
  }
}
