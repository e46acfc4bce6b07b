package dev.headstart.server.studio;

import static dev.headstart.server.studio.Operator.column;
import static dev.headstart.server.studio.Operator.counted;
import static dev.headstart.server.studio.Operator.sample;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.server.Server;
import dev.headstart.server.security.ApiKeys;
import dev.headstart.server.security.Role;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openqa.selenium.Keys;

/** What pages meet: other tablets, plain HTTP, refusals, folders, long names, many samples. */
class StudioPageTest {
  private static Browser browser;
  private static Server server;
  private static Operator operator;

  @TempDir static Path folder;

  @BeforeAll
  static void start() {
    browser = Browser.start();
    server =
        Operator.server(
            folder.resolve("workspace"),
            Map.of("headstart.allowed-hosts", "tablet.test", "headstart.limits.body", 1 << 20));
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

  @Test
  void twoTabletsStayInStep() throws Exception {
    operator.head("shared", "image", "single", "cat", "cow");
    try (Browser other = Browser.start()) {
      other.screen(1280, 800, false);
      other.open(operator.address("/#/heads/shared"));
      other.see(column("cat"));
      operator.add("cat", Operator.pictures(folder, "cat", 3));
      counted(other, "cat", 3);
      other.await("tiles", () -> other.all(".sample").size() == 3);

      other.click(sample("cat", 2));
      browser.click(sample("cat", 2));
      browser.choose("//select[@aria-label='Move to']", "cow");
      counted(other, "cow", 1);
      counted(other, "cat", 2);

      // What is being typed on one stays while the other changes things.
      other.click(column("cat") + "//summary");
      other.press("Rename");
      other.type("input[aria-label='New name']", "kit");
      browser.click(column("cow") + "//summary");
      browser.press("Rename");
      browser.type("input[aria-label='New name']", "bull");
      browser.press("Rename");
      other.see(column("bull"));
      other.see("input[aria-label='New name']").sendKeys("ten" + Keys.ENTER);
      browser.see(column("kitten"));

      browser.click(column("bull") + "//summary");
      browser.press("Delete class");
      browser.press("Delete");
      other.await("one class", () -> other.all(column("bull")).isEmpty());

      operator.open("shared", "settings");
      browser.press("Delete head");
      browser.press("Delete");
      other.see("//h1[.='There is no such head']");
      assertEquals(List.of(), other.complaints("404"));
      other.open("about:blank");
    }
    assertEquals(List.of(), browser.complaints("404"));
  }

  @Test
  void plainHttpHasTheDevicesOwnCameraAndSaysHowToGetTls() throws Exception {
    operator.head("plain", "image", "single", "cat", "cow");
    browser.open("about:blank");
    browser.open(operator.address("/#/heads/plain").replace("127.0.0.1", "tablet.test"));
    browser.see(column("cat"));
    assertEquals(false, browser.script("return isSecureContext"));
    assertTrue(browser.see(".notice code").getText().contains("--tls auto"));
    assertEquals(
        "environment",
        browser.all("input[aria-label='Camera for cat']").get(0).getAttribute("capture"));
    browser.look("plain-http");
    browser.upload("input[aria-label='Camera for cat']", Operator.pictures(folder, "cat", 1));
    operator.counted("cat", 1);
    assertEquals(List.of(), browser.complaints());
  }

  @Test
  void whatIsRefusedIsNamedAndTheRestIsTaken() throws Exception {
    operator.head("strict", "image", "single", "cat", "cow");
    List<Path> files = new ArrayList<>();
    files.add(Files.write(folder.resolve("large.png"), new byte[(1 << 20) + 1]));
    files.add(Files.write(folder.resolve("empty.png"), new byte[0]));
    files.add(Files.writeString(folder.resolve("letter.png"), "Dear Sir or Madam"));
    files.addAll(Operator.pictures(folder, "cat", 3));
    operator.add("cat", files);
    operator.counted("cat", 3);
    String refused =
        browser
            .see(column("cat") + "//*[contains(@class,'notice bad') and contains(.,'3 samples')]")
            .getText();
    assertTrue(refused.contains("large.png: 1.0 MB are more than the server takes"), refused);
    assertTrue(refused.contains("empty.png: empty"), refused);
    assertTrue(refused.contains("letter.png: not a picture"), refused);
    browser.look("refused");
    browser.click(column("cat") + "//button[@aria-label='Dismiss']");
    browser.complaints(); // the browser's own of what was refused
  }

  @Test
  void foldersBecomeClassesAndAPasteGoesWhereItIsToldTo() throws Exception {
    operator.head("folders", "image", "single", "cat");
    Map<String, List<Path>> folders = new LinkedHashMap<>();
    folders.put("dog", Operator.pictures(folder, "dog", 3));
    folders.put("elephant", Operator.pictures(folder, "elephant", 3));
    operator.dropFolders(folders);
    operator.counted("dog", 3);
    operator.counted("elephant", 3);

    operator.paste(null, Operator.draw(folder.resolve("red.png"), 0f, 30));
    browser.see("//dialog[@open]//h2[.='Where does it belong?']");
    browser.look("pasted");
    browser.click("//dialog//button[.='cat']");
    operator.counted("cat", 1);
    operator.paste(null, Operator.draw(folder.resolve("blue.png"), 0.6f, 30));
    operator.counted("cat", 2); // the class that was last touched
    assertEquals(List.of(), browser.complaints());
  }

  @Test
  void noNameBreaksThePage() throws Exception {
    String head = "n".repeat(64);
    String[] classes = {
      "a ".repeat(70), "x".repeat(200), "<b>bold</b><script>alert(1)</script>", "שלום", "a/b%2F?#&"
    };
    operator.head(head, "text", "single", classes);
    for (int i = 0; i < classes.length; i++) {
      operator.ask(
          "POST",
          "/v1/heads/" + head + "/samples",
          Map.of(
              "label",
              classes[i],
              "samples",
              List.of(i + " one", i + " two", i + " <i>three</i>")));
    }
    operator.open(head, "teach");
    browser.await("all", () -> browser.all(".column li[role=option]").size() == 15);
    assertEquals(6, browser.all(".column").size(), "no class twice, and where others are added");
    operator.teach(1);
    browser.type("textarea[aria-label='Text to try']", "1 two");
    browser.press("Ask");
    browser.see(".said-label");
    browser.click("(//li[@role='option'])[1]");
    browser.look("names");
    for (String tab : List.of("results", "versions", "settings")) {
      operator.open(head, tab);
      browser.see("results".equals(tab) ? ".verdict" : ".card h2");
      browser.look("names-" + tab);
    }
    browser.open(operator.address("/"));
    browser.see(".head-card");
    browser.look("names-heads");
    assertEquals(List.of(), browser.complaints());
  }

  @Test
  void manySamplesComePageByPage() throws Exception {
    operator.head("many", "text", "single", "a", "b");
    operator.ask(
        "POST",
        "/v1/heads/many/samples",
        Map.of(
            "label", "a", "samples", IntStream.range(0, 300).mapToObj(i -> "text " + i).toList()));
    operator.counted("a", 300);
    browser.see("//button[starts-with(.,'Show more')]");
    int before = 0;
    for (int shown = 24; shown < 300; shown = samples()) {
      assertTrue(shown > before, "more than " + before);
      before = shown;
      browser.see("//button[starts-with(.,'Show more')]").sendKeys(Keys.ENTER);
      int least = before;
      browser.await("more", () -> samples() > least);
      browser.await(
          "the focus on a sample",
          () -> browser.script("return document.activeElement.role === 'option'"));
    }
    assertEquals(300, samples());
    browser.see(sample("a", 300)).sendKeys(Keys.chord(Keys.CONTROL, "a"));
    assertTrue(browser.see(".selection").getText().contains("300 selected"));
    browser.press("Delete");
    browser.click("//dialog//button[.='Delete']");
    operator.counted("a", 0);
    assertEquals(List.of(), browser.complaints());
  }

  @Test
  void whoMayOnlyLookIsShownNothingToPress() throws Exception {
    Path workspace = Files.createDirectory(folder.resolve("locked"));
    String look = new ApiKeys(workspace).add("viewer", Role.PREDICT);
    try (Server open = Operator.server(workspace, Map.of("headstart.auth", "none"))) {
      Operator before = new Operator(browser, open);
      before.head("seen", "text", "single", "a", "b");
      for (String label : List.of("a", "b")) {
        before.ask(
            "POST",
            "/v1/heads/seen/samples",
            Map.of("label", label, "samples", List.of(label + " 1", label + " 2", label + " 3")));
      }
      before.teach(1);
      browser.open("about:blank");
    }
    try (Server locked = Operator.server(workspace, Map.of("headstart.auth", "keys"))) {
      Operator viewer = new Operator(browser, locked);
      browser.open(viewer.address("/#/heads/seen"));
      browser.type("input[name=key]", look);
      browser.press("Log in");
      browser.see(column("a") + "//li");
      assertEquals(List.of(), browser.all(".column input, .column summary, #new-class"));
      assertFalse(browser.see("//button[.='Teach']").isEnabled());
      browser.type("textarea[aria-label='Text to try']", "a 4");
      browser.press("Ask");
      browser.see(".said-label");
      assertEquals(List.of(), browser.all(".feedback"));
      browser.click(sample("a", 1));
      assertEquals(List.of(), browser.all(".selection .danger, .selection select"));
      browser.look("viewer");
      for (String tab : List.of("versions", "settings")) {
        viewer.open("seen", tab);
        browser.see(".card h2");
        assertEquals(
            List.of(),
            browser.all("main button:not(:disabled), main input:not(:disabled)").stream()
                .filter(e -> e.isDisplayed())
                .map(e -> e.getAttribute("outerHTML"))
                .toList());
      }
      browser.complaints(); // 401 before the login
      browser.open("about:blank");
    }
  }

  private static int samples() {
    return browser.all(column("a") + "//li[@role='option']").size();
  }
}
