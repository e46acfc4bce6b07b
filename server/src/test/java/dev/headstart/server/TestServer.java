package dev.headstart.server;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.headstart.Headstart;
import dev.headstart.backbone.Manifest;
import dev.headstart.head.HeadKind;
import dev.headstart.head.HeadManifest;
import dev.headstart.head.HeadNetwork;
import dev.headstart.head.HeadStore;
import dev.headstart.head.Scaling;
import dev.headstart.onnx.Tensor;
import dev.headstart.ort.Provider;
import dev.headstart.sample.Modality;
import dev.headstart.sample.Task;
import dev.headstart.serving.ModelRepository;
import java.net.URI;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * A server over a workspace of heads whose weights come out of a seed, not out of training:
 *
 * <ul>
 *   <li>{@code flowers}: four features, classes ant, bee and cow
 *   <li>{@code price}: regression on two features
 *   <li>{@code tags}: several labels (x, y, z) on two features
 *   <li>{@code pictures}, {@code photos}: on efficientnet-lite0
 *   <li>{@code mails}: on minilm
 * </ul>
 */
public final class TestServer implements AutoCloseable {
  private static final long PATIENCE_MILLIS = 60_000;

  private final Server server;

  private TestServer(Server server) {
    this.server = server;
  }

  /**
   * Starts it and waits until its models are warm.
   *
   * @param workspace an empty folder
   * @param properties beside the workspace and ports
   */
  public static TestServer start(Path workspace, Map<String, Object> properties) throws Exception {
    try (Headstart headstart = Headstart.open(workspace, List.of(Provider.CPU))) {
      vectors(headstart, "flowers", Task.SINGLE, 4, List.of("ant", "bee", "cow"), 1);
      vectors(headstart, "price", Task.REGRESSION, 2, List.of(), 2);
      vectors(headstart, "tags", Task.MULTI, 2, List.of("x", "y", "z"), 3);
      onBase(headstart, "pictures", "efficientnet-lite0", 1280, List.of("cat", "dog"), 4);
      onBase(headstart, "photos", "efficientnet-lite0", 1280, List.of("in", "out"), 5);
      onBase(headstart, "mails", "minilm", 384, List.of("ham", "spam"), 6);
    }
    Map<String, Object> all = new LinkedHashMap<>(properties);
    all.put("headstart.workspace", workspace.toString());
    all.put("headstart.port", 0);
    all.putIfAbsent("headstart.grpc-port", -1);
    TestServer started = new TestServer(Server.start(all));
    started.awaitReady();
    return started;
  }

  private void awaitReady() throws InterruptedException {
    ModelRepository models = server.bean(ModelRepository.class);
    long end = System.currentTimeMillis() + PATIENCE_MILLIS;
    while (!models.ready()) {
      if (System.currentTimeMillis() > end) {
        throw new IllegalStateException("not ready: " + models.index());
      }
      Thread.sleep(20);
    }
  }

  /** The address of a path. */
  public URI uri(String path) {
    return URI.create("http://127.0.0.1:" + port() + path);
  }

  public int port() {
    return server.port();
  }

  public <T> T bean(Class<T> type) {
    return server.bean(type);
  }

  @Override
  public void close() {
    server.close();
  }

  /** Publishes a linear head on ready features; live. */
  public static int vectors(
      Headstart headstart, String head, Task task, int width, List<String> classes, long seed) {
    return publish(
        headstart, head, task, Modality.VECTOR, null, null, width, classes, new Random(seed));
  }

  /** Publishes a linear head on a base's deepest tap; live. */
  public static int onBase(
      Headstart headstart, String head, String base, int width, List<String> classes, long seed) {
    Manifest manifest = headstart.models().get(base).manifest();
    return publish(
        headstart,
        head,
        Task.SINGLE,
        manifest.modality(),
        new HeadManifest.BaseReference(base, manifest.sha256()),
        new HeadManifest.CutReference(
            "pooled", headstart.models().get(base).cut("pooled").tensor()),
        width,
        classes,
        new Random(seed));
  }

  private static int publish(
      Headstart headstart,
      String head,
      Task task,
      Modality modality,
      HeadManifest.BaseReference base,
      HeadManifest.CutReference cut,
      int width,
      List<String> classes,
      Random random) {
    int outputs = Math.max(1, classes.size());
    float[] weights = new float[outputs * width];
    for (int i = 0; i < weights.length; i++) {
      weights[i] = (float) random.nextGaussian();
    }
    HeadNetwork network =
        HeadNetwork.fresh(
                new HeadKind.Linear(), new Scaling(new float[width], new float[] {1}), outputs, 1)
            .with(Map.of("output.weight", Tensor.of(weights, outputs, width)));
    Scaling target =
        task == Task.REGRESSION ? new Scaling(new float[] {3}, new float[] {10}) : null;
    HeadStore store = headstart.heads();
    Path staged = store.stage(head);
    long[] shape = {width};
    network.model(shape, task, target, HeadNetwork.OPSET).write(staged.resolve(HeadStore.MODEL));
    JsonNodeFactory json = JsonNodeFactory.instance;
    int version =
        store.publish(
            staged,
            new HeadManifest(
                HeadManifest.FORMAT,
                head,
                0,
                task,
                new HeadKind.Linear(),
                modality,
                base,
                cut,
                shape,
                List.of(),
                classes,
                json.objectNode(),
                new HeadManifest.Result(8, 2, 5, false, true, null, json.arrayNode()),
                new HeadManifest.Provenance(
                    "2026-11-01T00:00:00Z",
                    "ab",
                    "data",
                    "0.1.0",
                    "1.28.0",
                    base == null ? null : "cpu",
                    "Linux",
                    "amd64",
                    "17"),
                Map.of()));
    store.promote(head, version);
    return version;
  }
}
