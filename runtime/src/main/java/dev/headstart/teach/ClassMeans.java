package dev.headstart.teach;

import dev.headstart.head.ClassMean;
import dev.headstart.head.Prototypes;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;

/**
 * Class means of a head's samples, exact whatever comes, goes and moves; and how sharp the scores
 * by them are. Both follow from the samples that are in, not from how they came. For one thread.
 */
final class ClassMeans {
  /**
   * Samples that judge the sharpness at most: one number needs no more. They are those with the
   * lowest ids, which are digests and so as good as drawn by lot.
   */
  static final int JUDGES = 256;

  private final NavigableMap<String, String> classes = new TreeMap<>();
  private final NavigableMap<String, ClassMean> means = new TreeMap<>();

  /** Features of the judges, so far as they are known here. */
  private final NavigableMap<String, float[]> rows = new TreeMap<>();

  private int width;
  private float sharpness = Prototypes.DEFAULT_SHARPNESS;
  private boolean judged = true;

  /** The class that a sample is in; null if it is not in. */
  String classOf(String id) {
    return classes.get(id);
  }

  /** Ids of a class's samples. */
  List<String> of(String name) {
    return classes.entrySet().stream()
        .filter(entry -> entry.getValue().equals(name))
        .map(Map.Entry::getKey)
        .toList();
  }

  /** Ids of all samples that are in. */
  Set<String> ids() {
    return classes.keySet();
  }

  /** How many numbers features are; 0 while there is no sample. */
  int width() {
    return means.isEmpty() ? 0 : width;
  }

  /**
   * Adds a sample that is not in.
   *
   * @param features pooled
   */
  void add(String id, String name, float[] features) {
    width = features.length;
    classes.put(id, name);
    means.computeIfAbsent(name, key -> new ClassMean(features.length)).add(features);
    rows.put(id, features);
    if (rows.size() > JUDGES) {
      rows.pollLastEntry();
    }
    judged = false;
  }

  /**
   * Takes a sample out.
   *
   * @param features those that it was added with
   */
  void remove(String id, float[] features) {
    String name = classes.remove(id);
    ClassMean mean = means.get(name);
    mean.remove(features);
    if (mean.count() == 0) {
      means.remove(name);
    }
    rows.remove(id);
    judged = false;
  }

  /** Takes all samples of a class out. */
  void clear(String name) {
    classes.values().removeIf(name::equals);
    means.remove(name);
    rows.keySet().retainAll(classes.keySet());
    judged = false;
  }

  /** A class has another name, which no class has. */
  void rename(String from, String to) {
    classes.replaceAll((id, name) -> name.equals(from) ? to : name);
    ClassMean mean = means.remove(from);
    if (mean != null) {
      means.put(to, mean);
    }
    judged = false;
  }

  /** The features of a sample, if they are known here; else null. */
  float[] row(String id) {
    return rows.get(id);
  }

  /** Unit vectors by class, of those that have a sample. */
  Map<String, float[]> directions() {
    Map<String, float[]> directions = new HashMap<>();
    means.forEach((name, mean) -> directions.put(name, mean.direction()));
    return directions;
  }

  /** How sharp scores are to be, as it was judged last. */
  float sharpness() {
    return sharpness;
  }

  /** Whether the sharpness is that of the samples that are in. */
  boolean judged() {
    return judged;
  }

  /** Samples that are to judge, and whose features {@link #judge} must be given. */
  Collection<String> unknownJudges() {
    return judges().stream().filter(id -> !rows.containsKey(id)).toList();
  }

  private List<String> judges() {
    return classes.keySet().stream().limit(JUDGES).toList();
  }

  /**
   * Judges the sharpness.
   *
   * @param found features of {@link #unknownJudges}; those that are missing do not judge
   */
  void judge(Map<String, float[]> found) {
    rows.putAll(found);
    List<String> names = List.copyOf(means.keySet());
    List<float[]> features = new ArrayList<>();
    List<Integer> labels = new ArrayList<>();
    for (String id : judges()) {
      if (rows.containsKey(id)) {
        features.add(rows.get(id));
        labels.add(names.indexOf(classes.get(id)));
      }
    }
    rows.keySet().retainAll(judges());
    sharpness =
        Prototypes.sharpness(
            List.copyOf(means.values()),
            features,
            labels.stream().mapToInt(Integer::intValue).toArray());
    judged = true;
  }
}
