package dev.headstart.train;

import dev.headstart.head.HeadManifest;
import java.util.List;

/** What the classes of earlier versions are called by now. */
@FunctionalInterface
public interface ClassNames {

  /** As they were taught. */
  ClassNames AS_TAUGHT = HeadManifest::classes;

  /** A name for each class of a published version, in its order; null for one that is gone. */
  List<String> of(HeadManifest version);
}
