package dev.headstart.advise;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.Iterator;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/**
 * A logistic regression with a penalty on its weights, softmax for one label and sigmoids for
 * several, in the span of the samples: as good a linear head as there is, to say by
 * cross-validation what to expect. Fitted by L-BFGS (Liu and Nocedal, On the Limited Memory BFGS
 * Method for Large Scale Optimization, 1989).
 */
final class LogisticProbe {
  /** Of the mean loss to ½‖weights‖²; features have a mean squared length of 1. */
  private static final double PENALTY = 2e-4;

  private static final int STEPS = 60;
  private static final int MEMORY = 8;
  private static final double CONVERGED = 1e-4;
  private static final double ENOUGH = 1e-4;

  /** In place of a fold: a sample that every regression learns from, and none scores. */
  static final int TRAINS = -1;

  private final double[][] rows;
  private final float[][] targets;
  private final boolean single;
  private final int columns;
  private final int outputs;

  /**
   * @param rows [n][columns]
   * @param targets [n][outputs] of 0 and 1
   * @param single whether a row has one class of all
   */
  private LogisticProbe(double[][] rows, float[][] targets, boolean single) {
    this.rows = rows;
    this.targets = targets;
    this.single = single;
    this.columns = rows[0].length;
    this.outputs = targets[0].length;
  }

  /**
   * Scores each sample by a regression that has learned from the other folds.
   *
   * @param targets [n][outputs] of 0 and 1
   * @param single whether a sample has one class of all
   * @param folds of each sample, from 0, or {@link #TRAINS}
   * @return logits, [n][outputs]; null for those that only train
   */
  static float[][] crossValidate(
      Spectrum features, float[][] targets, boolean single, int[] folds) {
    int n = features.samples();
    double[] scale = new double[features.rank()];
    for (int r = 0; r < scale.length; r++) {
      scale[r] = Math.sqrt(features.squares()[r]);
    }
    double[][] rows = new double[n][scale.length + 1];
    int count = 0;
    for (int i = 0; i < n; i++) {
      for (int r = 0; r < scale.length; r++) {
        rows[i][r] = features.vectors()[i][r] * scale[r];
      }
      rows[i][scale.length] = 1; // the intercept
      count = Math.max(count, folds[i] + 1);
    }
    float[][] logits = new float[n][];
    for (int fold = 0; fold < count; fold++) {
      int judge = fold;
      int[] train = indices(n, i -> folds[i] != judge);
      double[][] known = new double[train.length][];
      float[][] labels = new float[train.length][];
      for (int i = 0; i < train.length; i++) {
        known[i] = rows[train[i]];
        labels[i] = targets[train[i]];
      }
      LogisticProbe probe = new LogisticProbe(known, labels, single);
      double[] weights = probe.fit();
      for (int i : indices(n, i -> folds[i] == judge)) {
        double[] scores = probe.logits(rows[i], weights);
        logits[i] = new float[scores.length];
        for (int k = 0; k < scores.length; k++) {
          logits[i][k] = (float) scores[k];
        }
      }
    }
    return logits;
  }

  private static int[] indices(int n, IntPredicate wanted) {
    return IntStream.range(0, n).filter(wanted).toArray();
  }

  private double[] logits(double[] row, double[] weights) {
    double[] logits = new double[outputs];
    for (int c = 0; c < columns; c++) {
      double value = row[c];
      for (int k = 0; k < outputs; k++) {
        logits[k] += value * weights[c * outputs + k];
      }
    }
    return logits;
  }

  /** One pair of L-BFGS: how weights moved, and how the gradient did. */
  private record Move(double[] weights, double[] gradient, double product) {}

  private double[] fit() {
    int size = columns * outputs;
    double[] weights = new double[size];
    double[] gradient = new double[size];
    double loss = loss(weights, gradient);
    Deque<Move> moves = new ArrayDeque<>();
    for (int step = 0; step < STEPS && norm(gradient) > CONVERGED; step++) {
      double[] direction = direction(gradient, moves);
      double slope = dot(gradient, direction);
      double rate = moves.isEmpty() ? Math.min(1, 1 / norm(gradient)) : 1;
      double[] next = null;
      double[] itsGradient = new double[size];
      double itsLoss = Double.POSITIVE_INFINITY;
      for (int attempt = 0; attempt < 20; attempt++, rate /= 2) {
        next = weights.clone();
        for (int i = 0; i < size; i++) {
          next[i] += rate * direction[i];
        }
        itsLoss = loss(next, itsGradient);
        if (itsLoss <= loss + ENOUGH * rate * slope) {
          break;
        }
      }
      if (!(itsLoss < loss)) {
        break; // as near as rounding lets it come
      }
      double[] moved = new double[size];
      double[] turned = new double[size];
      for (int i = 0; i < size; i++) {
        moved[i] = next[i] - weights[i];
        turned[i] = itsGradient[i] - gradient[i];
      }
      double product = dot(moved, turned);
      if (product > 0) {
        moves.addLast(new Move(moved, turned, product));
        if (moves.size() > MEMORY) {
          moves.removeFirst();
        }
      }
      weights = next;
      gradient = itsGradient;
      loss = itsLoss;
    }
    return weights;
  }

  private static double[] direction(double[] gradient, Deque<Move> moves) {
    double[] q = gradient.clone();
    double[] alphas = new double[moves.size()];
    int at = moves.size();
    for (Iterator<Move> back = moves.descendingIterator(); back.hasNext(); ) {
      Move move = back.next();
      double alpha = dot(move.weights, q) / move.product;
      alphas[--at] = alpha;
      add(q, move.gradient, -alpha);
    }
    if (!moves.isEmpty()) {
      Move last = moves.getLast();
      double scale = last.product / dot(last.gradient, last.gradient);
      for (int i = 0; i < q.length; i++) {
        q[i] *= scale;
      }
    }
    for (Move move : moves) {
      double beta = dot(move.gradient, q) / move.product;
      add(q, move.weights, alphas[at++] - beta);
    }
    for (int i = 0; i < q.length; i++) {
      q[i] = -q[i];
    }
    return q;
  }

  /** Mean loss and half the squared weights, the intercept's aside; writes the gradient. */
  private double loss(double[] weights, double[] gradient) {
    int n = rows.length;
    Arrays.fill(gradient, 0);
    double loss = 0;
    for (int i = 0; i < n; i++) {
      double[] errors = logits(rows[i], weights);
      loss += single ? softmax(errors, targets[i]) : sigmoid(errors, targets[i]);
      for (int c = 0; c < columns; c++) {
        double value = rows[i][c] / n;
        for (int k = 0; k < outputs; k++) {
          gradient[c * outputs + k] += value * errors[k];
        }
      }
    }
    double squares = 0;
    for (int i = 0; i < (columns - 1) * outputs; i++) {
      squares += weights[i] * weights[i];
      gradient[i] += PENALTY * weights[i];
    }
    return loss / n + PENALTY / 2 * squares;
  }

  /** The cross-entropy of logits, which become its gradient. */
  private static double softmax(double[] logits, float[] target) {
    double most = Double.NEGATIVE_INFINITY;
    for (double logit : logits) {
      most = Math.max(most, logit);
    }
    double sum = 0;
    for (double logit : logits) {
      sum += Math.exp(logit - most);
    }
    double loss = 0;
    for (int k = 0; k < logits.length; k++) {
      double log = logits[k] - most - Math.log(sum);
      loss -= target[k] * log;
      logits[k] = Math.exp(log) - target[k];
    }
    return loss;
  }

  private static double sigmoid(double[] logits, float[] target) {
    double loss = 0;
    for (int k = 0; k < logits.length; k++) {
      double z = logits[k];
      loss += Math.max(z, 0) - z * target[k] + Math.log1p(Math.exp(-Math.abs(z)));
      logits[k] = 1 / (1 + Math.exp(-z)) - target[k];
    }
    return loss;
  }

  private static double norm(double[] a) {
    return Math.sqrt(dot(a, a));
  }

  private static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }

  private static void add(double[] a, double[] b, double scale) {
    for (int i = 0; i < a.length; i++) {
      a[i] += scale * b[i];
    }
  }
}
