package dev.headstart.teach;

import dev.headstart.backbone.BaseModels;
import dev.headstart.backbone.FeatureStore;
import dev.headstart.head.HeadStore;
import dev.headstart.train.RunStore;
import dev.headstart.train.TrainingStores;

/**
 * What teaching while serving reads and writes.
 *
 * @param samples heads that are taught, and their samples
 * @param runs trainings that were asked for
 * @param memberships which samples taught which version, and which judged it
 * @param heads heads and their versions
 * @param models base models
 * @param features of samples, so far as they are remembered
 */
public record TeachingStores(
    SampleStore samples,
    RunLog runs,
    RunStore memberships,
    HeadStore heads,
    BaseModels models,
    FeatureStore features) {

  /** What a training needs of it. */
  TrainingStores training() {
    return new TrainingStores(models, heads, memberships, features);
  }
}
