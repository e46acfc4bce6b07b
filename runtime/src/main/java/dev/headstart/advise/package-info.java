/**
 * What to do with a user's samples before anything trains: where to cut the base model, what of it
 * to train, what accuracy to expect, and why; and what is sick in the samples. Labelled samples and
 * a base model come in; an {@link dev.headstart.advise.Advice} and a {@link
 * dev.headstart.advise.Checkup} go out, or a request of teaching that leaves nothing open.
 *
 * <p>{@link dev.headstart.advise.Advisor} is the whole way; read {@code AdvisorTest} first, then
 * {@code CheckupTest}, and docs/advice.md for the methods and their sources. {@code ExpectedTest}
 * says how far the expected accuracy can be believed.
 *
 * <p>Samples are judged by others in three ways here and in {@code train}, each for one question.
 * Ridge regression leaves each sample out in closed form, at all taps in a moment: which tap, which
 * labels. A logistic regression in folds, of some hundredths of a second, is as good as the head to
 * come, which ridge is not: which accuracy, before anything trains, also where nothing can train.
 * {@link dev.headstart.train.CrossValidation} trains the very head by the very recipe, in seconds,
 * for a version's own estimate, temperature, and gain by augmentation.
 */
package dev.headstart.advise;
