package dev.headstart.train;

/**
 * What came of one epoch.
 *
 * @param epoch from 1
 * @param rate learning rate at its end
 * @param trainLoss mean of the batches' losses, with class weights and smoothing where the recipe
 *     has them
 * @param trainAccuracy part of the training samples that were right in their step, before it
 *     changed the weights, as {@link Metrics#accuracy}; null for regression
 * @param validation on the validation samples after it; null without any
 */
public record Epoch(
    int epoch, double rate, double trainLoss, Double trainAccuracy, Metrics validation) {}
