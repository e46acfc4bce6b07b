package dev.headstart.server.protocol;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.error.BadInputException;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RequestParametersTest {

  @Test
  void whatIsKnownIsReadAndTheRestIgnored() {
    RequestParameters read =
        RequestParameters.of(
            Map.of("priority", 3L, "timeout", 1500L, "binary_data_output", true, "colour", "red"));
    assertEquals(new RequestParameters(3, Duration.ofNanos(1_500_000), true), read);
    assertEquals(RequestParameters.NONE, RequestParameters.of(Map.of("timeout", 0L)));
  }

  @Test
  void hugeNumbers() {
    assertEquals(
        Integer.MAX_VALUE, RequestParameters.of(Map.of("priority", Long.MAX_VALUE)).priority());
    assertTrue(
        RequestParameters.of(Map.of("timeout", Long.MAX_VALUE))
                .timeout()
                .compareTo(Duration.ofDays(9999))
            > 0);
  }

  @Test
  void wrongValues() {
    assertRefused(
        Map.of("priority", -1L), "parameter 'priority' is an integer of at least 0, not -1");
    assertRefused(
        Map.of("timeout", 1.5), "parameter 'timeout' is an integer of at least 0, not 1.5");
    assertRefused(
        Map.of("timeout", "soon"), "parameter 'timeout' is an integer of at least 0, not soon");
    assertRefused(
        Map.of("binary_data_output", 1L), "parameter 'binary_data_output' is true or false, not 1");
  }

  @Test
  void noSequencesButTheirAbsence() {
    assertThrows(
        NotSupportedException.class, () -> RequestParameters.of(Map.of("sequence_id", 7L)));
    assertThrows(
        NotSupportedException.class, () -> RequestParameters.of(Map.of("sequence_start", true)));
    assertEquals(
        RequestParameters.NONE,
        RequestParameters.of(Map.of("sequence_id", 0L, "sequence_start", false)));
  }

  @Test
  void outputs() {
    assertEquals(
        new RequestedOutput("y", 3, false),
        RequestedOutput.of("y", Map.of("classification", 3L, "binary_data", false)));
    assertEquals(new RequestedOutput("y", 0, null), RequestedOutput.of("y", Map.of()));
    assertThrows(
        BadInputException.class, () -> RequestedOutput.of("y", Map.of("classification", -1L)));
    assertThrows(
        NotSupportedException.class,
        () -> RequestedOutput.of("y", Map.of("shared_memory_region", "r")));
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "-1", "+1", "01x", "1.0", "١", "9999999999", "latest", " 1"})
  void noVersion(String version) {
    assertThrows(BadInputException.class, () -> Names.version(version));
  }

  @Test
  void versions() {
    assertEquals(7, Names.version("7"));
    assertNull(Names.version(""));
    assertNull(Names.version(null));
  }

  private static void assertRefused(Map<String, Object> parameters, String message) {
    BadInputException refused =
        assertThrows(BadInputException.class, () -> RequestParameters.of(parameters));
    assertEquals(message, refused.getMessage());
  }
}
