package dev.headstart.server.studio;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.server.Server;
import dev.headstart.server.security.ApiKeys;
import dev.headstart.server.security.Role;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openqa.selenium.Keys;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.interactions.Actions;

/**
 * Chromium drives Studio as an operator does, against a whole server. What it sees is kept in
 * {@code target/screenshots}. Pictures are animals where {@code ../shared} is, else coloured ones.
 */
class StudioTest {
  private static final String HOSTILE = "<img src=x onerror=alert(1)> \"&'";

  private static Browser browser;

  @TempDir static Path folder;

  @BeforeAll
  static void start() {
    browser = Browser.start();
  }

  @AfterAll
  static void stop() {
    if (browser != null) {
      browser.close();
    }
  }

  @Test
  void anOperatorTeachesTriesPromotesAndRollsBack() throws Exception {
    try (Server server = server("story", Map.of())) {
      Operator operator = new Operator(browser, server);
      browser.screen(1280, 800, false);
      browser.open("http://127.0.0.1:" + server.port() + "/");
      create();
      addByPickerAndDrop(operator);
      teachAndWatchTheCurves(1);
      lookAtResults();
      tryByFileAndCamera();
      addByCamera();
      moveByKeyboard();
      addAHostileClass();
      teachAndWatchTheCurves(2);
      compareRollBackAndPromote();
      otherScreens();
      assertEquals(List.of(), browser.complaints());
      browser.open("about:blank"); // before the server ends, which the page would notice
    }
  }

  @Test
  void aKeyOpensThePage() throws Exception {
    Path workspace = Files.createDirectory(folder.resolve("locked"));
    String teach = new ApiKeys(workspace).add("tablet", Role.TEACH);
    String look = new ApiKeys(workspace).add("viewer", Role.PREDICT);
    try (Server server = server("locked", Map.of("headstart.auth", "keys"))) {
      browser.screen(1280, 800, false);
      browser.open("http://127.0.0.1:" + server.port() + "/");
      browser.type("input[name=key]", "hs_wrong");
      browser.press("Log in");
      assertTrue(browser.see(".notice.bad").getText().contains("key"));
      browser.look("login");
      browser.type("input[name=key]", look);
      browser.press("Log in");
      browser.see("//*[contains(@class,'banner') and contains(.,'may look and ask')]");
      browser.see("//button[.='New head' and @disabled]");
      browser.press("Log out");
      browser.type("input[name=key]", teach);
      browser.press("Log in");
      browser.press("New head");
      browser.see("dialog[open]");
      assertEquals("", browser.script("return document.cookie"), "scripts cannot read the cookie");
      assertEquals(List.of(), browser.complaints("401"));
      browser.open("about:blank");
    }
  }

  private static Server server(String name, Map<String, Object> settings) {
    return Operator.server(folder.resolve(name), settings);
  }

  private static void create() throws IOException {
    browser.see("//h2[.='Teach this device something']");
    browser.look("heads-none");
    browser.press("New head");
    browser.see("dialog[open]");
    browser.look("new-head");
    browser.type("input[name=head]", "animals");
    browser.type("input[name=classes]", "cat, cow");
    browser.press("Make it");
    browser.see(column("cat"));
    browser.look("head-empty");
  }

  private static void addByPickerAndDrop(Operator operator) throws IOException {
    List<Path> cats = pictures("cat", 12);
    List<Path> cows = pictures("cow", 12);
    browser.upload("input[aria-label='Files for cat']", cats);
    operator.drop("cow", cows);
    counted("cat", 12);
    counted("cow", 12);
    Path notes = Files.writeString(folder.resolve("notes.png"), "milk, eggs");
    browser.upload("input[aria-label='Files for cat']", List.of(notes));
    WebElement refused = browser.see(column("cat") + "//*[contains(@class,'notice bad')]");
    assertTrue(refused.getText().contains("notes.png"), refused.getText());
    browser.click(column("cat") + "//button[@aria-label='Dismiss']");
    // The browser reports what the server refused; the page has shown it.
    assertEquals(List.of(), browser.complaints("400 (Bad Request)"));
    browser.await(
        "thumbnails",
        () ->
            (Boolean)
                browser.script(
                    "return [...document.querySelectorAll('.sample img')].filter(i => i.complete &&"
                        + " i.naturalWidth > 0).length >= 8"));
  }

  private static void teachAndWatchTheCurves(int version) throws IOException {
    browser.script(
        "window.seen = new Set(); window.watcher?.disconnect(); window.watcher = new"
            + " MutationObserver(() => document.querySelectorAll('.plot').forEach(p =>"
            + " window.seen.add(p.getAttribute('aria-label'))));"
            + "window.watcher.observe(document.body, {subtree: true, childList: true, attributes:"
            + " true});");
    browser.press("Teach");
    WebElement said =
        browser.see(
            "//section[contains(@class,'teach')]//*[contains(@class,'notice') and contains(.,'Version "
                + version
                + "')]");
    assertTrue(said.getText().contains("Version " + version), said.getText());
    long moved = (Long) browser.script("return window.seen.size");
    assertTrue(moved >= 4, "the curves moved: " + browser.script("return [...window.seen]"));
    browser.look("taught-" + version);
  }

  private static void lookAtResults() throws IOException {
    tab("Results");
    assertTrue(browser.see(".verdict").getText().contains(" right"));
    browser.click(".confusion button.right");
    browser.see(".faces .face");
    browser.look("results");
    browser.click(".faces .face");
    browser.see("dialog[open] .original");
    browser.look("sample");
    browser.with(d -> new Actions(d).sendKeys(Keys.ESCAPE)).perform();
    browser.await("the dialog closed", () -> browser.all("dialog[open]").isEmpty());
    tab("Teach");
  }

  private static void tryByFileAndCamera() throws IOException {
    browser.upload("input[aria-label='File to try']", pictures("cow", 14).subList(13, 14));
    assertEquals("cow", browser.see(".said-label").getText());
    browser.choose("//section[contains(@class,'try')]//select[@name='label']", "cat");
    browser.press("Tell it");
    browser.see("//*[contains(.,'It is a sample of cat now')]");
    counted("cat", 13);
    browser.click("//section[contains(@class,'try')]//button[normalize-space()='Camera']");
    browser.see(".try video");
    browser.see(".bars li");
    browser.look("try-camera");
    browser.click("//section[contains(@class,'try')]//button[normalize-space()='Stop camera']");
  }

  private static void addByCamera() {
    browser.click(column("cow") + "//button[normalize-space()='Camera']");
    browser.see(column("cow") + "//button[@aria-label='Use the other camera']");
    WebElement shutter = browser.see(".shutter");
    browser
        .with(d -> new Actions(d).clickAndHold(shutter).pause(java.time.Duration.ofSeconds(1)))
        .release()
        .perform();
    browser.await("pictures of the camera", () -> count("cow") >= 14);
    browser.click(column("cow") + "//button[normalize-space()='Done']");
  }

  private static void moveByKeyboard() {
    int before = count("cat");
    WebElement first = browser.see(column("cat") + "//li[@role='option']");
    first.sendKeys(Keys.SPACE);
    assertTrue(browser.see(".selection").getText().contains("1 selected"));
    browser.choose("//select[@aria-label='Move to']", "cow");
    counted("cat", before - 1);
  }

  private static void addAHostileClass() throws IOException {
    browser.type("#new-class", HOSTILE);
    browser.press("Add");
    browser.await(
        "the class",
        () -> browser.all(".column h3").stream().anyMatch(h -> h.getText().startsWith(HOSTILE)));
    List<Path> pictures = pictures("elephant", 6);
    browser.script(
        "window.field = [...document.querySelectorAll('.column input[type=file]')].pop();"
            + " window.field.id = 'hostile'");
    browser.upload("#hostile", pictures);
    browser.await(
        "its samples",
        () ->
            (Boolean)
                browser.script(
                    "return [...document.querySelectorAll('.column')].some(c =>"
                        + " c.querySelector('h3')?.textContent.startsWith(arguments[0]) &&"
                        + " c.querySelector('.count').textContent === '6')",
                    HOSTILE));
  }

  private static void compareRollBackAndPromote() throws IOException {
    tab("Versions");
    browser.see("//tr[.//span[.='2']]");
    String live = live();
    String other = live.equals("1") ? "2" : "1";
    browser.click("input[aria-label='Compare version 1']");
    browser.click("input[aria-label='Compare version 2']");
    browser.see(".side-by-side .confusion");
    browser.look("versions");
    browser.click("//button[@aria-label='Make version " + other + " live']");
    browser.await("version " + other, () -> live().equals(other));
    browser.press("Roll back");
    browser.await("version " + live, () -> live().equals(live));
  }

  private static void otherScreens() throws IOException {
    tab("Settings");
    browser.see("//h2[.='Settings']");
    browser.look("settings");
    browser.click("//nav[@aria-label='Main']//a[.='System']");
    browser.see(".system .card");
    browser.look("system");
    browser.click("//nav[@aria-label='Main']//a[.='Heads']");
    browser.see(".head-card");
    browser.look("heads");
  }

  private static String live() {
    return browser.see("tr.live .version-number").getText();
  }

  private static void tab(String name) {
    browser.click("//nav[contains(@class,'tabs')]//a[.='" + name + "']");
  }

  private static String column(String name) {
    return Operator.column(name);
  }

  private static int count(String name) {
    return Integer.parseInt(browser.see(column(name) + "//h3/span[@class='count']").getText());
  }

  private static void counted(String name, int samples) {
    Operator.counted(browser, name, samples);
  }

  private static List<Path> pictures(String kind, int count) throws IOException {
    return Operator.pictures(folder, kind, count);
  }
}
