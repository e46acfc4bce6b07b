package dev.headstart.teach;

import dev.headstart.train.ClassNames;
import dev.headstart.train.Teacher;
import java.util.function.Consumer;

/**
 * What runs work with.
 *
 * @param trainers what trains
 * @param journal where they tell how they go
 * @param refresh makes answers of a head follow its live version, before it returns
 */
record RunContext(
    TeachingStores stores,
    Trainers trainers,
    RunSettings settings,
    RunJournal journal,
    Consumer<String> refresh) {

  /** Makes what trains. */
  @FunctionalInterface
  interface Trainers {

    /**
     * @param base the head's base model; null for none
     */
    Teacher of(String base, ClassNames names, int cores);
  }
}
