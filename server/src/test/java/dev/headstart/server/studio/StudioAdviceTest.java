package dev.headstart.server.studio;

import static dev.headstart.server.studio.Operator.pictures;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.headstart.server.Server;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openqa.selenium.Keys;
import org.openqa.selenium.WebElement;

/** Asking for advice, following it, and putting right what is sick in the samples. */
class StudioAdviceTest {
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

  /** The same picture at another size. */
  private static Path smaller(Path picture, String name) throws IOException {
    BufferedImage whole = ImageIO.read(picture.toFile());
    int width = whole.getWidth() * 4 / 5;
    int height = whole.getHeight() * 4 / 5;
    BufferedImage small = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    Graphics2D graphics = small.createGraphics();
    graphics.drawImage(
        whole.getScaledInstance(width, height, BufferedImage.SCALE_AREA_AVERAGING),
        0,
        0,
        Color.WHITE,
        null);
    graphics.dispose();
    File file = folder.resolve(name).toFile();
    ImageIO.write(small, "jpeg", file);
    return file.toPath();
  }

  private static String entry(String group, int number) {
    return "(//div[@class='offenders' and h4[starts-with(.,'"
        + group
        + "')]]//li[contains(@class,'offender')])["
        + number
        + "]";
  }

  private static int samples(String name) throws Exception {
    for (JsonNode one : operator.ask("GET", "/v1/heads/pets", null).path("classes")) {
      if (one.path("name").asText().equals(name)) {
        return one.path("samples").asInt();
      }
    }
    throw new AssertionError("no class " + name);
  }

  @Test
  void adviceIsAskedForAndSickSamplesArePutRight() throws Exception {
    operator.head("pets", "image", "single", "cat", "cow");
    List<Path> cats = new ArrayList<>(pictures(folder, "cat", 14));
    List<Path> cows = new ArrayList<>(pictures(folder, "cow", 14));
    Path stray = cats.remove(13);
    cows.add(smaller(cats.get(0), "copy.jpg"));
    cows.add(stray);
    BufferedImage nothing = new BufferedImage(200, 150, BufferedImage.TYPE_INT_RGB);
    Path blank = folder.resolve("blank.png");
    ImageIO.write(nothing, "png", blank.toFile());
    cows.add(blank);
    operator.add("cat", cats);
    operator.counted("cat", cats.size());
    operator.add("cow", cows);
    operator.counted("cow", cows.size());

    browser.press("Ask for advice");
    browser.see(
        "//section[contains(@class,'advice')]//button[normalize-space()='Teach as advised']");
    browser.see(entry("The same, under two labels", 1));
    browser.see(entry("Nothing in it", 1));
    String likely = browser.see(entry("Labels that are likely wrong", 1)).getText();
    assertTrue(likely.contains("cow – rather cat"), likely);
    browser.click("//summary[normalize-space()='How well each tap tells them apart']");
    browser.see("//section[contains(@class,'advice')]//ol[@class='bars']/li[@class='chosen']");
    browser.look("advice");
    for (int width : new int[] {1280, 360}) {
      browser.screen(width, 1100, width == 360);
      browser.script("document.querySelector('.checkup').scrollIntoView()");
      browser.shot("checkup-" + width);
    }
    browser.screen(1280, 800, false);

    // By keyboard alone: the copy goes back to the cats, and the focus goes on.
    int before = samples("cat");
    WebElement move =
        browser.see(
            entry("Labels that are likely wrong", 1)
                + "//button[starts-with(normalize-space(),'Move to')]");
    browser.script("arguments[0].focus()", move);
    move.sendKeys(Keys.ENTER);
    browser.await("a cat more", () -> count("cat") == before + 1);
    browser.await(
        "the focus on what comes next",
        () -> browser.script("return document.activeElement.closest('.advice') !== null"));

    // Deleting asks first.
    browser.click(entry("Nothing in it", 1) + "//button[normalize-space()='Delete']");
    browser.see("dialog[open]");
    int cowsBefore = samples("cow");
    browser.click("//dialog//button[normalize-space()='Delete']");
    browser.await("a cow less", () -> count("cow") == cowsBefore - 1);
    browser.see("//*[@role='status' and .='The samples have changed since.']");

    browser.press("Ask again");
    browser.await(
        "the advice anew",
        () -> browser.all("//section[contains(@class,'advice') and @aria-busy='true']").isEmpty());
    assertEquals(List.of(), browser.all(entry("Nothing in it", 1)));

    browser.press("Teach as advised");
    browser.await(
        "the focus on the button",
        () -> "Teach".equals(browser.script("return document.activeElement.innerText.trim()")));
    browser.see("//section[contains(@class,'teach')]//label[contains(.,'Cut')]//input");
    operator.teach(1);
    browser.look("advice-taught");
    // What is like nothing that it has learned is said to be so.
    browser.upload(
        "input[aria-label='File to try']",
        List.of(Operator.draw(folder.resolve("odd.png"), 0.8f, 5)));
    browser.see(
        "//section[contains(@class,'try')]//*[contains(.,'Unlike anything it has learned')]");
    browser.look("advice-novel");
    operator.open("pets", "versions");
    browser.see("//td[@data-name='Right']//p[contains(.,'expected on new samples (')]");
    browser.look("advice-versions");
    operator.open("pets", "results");
    browser.see(
        "//section[contains(@class,'results')]//p[contains(.,'expected on new samples (')]");
    assertEquals(List.of(), browser.complaints());
    browser.open("about:blank");
  }

  private static int count(String name) {
    try {
      return samples(name);
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }
}
