/**
 * What to do with a user's samples before anything trains: where to cut the base model, what of it
 * to train, what accuracy to expect, and why. Labelled samples and a base model come in; an {@link
 * dev.headstart.advise.Advice} goes out, or a request of teaching that leaves nothing open.
 *
 * <p>{@link dev.headstart.advise.Advisor} is the whole way; read {@code AdvisorTest} first, and
 * docs/advice.md for the methods and their sources.
 */
package dev.headstart.advise;
