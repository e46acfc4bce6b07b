package dev.headstart.teach;

import dev.headstart.sample.Label;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a run learns from: the samples whose features are there when it starts, under the labels
 * that they have then.
 *
 * @param labels by sample, in order
 */
record RunSnapshot(LinkedHashMap<String, Label> labels) {

  /** What a head's samples are now. */
  static RunSnapshot of(SampleStore store, String head) {
    LinkedHashMap<String, Label> labels = new LinkedHashMap<>();
    ready(store, head).forEach((id, sample) -> labels.put(id, sample.label()));
    return new RunSnapshot(labels);
  }

  /** A head's samples whose features are there, oldest first. */
  static Map<String, StoredSample> ready(SampleStore store, String head) {
    Map<String, StoredSample> ready = new LinkedHashMap<>();
    for (StoredSample sample : store.samples(head)) {
      if (sample.state() == StoredSample.State.READY) {
        ready.put(sample.id(), sample);
      }
    }
    return ready;
  }

  /** Whether all of it is still there, under the same labels. */
  boolean holds(SampleStore store, String head) {
    Map<String, StoredSample> ready = ready(store, head);
    return labels.entrySet().stream()
        .allMatch(
            one -> {
              StoredSample now = ready.get(one.getKey());
              return now != null && now.label().equals(one.getValue());
            });
  }

  /**
   * How many samples came, changed or went since.
   *
   * @param count how many were in it; those that were forgotten since are in it no more
   * @param now samples of the head
   */
  int changes(int count, List<StoredSample> now) {
    int changes = count - labels.size();
    Map<String, Label> gone = new HashMap<>(labels);
    for (StoredSample sample : now) {
      changes += sample.label().equals(gone.remove(sample.id())) ? 0 : 1;
    }
    return changes;
  }
}
