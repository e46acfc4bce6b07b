package dev.headstart.teach;

/**
 * How a workspace is taught while it serves.
 *
 * @param predictions that are remembered for feedback at most; 0 for none
 * @param predictionBytes that their samples may take together
 */
public record TeachingSettings(int predictions, long predictionBytes, RunSettings runs) {

  /** With runs as they are by default. */
  public TeachingSettings(int predictions, long predictionBytes) {
    this(predictions, predictionBytes, RunSettings.defaults());
  }

  /** 10,000 predictions, 64 MB. */
  public static TeachingSettings defaults() {
    return new TeachingSettings(10_000, 64L << 20);
  }
}
