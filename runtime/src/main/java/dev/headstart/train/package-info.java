/**
 * From labelled samples to a version of a head: recipe, features, split, training session, early
 * stopping, metrics, promotion. Data sets come in, versions go into the {@code HeadStore}.
 *
 * <p>{@link dev.headstart.train.Teacher} is the whole way; read {@code TrainerTest} first.
 */
package dev.headstart.train;
