package dev.headstart.cli;

import dev.headstart.server.Server;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code serve}: answers over HTTP and gRPC until it is told to stop. */
@Command(
    name = "serve",
    description = "Serves base models and heads over the Open Inference Protocol.",
    footer = {"  ./headstart serve", "  ./headstart serve --host 0.0.0.0 --port 8080"})
final class ServeCommand extends HeadstartCommand {
  @Option(names = "--host", paramLabel = "ADDRESS", description = "Default: 127.0.0.1")
  private String host;

  @Option(names = "--port", paramLabel = "PORT", description = "For HTTP. Default: 8080")
  private Integer port;

  @Option(names = "--grpc-port", paramLabel = "PORT", description = "For gRPC. Default: 9000")
  private Integer grpcPort;

  @Override
  public Integer call() {
    Map<String, Object> properties = new LinkedHashMap<>();
    properties.put("headstart.workspace", workspace());
    put(properties, "headstart.host", host);
    put(properties, "headstart.port", port);
    put(properties, "headstart.grpc-port", grpcPort);
    CountDownLatch stop = new CountDownLatch(1);
    try (Server server = Server.start(properties)) {
      Thread main = Thread.currentThread();
      Runtime.getRuntime()
          .addShutdownHook(
              new Thread(
                  () -> {
                    stop.countDown();
                    join(main);
                  },
                  "headstart-stop"));
      console().message("Serving on port " + server.port());
      stop.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return Main.DONE;
  }

  private static void put(Map<String, Object> properties, String name, Object value) {
    if (value != null) {
      properties.put(name, value);
    }
  }

  private static void join(Thread thread) {
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
