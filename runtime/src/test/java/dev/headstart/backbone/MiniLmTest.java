package dev.headstart.backbone;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.headstart.Shared;
import dev.headstart.onnx.Tensor;
import dev.headstart.ort.OrtRuntime;
import dev.headstart.ort.Provider;
import dev.headstart.sample.TextSample;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The bundled text model as a backbone, against embeddings made elsewhere. */
class MiniLmTest {
  private static final BaseModel BASE = new BaseModels(Path.of("none")).get("minilm");

  private static Backbone open(String cut) {
    return Backbone.open(BASE, BASE.cut(cut), List.of(Provider.CPU));
  }

  /**
   * golden/minilm-embeddings.json was made one text a call, with ONNX Runtime 1.30 or later.
   * Without reproducible layer normalizations, 1.28.0 is off by up to 5.5e-3.
   */
  @ParameterizedTest
  @ValueSource(strings = {"pooled", "last_hidden_state"})
  void embedsAsTheReferenceDoes(String cut) throws Exception {
    Path golden = Shared.path("golden/minilm-embeddings.json");
    if (!OrtRuntime.platform().endsWith("x86_64")) {
      String message = "the golden embeddings are those of x86-64, not " + OrtRuntime.platform();
      System.err.println("SKIPPED: " + message);
      Assumptions.abort(message);
    }
    JsonNode texts = new ObjectMapper().readTree(Files.readAllBytes(golden)).get("texts");
    assertEquals(6, texts.size());
    try (Backbone backbone = open(cut)) {
      for (JsonNode text : texts) {
        Map<String, Tensor> inputs =
            backbone.preprocess(new TextSample("t", text.get("text").asText()));
        int tokens = text.get("tokens").asInt();
        assertEquals(Set.of("input_ids", "attention_mask", "token_type_ids"), inputs.keySet());
        for (Tensor input : inputs.values()) {
          assertArrayEquals(new long[] {1, tokens}, input.shape());
          assertTrue(input.data().isDirect());
        }
        float[] features = backbone.run(inputs).first().floats();
        float[] embedding = cut.equals("pooled") ? features : pooled(features, tokens);
        double worst = 0;
        for (int i = 0; i < 384; i++) {
          double expected = text.get("embedding").get(i).asDouble();
          worst = Math.max(worst, Math.abs(embedding[i] - expected));
        }
        System.out.printf("%s, %d tokens: differs by %.1e%n", cut, tokens, worst);
        assertTrue(worst < 1e-3, tokens + " tokens: differs by " + worst);
      }
    }
  }

  /** The mean over the tokens, brought to length 1. */
  private static float[] pooled(float[] hidden, int tokens) {
    int width = hidden.length / tokens;
    float[] sum = new float[width];
    for (int i = 0; i < hidden.length; i++) {
      sum[i % width] += hidden[i];
    }
    double norm = 0;
    for (float v : sum) {
      norm += v * v;
    }
    for (int i = 0; i < width; i++) {
      sum[i] /= (float) Math.sqrt(norm);
    }
    return sum;
  }

  @Test
  void everyTapGivesWhatTheManifestSays() {
    Set<String> spaces = new HashSet<>();
    for (Manifest.Tap tap : BASE.manifest().taps()) {
      try (Backbone backbone = open(tap.name())) {
        boolean vector = tap.shape().size() == 1;
        assertArrayEquals(vector ? new long[] {384} : new long[] {-1, 384}, backbone.shape());
        Map<String, Tensor> inputs = backbone.preprocess(new TextSample("t", "The pump leaks."));
        Tensor features = backbone.run(inputs).first();
        long tokens = inputs.get("input_ids").elements();
        assertArrayEquals(
            vector ? new long[] {1, 384} : new long[] {1, tokens, 384}, features.shape());
        for (float f : features.floats()) {
          assertTrue(Float.isFinite(f), tap.name());
        }
        assertTrue(spaces.add(backbone.space()));
      }
    }
  }

  /** Features of one kind of layer normalization must not be found as those of the other. */
  @Test
  void theKindOfLayerNormalizationDecidesFeatures() {
    Manifest m = BASE.manifest();
    assertTrue(m.reproducibleLayerNorms());
    Manifest fused =
        new Manifest(
            m.id(),
            m.modality(),
            m.model(),
            m.sha256(),
            m.inputs(),
            m.outputs(),
            m.taps(),
            m.blocks(),
            m.preprocessing(),
            m.pooling(),
            false,
            m.batchInvariant(),
            m.labels(),
            m.licence(),
            m.source(),
            m.domain());
    BaseModel other = new BaseModel(fused, new ModelFiles.Bundled("dev/headstart/models/minilm/"));
    try (Backbone ours = open("pooled");
        Backbone theirs = Backbone.open(other, other.cut("pooled"), List.of(Provider.CPU))) {
      assertNotEquals(ours.space(), theirs.space());
      var inputs = ours.preprocess(new TextSample("t", "The pump leaks."));
      float[] a = ours.run(inputs).first().floats();
      float[] b = theirs.run(inputs).first().floats();
      double cosine = 0;
      for (int i = 0; i < a.length; i++) {
        cosine += a[i] * b[i];
      }
      assertTrue(cosine > 0.999, "cosine " + cosine);
    }
  }
}
