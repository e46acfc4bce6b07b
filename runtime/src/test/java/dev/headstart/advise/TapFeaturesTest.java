package dev.headstart.advise;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.Shared;
import dev.headstart.backbone.Backbone;
import dev.headstart.backbone.BaseModel;
import dev.headstart.backbone.BaseModels;
import dev.headstart.backbone.Cut;
import dev.headstart.backbone.Features;
import dev.headstart.head.Pooling;
import dev.headstart.onnx.Tensor;
import dev.headstart.ort.Provider;
import dev.headstart.sample.ImageSample;
import dev.headstart.sample.Sample;
import dev.headstart.sample.TextSample;
import dev.headstart.workspace.Workspace;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** All taps in one pass, against a backbone for each. */
class TapFeaturesTest {
  private static final List<Provider> CPU = List.of(Provider.CPU);

  @TempDir private Path folder;

  @Test
  void picturesGiveWhatEachCutGives() throws IOException {
    try (Stream<Path> files = Files.list(Shared.path("data/animals/cat"))) {
      same("efficientnet-lite0", ImageSample.of(files.sorted().findFirst().orElseThrow()));
    }
  }

  @Test
  void textsGiveWhatEachCutGives() {
    same("minilm", new TextSample("a", "The pump on the second floor leaks again, please call."));
  }

  private void same(String id, Sample sample) {
    BaseModel base = new BaseModels(folder.resolve("models")).get(id);
    try (Workspace workspace = Workspace.open(folder);
        TapFeatures taps = TapFeatures.open(base, CPU)) {
      assertEquals(List.of(), taps.leftOut());
      assertEquals(base.manifest().taps().size(), taps.taps().size());
      Map<String, Tensor> inputs = taps.backbone().preprocess(sample);
      Features all = taps.backbone().run(inputs);
      List<float[]> pooled = taps.of(all);
      for (int i = 0; i < pooled.size(); i++) {
        Cut cut = taps.taps().get(i);
        try (Backbone one = Backbone.open(base, cut, CPU)) {
          float[] expected = Pooling.pool(one.run(inputs).first());
          float most = 0;
          for (float value : expected) {
            most = Math.max(most, Math.abs(value));
          }
          assertArrayEquals(expected, pooled.get(i), 1e-4f * most, cut.name());
        }
      }
      if (id.startsWith("efficient")) {
        assertTrue(taps.confidence(all) > 0.001 && taps.confidence(all) <= 1);
      } else {
        assertNull(taps.confidence(all));
      }
      taps.remember(workspace.features(), Map.of(sample.sha256(), all));
      deepest(base, sample, inputs, workspace);
    }
  }

  /** What {@link TapFeatures#remember} relies on: the same to the last bit. */
  private static void deepest(
      BaseModel base, Sample sample, Map<String, Tensor> inputs, Workspace workspace) {
    try (Backbone own = Backbone.open(base, base.cut("auto"), CPU)) {
      Features known =
          workspace.features().get(own.space(), List.of(sample.sha256())).get(sample.sha256());
      assertNotNull(known, "teaching at the deepest tap finds its features");
      Features computed = own.run(inputs);
      assertArrayEquals(computed.first().shape(), known.first().shape());
      assertArrayEquals(computed.first().floats(), known.first().floats(), "bit for bit");
      assertEquals(computed.tensors().size(), known.tensors().size());
    }
  }
}
