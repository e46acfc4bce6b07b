package dev.headstart.workspace;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.headstart.backbone.Features;
import dev.headstart.head.HeadStore;
import dev.headstart.sample.ClassLabel;
import dev.headstart.sample.Label;
import dev.headstart.teach.NewSample;
import dev.headstart.teach.Run;
import dev.headstart.teach.SampleStore;
import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
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

  /**
   * {@code publish HEAD,… TIMES WORKSPACE}, {@code features FROM TO WORKSPACE} or {@code samples
   * NAME SEED WORKSPACE}.
   */
  public static void main(String[] args) throws Exception {
    try (Workspace workspace = Workspace.open(Path.of(args[3]))) {
      System.out.println("ready");
      switch (args[0]) {
        case "publish" -> publishAll(workspace, args[1].split(","), Integer.parseInt(args[2]));
        case "features" ->
            features(workspace, Integer.parseInt(args[1]), Integer.parseInt(args[2]));
        case "samples" -> samples(workspace, args[1], new Random(Long.parseLong(args[2])));
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

  /**
   * Teaches a head until it is killed: adds, relabels and deletes samples, computes features, runs,
   * publishes. {@code NAME} is what its samples begin with.
   */
  private static void samples(Workspace workspace, String name, Random random) throws IOException {
    SampleStore store = workspace.samples();
    Map<String, String> labels = new HashMap<>();
    for (int step = 0; ; step++) {
      List<NewSample> fresh = new ArrayList<>();
      for (int i = random.nextInt(6); i >= 0; i--) {
        fresh.add(Stored.picture(name + " " + step + " " + i + " " + "x".repeat(5000), "a"));
      }
      List<String> ids = store.add("taught", fresh).stream().map(a -> a.sample().id()).toList();
      ids.forEach(id -> said(labels, id, "a"));
      for (String id : ids) {
        boolean large = random.nextInt(8) == 0;
        workspace
            .features()
            .put(SPACE, Map.of(id, FeatureCacheTest.vector(1, large ? 70_000 : 384)));
        store.ready("taught", id, SPACE);
      }
      String moved = List.copyOf(labels.keySet()).get(random.nextInt(labels.size()));
      System.out.println("relabels " + moved);
      store.relabel("taught", moved, new ClassLabel("b"));
      said(labels, moved, "b");
      if (random.nextBoolean()) {
        List<String> gone =
            List.copyOf(labels.keySet()).subList(0, 1 + random.nextInt(2) % labels.size());
        gone.forEach(id -> System.out.println("deletes " + id));
        store.delete("taught", gone);
        gone.forEach(id -> System.out.println("deleted " + id));
        labels.keySet().removeAll(gone);
      }
      if (step % 3 == 0) {
        learn(workspace, labels.keySet());
      }
    }
  }

  private static void said(Map<String, String> labels, String id, String label) {
    labels.put(id, label);
    System.out.println("labelled " + id + " " + label);
  }

  private static void learn(Workspace workspace, Set<String> ids) throws IOException {
    long run =
        workspace
            .runLog()
            .create("taught", JsonNodeFactory.instance.objectNode(), Run.Cause.REQUEST)
            .id();
    LinkedHashMap<String, Label> snapshot = new LinkedHashMap<>();
    Map<String, Boolean> membership = new HashMap<>();
    for (String id : ids) {
      snapshot.put(id, new ClassLabel("a"));
      membership.put(id, false);
    }
    workspace.runLog().start(run, snapshot);
    int version = Versions.publish(workspace.heads(), "taught", model("taught", 1));
    workspace.runs().record("taught", version, membership);
    workspace.heads().promote("taught", version);
    workspace.runLog().change(run, Run.State.DONE, version, true, "");
    System.out.println("taught " + version);
    if (version > 3) {
      removeUnlessLive(workspace.heads(), "taught", version - 3);
    }
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
