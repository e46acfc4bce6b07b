package dev.headstart.teach;

import dev.headstart.error.BadInputException;
import dev.headstart.error.ConflictException;
import dev.headstart.error.FailureException;
import dev.headstart.error.NotFoundException;
import dev.headstart.sample.Label;
import dev.headstart.sample.Sample;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Heads that are taught, with their classes and samples. What a method has returned from is on the
 * disk: neither a kill nor a power cut undoes it. Safe for several threads and processes. Whatever
 * cannot be written is a {@link FailureException} that says why; then nothing of the call was done.
 */
public interface SampleStore {

  /** All heads that have settings, by name. */
  List<HeadSettings> heads();

  /** A head's settings; empty for one that has none, such as one taught on the command line. */
  Optional<HeadSettings> settings(String head);

  /**
   * Makes a head.
   *
   * @param classes that it has before any sample
   * @throws BadInputException if the name is none for a head
   * @throws ConflictException if it has settings already
   */
  void create(HeadSettings settings, List<String> classes);

  /**
   * Replaces a head's settings.
   *
   * @throws NotFoundException if it has none
   */
  void update(HeadSettings settings);

  /**
   * Forgets a head's settings, classes, samples as {@link #delete} does, and runs; versions stay.
   */
  void remove(String head);

  /**
   * A head's classes in the order in which they came, with the number of their samples, unreadable
   * ones left out.
   */
  Map<String, Integer> classes(String head);

  /** A head's classes in the order in which they came. */
  List<String> classNames(String head);

  /**
   * Adds a class without samples.
   *
   * @throws ConflictException if it is there
   */
  void addClass(String head, String name);

  /**
   * Gives a class another name, in its samples too.
   *
   * @param until the head's newest version, 0 for none
   * @throws NotFoundException if there is no such class
   * @throws ConflictException if there is one of the new name
   */
  void renameClass(String head, String from, String to, int until);

  /**
   * Removes a class with its samples, which are forgotten as by {@link #delete}; where a sample has
   * several classes, the others stay.
   *
   * @param until the head's newest version, 0 for none
   * @throws NotFoundException if there is no such class
   */
  void removeClass(String head, String name, int until);

  /** What was renamed and removed, in that order. */
  List<Renaming> renamings(String head);

  /**
   * Adds samples; all of them or, where it throws, none. Classes of their labels are added behind
   * the others, sorted by code point. A sample that is there keeps its place, and takes the new
   * label. One that is unreadable because its original was not kept waits for its features again.
   *
   * @return one each, in their order
   * @throws NotFoundException if the head has no settings
   */
  List<Added> add(String head, List<NewSample> samples);

  /**
   * Records samples whose features are remembered in a space, and whose bytes are not kept: those
   * of a data set that the command line taught. They take the place of those that it recorded
   * before. The head's settings are made if it has none.
   *
   * @throws ConflictException if it has settings with another task, modality or base
   */
  void record(HeadSettings settings, List<StoredSample> samples);

  /**
   * A page of a head's samples, newest first.
   *
   * @param label null for all; empty for samples of no class
   * @param state null for all
   * @param before samples that came before this {@link StoredSample#sequence}
   */
  List<StoredSample> page(
      String head, String label, StoredSample.State state, long before, int limit);

  /** How many samples {@link #page} has in all. */
  int count(String head, String label, StoredSample.State state);

  /** All of a head's samples, oldest first. */
  List<StoredSample> samples(String head);

  /** One sample. */
  Optional<StoredSample> find(String head, String id);

  /**
   * Gives a sample another label.
   *
   * @throws NotFoundException if it is not there
   */
  StoredSample relabel(String head, String id, Label label);

  /**
   * Forgets samples: rows, originals, thumbnails and features, those that another head has as well
   * excepted; from the files of the disk too, write-ahead log included. Versions that learned from
   * them are marked; see {@link #forgotten}.
   *
   * @return how many were there
   */
  int delete(String head, Collection<String> ids);

  /** By version: how many samples it learned from that were forgotten since. */
  Map<Integer, Integer> forgotten(String head);

  /**
   * A sample's features are in the feature store. Where the head keeps features only, its original
   * and thumbnail are thrown away, as in {@link #delete}; but not those of samples whose features
   * are not in the feature store, such as vectors. Features of a sample that is gone are forgotten.
   */
  void ready(String head, String id, String space);

  /**
   * A sample cannot be read. Nothing happens if it is gone. Where its original is not kept, the
   * space of its features stays: they may be of use again.
   */
  void unreadable(String head, String id, String reason);

  /** The sample itself; its bytes are read when they are asked for, if they are kept. */
  Sample open(String head, StoredSample sample);

  /**
   * The file of the original.
   *
   * @throws NotFoundException if it was not kept
   */
  Path original(StoredSample sample);

  /** A JPEG of the picture, if there is one. */
  Optional<Path> thumbnail(StoredSample sample);

  /** Remembers a JPEG of the picture; nothing happens if the sample is gone. */
  void thumbnail(String head, StoredSample sample, byte[] jpeg);

  /**
   * Changes whenever any process changes what is in here, or a run; for asking several times a
   * second.
   */
  long revision();
}
