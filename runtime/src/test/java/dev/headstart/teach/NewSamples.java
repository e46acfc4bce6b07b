package dev.headstart.teach;

import dev.headstart.sample.ClassLabel;
import dev.headstart.sample.ImageSample;
import dev.headstart.sample.TextSample;
import dev.headstart.sample.VectorSample;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;

/** Samples that clients bring, for tests. */
final class NewSamples {
  private NewSamples() {}

  static NewSample vector(float[] values, String label) {
    return new NewSample(
        new VectorSample("a vector", values),
        new ClassLabel(label),
        "application/json",
        StoredSample.Source.API);
  }

  /** Normally distributed around a point on an axis. */
  static float[] around(Random random, int width, int axis, double distance, double deviation) {
    float[] values = new float[width];
    for (int i = 0; i < width; i++) {
      values[i] = (float) (deviation * random.nextGaussian() + (i == axis ? distance : 0));
    }
    return values;
  }

  static NewSample text(String text, String label) {
    return new NewSample(
        new TextSample("a text", text),
        new ClassLabel(label),
        "text/plain",
        StoredSample.Source.API);
  }

  static NewSample picture(Path file, String label) throws IOException {
    return new NewSample(
        ImageSample.of(file.getFileName().toString(), Files.readAllBytes(file)),
        new ClassLabel(label),
        "image/jpeg",
        StoredSample.Source.API);
  }
}
