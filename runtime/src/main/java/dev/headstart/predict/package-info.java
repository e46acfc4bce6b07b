/**
 * Backbone and head composed: samples in, predictions or metrics out, and the fused model for
 * export.
 *
 * <p>{@link dev.headstart.predict.Predictor} is the whole way; read {@code HeadstartTest} first.
 */
package dev.headstart.predict;
