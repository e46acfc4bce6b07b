package dev.headstart.preprocess;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import dev.headstart.sample.TextSample;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.Proxy;
import java.net.URL;
import java.net.URLConnection;
import java.net.URLStreamHandler;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * DJL's tokenizers report their use to their makers when they start. Here they start in a fresh JVM
 * without the environment variable that stops it, under a probe that every connection by URL
 * passes.
 */
class SilentTokenizerTest {

  /** What the child JVM runs: with {@code plain}, DJL by itself; else through Headstart. */
  public static final class Child {
    public static void main(String[] args) throws IOException {
      List<String> attempts = new ArrayList<>();
      // Every connection by URL, proxied or not, asks here first. None is ever made.
      URL.setURLStreamHandlerFactory(
          protocol ->
              protocol.startsWith("http")
                  ? new URLStreamHandler() {
                    @Override
                    protected URLConnection openConnection(URL url) throws IOException {
                      return openConnection(url, Proxy.NO_PROXY);
                    }

                    @Override
                    protected URLConnection openConnection(URL url, Proxy proxy)
                        throws IOException {
                      attempts.add(url.toString());
                      throw new IOException("refused by the test");
                    }
                  }
                  : null);
      byte[] json = TextPreprocessorTest.file("classpath:all-minilm-l6-v2-q-tokenizer.json");
      if (args.length > 0 && args[0].equals("plain")) {
        HuggingFaceTokenizer.newInstance(new ByteArrayInputStream(json), Map.of()).close();
      } else {
        TextPreprocessing spec = new TextPreprocessing("t", 256, "ids", null, null);
        try (Preprocessor preprocessor = spec.open(name -> json)) {
          System.out.println(
              "tokens " + preprocessor.apply(new TextSample("t", "hello")).get("ids").elements());
        }
      }
      System.out.println("attempts " + attempts);
    }
  }

  private static Process start(Path cache, String... args) throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m",
                "-cp",
                System.getProperty("java.class.path"),
                Child.class.getName()));
    command.addAll(Arrays.asList(args));
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().keySet().removeIf(k -> k.startsWith("OPT_OUT") || k.startsWith("DJL"));
    builder.environment().put("ENGINE_CACHE_DIR", cache.toString());
    return builder.start();
  }

  private static String output(Process process) throws Exception {
    String output = new String(process.getInputStream().readAllBytes());
    assertEquals(0, process.waitFor(), output);
    return output;
  }

  @Test
  void theProbeSeesWhatDjlSendsByItself(@TempDir Path cache) throws Exception {
    String output = output(start(cache, "plain"));
    assertTrue(output.contains("attempts [http"), output);
  }

  /** Two processes at once, with no native library copied yet. */
  @Test
  void nothingIsSentAndTheNativeLibraryComesFromTheJar(@TempDir Path cache) throws Exception {
    List<Process> processes = List.of(start(cache), start(cache));
    for (Process process : processes) {
      String output = output(process);
      assertTrue(output.contains("tokens 3"), output);
      assertTrue(output.contains("attempts []"), output);
    }
    try (Stream<Path> files = Files.walk(cache)) {
      assertEquals(
          1,
          files
              .filter(f -> f.getFileName().toString().equals(System.mapLibraryName("tokenizers")))
              .count());
    }
  }
}
