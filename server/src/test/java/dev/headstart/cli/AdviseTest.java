package dev.headstart.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code advise}, and what {@code teach} makes of it. */
class AdviseTest {
  private static final Path MAIL = Path.of("../examples/mail");

  @TempDir private Path folder;

  private CommandLine line() {
    return new CommandLine(folder.resolve("workspace"));
  }

  /** With the same features: a shallower tap tells mails apart better than the deepest. */
  @Test
  void mailIsCutLowerAndGains() {
    JsonNode advice =
        line().run("advise", "--data", MAIL.resolve("train.jsonl"), "--json").expect(0).json();
    assertEquals("minilm", advice.get("base").textValue());
    String cut = advice.get("cut").textValue();
    assertTrue(cut.startsWith("layer"), cut);
    assertEquals("linear", advice.get("kind").textValue());
    assertEquals("head", advice.get("unfreeze").textValue());
    assertEquals(7, advice.get("taps").size());
    double low = advice.get("expected").get("low").doubleValue();
    double high = advice.get("expected").get("high").doubleValue();
    assertTrue(advice.get("reasons").get(0).textValue().contains(cut));

    CommandLine.Result report =
        line().run("advise", "--data", MAIL.resolve("train.jsonl")).expect(0);
    assertTrue(report.out().contains("* | " + cut), report.out());
    assertTrue(report.out().lines().allMatch(l -> l.length() <= Console.WIDTH), report.out());

    CommandLine.Result taught =
        line().run("teach", "mail", "--data", MAIL.resolve("train.jsonl"), "--json").expect(0);
    assertEquals(cut, taught.json().get("cut").textValue());
    assertTrue(taught.err().contains("minilm is cut at " + cut), taught.err());
    JsonNode judged =
        line()
            .run("evaluate", "mail", "--data", MAIL.resolve("test.jsonl"), "--json")
            .expect(0)
            .json();
    double accuracy = judged.get("accuracy").doubleValue();
    assertTrue(accuracy >= 0.93, "accuracy " + accuracy);
    assertTrue(low <= accuracy && accuracy <= high, low + " to " + high);
  }

  @Test
  void whatCannotBeAdvisedIsSaid() throws IOException {
    assertTrue(line().run("advise").expect(2).err().contains("--data"));
    line().run("advise", "--data", folder.resolve("nowhere")).expect(4);
    Path one = folder.resolve("one.jsonl");
    Files.writeString(one, "{\"text\":\"a\",\"label\":\"x\"}\n{\"text\":\"b\",\"label\":\"x\"}\n");
    CommandLine.Result refused = line().run("advise", "--data", one, "--json").expect(3);
    assertTrue(refused.err().contains("at least two classes"), refused.err());
    assertEquals("", refused.out());
  }

  @Test
  void vectorsAreAdvisedOnWithoutABase() throws IOException {
    Path table = folder.resolve("table.csv");
    StringBuilder csv = new StringBuilder("a,b,label\n");
    for (int i = 0; i < 20; i++) {
      csv.append(i % 2 * 3 + i % 5 * 0.1).append(',').append(i % 7).append(",c").append(i % 2);
      csv.append('\n');
    }
    Files.writeString(table, csv);
    JsonNode advice = line().run("advise", "--data", table, "--json").expect(0).json();
    assertTrue(advice.get("base").isNull());
    assertTrue(advice.get("cut").isNull());
    assertTrue(advice.get("fit").isNull());
    assertEquals(1.0, advice.get("expected").get("accuracy").doubleValue());
    assertTrue(advice.get("expected").get("low").doubleValue() < 0.95);
    CommandLine.Result report = line().run("advise", "--data", table).expect(0);
    assertTrue(report.out().contains("features"), report.out());
    assertFalse(report.out().contains("null"), report.out());
  }

  @Test
  void theDomainOfABaseIsItsStatistics() {
    JsonNode domain =
        line()
            .run("advise", "--data", MAIL.resolve("train.jsonl"), "--domain", "mails", "--json")
            .expect(0)
            .json()
            .get("domain");
    assertEquals("mails", domain.get("about").textValue());
    assertEquals("layer3", domain.get("cut").textValue());
    assertEquals(384, domain.get("mean").size());
    assertTrue(domain.get("cosine").doubleValue() > 0.3);
    assertTrue(domain.get("pieces").doubleValue() > 1);
  }
}
