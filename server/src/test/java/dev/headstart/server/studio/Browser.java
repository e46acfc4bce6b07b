package dev.headstart.server.studio;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Stream;
import org.openqa.selenium.By;
import org.openqa.selenium.StaleElementReferenceException;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.chrome.ChromeDriverService;
import org.openqa.selenium.chrome.ChromeOptions;
import org.openqa.selenium.logging.LogType;
import org.openqa.selenium.logging.LoggingPreferences;

/**
 * The distribution's Chromium, without a window, with a camera that shows a moving picture. Nothing
 * is downloaded: where Chromium or its driver is missing, tests are skipped loudly, or fail where
 * the environment says {@code CI=true}.
 */
final class Browser implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final Path SCREENSHOTS = Path.of("target/screenshots");

  /** What Chromium says of how axe tells icons from words. */
  private static final String AXE_READS_PIXELS = "willReadFrequently";

  private static final String AXE = "/META-INF/resources/webjars/axe-core/4.6.3/axe.min.js";

  /**
   * It warns that it does not know this Chromium's protocol, of which it uses what never changes.
   */
  private static final Logger SELENIUM = Logger.getLogger("org.openqa.selenium");

  private final ChromeDriver driver;

  private Browser(ChromeDriver driver) {
    this.driver = driver;
  }

  static Browser start() {
    SELENIUM.setLevel(Level.SEVERE);
    File chromium = program("chromium", "chromium-browser", "google-chrome");
    File driver = program("chromedriver");
    LoggingPreferences logs = new LoggingPreferences();
    logs.enable(LogType.BROWSER, Level.ALL);
    ChromeOptions options = new ChromeOptions();
    options.setBinary(chromium);
    options.addArguments(
        "--headless=new",
        "--no-sandbox", // which Chromium refuses to have as root
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--no-first-run",
        "--hide-scrollbars",
        "--host-resolver-rules=MAP tablet.test 127.0.0.1", // no secure context
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream");
    options.setCapability("goog:loggingPrefs", logs);
    return new Browser(
        new ChromeDriver(
            new ChromeDriverService.Builder()
                .usingDriverExecutable(driver)
                .usingAnyFreePort()
                .build(),
            options));
  }

  private static File program(String... names) {
    for (String folder : System.getenv("PATH").split(File.pathSeparator)) {
      for (String name : names) {
        File file = new File(folder, name);
        if (file.canExecute()) {
          return file;
        }
      }
    }
    String missing = "Studio is not tested: there is no " + String.join(" or ", names);
    if ("true".equals(System.getenv("CI"))) {
      return fail(missing);
    }
    System.err.println("SKIPPED: " + missing + "; apt-get install chromium chromium-driver");
    return abort(missing);
  }

  void open(String address) {
    driver.get(address);
  }

  void reload() {
    driver.navigate().refresh();
  }

  /** A phone's or a desktop's screen, light or dark. */
  void screen(int width, int height, boolean dark) {
    driver.executeCdpCommand(
        "Emulation.setDeviceMetricsOverride",
        Map.of("width", width, "height", height, "deviceScaleFactor", 1, "mobile", width < 600));
    driver.executeCdpCommand(
        "Emulation.setEmulatedMedia",
        Map.of(
            "features",
            List.of(Map.of("name", "prefers-color-scheme", "value", dark ? "dark" : "light"))));
  }

  /**
   * Waits for an element that can be seen; XPath if it begins with a slash or a bracket, else CSS.
   */
  WebElement see(String what) {
    return await(
        what, () -> all(what).stream().filter(WebElement::isDisplayed).findFirst().orElse(null));
  }

  /** The elements that there are now. */
  List<WebElement> all(String what) {
    return driver.findElements(what.matches("[/(].*") ? By.xpath(what) : By.cssSelector(what));
  }

  /** Waits until a button of these words can be pressed, and presses it. */
  void press(String words) {
    click("//button[normalize-space()='" + words + "' and not(@disabled)]");
  }

  void click(String what) {
    await(
        what,
        () -> {
          WebElement element =
              all(what).stream().filter(WebElement::isDisplayed).findFirst().orElse(null);
          if (element == null) {
            return null;
          }
          driver.executeScript("arguments[0].scrollIntoView({block: 'center'})", element);
          element.click();
          return true;
        });
  }

  void type(String what, String text) {
    WebElement field = see(what);
    field.clear();
    field.sendKeys(text);
  }

  /** Gives files to a file field, which itself is not seen. */
  void upload(String what, List<Path> files) throws IOException {
    List<String> paths = new ArrayList<>();
    for (Path file : files) {
      paths.add(file.toRealPath().toString());
    }
    await(what, () -> all(what).stream().findFirst().orElse(null))
        .sendKeys(String.join("\n", paths));
  }

  /** From a field named by XPath. */
  void choose(String what, String option) {
    click(what + "/option[normalize-space()='" + option + "']");
  }

  Object script(String script, Object... arguments) {
    return driver.executeScript(script, arguments);
  }

  /** Waits until there is an answer that is neither null nor false. */
  <T> T await(String what, java.util.function.Supplier<T> answer) {
    long end = System.nanoTime() + PATIENCE.toNanos();
    RuntimeException last = null;
    while (System.nanoTime() < end) {
      try {
        T value = answer.get();
        if (value != null && !Boolean.FALSE.equals(value)) {
          return value;
        }
      } catch (StaleElementReferenceException
          | org.openqa.selenium.ElementNotInteractableException e) {
        last = e; // the page is just being drawn
      }
      try {
        Thread.sleep(50);
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
    shot("missing");
    throw new AssertionError(
        "waited in vain for "
            + what
            + "; the page says: "
            + driver.findElement(By.tagName("body")).getText(),
        last);
  }

  /** Keeps what is on the screen, for a person to look at. */
  void shot(String name) {
    String data =
        (String)
            driver.executeCdpCommand("Page.captureScreenshot", Map.of("format", "png")).get("data");
    try {
      Files.createDirectories(SCREENSHOTS);
      Files.write(SCREENSHOTS.resolve(name + ".png"), Base64.getDecoder().decode(data));
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  /**
   * Keeps the screen as a phone and a desktop show it, in light and dark; looks for what keeps
   * people from using it, and whether anything is wider than the screen.
   */
  void look(String name) throws IOException {
    List<String> faults = new ArrayList<>();
    for (boolean dark : new boolean[] {false, true}) {
      for (int width : new int[] {1280, 360}) {
        screen(width, 800, dark);
        await("the page drawn anew", () -> Boolean.TRUE.equals(settled()));
        String where = name + (width == 360 ? "-phone" : "-desktop") + (dark ? "-dark" : "");
        shot(where);
        long wide = (Long) script("return document.documentElement.scrollWidth");
        if (wide > width) {
          faults.add(where + " is " + wide + " pixels wide");
        }
        if (dark == (width == 360)) { // either theme and either layout once
          axe().forEach(fault -> faults.add(where + ": " + fault));
        }
      }
    }
    screen(1280, 800, false);
    assertEquals(List.of(), faults);
  }

  /** Colours that are still on their way have no contrast to speak of. */
  private Object settled() {
    return script(
        "return document.getAnimations().filter(a => a.effect.getComputedTiming().endTime !=="
            + " Infinity && a.playState === 'running').length === 0");
  }

  /** What axe finds that is serious or critical. */
  private List<String> axe() throws IOException {
    if (Boolean.FALSE.equals(script("return typeof axe === 'object'"))) {
      try (InputStream in = Browser.class.getResourceAsStream(AXE)) {
        script(new String(in.readAllBytes(), StandardCharsets.UTF_8) + "; window.axe = axe;");
      }
    }
    Object found =
        driver.executeAsyncScript(
            "const done = arguments[arguments.length - 1];"
                + "axe.run(document, {resultTypes: ['violations']}).then(r => done(r.violations"
                + ".filter(v => ['serious', 'critical'].includes(v.impact))"
                + ".map(v => v.id + ': ' + v.nodes.map(n => n.html.slice(0, 200) + ' ' +"
                + " n.failureSummary).join(' | '))), e => done(['axe: ' + e]));");
    return ((List<?>) found).stream().map(String::valueOf).toList();
  }

  /** What the browser complained about since it was last asked, but for what is expected. */
  List<String> complaints(String... expected) {
    return driver.manage().logs().get(LogType.BROWSER).getAll().stream()
        .filter(entry -> entry.getLevel().intValue() >= Level.WARNING.intValue())
        .map(entry -> entry.getLevel() + " " + entry.getMessage())
        .filter(line -> !line.contains(AXE_READS_PIXELS))
        .filter(line -> Stream.of(expected).noneMatch(line::contains))
        .toList();
  }

  <T> T with(Function<ChromeDriver, T> action) {
    return action.apply(driver);
  }

  @Override
  public void close() {
    driver.quit();
  }
}
