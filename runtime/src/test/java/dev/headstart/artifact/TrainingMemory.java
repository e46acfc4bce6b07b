package dev.headstart.artifact;

import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.Tensor;
import dev.headstart.ort.OrtRuntime;
import dev.headstart.ort.TrainingSession;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A process that trains from a folder of artifacts and prints by how many bytes its resident memory
 * grew at most, and the seconds of a step. Arguments: the folder, threads, steps, then an input
 * each: {@code name FLOAT 10,3,224,224}.
 */
final class TrainingMemory {
  private TrainingMemory() {}

  /** Resident bytes: {@code VmRSS} for those of now, {@code VmHWM} for the most so far. */
  static long resident(String field) throws IOException {
    return Files.readAllLines(Path.of("/proc/self/status")).stream()
        .filter(line -> line.startsWith(field + ":"))
        .mapToLong(line -> 1024 * Long.parseLong(line.replaceAll("\\D+", "")))
        .findFirst()
        .orElseThrow();
  }

  public static void main(String[] args) throws IOException {
    OrtRuntime.requireTraining();
    Map<String, Tensor> data = new LinkedHashMap<>();
    for (int i = 3; i < args.length; i += 3) {
      long[] shape =
          args[i + 2].isEmpty()
              ? new long[0]
              : Arrays.stream(args[i + 2].split(",")).mapToLong(Long::parseLong).toArray();
      data.put(args[i], Tensor.zeros(ElementType.valueOf(args[i + 1]), shape));
      if (args[i + 1].equals("FLOAT")) {
        for (int k = 0; k < data.get(args[i]).elements(); k++) {
          data.get(args[i]).data().putFloat(4 * k, k % 7 * 0.1f);
        }
      }
    }
    long before = resident("VmRSS");
    try (TrainingSession session =
        TrainingSession.open(Path.of(args[0]), Integer.parseInt(args[1]))) {
      long opened = resident("VmRSS");
      try (TrainingSession.Batch batch = session.bind(data)) {
        int steps = Integer.parseInt(args[2]);
        double seconds = 0;
        for (int step = 0; step < steps; step++) {
          long start = System.nanoTime();
          session.step(batch);
          seconds = (System.nanoTime() - start) / 1e9;
          System.err.printf(
              "step %d: %.3f s, resident +%.1f MB, at most +%.1f MB%n",
              step,
              seconds,
              (resident("VmRSS") - before) / 1e6,
              (resident("VmHWM") - before) / 1e6);
        }
        System.out.println((resident("VmHWM") - before) + " " + (opened - before) + " " + seconds);
      }
    }
  }
}
