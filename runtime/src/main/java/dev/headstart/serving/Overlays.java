package dev.headstart.serving;

import dev.headstart.backbone.BaseModel;
import dev.headstart.backbone.Cut;
import dev.headstart.head.HeadManifest;
import java.util.Optional;
import java.util.Set;

/**
 * What samples taught heads; asked when a version goes live, and when told that it changed. Methods
 * are quick, and safe for several threads.
 */
public interface Overlays {

  /** There are none. */
  Overlays NONE =
      new Overlays() {
        @Override
        public Set<String> heads() {
          return Set.of();
        }

        @Override
        public Optional<Untrained> untrained(String head) {
          return Optional.empty();
        }

        @Override
        public Optional<Overlay> of(HeadManifest version) {
          return Optional.empty();
        }
      };

  /**
   * A head that answers by its samples alone, one class each.
   *
   * @param base null for feature vectors
   * @param cut null without a base
   * @param overlay none of whose classes has an origin; at least one class
   */
  record Untrained(BaseModel base, Cut cut, Overlay overlay) {}

  /** Heads that are taught, whether or not they have a version or samples. */
  Set<String> heads();

  /** How a head answers that has no live version; nothing if its samples are not enough. */
  Optional<Untrained> untrained(String head);

  /** What changes a version's answers; nothing if it answers as it was trained. */
  Optional<Overlay> of(HeadManifest version);
}
