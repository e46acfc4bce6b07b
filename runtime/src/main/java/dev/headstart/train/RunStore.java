package dev.headstart.train;

import java.util.Collection;
import java.util.Map;
import java.util.Set;

/**
 * Remembers which samples a head's versions trained on and which they were judged by, so that what
 * judged once never trains (but in the refit, which is not judged).
 */
public interface RunStore {

  /** Digests of the samples that any version of the head was judged by. */
  Set<String> judgedBy(String head);

  /** Digests of the samples that this version, as it was judged, had trained on. */
  Set<String> trainedOn(String head, int version);

  /** Digests of the samples that this version trained on, or was judged by. */
  Set<String> members(String head, int version);

  /**
   * Records a published version's samples.
   *
   * @param validation by digest: whether the sample judged (true) or trained (false)
   */
  void record(String head, int version, Map<String, Boolean> validation);

  /** Forgets a head. */
  void forget(String head);

  /** Forgets these versions of a head; what judged stays known. */
  void forget(String head, Collection<Integer> versions);
}
