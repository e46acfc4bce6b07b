package dev.headstart.server.teach;

import dev.headstart.server.Server;
import dev.headstart.serving.ModelRepository;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** A server with nothing in its workspace but what tests teach it. */
final class TeachServer implements AutoCloseable {
  private final Server server;

  private TeachServer(Server server) {
    this.server = server;
  }

  static TeachServer start(Path workspace, Map<String, Object> settings) throws Exception {
    Map<String, Object> all = new LinkedHashMap<>(settings);
    all.put("headstart.workspace", workspace.toString());
    all.put("headstart.port", 0);
    all.putIfAbsent("headstart.grpc-port", -1);
    Server server = Server.start(all);
    ModelRepository models = server.bean(ModelRepository.class);
    for (int i = 0; i < 3_000 && !models.ready(); i++) {
      Thread.sleep(20);
    }
    return new TeachServer(server);
  }

  int port() {
    return server.port();
  }

  TeachClient client() {
    return new TeachClient(server.port());
  }

  Server server() {
    return server;
  }

  @Override
  public void close() {
    server.close();
  }
}
