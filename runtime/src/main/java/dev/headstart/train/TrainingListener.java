package dev.headstart.train;

import java.util.List;

/**
 * Hears how teaching goes, on the thread that teaches. Messages are for people; everything that
 * counts is in the result too. Whatever a method throws ends the teaching cleanly and is thrown by
 * it; the state of the training that was saved last stays, to go on from.
 */
public interface TrainingListener {

  /** Hears nothing. */
  TrainingListener NONE = new TrainingListener() {};

  /**
   * A stage begins.
   *
   * @param name e.g. {@code features}
   * @param total steps it has; -1 if that is not known
   */
  default void stage(String name, long total) {}

  /** Steps of the stage that are done, of its total. */
  default void progress(long done) {}

  /**
   * How long an epoch's steps take, by the first ones; told once a training, and not at all where
   * the whole training is over at once.
   *
   * @param seconds of an epoch, without its judging
   * @param epochs that there will be, at most
   */
  default void pace(double seconds, int epochs) {}

  /** A step of an epoch is done. */
  default void step() {}

  /** An epoch has ended. */
  default void epoch(Epoch epoch) {}

  /**
   * All is trained, and the version is about to be published. Until that is done nobody else
   * decides about the head ({@link dev.headstart.head.HeadStore#deciding}).
   */
  default void publishing() {}

  /**
   * What is to be taught has been read, and training is about to begin. Not told where the features
   * of samples are too large to be looked at.
   *
   * @param samples valid during the call
   * @return what a person should know of them: warnings follow
   */
  default List<String> samples(TaughtSamples samples) {
    return List.of();
  }

  /** What was decided for a person who left it open, and why. */
  default void note(String message) {}

  /** Something a person should know, that does not stop the run. */
  default void warning(String message) {}
}
