/**
 * What lasts on disk: heads and their versions as folders; samples, runs, features and memberships
 * in SQLite, with originals of samples beside it. A directory comes in; the stores that lower
 * packages declare ({@link dev.headstart.head.HeadStore}, {@link
 * dev.headstart.backbone.FeatureStore}, {@link dev.headstart.train.RunStore}, {@link
 * dev.headstart.teach.SampleStore}, {@link dev.headstart.teach.RunLog}) go out. Several threads and
 * processes may use one workspace at once, and any of them may be killed at any moment.
 *
 * <p>Read {@code HeadDirectoryTest} and {@code SamplesTest} first, then {@code ForgettingTest} and
 * {@code TeachingCrashTest}.
 */
package dev.headstart.workspace;
