package dev.headstart.ort;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NativeLibraryTest {
  @TempDir Path folder;

  private URL resource(String jar, byte[] content) throws IOException {
    Path file = folder.resolve(jar);
    try (OutputStream out = Files.newOutputStream(file);
        JarOutputStream zip = new JarOutputStream(out)) {
      zip.putNextEntry(new JarEntry("native/lib.so"));
      zip.write(content);
      zip.closeEntry();
    }
    return new URL("jar:" + file.toUri() + "!/native/lib.so");
  }

  private static byte[] bytes(long seed) {
    byte[] content = new byte[3_000_000];
    new Random(seed).nextBytes(content);
    return content;
  }

  @Test
  void aCopyIsMadeOnceAndMendedWhenDamaged() throws IOException {
    byte[] content = bytes(1);
    URL resource = resource("a.jar", content);
    Path cache = folder.resolve("cache");
    Path copy = NativeLibrary.cached(resource, "lib.so", cache);
    assertArrayEquals(content, Files.readAllBytes(copy));
    var made = Files.getLastModifiedTime(copy);
    assertEquals(copy, NativeLibrary.cached(resource, "lib.so", cache));
    assertEquals(made, Files.getLastModifiedTime(copy), "not copied again");

    for (int damage = 0; damage < 3; damage++) {
      byte[] broken = content.clone();
      broken[1000 + damage] ^= 1;
      Files.write(copy, damage == 0 ? new byte[0] : damage == 1 ? broken : bytes(9));
      NativeLibrary.cached(resource, "lib.so", cache);
      assertArrayEquals(content, Files.readAllBytes(copy));
    }
    try (Stream<Path> files = Files.list(copy.getParent())) {
      assertEquals(List.of(copy), files.toList(), "nothing half-written stays");
    }
  }

  @Test
  void versionsLieBesideEachOther() throws IOException {
    Path cache = folder.resolve("cache");
    Path one = NativeLibrary.cached(resource("a.jar", bytes(1)), "lib.so", cache);
    Path two = NativeLibrary.cached(resource("b.jar", bytes(2)), "lib.so", cache);
    assertNotEquals(one, two);
    assertArrayEquals(bytes(1), Files.readAllBytes(one));
  }

  /** Several processes start at once on an empty cache; all of them can train. */
  @Test
  void severalProcessesAtOnce() throws Exception {
    List<Process> processes = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      processes.add(child(folder.resolve("cache"), System.getProperty("java.class.path")));
    }
    for (Process process : processes) {
      assertTrue(output(process).endsWith("true"));
    }
  }

  /** Without the training-enabled native on the class path, the stock one predicts. */
  @Test
  void withoutTheTrainingNativeThePlatformPredicts() throws Exception {
    String separator = System.getProperty("path.separator");
    List<String> entries = new ArrayList<>();
    boolean left = false;
    for (String entry : System.getProperty("java.class.path").split(separator)) {
      if (entry.contains("bytedeco")) {
        left = true;
      } else {
        entries.add(entry);
      }
    }
    assertTrue(left, "the class path holds the training-enabled native");
    Process process = child(folder.resolve("cache"), String.join(separator, entries));
    String output = output(process);
    assertTrue(output.contains("false this platform"), output);
    assertTrue(output.contains("can predict but not train"), output);
  }

  private static Process child(Path cache, String classPath) throws IOException {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Dheadstart.cache=" + cache,
            "-cp",
            classPath,
            CanTrain.class.getName())
        .redirectErrorStream(true)
        .start();
  }

  private static String output(Process process) throws IOException, InterruptedException {
    try (InputStream in = process.getInputStream()) {
      String output = new String(in.readAllBytes()).strip();
      assertEquals(0, process.waitFor(), output);
      return output;
    }
  }

  /** Says whether this process can train, and if not, what a person is told; then predicts. */
  public static final class CanTrain {
    private CanTrain() {}

    public static void main(String[] args) {
      StringBuilder said = new StringBuilder(String.valueOf(OrtRuntime.canTrain()));
      try {
        OrtRuntime.requireTraining();
      } catch (dev.headstart.error.FailureException e) {
        said.append(' ').append(e.getMessage());
      }
      try (var session = InferenceSession.open(SessionTest.product(), SessionSettings.cpu(1))) {
        session.run(java.util.Map.of("x", dev.headstart.onnx.Tensor.of(new float[] {1, 2}, 1, 2)));
      }
      System.out.println(said);
    }
  }
}
