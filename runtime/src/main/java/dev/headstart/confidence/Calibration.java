package dev.headstart.confidence;

/**
 * How honest scores were found, and what makes them so.
 *
 * @param temperature that logits are divided by
 * @param before expected calibration error without it, in [0, 1]
 * @param after the same with it, on the samples that it was found by
 * @param samples that did not train when they were scored
 */
public record Calibration(float temperature, double before, double after, int samples) {

  /** For one label a sample; see {@link Temperature#ofClasses}. */
  public static Calibration ofClasses(float[] logits, int[] labels) {
    return ofClasses(logits, labels, Temperature.ofClasses(logits, labels));
  }

  /** The same at a temperature that is given. */
  public static Calibration ofClasses(float[] logits, int[] labels, float temperature) {
    int classes = logits.length / labels.length;
    return new Calibration(
        temperature,
        CalibrationError.ofClasses(Temperature.softmax(logits, classes, Temperature.NONE), labels),
        CalibrationError.ofClasses(Temperature.softmax(logits, classes, temperature), labels),
        labels.length);
  }

  /** For several labels a sample; see {@link Temperature#ofIndicators}. */
  public static Calibration ofIndicators(float[] logits, float[] truths, int samples) {
    float temperature = Temperature.ofIndicators(logits, truths);
    return new Calibration(
        temperature,
        CalibrationError.ofIndicators(Temperature.sigmoid(logits, Temperature.NONE), truths),
        CalibrationError.ofIndicators(Temperature.sigmoid(logits, temperature), truths),
        samples);
  }
}
