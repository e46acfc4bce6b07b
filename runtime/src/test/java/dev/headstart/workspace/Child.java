package dev.headstart.workspace;

import dev.headstart.backbone.Features;
import dev.headstart.head.HeadStore;
import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Another process at the workspace. It prints what it has done, a line each. */
final class Child {
  static final String SPACE = "5a";

  static final int MODEL = 200_000;

  private Child() {}

  /** The versions' model: long enough that writing it takes a while. */
  static byte[] model(String head, int value) {
    byte[] model = new byte[MODEL];
    Arrays.fill(model, (byte) (head.hashCode() + value));
    return model;
  }

  /** {@code publish HEAD,… TIMES WORKSPACE} or {@code features FROM TO WORKSPACE}. */
  public static void main(String[] args) throws Exception {
    try (Workspace workspace = Workspace.open(Path.of(args[3]))) {
      System.out.println("ready");
      switch (args[0]) {
        case "publish" -> publishAll(workspace, args[1].split(","), Integer.parseInt(args[2]));
        case "features" ->
            features(workspace, Integer.parseInt(args[1]), Integer.parseInt(args[2]));
        default -> throw new IllegalArgumentException(args[0]);
      }
    }
  }

  /** A thread a head. */
  private static void publishAll(Workspace workspace, String[] heads, int times) throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(heads.length);
    List<Future<?>> done = new ArrayList<>();
    for (String head : heads) {
      done.add(
          threads.submit(
              () -> {
                publish(workspace, head, times);
                return null;
              }));
    }
    threads.shutdown();
    for (Future<?> future : done) {
      future.get();
    }
  }

  private static void publish(Workspace workspace, String head, int times) throws IOException {
    HeadStore heads = workspace.heads();
    for (int i = 0; i < times; i++) {
      int version = Versions.publish(heads, head, model(head, i));
      say("published", head, version);
      heads.promote(head, version);
      say("promoted", head, version);
      if (i % 3 == 2) {
        List<Integer> versions = heads.versions(head);
        int oldest = versions.get(0);
        if (versions.size() > 2 && oldest < version) {
          removeUnlessLive(heads, head, oldest);
        }
      }
    }
  }

  /** Another process may have made it live, or removed it, meanwhile. */
  private static void removeUnlessLive(HeadStore heads, String head, int version) {
    heads.deciding(
        head,
        () -> {
          if (heads.versions(head).contains(version) && heads.live(head).orElse(0) != version) {
            heads.remove(head, version);
            say("removed", head, version);
          }
          return version;
        });
  }

  private static void say(String done, String head, int version) {
    System.out.println(done + " " + head + " " + version);
  }

  /** Half of the features are large. */
  private static void features(Workspace workspace, int from, int to) {
    for (int i = from; i < to; i += 4) {
      Map<String, Features> batch = new HashMap<>();
      for (int j = i; j < Math.min(to, i + 4); j++) {
        batch.put(FeatureCacheTest.digest(j), FeatureCacheTest.vector(j, width(j)));
      }
      workspace.features().put(SPACE, batch);
      System.out.println("put " + batch.size());
    }
  }

  static int width(int number) {
    return number % 2 == 0 ? 70_000 : 1280;
  }

  /**
   * Starts one.
   *
   * @param folder of its output, error and temporary files
   */
  static Process start(Path folder, String... args) throws IOException {
    // A killed one leaves SQLite's library behind.
    return start(folder, List.of("-Dorg.sqlite.tmpdir=" + folder), args);
  }

  /**
   * Starts one.
   *
   * @param options of Java
   */
  static Process start(Path folder, List<String> options, String... args) throws IOException {
    String classPath =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    List<String> java =
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC",
            "-Xmx128m",
            "-cp",
            classPath,
            Child.class.getName());
    List<String> command = new ArrayList<>(java);
    command.addAll(1, options);
    command.addAll(List.of(args));
    return new ProcessBuilder(command)
        .redirectOutput(output(folder))
        .redirectError(folder.resolve("stderr").toFile())
        .start();
  }

  static File output(Path folder) {
    return folder.resolve("stdout").toFile();
  }
}
