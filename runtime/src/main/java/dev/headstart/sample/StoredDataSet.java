package dev.headstart.sample;

import java.util.Iterator;
import java.util.List;

/**
 * Labelled samples that are at hand.
 *
 * @param what they are, for people and for provenance
 * @param task what their labels mean
 * @param samples in the order in which they come
 */
public record StoredDataSet(String what, Modality modality, Task task, List<LabeledSample> samples)
    implements DataSet, DataSource {

  public StoredDataSet {
    samples = List.copyOf(samples);
  }

  @Override
  public List<String> notes() {
    return List.of();
  }

  @Override
  public Items items() {
    Iterator<LabeledSample> each = samples.iterator();
    return new Items() {
      @Override
      public boolean hasNext() {
        return each.hasNext();
      }

      @Override
      public Item next() {
        return each.next();
      }

      @Override
      public void close() {}
    };
  }

  /** These samples: the task is theirs. */
  @Override
  public DataSet open(Task asked) {
    return this;
  }

  @Override
  public String toString() {
    return what;
  }
}
