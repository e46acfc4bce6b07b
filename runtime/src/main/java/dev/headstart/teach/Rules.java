package dev.headstart.teach;

import dev.headstart.train.TeachRequest.Promotion;
import java.time.LocalTime;

/**
 * What happens to a head by itself.
 *
 * @param after so many samples that came, changed or went start a run; null for never
 * @param quiet a run starts at this time of the day, in the machine's zone, if there are any such
 *     samples; null for never
 * @param promote when the version of a run goes live
 * @param keepVersions so many of the newest versions stay, and the live one; null for all
 */
public record Rules(Integer after, LocalTime quiet, Promotion promote, Integer keepVersions) {

  /** Nothing happens by itself. */
  public static final Rules NONE = new Rules(null, null, Promotion.IF_NOT_WORSE, null);
}
