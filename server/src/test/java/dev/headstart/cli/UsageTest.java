package dev.headstart.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is said to who does not know how a command is used. */
class UsageTest {
  @TempDir Path folder;

  private CommandLine.Result run(String line) {
    return new CommandLine(folder.resolve("workspace")).run((Object[]) line.split(" "));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "demo",
        "teach",
        "evaluate",
        "predict",
        "heads",
        "heads list",
        "heads show",
        "heads promote",
        "heads rollback",
        "heads remove",
        "heads export",
        "heads import",
        "models",
        "models list",
        "models show",
        "models add",
        "models remove",
        "artifacts"
      })
  void everyCommandExplainsItselfWithExamples(String command) {
    CommandLine.Result result =
        CommandLine.plain("", (command + " --help").strip().split(" ")).expect(0);
    assertTrue(result.out().contains("Examples:\n  ./headstart " + command), result.out());
    assertTrue(result.out().contains("--workspace"), result.out());
    assertTrue(result.out().contains("--json"), result.out());
    result.out().lines().forEach(line -> assertTrue(line.length() <= 80, line));
    assertEquals("", result.err());
  }

  @Test
  void saysItsVersion() {
    CommandLine.Result result = CommandLine.plain("", "--version").expect(0);
    assertTrue(result.out().startsWith("Headstart "), result.out());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--json | which command?",
        "haeds list | did you mean heads",
        "heads | what about heads?",
        "heads lst | did you mean list",
        "heads show | 'HEAD'",
        "heads promote a b | 'b'",
        "heads list extra | unexpected argument 'extra'",
        "heads export a | one of --out FILE.onnx and --bundle FILE",
        "heads export a --bundle b --version 1 | --bundle writes all versions",
        "teach a | '--data=PATH'",
        "teach a --dat x | did you mean --data",
        "teach a --data x --epochs many | 'many' is not an int",
        "teach a --data x --epochs 3 --epochs 4 | only once",
        "teach a --data x --head tail:2 | expected linear, mlp:H",
        "teach a --data ../examples/mail/train.jsonl --head tail | say which with --unfreeze",
        "teach a --data ../examples/mail/train.jsonl --head linear --unfreeze 2 | makes a tail head",
        "teach a --data ../examples/mail/train.jsonl --unfreeze 0 | must be 1 or more",
        "teach a --data ../examples/mail/train.jsonl --freeze x* | exempts what --unfreeze",
        "teach a --data x --head mlp:0 | expected linear, mlp:H",
        "teach a --data x --optimizer adam | not one of adamw, sgd",
        "teach a --data x --schedule step | unknown schedule 'step'",
        "teach a --data x --task many | unknown task 'many'",
        "teach a --data x --promote maybe | if-not-worse, always or never",
        "teach a --data x --class-weights yes | not one of balanced, none",
        "teach a --data x --provider gpu | unknown execution provider 'gpu'",
        "teach a/b --data pom.xml | a head's name is",
        "teach a --data x --unfreezing 2 | did you mean --unfreeze",
        "teach a --data ../examples/mail/train.jsonl --epochs 0 | 1 to 100000, got 0",
        "predict a | 'INPUT'",
        "predict a -5,2 | go behind --",
        "artifacts --model m --out o --loss hinge | unknown loss 'hinge', expected ce, bce, mse, l1 or"
      })
  void wrongUsageIsStatusTwoWithAHint(String line, String expected) {
    CommandLine.Result result = run(line).expect(2);
    assertEquals("", result.out());
    assertTrue(result.err().contains(expected), result.err());
    assertTrue(result.err().contains(" --help"), result.err());
    assertFalse(result.err().contains("\tat "), result.err());
    assertTrue(result.err().lines().count() <= 3, result.err());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "teach a --data nowhere | there is no data at nowhere",
        "evaluate a --data pom.xml | unknown head 'a'",
        "predict a x | unknown head 'a'",
        "heads show a | unknown head 'a'",
        "heads promote a 1 | unknown head 'a'",
        "heads rollback a | unknown head 'a'",
        "heads remove a | unknown head 'a'",
        "heads remove a --version 2 | unknown head 'a'",
        "heads export a --out x.onnx | unknown head 'a'",
        "heads export a --bundle x | unknown head 'a'",
        "heads import a --bundle nowhere | there is no bundle nowhere",
        "models show minilmm | did you mean 'minilm'",
        "models remove minilmm | did you mean 'minilm'",
        "models add nowhere.onnx | there is no model file",
        "artifacts --model nowhere.onnx --out x | there is no model file",
        "artifacts --model pom.xml --loss nowhere.onnx --out x | there is no loss graph"
      })
  void whatIsNotThereIsStatusFour(String line, String expected) {
    CommandLine.Result result = run(line).expect(4);
    assertEquals("", result.out());
    assertTrue(result.err().contains(expected), result.err());
    assertEquals(1, result.err().lines().count(), result.err());
  }

  @Test
  void optionsOfAllCommandsStandAnywhere() {
    String workspace = folder.resolve("w").toString();
    for (String line :
        new String[] {
          "--workspace W --json models list",
          "models --workspace W --json list",
          "models list --workspace W --json",
          "models --json list --workspace W",
          "models list --json --workspace=W"
        }) {
      CommandLine.Result result =
          CommandLine.plain("", line.replace("W", workspace).split(" ")).expect(0);
      assertEquals(2, result.lines().size(), line);
      assertEquals("efficientnet-lite0", result.lines().get(0).path("id").asText());
      assertTrue(Files.isDirectory(Path.of(workspace)), line);
    }
  }

  @Test
  void stackTracesOnlyForWhoAsks() {
    assertFalse(run("heads show a").err().contains("\tat "));
    assertTrue(run("heads show a --debug").expect(4).err().contains("\tat "));
    assertTrue(run("heads shw a --debug").expect(2).err().contains("\tat "));
  }

  @Test
  void aWorkspaceMustBeADirectory() throws Exception {
    Path file = Files.createFile(folder.resolve("file"));
    CommandLine.Result result =
        CommandLine.plain("", "heads", "list", "--workspace", file.toString()).expect(3);
    assertTrue(result.err().contains("must be a directory"), result.err());
  }

  @Test
  void anEmptyWorkspaceSaysWhatToDo() {
    CommandLine.Result result = run("heads list").expect(0);
    assertEquals("", result.out());
    assertTrue(result.err().contains("headstart teach HEAD --data PATH --workspace"), result.err());
    assertEquals("", run("heads list --json").expect(0).err());
  }
}
