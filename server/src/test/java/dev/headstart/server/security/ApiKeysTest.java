package dev.headstart.server.security;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.error.BadInputException;
import dev.headstart.error.NotFoundException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ApiKeysTest {
  @TempDir Path workspace;

  @Test
  void onlyAHashIsKeptThatOnlyTheOwnerReads() throws Exception {
    String key = new ApiKeys(workspace).add("camera", Role.PREDICT);
    assertTrue(key.matches("hs_[A-Za-z0-9_-]{43}"), key);
    Path file = workspace.resolve("keys.json");
    assertFalse(Files.readString(file).contains(key.substring(3)));
    assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
    ApiKey kept = new ApiKeys(workspace).list().get(0);
    assertEquals("camera", kept.name());
    assertEquals(Role.PREDICT, kept.role());
  }

  @Test
  void keysAddedAtTheSameTimeAreAllThere() {
    IntStream.range(0, 20)
        .parallel()
        .forEach(i -> new ApiKeys(workspace).add("key" + i, Role.TEACH));
    assertEquals(20, new ApiKeys(workspace).list().size());
  }

  @Test
  void namesAreTakenOnceAndFreeAgainAfterwards() {
    ApiKeys keys = new ApiKeys(workspace);
    keys.add("a", Role.ADMIN);
    assertThrows(BadInputException.class, () -> keys.add("a", Role.ADMIN));
    keys.remove("a");
    assertThrows(NotFoundException.class, () -> keys.remove("a"));
    keys.add("a", Role.PREDICT);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", " ", "../x", "a\nb", "-a", "ä"})
  void whatIsNoNameIsRefused(String name) {
    assertThrows(BadInputException.class, () -> new ApiKeys(workspace).add(name, Role.PREDICT));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{",
        "{\"keys\": [{}]}",
        "{\"keys\": [{\"name\": \"a\", \"role\": \"king\", \"sha256\": \"\", \"made\": \"\"}]}"
      })
  void aDamagedFileIsSaidToBe(String content) throws Exception {
    Files.writeString(workspace.resolve("keys.json"), content);
    assertThrows(BadInputException.class, () -> new ApiKeys(workspace).list());
  }

  /** A file that never ends, as a link to a device, must not be read to its end. */
  @Test
  void aFileThatIsFarTooLargeIsNoFileOfKeys() throws Exception {
    Files.createSymbolicLink(workspace.resolve("keys.json"), Path.of("/dev/zero"));
    assertThrows(BadInputException.class, () -> new ApiKeys(workspace).list());
  }
}
