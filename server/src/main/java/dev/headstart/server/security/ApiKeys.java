package dev.headstart.server.security;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.headstart.disk.Disk;
import dev.headstart.disk.DiskFailures;
import dev.headstart.error.BadInputException;
import dev.headstart.error.NotFoundException;
import dev.headstart.workspace.ProcessLock;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;

/**
 * The keys of a workspace, in its file {@code keys.json}, which only its owner can read:
 *
 * <pre>
 * {"keys": [{"name": "camera", "role": "predict", "sha256": "9f86…", "made": "2026-11-23T18:00:00Z"}]}
 * </pre>
 *
 * <p>A key is {@code hs_} and 256 random bits. What is stored is its plain SHA-256: salts and slow
 * hashes protect words that can be guessed, and nobody guesses 256 bits. The file is replaced by
 * one rename under a lock, so that several processes may change it.
 */
public final class ApiKeys {
  public static final String FILE = "keys.json";

  /** What a key begins with, for people and for scanners of leaked secrets. */
  public static final String PREFIX = "hs_";

  private static final String NAMES = "[A-Za-z0-9][A-Za-z0-9._-]{0,63}";

  /** Bytes of the file: more is not it. */
  private static final int LARGEST = 1 << 20;

  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path workspace;

  /**
   * @param workspace an absolute path
   */
  public ApiKeys(Path workspace) {
    this.workspace = workspace;
  }

  /** Where the keys lie; need not exist. */
  public Path file() {
    return workspace.resolve(FILE);
  }

  /**
   * Makes a key.
   *
   * @return the key, which is not stored and cannot be shown again
   * @throws BadInputException if the name is none, or taken
   */
  public String add(String name, Role role) {
    if (!name.matches(NAMES)) {
      throw new BadInputException(
          "a key's name must be 1 to 64 letters, digits, '.', '_' or '-', not '" + name + "'");
    }
    byte[] random = new byte[32];
    new SecureRandom().nextBytes(random);
    String key = PREFIX + Base64.getUrlEncoder().withoutPadding().encodeToString(random);
    changing(
        keys -> {
          if (keys.stream().anyMatch(k -> k.name().equals(name))) {
            throw new BadInputException(
                "there is a key named '"
                    + name
                    + "': remove it first with keys remove, or choose another name");
          }
          keys.add(
              new ApiKey(
                  name,
                  role,
                  HexFormat.of().formatHex(digest(key)),
                  Instant.now().truncatedTo(ChronoUnit.SECONDS)));
        });
    return key;
  }

  /**
   * Makes a key worthless.
   *
   * @throws NotFoundException if there is none of this name
   */
  public void remove(String name) {
    changing(
        keys -> {
          if (!keys.removeIf(key -> key.name().equals(name))) {
            throw new NotFoundException("key", name, keys.stream().map(ApiKey::name).toList());
          }
        });
  }

  /**
   * All keys, in the order they were made.
   *
   * @throws BadInputException if the file is damaged
   */
  public List<ApiKey> list() {
    byte[] content;
    try (InputStream in = Files.newInputStream(file())) {
      content = in.readNBytes(LARGEST);
    } catch (NoSuchFileException e) {
      return List.of();
    } catch (IOException e) {
      throw new DiskFailures(workspace).read(file(), e);
    }
    List<ApiKey> keys = new ArrayList<>();
    try {
      for (JsonNode key : JSON.readTree(content).path("keys")) {
        keys.add(
            new ApiKey(
                key.required("name").textValue(),
                Role.valueOf(key.required("role").textValue().toUpperCase(Locale.ROOT)),
                key.required("sha256").textValue(),
                Instant.parse(key.required("made").textValue())));
      }
    } catch (IOException | IllegalArgumentException | DateTimeException | NullPointerException e) {
      throw new BadInputException(
          file() + " is damaged: restore it from a backup, or delete it and make new keys", e);
    }
    return keys;
  }

  private interface Change {
    void to(List<ApiKey> keys);
  }

  private void changing(Change change) {
    try {
      Disk.createDirectories(workspace);
      ProcessLock.holding(
          workspace.toRealPath().resolve("keys.lock"),
          () -> {
            List<ApiKey> keys = new ArrayList<>(list());
            change.to(keys);
            Disk.replaceSecret(file(), json(keys));
            return null;
          });
    } catch (IOException e) {
      throw new DiskFailures(workspace).write(e);
    }
  }

  private static byte[] json(List<ApiKey> keys) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (JsonGenerator json = new JsonFactory().createGenerator(out).useDefaultPrettyPrinter()) {
      json.writeStartObject();
      json.writeArrayFieldStart("keys");
      for (ApiKey key : keys) {
        json.writeStartObject();
        json.writeStringField("name", key.name());
        json.writeStringField("role", key.role().toString());
        json.writeStringField("sha256", key.sha256());
        json.writeStringField("made", key.made().toString());
        json.writeEndObject();
      }
      json.writeEndArray();
      json.writeEndObject();
    }
    return out.toByteArray();
  }

  /** SHA-256 of a key. */
  static byte[] digest(String key) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(key.getBytes(StandardCharsets.UTF_8));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java platform has SHA-256", e);
    }
  }
}
