package dev.headstart;

import dev.headstart.backbone.FeatureStore;
import dev.headstart.backbone.Features;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Features that any test of this process has computed: the same data goes through a base once. */
public final class SharedFeatures implements FeatureStore {
  /** For tests that do not look at what is computed. */
  public static final FeatureStore STORE = new SharedFeatures();

  private final Map<String, Map<String, Features>> spaces = new ConcurrentHashMap<>();

  private SharedFeatures() {}

  @Override
  public Map<String, Features> get(String space, Collection<String> samples) {
    Map<String, Features> known = new HashMap<>(spaces.getOrDefault(space, Map.of()));
    known.keySet().retainAll(samples);
    return known;
  }

  @Override
  public void put(String space, Map<String, Features> features) {
    spaces.computeIfAbsent(space, s -> new ConcurrentHashMap<>()).putAll(features);
  }
}
