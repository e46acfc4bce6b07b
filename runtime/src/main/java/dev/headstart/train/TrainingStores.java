package dev.headstart.train;

import dev.headstart.backbone.BaseModels;
import dev.headstart.backbone.FeatureStore;
import dev.headstart.head.HeadStore;

/**
 * What teaching reads and writes.
 *
 * @param models base models
 * @param heads heads and their versions
 * @param memberships which samples taught which version, and which judged it
 * @param features of samples, so far as they are remembered
 */
public record TrainingStores(
    BaseModels models, HeadStore heads, RunStore memberships, FeatureStore features) {}
