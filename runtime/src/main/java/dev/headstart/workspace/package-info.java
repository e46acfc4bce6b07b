/**
 * What lasts on disk: heads and their versions as folders, features and memberships in SQLite. A
 * directory comes in; the stores that lower packages declare ({@link dev.headstart.head.HeadStore},
 * {@link dev.headstart.backbone.FeatureStore}, {@link dev.headstart.train.RunStore}) go out.
 * Several threads and processes may use one workspace at once, and any of them may be killed at any
 * moment.
 *
 * <p>Read {@code HeadDirectoryTest} first, then {@code CrashTest}.
 */
package dev.headstart.workspace;
