/**
 * Predictions for people, under {@code /v1}: a file, a text or a line of JSON comes in, as {@code
 * curl} sends it; the label and the scores go out. Read {@code PredictTest} first.
 */
package dev.headstart.server.predict;
