package dev.headstart.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ProgressTest {

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "train | 12.2 | 20 | 'about 12 s an epoch, 4 minutes in all, less if it stops early'",
        "train | 0.26 | 50 | 'about 0.3 s an epoch, 13 s in all, less if it stops early'",
        "train | 900 | 20 | 'about 15 minutes an epoch, 5.0 hours in all, less if it stops early'",
        "train | 0.2 | 20 | ''",
        "refit | 900 | 20 | ''"
      })
  void whatAnEpochTakesIsSaidWhereItIsMoreThanSeconds(
      String stage, double seconds, int epochs, String expected) {
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    PrintStream none = new PrintStream(new ByteArrayOutputStream(), true, StandardCharsets.UTF_8);
    Console console =
        new Console(
            new ByteArrayInputStream(new byte[0]),
            none,
            new PrintStream(err, true, StandardCharsets.UTF_8));
    try (Progress progress = new Progress(console)) {
      progress.stage(stage, epochs);
      progress.pace(seconds, epochs);
    }
    assertEquals(expected, err.toString(StandardCharsets.UTF_8).strip());
  }
}
