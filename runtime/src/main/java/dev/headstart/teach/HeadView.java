package dev.headstart.teach;

import java.util.List;

/**
 * What a head is, and how far.
 *
 * @param settings as they are, or as they would be for a head that was taught elsewhere
 * @param version that is live; null for none
 * @param versions ascending
 * @param takes names of the inputs that it can be asked with
 * @param classes in their order
 * @param samples how many there are
 * @param run the one that waits or runs; null for none
 */
public record HeadView(
    HeadSettings settings,
    Integer version,
    List<Integer> versions,
    List<String> takes,
    List<ClassView> classes,
    Counts samples,
    Run run) {

  /**
   * A class.
   *
   * @param samples how many it has, unreadable ones left out
   * @param known whether the live version was taught it
   */
  public record ClassView(String name, int samples, boolean known) {}

  /**
   * Samples.
   *
   * @param since how many came, changed or went since the live version was taught
   */
  public record Counts(int total, int ready, int pending, int unreadable, int since) {}
}
