package dev.headstart.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.GraphBuilder;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.Operator;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.Value;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Heads from teaching to export, through the command line alone; vectors, as they are quick. */
class CommandLineTest {
  private static final long SEED = Long.getLong("seed", 5);

  @TempDir static Path folder;

  private static CommandLine line;
  private static Path data;

  @BeforeAll
  static void teach() throws IOException {
    System.out.println("seed " + SEED);
    line = new CommandLine(folder.resolve("workspace"));
    data = vectors(folder.resolve("vectors.csv"), new Random(SEED), 90);
    line.run("teach", "pump", "--data", data, "--epochs", 20).expect(0);
  }

  /** Three clouds of points around the axes. */
  private static Path vectors(Path file, Random random, int rows) throws IOException {
    StringBuilder csv = new StringBuilder("x,y,z,label\n");
    for (int row = 0; row < rows; row++) {
      for (int axis = 0; axis < 3; axis++) {
        csv.append((axis == row % 3 ? 1 : 0) + 0.1 * random.nextGaussian()).append(',');
      }
      csv.append("abc".charAt(row % 3)).append('\n');
    }
    return Files.writeString(file, csv);
  }

  private static Set<String> keys(JsonNode node) {
    Set<String> keys = new TreeSet<>();
    node.fieldNames().forEachRemaining(keys::add);
    return keys;
  }

  @Test
  void teachPrintsWhatTheContractSays() {
    CommandLine.Result result =
        line.run("teach", "keys", "--json", "--data", data, "--epochs", 3, "--seed", 4).expect(0);
    JsonNode json = result.json();
    Set<String> contract =
        Set.of(
            "head",
            "version",
            "promoted",
            "base",
            "cut",
            "kind",
            "classes",
            "samples",
            "epochs",
            "stoppedEarly",
            "validation",
            "seconds");
    assertTrue(keys(json).containsAll(contract), () -> keys(json).toString());
    assertEquals("keys", json.get("head").asText());
    assertEquals(1, json.get("version").asInt());
    assertTrue(json.get("promoted").asBoolean());
    assertTrue(json.get("base").isNull());
    assertEquals("linear", json.get("kind").asText());
    assertEquals("[\"a\",\"b\",\"c\"]", json.get("classes").toString());
    assertEquals("[30,30,30]", json.get("counts").toString());
    assertEquals(Set.of("train", "validation"), keys(json.get("samples")));
    assertEquals(90, json.at("/samples/train").asInt() + json.at("/samples/validation").asInt());
    assertTrue(
        keys(json.get("validation")).containsAll(Set.of("loss", "accuracy", "macroF1")),
        json::toString);
    assertEquals(Set.of("decode", "features", "train", "total"), keys(json.get("seconds")));
    assertTrue(result.err().contains("epoch"), result.err());
  }

  @Test
  void peopleGetASummary() {
    CommandLine.Result result =
        line.run("teach", "people", "--data", data, "--epochs", 5, "--head", "mlp:8").expect(0);
    assertTrue(result.out().startsWith("Head people, version 1, is live"), result.out());
    assertTrue(result.out().contains("is \\ taken for"), result.out());
    assertTrue(result.out().contains("train (and judge, refit)"), result.out());
    assertTrue(result.err().contains("headstart predict people"), result.err());
    assertTrue(result.err().contains("headstart heads export people"), result.err());
    result.out().lines().forEach(l -> assertTrue(l.length() <= 80, l));
  }

  @Test
  void evaluatePrintsWhatTheContractSays() {
    JsonNode json = line.run("evaluate", "pump", "--data", data, "--json").expect(0).json();
    assertTrue(
        keys(json)
            .containsAll(
                Set.of(
                    "head",
                    "version",
                    "samples",
                    "accuracy",
                    "macroF1",
                    "loss",
                    "classes",
                    "confusion")),
        json::toString);
    assertEquals(90, json.get("samples").asInt());
    assertTrue(json.get("accuracy").asDouble() > 0.9, json::toString);
    int sum = 0;
    for (JsonNode row : json.get("confusion")) {
      for (JsonNode count : row) {
        sum += count.asInt();
      }
    }
    assertEquals(90, sum);
  }

  @Test
  void predictAnswersALineForEachInput() throws IOException {
    Path file = Files.writeString(folder.resolve("two.txt"), "0.9,0,0.1\n\n[0, 0, 1]\n");
    List<JsonNode> lines =
        line.piped("0,1,0\n\n[0.1,0.9,0]\n", "predict", "pump", "1,0,0", "@" + file, "-", "--json")
            .expect(0)
            .lines();
    assertEquals(5, lines.size());
    List<String> labels = new ArrayList<>();
    for (JsonNode answer : lines) {
      assertEquals(Set.of("input", "label", "scores", "novelty"), keys(answer));
      assertEquals(Set.of("a", "b", "c"), keys(answer.get("scores")));
      double sum = 0;
      for (JsonNode score : answer.get("scores")) {
        sum += score.asDouble();
      }
      assertEquals(1, sum, 1e-5);
      labels.add(answer.get("label").asText());
    }
    assertEquals(List.of("a", "a", "c", "b", "b"), labels);
    assertEquals("1,0,0", lines.get(0).get("input").asText());
    assertTrue(line.run("predict", "pump", "--", "-1,0.5,0").expect(0).out().contains("%"));
  }

  @Test
  void goodInputsAreAnsweredBesideBadOnes() {
    CommandLine.Result result =
        line.run(
            "predict",
            "pump",
            "1,0,0",
            "1,0",
            "[NaN,0,1]",
            "[1,0,null]",
            "1e99,0,0",
            "words",
            "[0,1,0] x",
            "@nowhere",
            "0,0,1",
            "--json");
    assertEquals(2, result.expect(3).lines().size());
    for (String named : List.of("1,0:", "[NaN,0,1]", "[1,0,null]", "1e99", "words", "nowhere")) {
      assertTrue(result.err().contains(named), result.err());
    }
    assertTrue(result.err().contains("2 answered, 7 could not be"), result.err());
    line.run("predict", "pump", "1,0,0", "@nowhere").expect(4);
    line.run("predict", "pump", "1,0", "--json").expect(3);
    assertEquals("", line.piped("", "predict", "pump", "-").expect(0).out());
  }

  @Test
  void severalLabelsAndNumbers() throws IOException {
    Path multi = folder.resolve("multi.jsonl");
    Path numbers = folder.resolve("numbers.jsonl");
    Random random = new Random(SEED);
    StringBuilder sets = new StringBuilder();
    StringBuilder values = new StringBuilder();
    for (int i = 0; i < 80; i++) {
      double x = random.nextDouble() - 0.5;
      double y = random.nextDouble() - 0.5;
      String features = "{\"features\":[" + x + "," + y + "],\"label\":";
      List<String> labels = new ArrayList<>();
      if (x > 0) {
        labels.add("\"right\"");
      }
      if (y > 0) {
        labels.add("\"up\"");
      }
      sets.append(features).append(labels).append("}\n");
      values.append(features).append(3 * x - y).append("}\n");
    }
    Files.writeString(multi, sets);
    Files.writeString(numbers, values);

    line.run("teach", "sets", "--data", multi, "--epochs", 60, "--patience", 0).expect(0);
    JsonNode answer = line.run("predict", "sets", "0.4,0.4", "--json").expect(0).json();
    assertEquals("[\"right\",\"up\"]", answer.get("labels").toString());
    assertFalse(answer.has("label"));
    assertTrue(line.run("predict", "sets", "--", "-0.4,-0.4").expect(0).out().contains(": none"));

    JsonNode taught = line.run("teach", "number", "--data", numbers, "--json").expect(0).json();
    assertEquals("[]", taught.get("classes").toString());
    JsonNode judged = line.run("evaluate", "number", "--data", numbers, "--json").expect(0).json();
    assertTrue(keys(judged).containsAll(Set.of("mae", "rmse", "r2")), judged::toString);
    assertFalse(judged.has("accuracy"));
    assertTrue(judged.get("r2").asDouble() > 0.9, judged::toString);
    JsonNode value = line.run("predict", "number", "0.5,0", "--json").expect(0).json();
    assertEquals(1.5, value.get("value").asDouble(), 0.3);
    assertTrue(line.run("evaluate", "number", "--data", numbers).expect(0).out().contains("rmse"));
  }

  @Test
  void versionsFromFirstToRemoved() {
    line.run("teach", "many", "--data", data, "--epochs", 2).expect(0);
    JsonNode second =
        line.run("teach", "many", "--data", data, "--epochs", 2, "--promote", "never", "--json")
            .expect(0)
            .json();
    assertEquals(2, second.get("version").asInt());
    assertFalse(second.get("promoted").asBoolean());
    assertEquals("{\"head\":\"many\",\"live\":2}", out("heads", "promote", "many", 2, "--json"));
    assertEquals("{\"head\":\"many\",\"live\":1}", out("heads", "rollback", "many", "--json"));
    line.run("heads", "rollback", "many").expect(4);
    out("teach", "many", "--data", data, "--epochs", 2, "--promote", "always", "--json");
    // The version before was never live since; what was live is 1.
    assertEquals("{\"head\":\"many\",\"live\":1}", out("heads", "rollback", "many", "--json"));
    out("heads", "remove", "many", "--version", 3);
    line.run("heads", "promote", "many", 7).expect(4);
    line.run("predict", "many", "--version", 7, "1,0,0").expect(4);
    line.run("predict", "many", "--version", 2, "1,0,0").expect(0);

    JsonNode listed =
        line.run("heads", "list", "--json").expect(0).lines().stream()
            .filter(head -> head.get("head").asText().equals("many"))
            .findFirst()
            .orElseThrow();
    assertEquals(1, listed.get("live").asInt());
    assertEquals("[1,2]", listed.get("versions").toString());
    JsonNode shown = line.run("heads", "show", "many", "--version", 2, "--json").expect(0).json();
    assertFalse(shown.get("live").asBoolean());
    assertEquals(12, shown.at("/parameters/trainable").asInt());
    assertTrue(line.run("heads", "show", "many").expect(0).out().contains("12 trained, 0 frozen"));
    assertTrue(line.run("heads", "list").expect(0).out().contains("1-2"));

    line.run("heads", "remove", "many", "--version", 1).expect(3);
    assertEquals(
        "{\"head\":\"many\",\"removed\":[2]}",
        out("heads", "remove", "many", "--version", 2, "--json"));
    assertEquals("{\"head\":\"many\",\"removed\":[1]}", out("heads", "remove", "many", "--json"));
    line.run("heads", "show", "many").expect(4);
  }

  private static String out(Object... args) {
    return line.run(args).expect(0).out().strip();
  }

  @Test
  void anExportedHeadIsAModelToTrain() {
    Path model = folder.resolve("pump.onnx");
    out("heads", "export", "pump", "--out", model);
    assertEquals("scores", OnnxModel.read(model).outputs().get(0).name());
    assertEquals("[\"a\",\"b\",\"c\"]", OnnxModel.read(model).metadata().get("headstart.classes"));

    Path artifacts = folder.resolve("artifacts");
    CommandLine.Result result =
        line.run("artifacts", "--model", model, "--out", artifacts, "--json").expect(0);
    ObjectNode json = (ObjectNode) result.json();
    assertEquals(4, json.get("files").size());
    for (JsonNode file : json.get("files")) {
      assertTrue(Files.exists(artifacts.resolve(file.asText())), file::asText);
    }
    assertTrue(json.get("warnings").toString().contains("Softmax"), json::toString);
    CommandLine.Result unknown =
        line.run(
                "artifacts",
                "--model",
                model,
                "--trainable",
                "output.weigth",
                "--loss",
                "ce",
                "--out",
                artifacts)
            .expect(4);
    assertTrue(unknown.err().contains("did you mean 'output.weight'"), unknown.err());
    line.run("artifacts", "--model", data, "--out", artifacts).expect(3);
    assertTrue(
        line.run(
                "artifacts",
                "--model",
                model,
                "--trainable",
                "output.weight,output.bias",
                "--loss",
                "mse",
                "--optimizer",
                "sgd",
                "--out",
                artifacts)
            .expect(0)
            .out()
            .contains("12 numbers are trained"));
  }

  @Test
  void baseModelsComeAndGo() {
    Path model = folder.resolve("encoder.onnx");
    out("heads", "export", "pump", "--out", model);
    JsonNode added = line.run("models", "add", model, "--json").expect(0).json();
    assertEquals("encoder", added.get("id").asText());
    line.run("models", "add", model).expect(3);
    JsonNode second =
        line.run("models", "add", model, "--name", "second", "--json").expect(0).json();
    assertEquals("features", second.at("/inputs/0/name").asText());
    assertTrue(line.run("models", "list").expect(0).out().contains("encoder"));
    assertTrue(line.run("models", "show", "minilm").expect(0).out().contains("Apache-2.0"));
    assertEquals("{\"removed\":\"encoder\"}", out("models", "remove", "encoder", "--json"));
    line.run("models", "remove", "encoder").expect(4);
    line.run("models", "remove", "minilm").expect(3);
    line.run("models", "add", data).expect(3);
  }

  private Path pictureModel(String name, String input, long... shape) {
    GraphBuilder graph = new GraphBuilder("main", 17);
    Value pixels = graph.input(input, ElementType.FLOAT, shape);
    int side = (int) shape[3];
    Value weight = graph.initializer("w", Tensor.of(new float[side * side], side, side));
    Value map = graph.named("map", Operator.MAT_MUL, List.of(pixels, weight));
    Value pooled = graph.named("pooled", Operator.GLOBAL_AVERAGE_POOL, List.of(map));
    Path file = folder.resolve(name);
    graph.output(pooled, ElementType.FLOAT, -1, 3, 1, 1).build().write(file);
    return file;
  }

  @Test
  void whatABaseModelLacksIsSaid() throws IOException {
    Path model = pictureModel("camera.onnx", "pixels", -1, 3, 32, 32);
    CommandLine.Result result = line.run("models", "add", model).expect(0);
    assertTrue(result.out().contains("takes: not said"), result.out());
    assertTrue(result.out().contains("map"), result.out());
    String said = result.err();
    assertTrue(said.contains("pixels float32[batch, 3, 32, 32]"), said);
    assertTrue(said.contains("It looks like pictures"), said);
    assertTrue(said.contains("--manifest camera.json"), said);
    // The draft is a manifest that does.
    Path manifest = folder.resolve("camera.json");
    Files.writeString(manifest, said.substring(said.indexOf('{'), said.lastIndexOf('}') + 1));
    line.run("models", "remove", "camera").expect(0);
    CommandLine.Result again = line.run("models", "add", model, "--manifest", manifest).expect(0);
    assertTrue(again.out().contains("takes: pictures"), again.out());
    assertTrue(again.err().contains("teach HEAD --data PATH --base camera"), again.err());
    line.run(
            "teach",
            "camera",
            "--data",
            "../examples/fashion/train",
            "--base",
            "camera",
            "--epochs",
            1)
        .expect(0);
    line.run("models", "remove", "camera").expect(0);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "'taps':[{'name':'t','tensor':'mapp'}] | taps[0].tensor | did you mean 'map'",
        "'taps':[{'name':'t'}] | taps[0].tensor is missing | a tensor",
        "'taps':[{'name':'auto','tensor':'map'}] | taps[0].name is auto | and not auto",
        "'blocks':[{'name':'b','cut':'poold'}] | blocks[0].cut | did you mean 'pooled'",
        "'preprocessing':{'kind':'tensor','input':'pixel'} | preprocessing.input | 'pixels'",
        "'modality':'text','preprocessing':{'kind':'tensor','input':'pixels'} | modality | kind",
        "'pooling':{'kind':'max','mask':'m','input':'map','output':'o'} | pooling.kind | mean",
        "'pooling':{'kind':'mean','mask':'msk','input':'map','output':'o'} | pooling.mask | 'map'",
        "'pooling':{'kind':'mean','mask':'map','input':'map','output':'map'} | pooling.output | no",
        "'labels':'model.onnx' | 'model.onnx' | beside it",
        "'labels':'manifest.json' | 'manifest.json' | beside it",
        "'labels':'sub/labels.txt' | 'sub/labels.txt' | beside it",
        "'labels':'../labels.txt' | '../labels.txt' | beside it",
      })
  void aManifestMustFitTheModel(String fields, String named, String expected) throws IOException {
    Path model = pictureModel("fit.onnx", "pixels", -1, 3, 8, 8);
    Path manifest = folder.resolve("fit.json");
    Files.writeString(manifest, ("{" + fields + "}").replace('\'', '"'));
    CommandLine.Result result = line.run("models", "add", model, "--manifest", manifest).expect(3);
    assertTrue(result.err().contains(named), result.err());
    assertTrue(result.err().contains(expected), result.err());
    assertFalse(Files.exists(line.workspace().resolve("models/fit")));
  }

  @Test
  void aDamagedBaseModelIsListedAndRemoved() throws IOException {
    Path model = pictureModel("sick.onnx", "pixels", -1, 3, 8, 8);
    line.run("models", "add", model).expect(0);
    Path manifest = line.workspace().resolve("models/sick/manifest.json");
    for (String content : List.of("{", "null", "{\"id\":\"sick\"}", "{\"id\":\"other\"}")) {
      Files.writeString(manifest, content);
      CommandLine.Result list = line.run("models", "list", "--json").expect(0);
      assertFalse(list.out().contains("sick"), list.out());
      assertTrue(list.out().contains("minilm"), list.out());
      assertTrue(list.err().contains("warning: base model sick"), list.err());
      line.run("models", "show", "sick").expect(3);
    }
    Files.delete(manifest);
    assertTrue(line.run("models", "list").expect(0).err().contains("does not exist"));
    line.run("models", "add", model).expect(3);
    line.run("models", "remove", "../models/sick").expect(4);
    line.run("models", "remove", "sick").expect(0);
    line.run("models", "add", model).expect(0);
    line.run("models", "remove", "sick").expect(0);
    Path left = line.workspace().resolve("models/.staged-00000000-1-0123456789ab");
    Files.createDirectory(left);
    assertTrue(left.toFile().setLastModified(1));
    line.run("models", "list").expect(0);
    assertFalse(Files.exists(left));
  }

  @Test
  void peopleAreToldWhereTheBaseModelRuns() {
    CommandLine.Result predicted = line.run("predict", "pump", "1,0,0").expect(0);
    assertTrue(predicted.err().contains("Head pump, version 1"), predicted.err());
    assertFalse(predicted.err().contains(", on "), predicted.err());
    assertEquals("", line.run("predict", "pump", "1,0,0", "--json").expect(0).err());
    Path mail = Path.of("../examples/mail/test.jsonl");
    line.run("teach", "mail", "--data", mail, "--head", "prototype").expect(0);
    predicted = line.run("predict", "mail", "hello").expect(0);
    assertTrue(predicted.err().contains("Head mail, version 1, on cpu"), predicted.err());
    String judged = line.run("evaluate", "mail", "--data", mail).expect(0).out();
    assertTrue(judged.contains("samples, on cpu:"), judged);
    JsonNode json = line.run("evaluate", "mail", "--data", mail, "--json").expect(0).json();
    assertFalse(json.has("provider"), json::toString);
  }

  @Test
  void standardInputThatCannotBeReadIsBadInput() {
    InputStream broken =
        new InputStream() {
          @Override
          public int read() throws IOException {
            throw new IOException("Is a directory");
          }
        };
    CommandLine.Result result =
        CommandLine.plain(
                broken, "predict", "pump", "-", "--workspace", line.workspace().toString())
            .expect(3);
    assertTrue(result.err().contains("standard input cannot be read (Is a dir"), result.err());
  }

  @Test
  void namesFromElsewhereDoNotSteerTheTerminal() throws IOException {
    Path file =
        Files.writeString(
            folder.resolve("escape.jsonl"),
            "{\"features\":[0],\"label\":\"a\\u001b[2J\"}\n"
                + "{\"features\":[0.1],\"label\":\"a\\u001b[2J\"}\n"
                + "{\"features\":[1],\"label\":\"b\"}\n{\"features\":[1.1],\"label\":\"b\"}\n");
    CommandLine.Result result = line.run("teach", "escape", "--data", file).expect(3);
    assertFalse(result.out().contains("\u001b"), result.out());
    assertFalse(result.err().contains("\u001b"), result.err());
  }
}
