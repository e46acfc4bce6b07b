/**
 * Files and folders, below everything that writes some: what outlives a crash, names for what is
 * not finished yet, where the cache lies, and what a person is told when the disk refuses. Paths
 * come in; {@link dev.headstart.error.FailureException}s go out.
 *
 * <p>Read {@code UnwritableTest} of the package {@code workspace} first.
 */
package dev.headstart.disk;
