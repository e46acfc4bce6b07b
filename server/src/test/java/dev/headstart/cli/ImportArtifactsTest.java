package dev.headstart.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.headstart.artifact.ArtifactOptions;
import dev.headstart.artifact.Artifacts;
import dev.headstart.artifact.Loss;
import dev.headstart.artifact.Optimizer;
import dev.headstart.onnx.Attribute;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.GraphBuilder;
import dev.headstart.onnx.Operator;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.Value;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Training artifacts that were made elsewhere, as heads of a text model. */
class ImportArtifactsTest {
  private static final int WIDTH = 384;

  @TempDir static Path folder;

  private static Path artifacts;
  private static CommandLine line;

  @BeforeAll
  static void writeArtifacts() {
    line = new CommandLine(folder.resolve("workspace"));
    artifacts = folder.resolve("artifacts");
    Random random = new Random(1);
    float[] weights = new float[3 * WIDTH];
    for (int i = 0; i < weights.length; i++) {
      weights[i] = (float) random.nextGaussian();
    }
    GraphBuilder graph = new GraphBuilder("head", 17);
    Value x = graph.input("embedding", ElementType.FLOAT, -1, WIDTH);
    Value w = graph.initializer("fc.weight", Tensor.of(weights, 3, WIDTH));
    Value b = graph.initializer("fc.bias", Tensor.of(new float[] {0, 1, -1}, 3));
    Value y = graph.node(Operator.GEMM, List.of(x, w, b), Attribute.of("transB", 1));
    Artifacts.generate(
            graph.output(y, ElementType.FLOAT, -1, 3).build(),
            ArtifactOptions.of(Loss.CE, Optimizer.AdamW.microsoft()))
        .writeTo(artifacts);
  }

  private static CommandLine.Result importing(String head, String... more) {
    Object[] words = new Object[more.length + 3];
    words[0] = "heads";
    words[1] = "import";
    words[2] = head;
    System.arraycopy(more, 0, words, 3, more.length);
    return line.run(words);
  }

  private static CommandLine.Result imported(String head, String cut, String classes) {
    return importing(
        head,
        "--artifacts",
        artifacts.toString(),
        "--base",
        "minilm",
        "--cut",
        cut,
        "--classes",
        classes,
        "--json");
  }

  @Test
  void theyPredictAndAreTaughtFurther() throws IOException {
    JsonNode json = imported("mail", "pooled", "c,a,b").expect(0).json();
    assertEquals("{\"head\":\"mail\",\"versions\":[1],\"live\":1}", json.toString());
    JsonNode shown = line.run("heads", "show", "mail", "--json").expect(0).json();
    assertEquals("linear", shown.get("kind").asText());
    assertEquals("[\"c\",\"a\",\"b\"]", shown.get("classes").toString());
    JsonNode said = line.run("predict", "mail", "a parcel is late", "--json").expect(0).json();
    assertEquals(3, said.get("scores").size());
    double sum = 0;
    for (JsonNode score : said.get("scores")) {
      sum += score.asDouble();
    }
    assertEquals(1, sum, 1e-4);

    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < 12; i++) {
      lines.append("{\"text\":\"number " + i + " of " + "abc".charAt(i % 3) + "\",\"label\":\"");
      lines.append("abc".charAt(i % 3)).append("\"}\n");
    }
    Path data = Files.writeString(folder.resolve("data.jsonl"), lines);
    JsonNode taught =
        line.run("teach", "mail", "--data", data, "--base", "minilm", "--epochs", 2, "--json")
            .expect(0)
            .json();
    assertEquals(2, taught.get("version").asInt());
    assertEquals("[\"c\",\"a\",\"b\"]", taught.get("classes").toString());

    assertTrue(imported("mail", "pooled", "a,b,c").expect(3).err().contains("exists already"));
  }

  /** A model that is trained in part, with a loss of one's own. */
  @Test
  void artifactsTakeALossGraphAndPatterns() throws IOException {
    GraphBuilder net = new GraphBuilder("net", 17);
    Value at = net.input("x", ElementType.FLOAT, -1, 2);
    for (String name : List.of("stem", "head")) {
      Value w = net.initializer(name + ".weight", Tensor.of(new float[] {1, 2, 3, 4}, 2, 2));
      at = net.node(Operator.MAT_MUL, List.of(at, w));
    }
    Path model = folder.resolve("net.onnx");
    net.output(at, ElementType.FLOAT, -1, 2).build().write(model);
    GraphBuilder graph = new GraphBuilder("loss", 17);
    Value scores = graph.input("scores", ElementType.FLOAT, -1, 2);
    Value truth = graph.input("truth", ElementType.FLOAT, -1, 2);
    Value off = graph.node(Operator.ABS, List.of(graph.node(Operator.SUB, List.of(scores, truth))));
    Value mean = graph.node(Operator.REDUCE_MEAN, List.of(off), Attribute.of("keepdims", 0));
    Path loss = folder.resolve("loss.onnx");
    graph.output(mean, ElementType.FLOAT).build().write(loss);
    Path out = folder.resolve("out");
    JsonNode json =
        line.run(
                "artifacts",
                "--model",
                model,
                "--trainable",
                "*.weight",
                "--freeze",
                "stem*",
                "--loss",
                loss,
                "--out",
                out,
                "--json")
            .expect(0)
            .json();
    assertEquals(1, json.get("parameters").size());
    assertEquals("head.weight", json.at("/parameters/0/name").asText());
    assertEquals("truth", json.at("/inputs/1/name").asText());
    byte[] before = Files.readAllBytes(out.resolve(Artifacts.TRAINING));
    String own =
        line.run("artifacts", "--model", out.resolve(Artifacts.TRAINING), "--out", out)
            .expect(2)
            .err();
    assertTrue(own.contains("would overwrite"), own);
    assertArrayEquals(before, Files.readAllBytes(out.resolve(Artifacts.TRAINING)));
    Path refused = folder.resolve("refused");
    line.run("artifacts", "--model", model, "--loss", model, "--out", refused).expect(3);
    line.run("artifacts", "--model", model, "--freeze", "nothing*", "--out", refused).expect(4);
    assertFalse(Files.exists(refused));
  }

  private static CommandLine.Result importedFrom(Path folder) {
    return importing(
        "x",
        "--artifacts",
        folder.toString(),
        "--base",
        "minilm",
        "--cut",
        "pooled",
        "--classes",
        "a,b,c");
  }

  @Test
  void whatDoesNotFitIsRefused() throws IOException {
    assertTrue(imported("x", "pooled", "a,b").expect(3).err().contains("expected 3 classes"));
    assertTrue(imported("x", "pooled", "a,b,a").expect(3).err().contains("different names"));
    assertTrue(imported("x", "nowhere", "a,b,c").expect(4).err().contains("nowhere"));
    importing("x", "--artifacts", artifacts.toString()).expect(2);
    importing("x").expect(2);
    importing("x", "--bundle", "b", "--classes", "a,b").expect(2);
    importing("x", "--bundle", "b", "--artifacts", "a").expect(2);
    Path half = Files.createDirectory(folder.resolve("half"));
    Files.copy(artifacts.resolve(Artifacts.CHECKPOINT), half.resolve(Artifacts.CHECKPOINT));
    assertTrue(importedFrom(half).expect(3).err().contains("it has no file"));
    importedFrom(folder.resolve("none")).expect(4);
    Path broken = Files.createDirectory(folder.resolve("broken"));
    for (String file : List.of(Artifacts.CHECKPOINT, Artifacts.EVAL, Artifacts.OPTIMIZER)) {
      Files.copy(artifacts.resolve(file), broken.resolve(file));
    }
    byte[] training = Files.readAllBytes(artifacts.resolve(Artifacts.TRAINING));
    byte[] noise = new byte[1000];
    new Random(2).nextBytes(noise);
    byte[] foreign = Files.readAllBytes(artifacts.resolve(Artifacts.EVAL));
    for (byte[] bytes : List.of(noise, Arrays.copyOf(training, training.length / 2), foreign)) {
      Files.write(broken.resolve(Artifacts.TRAINING), bytes);
      String said = importedFrom(broken).expect(3).err();
      assertTrue(said.contains(Artifacts.TRAINING), said);
    }
    assertFalse(line.run("heads", "list").expect(0).out().contains("x "));
  }
}
