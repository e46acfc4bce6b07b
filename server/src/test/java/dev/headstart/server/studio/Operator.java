package dev.headstart.server.studio;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.headstart.server.Server;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import javax.imageio.ImageIO;

/**
 * Who stands before Studio: knows where things are on its pages, and has pictures at hand. What is
 * not to be shown by hand goes to the server by its API.
 */
final class Operator {
  private static final Path ANIMALS = Path.of("../../shared/data/animals");
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final HttpClient CLIENT = HttpClient.newHttpClient();

  private final Browser browser;
  private final int port;

  Operator(Browser browser, Server server) {
    this.browser = browser;
    this.port = server.port();
  }

  /** A server on a free port, without gRPC. */
  static Server server(Path workspace, Map<String, Object> settings) {
    Map<String, Object> all = new LinkedHashMap<>();
    all.put("headstart.workspace", workspace.toString());
    all.put("headstart.port", 0);
    all.put("headstart.grpc-port", -1);
    all.putAll(settings);
    return Server.start(all);
  }

  String address(String path) {
    return "http://127.0.0.1:" + port + path;
  }

  /** Asks the API, which must not refuse it. */
  JsonNode ask(String method, String path, Object body) throws Exception {
    HttpResponse<byte[]> response =
        CLIENT.send(
            HttpRequest.newBuilder(URI.create(address(path)))
                .header("Content-Type", "application/json")
                .method(
                    method,
                    body == null
                        ? HttpRequest.BodyPublishers.noBody()
                        : HttpRequest.BodyPublishers.ofByteArray(JSON.writeValueAsBytes(body)))
                .build(),
            HttpResponse.BodyHandlers.ofByteArray());
    if (response.statusCode() >= 300) {
      throw new AssertionError(method + " " + path + ": " + new String(response.body()));
    }
    return response.body().length == 0 ? null : JSON.readTree(response.body());
  }

  /** Makes a head by the API and opens its page. */
  void head(String name, String modality, String task, String... classes) throws Exception {
    Map<String, Object> head = new LinkedHashMap<>();
    head.put("head", name);
    head.put("modality", modality);
    head.put("task", task);
    if (classes.length > 0) {
      head.put("classes", classes);
    }
    ask("POST", "/v1/heads", head);
    open(name, "teach");
  }

  /** Opens a page of a head, anew. */
  void open(String head, String tab) {
    browser.open("about:blank");
    browser.open(address("/#/heads/" + head + "/" + tab));
    browser.see("//nav[contains(@class,'tabs')]");
  }

  /** Presses Teach, and waits until a version is there. */
  void teach(int version) {
    browser.press("Teach");
    browser.see(said("Version " + version + " is live"));
  }

  /** What Teach says, where it has these words. */
  static String said(String words) {
    return "//section[contains(@class,'teach')]//*[contains(@class,'notice') and contains(.,'"
        + words
        + "')]";
  }

  static String column(String name) {
    return "//section[contains(@class,'column') and .//h3[starts-with(normalize-space(),'"
        + name
        + " ')]]";
  }

  static String sample(String column, int number) {
    return "(" + column(column) + "//li[@role='option'])[" + number + "]";
  }

  void counted(String name, int samples) {
    counted(browser, name, samples);
  }

  static void counted(Browser browser, String name, int samples) {
    browser.see(column(name) + "//h3/span[@class='count' and .='" + samples + "']");
  }

  void add(String name, List<Path> files) throws IOException {
    browser.upload("input[aria-label='Files for " + name + "']", files);
  }

  /** As a person drops files, but that a script holds them. */
  void drop(String name, List<Path> files) throws IOException {
    browser.script(
        "const data = new DataTransfer(); arguments[1].forEach(([name, base64]) =>"
            + " data.items.add(new File([Uint8Array.from(atob(base64), c => c.charCodeAt(0))],"
            + " name, {type: 'image/jpeg'})));"
            + "arguments[0].dispatchEvent(new DragEvent('drop', {dataTransfer: data, bubbles:"
            + " true, cancelable: true}));",
        browser.see(column(name)),
        contents(files));
  }

  /** As {@link #drop}, of folders with their files, where classes are added. */
  void dropFolders(Map<String, List<Path>> folders) throws IOException {
    List<List<Object>> all = new ArrayList<>();
    for (Map.Entry<String, List<Path>> folder : folders.entrySet()) {
      all.add(List.of(folder.getKey(), contents(folder.getValue())));
    }
    browser.script(
        "const file = ([name, base64]) => ({isFile: true, file: (done) => done(new"
            + " File([Uint8Array.from(atob(base64), c => c.charCodeAt(0))], name))});"
            + "const folder = ([name, files]) => ({isFile: false, name, createReader() { let rest ="
            + " files.map(file); return {readEntries(done) { done(rest.splice(0, 2)); }}; }});"
            + "const items = arguments[1].map(folder).map((entry) => ({webkitGetAsEntry: () =>"
            + " entry}));"
            + "const event = new DragEvent('drop', {bubbles: true, cancelable: true});"
            + "Object.defineProperty(event, 'dataTransfer', {value: {items, files: [], getData: ()"
            + " => ''}});"
            + "arguments[0].dispatchEvent(event);",
        browser.see(".new-class"),
        all);
  }

  /** As a person pastes: a text, or a file if there is one. */
  void paste(String text, Path file) throws IOException {
    browser.script(
        "const data = new DataTransfer(); if (arguments[0] !== null) data.setData('text/plain',"
            + " arguments[0]); arguments[1].forEach(([name, base64]) => data.items.add(new"
            + " File([Uint8Array.from(atob(base64), c => c.charCodeAt(0))], name, {type:"
            + " 'image/png'})));"
            + "document.body.dispatchEvent(new ClipboardEvent('paste', {clipboardData: data,"
            + " bubbles: true, cancelable: true}));",
        text,
        contents(file == null ? List.of() : List.of(file)));
  }

  private static List<List<String>> contents(List<Path> files) throws IOException {
    List<List<String>> contents = new ArrayList<>();
    for (Path file : files) {
      contents.add(
          List.of(
              file.getFileName().toString(),
              Base64.getEncoder().encodeToString(Files.readAllBytes(file))));
    }
    return contents;
  }

  /**
   * The first pictures of a kind of animal, or coloured ones that stand for it.
   *
   * @param folder for those that are drawn
   */
  static List<Path> pictures(Path folder, String kind, int count) throws IOException {
    if (Files.isDirectory(ANIMALS)) {
      try (Stream<Path> files = Files.list(ANIMALS.resolve(kind))) {
        return files.sorted().limit(count).toList();
      }
    }
    Path own = Files.createDirectories(folder.resolve("pictures").resolve(kind));
    Random random = new Random(kind.hashCode());
    List<Path> pictures = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      pictures.add(
          draw(own.resolve(i + ".png"), (kind.hashCode() & 0xff) / 255f, random.nextInt(80)));
    }
    return pictures;
  }

  /** A coloured picture with a spot, as no other. */
  static Path draw(Path file, float hue, int spot) throws IOException {
    BufferedImage image = new BufferedImage(160, 120, BufferedImage.TYPE_INT_RGB);
    Graphics2D graphics = image.createGraphics();
    graphics.setColor(Color.getHSBColor(hue, 0.9f, 0.9f));
    graphics.fillRect(0, 0, 160, 120);
    graphics.setColor(Color.WHITE);
    graphics.fillOval(spot, spot / 2, 20 + spot, 30);
    graphics.dispose();
    ImageIO.write(image, "png", file.toFile());
    return file;
  }
}
