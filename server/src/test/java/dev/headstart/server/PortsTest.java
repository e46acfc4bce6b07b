package dev.headstart.server;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.error.FailureException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Ports that another program has. */
class PortsTest {
  @TempDir Path workspace;

  @ParameterizedTest
  @CsvSource({"headstart.port, --port", "headstart.grpc-port, --grpc-port"})
  void aTakenPortIsSaidWithWhatToDo(String setting, String advice) throws Exception {
    try (ServerSocket other = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      int port = other.getLocalPort();
      FailureException failure =
          assertThrows(
              FailureException.class,
              () -> FlowerServer.start(workspace, Map.of(setting, port)).close());
      assertTrue(failure.getMessage().contains(advice), failure.getMessage());
      assertTrue(failure.getMessage().contains(String.valueOf(port)), failure.getMessage());
    }
  }
}
