package dev.headstart.bench.load;

import io.micronaut.context.ApplicationContext;
import io.micronaut.http.MediaType;
import io.micronaut.http.annotation.Controller;
import io.micronaut.http.annotation.Get;
import io.micronaut.runtime.server.EmbeddedServer;
import java.util.Map;

/** A Micronaut application that does nothing: what the framework itself costs. */
@Controller("/empty")
public class EmptyRoute {

  /** Two bytes. */
  @Get(produces = MediaType.APPLICATION_JSON)
  public String empty() {
    return "{}";
  }

  /** Serves on the port given until the process is ended. */
  public static void main(String[] arguments) {
    ApplicationContext context =
        ApplicationContext.builder()
            .banner(false)
            .deduceEnvironment(false)
            .properties(
                Map.of(
                    "micronaut.server.host",
                    "127.0.0.1",
                    "micronaut.server.port",
                    Integer.parseInt(arguments[0])))
            .start();
    context.getBean(EmbeddedServer.class).start();
  }
}
