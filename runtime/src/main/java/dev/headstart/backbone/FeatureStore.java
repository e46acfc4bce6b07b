package dev.headstart.backbone;

import java.util.Collection;
import java.util.Map;

/**
 * Remembers features, so that a sample goes through a backbone once. Keys are a <em>space</em> (the
 * digest of everything that decides features but the sample: backbone, cut, preprocessing,
 * provider, runtime version; see {@link Backbone#space()}) and a sample's sha-256, both lower-case
 * hexadecimal. Safe for several threads and processes.
 */
public interface FeatureStore {

  /** Those of the samples whose features are known, by sample digest. */
  Map<String, Features> get(String space, Collection<String> samples);

  /** Remembers the features of several samples; what is there already stays. */
  void put(String space, Map<String, Features> features);

  /** Remembers nothing. */
  FeatureStore NONE =
      new FeatureStore() {
        @Override
        public Map<String, Features> get(String space, Collection<String> samples) {
          return Map.of();
        }

        @Override
        public void put(String space, Map<String, Features> features) {}
      };
}
