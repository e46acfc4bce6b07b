package dev.headstart.server.studio;

import static dev.headstart.server.studio.Operator.column;
import static dev.headstart.server.studio.Operator.said;
import static dev.headstart.server.studio.Operator.sample;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.server.Server;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Heads of texts, of several classes and of numbers, and heads that come as bundles. */
class StudioHeadsTest {
  private static final String REFUSED = "400 (Bad Request)";
  private static final String CHOSEN = "//section[contains(@class,'try')]";

  private static Browser browser;
  private static Server server;
  private static Operator operator;

  @TempDir static Path folder;

  @BeforeAll
  static void start() {
    browser = Browser.start();
    server = Operator.server(folder.resolve("workspace"), Map.of());
    operator = new Operator(browser, server);
    browser.screen(1280, 800, false);
  }

  @AfterAll
  static void stop() {
    if (browser != null) {
      browser.close();
    }
    if (server != null) {
      server.close();
    }
  }

  @AfterEach
  void nothingElseToComplainOf() {
    assertEquals(List.of(), browser.complaints(REFUSED));
  }

  @Test
  void textsAreTypedReadPastedTaughtAndAsked() throws Exception {
    operator.head("mail", "text", "single", "spam", "ham");
    browser.click(column("spam") + "//button[normalize-space()='Type or paste']");
    browser.type(
        "textarea[aria-label='Text for spam']",
        "Win a lot of money now\n\nCheap watches, only today\nYou are our lucky winner");
    browser.click(column("spam") + "//button[normalize-space()='Add']");
    operator.counted("spam", 3);

    Path note = write("note.txt", "See you on Monday.\n\nBest wishes,\nAnna");
    Path broken = Files.write(folder.resolve("broken.txt"), new byte[] {(byte) 0xff, 'x', 0});
    Path some =
        write(
            "some.jsonl",
            "{\"text\": \"The minutes of our meeting\"}\n{oops\n"
                + "{\"text\": \"Buy, buy, buy\", \"label\": \"spam\"}\n");
    operator.add("ham", List.of(note, broken, some));
    operator.counted("ham", 2);
    operator.counted("spam", 4); // the label of the line goes before
    String refused = browser.see(column("ham") + "//*[contains(@class,'notice bad')]").getText();
    assertTrue(refused.contains("broken.txt: not a text"), refused);
    assertTrue(refused.contains("some.jsonl, line 2: "), refused);

    browser.click(column("ham") + "//h3");
    operator.paste("Thank you for the report,\nI shall read it tonight.", null);
    operator.counted("ham", 3);
    browser.look("texts");
    browser.click(sample("ham", 1));
    browser.press("Look");
    assertTrue(browser.see("dialog[open] .original-text").getText().contains("read it tonight"));
    browser.click("dialog[open] button[aria-label='Close']");

    operator.teach(1);
    browser.type("textarea[aria-label='Text to try']", "You have won money");
    browser.press("Ask");
    assertEquals("spam", browser.see(".said-label").getText());
    browser.choose(CHOSEN + "//select[@name='label']", "ham");
    browser.press("Tell it");
    operator.counted("ham", 4);
    browser.look("texts-tried");
  }

  @Test
  void aSampleMayBeOfSeveralClassesOrOfNone() throws Exception {
    operator.head("things", "image", "multi", "cat", "cow");
    operator.add("cat", Operator.pictures(folder, "cat", 6));
    operator.add("cow", Operator.pictures(folder, "cow", 6));
    operator.counted("cat", 6);
    operator.counted("cow", 6);
    browser.click(sample("cat", 1));
    browser.click(sample("cow", 1));
    browser.press("Classes…");
    browser.await(
        "boxes that are neither on nor off",
        () -> Long.valueOf(2).equals(browser.script(boxes("box.indeterminate"))));
    browser.look("several-classes");
    browser.click("//dialog//label[normalize-space()='cow']");
    browser.press("Save");
    operator.counted("cow", 7);
    operator.counted("cat", 6);

    browser.click(sample("cat", 2));
    browser.press("Look");
    browser.click("//dialog//label[normalize-space()='cat']");
    browser.press("Save");
    operator.counted("cat", 5);
    browser.see("//section[contains(@class,'strays')]//li[@role='option']");
    assertEquals(
        1, operator.ask("GET", "/v1/heads/things/samples?label=", null).get("total").asInt());

    operator.teach(1);
    Path picture = Operator.pictures(folder, "cow", 8).get(7);
    browser.await(
        "an answer of the new version",
        () -> {
          upload(picture);
          return browser.await(
              "an answer, or why there is none",
              () ->
                  browser.all(CHOSEN + "//*[@class='said-label wrap' or @role='alert']").stream()
                      .findFirst()
                      .map(found -> found.getAttribute("class").startsWith("said"))
                      .orElse(null));
        });
    browser.click(CHOSEN + "//label[normalize-space()='cat']");
    browser.look("several-tried");
    browser.press("Tell it");
    browser.see(CHOSEN + "//*[contains(.,'It is a sample of')]");
    operator.open("things", "results");
    browser.see(".verdict");
    browser.look("several-results");
  }

  @Test
  void samplesMayHaveNumbers() throws Exception {
    operator.head("size", "image", "regression");
    assertFalse(browser.all("input[aria-label='Files for a number']").get(0).isEnabled());
    browser.look("numbers-none");
    browser.type(".numbers-add input[type=number]", "3.5");
    List<Path> mixed = new ArrayList<>(Operator.pictures(folder, "cat", 5));
    mixed.add(write("words.png", "no picture"));
    browser.upload("input[aria-label='Files for 3.5']", mixed);
    samples(5);
    assertTrue(browser.see(".column .notice.bad").getText().contains("words.png"));
    browser.click(".column button[aria-label='Dismiss']");
    browser.type(".numbers-add input[type=number]", "-1");
    browser.upload("input[aria-label='Files for -1']", Operator.pictures(folder, "cow", 5));
    samples(10);
    operator.paste(null, Operator.draw(folder.resolve("spot.png"), 0.3f, 20));
    samples(11);
    browser.click("(//li[@role='option'])[1]");
    browser.press("Number…");
    browser.type("dialog[open] input[name=label]", "2.25");
    browser.press("Save");
    browser.see("//li[@role='option']//*[.='2.25']");
    browser.look("numbers");

    operator.teach(1);
    assertTrue(browser.see(said("Version 1")).getText().contains("on average off by"));
    // By its weights before the refit: after it, the head knows by heart what judged it.
    assertEquals(
        operator.ask("GET", "/v1/heads/size/versions/1", null).at("/metrics/mae").asDouble(),
        operator
            .ask("GET", "/v1/heads/size/versions/1/evaluation?samples=validation", null)
            .get("mae")
            .asDouble(),
        1e-4);
    upload(Operator.pictures(folder, "cow", 8).get(7));
    Double.parseDouble(browser.see(".said-label").getText());
    browser.type(CHOSEN + "//input[@name='label']", "-1.5");
    browser.press("Tell it");
    samples(12);
    browser.look("numbers-tried");
    operator.open("size", "results");
    assertTrue(browser.see(".verdict").getText().contains("off by"));
    browser.look("numbers-results");
  }

  @Test
  void versionsGoFromDeviceToDeviceAsABundle() throws Exception {
    operator.ask("POST", "/v1/heads", Map.of("head", "here", "modality", "tensor"));
    vectors("here", "low", 0.1f);
    vectors("here", "high", 0.9f);
    operator.open("here", "teach");
    operator.teach(1);
    operator.open("here", "versions");
    String link = browser.see("//a[.='Export bundle']").getAttribute("href");
    Path bundle = folder.resolve("here.zip");
    try (InputStream in = URI.create(link).toURL().openStream()) {
      Files.copy(in, bundle);
    }
    operator.ask("POST", "/v1/heads", Map.of("head", "there", "modality", "tensor"));
    operator.open("there", "versions");
    browser.see("//*[contains(.,'None yet')]");
    browser.upload("input[accept='.zip']", List.of(write("no.zip", "no bundle")));
    String refused = browser.see(".notice.bad").getText();
    assertTrue(refused.contains("no bundle of a head") && !refused.contains("/"), refused);
    browser.look("bundle-refused");
    browser.upload("input[accept='.zip']", List.of(bundle));
    browser.see("tr.live");
    assertEquals(List.of(), browser.all(".notice.bad"));
    browser.look("bundle");
  }

  private static void vectors(String head, String label, float near) throws Exception {
    List<Map<String, Object>> samples = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      samples.add(Map.of("features", List.of(near + i * 0.01f, 1 - near, 0.5f)));
    }
    operator.ask(
        "POST", "/v1/heads/" + head + "/samples", Map.of("label", label, "samples", samples));
  }

  private static String boxes(String that) {
    return "return [...document.querySelectorAll('dialog[open] input[type=checkbox]')].filter(box"
        + " => "
        + that
        + ").length";
  }

  private static void upload(Path picture) {
    try {
      browser.upload("input[aria-label='File to try']", List.of(picture));
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private static void samples(int count) {
    browser.see("//h2[starts-with(.,'Samples')]/span[.='" + count + "']");
  }

  private static Path write(String name, String text) throws IOException {
    return Files.writeString(folder.resolve(name), text, StandardCharsets.UTF_8);
  }
}
