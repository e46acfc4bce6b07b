package dev.headstart.backbone;

import dev.headstart.sample.Sample;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.Map;

/**
 * Remembers features, so that a sample goes through a backbone once. Keys are a <em>space</em> (the
 * digest of everything that decides features but the sample: backbone, cut, preprocessing,
 * provider, runtime version; see {@link Backbone#space()}) and a sample's sha-256, both lower-case
 * hexadecimal. Safe for several threads and processes.
 */
public interface FeatureStore {

  /**
   * A space. Its first half tells what features mean, its second what computed them: spaces of the
   * same first half hold the same features but for rounding.
   *
   * @param meaning base file, cut, preprocessing
   * @param engine provider, runtime version, platform
   */
  static String space(String meaning, String engine) {
    return half(meaning) + half(engine);
  }

  /** The space of variants of samples: other features, computed by the same. */
  static String varied(String space, String variant) {
    return half(space.substring(0, 32) + "\n" + variant) + space.substring(32);
  }

  private static String half(String text) {
    return Sample.sha256(text.getBytes(StandardCharsets.UTF_8)).substring(0, 32);
  }

  /**
   * Whether features of one space can stand for those of the other, where nothing better is left.
   */
  static boolean alike(String space, String other) {
    return space.regionMatches(0, other, 0, 32);
  }

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
