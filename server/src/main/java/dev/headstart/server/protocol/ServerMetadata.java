package dev.headstart.server.protocol;

import dev.headstart.Headstart;
import java.util.List;

/**
 * What the server says of itself.
 *
 * @param name of the server
 * @param version of the server
 * @param extensions of the protocol that it serves, by Triton's names
 */
public record ServerMetadata(String name, String version, List<String> extensions) {

  /** This server's. */
  public static ServerMetadata current() {

    return new ServerMetadata(
        "headstart",
        Headstart.version(),
        List.of(
            "binary_tensor_data",
            "classification",
            "model_configuration",
            "model_repository",
            "model_repository(unload_dependents)",
            "parameters",
            "schedule_policy",
            "statistics"));
  }
}
