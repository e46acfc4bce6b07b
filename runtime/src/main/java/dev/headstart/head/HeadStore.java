package dev.headstart.head;

import dev.headstart.error.BadInputException;
import dev.headstart.error.NotFoundException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.function.Supplier;

/** Heads and their versions; immutable once published, one of them live. */
public interface HeadStore {

  /** File of a version that serves: features to scores. */
  String MODEL = "model.onnx";

  /** Serving model as it was judged, before the refit; only where the head was refitted. */
  String JUDGED = "judged.onnx";

  /** How unlike its training samples a sample is; only where that could be fitted. */
  String NOVELTY = "novelty.onnx";

  /**
   * A version on disk.
   *
   * @param folder holds its files; read-only
   */
  record Stored(HeadManifest manifest, Path folder) {

    /** The serving model. */
    public Path model() {
      return folder.resolve(MODEL);
    }
  }

  /** The heads' names, sorted. */
  List<String> heads();

  /**
   * When each head last changed: a version published, promoted or removed. Quick enough to be asked
   * several times a second with a thousand heads. Clocks of file systems are coarse: what is
   * younger than a second or two may change without its time changing. Folders that hold no version
   * may be among them.
   */
  Map<String, FileTime> changes();

  /** A head's versions, ascending; empty for a head that does not exist. */
  List<Integer> versions(String head);

  /** The live version, if there is one. */
  OptionalInt live(String head);

  /**
   * One version, every file checked against its sha-256.
   *
   * @throws NotFoundException if there is no such head or version
   * @throws BadInputException if a file is missing or not what head.json says
   */
  Stored load(String head, int version);

  /**
   * The live version.
   *
   * @throws NotFoundException if there is no such head, or none of its versions is live
   */
  Stored loadLive(String head);

  /**
   * An empty folder on the workspace's own disk, to write a version's files into. Whoever asks
   * {@link #discard}s it if it is not published.
   */
  Path stage(String head);

  /**
   * Where the state of a head's training lies while it runs, and after it was stopped: a file in
   * the head's own folder, on the disk of what is staged, that is not there before and after. Of
   * several trainings of one head at once, the last that saved has it.
   */
  Path run(String head);

  /** Deletes a staged folder with all that is in it; nothing happens if it was published. */
  void discard(Path staged);

  /**
   * Publishes the staged files as the head's next version by one atomic rename after fsync; of
   * several processes each gets a number of its own.
   *
   * @param draft with any version number
   * @return the number
   */
  int publish(Path staged, HeadManifest draft);

  /**
   * Makes a version live.
   *
   * @throws NotFoundException if it does not exist
   */
  void promote(String head, int version);

  /**
   * Makes the version live that was live before the live one. Once more goes back one more.
   *
   * @return the version that is live now
   * @throws NotFoundException if there is no such head, none of its versions is live, or none that
   *     is left was live before
   * @throws BadInputException if that version is damaged
   */
  int rollback(String head);

  /**
   * Runs a decision about what goes live, with every other process and thread that would decide for
   * the same head waiting.
   */
  <T> T deciding(String head, Supplier<T> decision);

  /**
   * Runs what reads several versions, with nobody deciding meanwhile. Other readers may read, and
   * the workspace need not be one that can be written.
   */
  <T> T reading(String head, Supplier<T> reader);

  /** Removes a head with all its versions and memberships. */
  void remove(String head);

  /**
   * Removes one version that is not live.
   *
   * @throws BadInputException if it is live
   */
  void remove(String head, int version);
}
