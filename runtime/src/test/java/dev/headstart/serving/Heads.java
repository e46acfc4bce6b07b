package dev.headstart.serving;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.headstart.backbone.BaseModels;
import dev.headstart.head.HeadKind;
import dev.headstart.head.HeadManifest;
import dev.headstart.head.HeadNetwork;
import dev.headstart.head.HeadStore;
import dev.headstart.head.Scaling;
import dev.headstart.onnx.Tensor;
import dev.headstart.sample.Modality;
import dev.headstart.sample.Task;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Publishes heads with weights out of a seed, without any training. */
public final class Heads {
  private final HeadStore store;
  private final BaseModels models;

  public Heads(HeadStore store, BaseModels models) {
    this.store = store;
    this.models = models;
  }

  /** A linear head on ready features; live. */
  public int vectors(String head, Task task, int width, List<String> classes, long seed) {
    return publish(
        head, task, Modality.VECTOR, null, null, new long[] {width}, classes, random(seed));
  }

  /** A linear head on a bundled base's deepest tap; live. */
  public int onBase(String head, String base, Task task, List<String> classes, long seed) {
    return onBase(head, base, "pooled", new long[] {width(base)}, task, classes, seed);
  }

  static int width(String base) {
    return base.equals("minilm") ? 384 : 1280;
  }

  public int onBase(
      String head,
      String base,
      String cut,
      long[] shape,
      Task task,
      List<String> classes,
      long seed) {
    var manifest = models.get(base).manifest();
    return publish(
        head,
        task,
        manifest.modality(),
        new HeadManifest.BaseReference(base, manifest.sha256()),
        new HeadManifest.CutReference(cut, models.get(base).cut(cut).tensor()),
        shape,
        classes,
        random(seed));
  }

  private static Weights random(long seed) {
    Random random = new Random(seed);
    return (outputs, width) -> {
      float[] values = new float[outputs * width];
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) random.nextGaussian();
      }
      return values;
    };
  }

  /** Makes a head's last layer: weights [outputs, width]; biases are zero. */
  public interface Weights {
    float[] of(int outputs, int width);
  }

  public int publish(
      String head,
      Task task,
      Modality modality,
      HeadManifest.BaseReference base,
      HeadManifest.CutReference cut,
      long[] shape,
      List<String> classes,
      Weights weights) {
    int width = (int) (shape.length == 2 ? shape[1] : shape[0]);
    int outputs = Math.max(1, classes.size());
    HeadNetwork network =
        HeadNetwork.fresh(
                new HeadKind.Linear(), new Scaling(new float[width], new float[] {1}), outputs, 1)
            .with(Map.of("output.weight", Tensor.of(weights.of(outputs, width), outputs, width)));
    Scaling target =
        task == Task.REGRESSION ? new Scaling(new float[] {3}, new float[] {10}) : null;
    Path staged = store.stage(head);
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
