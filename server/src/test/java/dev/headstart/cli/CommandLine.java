package dev.headstart.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The command line as a user meets it, in this process: a workspace, and what a command leaves. */
record CommandLine(Path workspace) {

  /** What a command left. */
  record Result(int status, String out, String err) {

    Result expect(int expected) {
      assertEquals(expected, status, () -> "standard error: " + err + "\nstandard output: " + out);
      return this;
    }

    /** The only line of standard output. */
    JsonNode json() {
      List<JsonNode> lines = lines();
      assertEquals(1, lines.size(), out);
      return lines.get(0);
    }

    /** Standard output, each line of it a JSON object. */
    List<JsonNode> lines() {
      return out.lines()
          .map(
              line -> {
                try {
                  JsonNode node = Console.JSON.readTree(line);
                  assertEquals(true, node.isObject(), line);
                  return node;
                } catch (IOException e) {
                  throw new UncheckedIOException(line, e);
                }
              })
          .toList();
    }
  }

  /** Runs a command on the workspace. */
  Result run(Object... args) {
    return piped("", args);
  }

  /** Runs a command with something on standard input. */
  Result piped(String in, Object... args) {
    List<String> words = new ArrayList<>();
    for (Object arg : args) {
      words.add(arg.toString());
    }
    // Before a --, behind which nothing is an option.
    int end = words.indexOf("--");
    words.addAll(end < 0 ? words.size() : end, List.of("--workspace", workspace.toString()));
    return plain(in, words.toArray(String[]::new));
  }

  /** Runs just these words. */
  static Result plain(String in, String... words) {
    return plain(new ByteArrayInputStream(in.getBytes(StandardCharsets.UTF_8)), words);
  }

  /** Runs just these words. */
  static Result plain(InputStream in, String... words) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    int status =
        Main.run(
            words,
            in,
            new PrintStream(out, true, StandardCharsets.UTF_8),
            new PrintStream(err, true, StandardCharsets.UTF_8));
    return new Result(
        status, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
  }
}
