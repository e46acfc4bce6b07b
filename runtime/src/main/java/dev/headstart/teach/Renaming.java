package dev.headstart.teach;

import dev.headstart.head.HeadManifest;
import dev.headstart.train.ClassNames;
import java.util.ArrayList;
import java.util.List;

/**
 * A class that has another name, or is gone, since versions knew it.
 *
 * @param until the newest version when it was renamed; it concerns that one and those before
 * @param from its name until then
 * @param to its name since; null if it is gone
 */
public record Renaming(int until, String from, String to) {

  /** What versions' classes are called by now, as clients renamed and removed them. */
  public static ClassNames names(SampleStore store) {
    return version -> names(store.renamings(version.head()), version);
  }

  /** A name for each class of a version, in its order; null for one that is gone. */
  static List<String> names(List<Renaming> renamings, HeadManifest version) {
    List<String> names = new ArrayList<>();
    version.classes().forEach(name -> names.add(name(renamings, version.version(), name)));
    return names;
  }

  /**
   * What a class that a version knows is called now; null if it was removed.
   *
   * @param renamings in their order
   */
  static String name(List<Renaming> renamings, int version, String name) {
    String now = name;
    for (Renaming renaming : renamings) {
      if (renaming.until >= version && renaming.from.equals(now)) {
        now = renaming.to;
        if (now == null) {
          return null;
        }
      }
    }
    return now;
  }
}
