package dev.headstart.bench.load;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.HttpURLConnection;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A server in a process of its own, ready to answer. The caller closes it. */
final class ServerProcess implements AutoCloseable {
  private static final long PATIENCE_NANOS = TimeUnit.MINUTES.toNanos(2);

  private final Process process;
  final int port;
  final int grpcPort;
  final double secondsToReady;

  private ServerProcess(List<String> command, int port, int grpcPort, String readyPath)
      throws IOException, InterruptedException {
    this.port = port;
    this.grpcPort = grpcPort;
    long start = System.nanoTime();
    process = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log()).start();
    while (!answers(readyPath)) {
      if (!process.isAlive() || System.nanoTime() - start > PATIENCE_NANOS) {
        process.destroyForcibly();
        throw new IOException(
            "not ready: " + String.join(" ", command) + "\n" + Files.readString(log().toPath()));
      }
      Thread.sleep(20);
    }
    secondsToReady = (System.nanoTime() - start) / 1e9;
  }

  private File log() {
    return Path.of(System.getProperty("java.io.tmpdir"), "headstart-bench-" + port + ".log")
        .toFile();
  }

  private boolean answers(String path) throws IOException {
    HttpURLConnection connection =
        (HttpURLConnection) URI.create("http://127.0.0.1:" + port + path).toURL().openConnection();
    try {
      return connection.getResponseCode() == 200;
    } catch (IOException notYet) {
      return false;
    } finally {
      connection.disconnect();
    }
  }

  /** {@code ./headstart serve}, as anyone starts it; the working directory is the project's. */
  static ServerProcess headstart(Path workspace) throws IOException, InterruptedException {
    int port = freePort();
    int grpcPort = freePort();
    return new ServerProcess(
        List.of(
            "./headstart",
            "serve",
            "--workspace",
            workspace.toString(),
            "--port",
            Integer.toString(port),
            "--grpc-port",
            Integer.toString(grpcPort)),
        port,
        grpcPort,
        "/v2/health/ready");
  }

  /** {@link EmptyRoute}, with nothing of Headstart's server on its class path. */
  static ServerProcess emptyRoute() throws IOException, InterruptedException {
    int port = freePort();
    String classPath =
        Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
            .flatMap(ServerProcess::entries)
            .filter(entry -> !entry.contains("headstart-server"))
            .collect(Collectors.joining(File.pathSeparator));
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of("-XX:+UseSerialGC", "-cp", classPath, EmptyRoute.class.getName(), "" + port));
    return new ServerProcess(command, port, -1, "/empty");
  }

  private static Stream<String> entries(String entry) {
    if (!entry.endsWith("*")) {
      return Stream.of(entry);
    }
    try (var files = Files.list(Path.of(entry.substring(0, entry.length() - 1)))) {
      return files.map(Path::toString).toList().stream();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }

  /** Resident memory, in MB (Linux). */
  long residentMegabytes() throws IOException {
    return Files.readAllLines(Path.of("/proc/" + process.pid() + "/status")).stream()
        .filter(line -> line.startsWith("VmRSS:"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) / 1024)
        .findFirst()
        .orElse(-1);
  }

  long pid() {
    return process.pid();
  }

  @Override
  public void close() throws IOException {
    process.destroy();
    try {
      if (!process.waitFor(40, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        throw new IOException("the server did not end within 40 s of being told to");
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
