package dev.headstart.workspace;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.headstart.backbone.FeatureStore;
import dev.headstart.backbone.Features;
import dev.headstart.error.FailureException;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.Tensor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FeatureCacheTest {
  private static final String SPACE = "5a".repeat(32);
  private static final String OTHER = "07".repeat(32);

  @TempDir Path root;
  private Workspace workspace;
  private FeatureStore store;

  @BeforeEach
  void open() {
    workspace = Workspace.open(root);
    store = workspace.features();
  }

  @AfterEach
  void close() {
    workspace.close();
  }

  static String digest(int number) {
    return String.format("%064x", number);
  }

  static Features vector(int number, int width) {
    float[] values = new float[width];
    for (int i = 0; i < width; i++) {
      values[i] = number * 31 + i;
    }
    return new Features(List.of(Tensor.of(values, 1, width)));
  }

  @Test
  void whatWasPutIsThereInTheSameSpaceOnly() {
    Map<String, Features> features = new HashMap<>();
    for (int i = 0; i < 1234; i++) { // more than fit one statement
      features.put(digest(i), vector(i, 5));
    }
    store.put(SPACE, features);
    store.put(SPACE, Map.of());
    workspace.close();
    open();
    List<String> asked =
        IntStream.range(-10, 1300).map(Math::abs).mapToObj(FeatureCacheTest::digest).toList();
    assertEquals(features, store.get(SPACE, asked));
    assertEquals(Map.of(), store.get(OTHER, asked));
    assertEquals(Map.of(), store.get(SPACE, List.of()));
    assertThrows(IllegalArgumentException.class, () -> store.get("../x", asked));
    assertThrows(IllegalArgumentException.class, () -> store.get(SPACE, List.of("AB")));
  }

  @Test
  void tensorsOfAnyTypeAndShapeComeBack() {
    Random random = new Random(7);
    for (ElementType type : ElementType.values()) {
      if (type == ElementType.STRING) {
        continue;
      }
      byte[] data = new byte[2 * 3 * type.bytes()];
      random.nextBytes(data);
      Features features =
          new Features(
              List.of(
                  new Tensor(type, new long[] {1, 2, 3}, ByteBuffer.wrap(data)),
                  new Tensor(type, new long[] {1, 0}, ByteBuffer.allocate(0)),
                  new Tensor(
                      type, new long[0], ByteBuffer.wrap(data, type.bytes(), type.bytes()))));
      String sample = digest(type.code());
      store.put(SPACE, Map.of(sample, features));
      assertEquals(Map.of(sample, features), store.get(SPACE, List.of(sample)));
    }
    Features none = new Features(List.of());
    store.put(SPACE, Map.of(digest(99), none));
    assertEquals(none, store.get(SPACE, List.of(digest(99))).get(digest(99)));
  }

  @Test
  void theBytesAreAsTheGrammarSays() {
    Features features =
        new Features(List.of(Tensor.of(new float[] {1.5f, -2}, 1, 2), Tensor.vector(3)));
    ByteBuffer expected = ByteBuffer.allocate(54).order(ByteOrder.LITTLE_ENDIAN);
    expected.put((byte) 1).put((byte) 2);
    expected.put((byte) 1).put((byte) 2).putLong(1).putLong(2).putFloat(1.5f).putFloat(-2);
    expected.put((byte) 7).put((byte) 1).putLong(1).putLong(3);
    CRC32C crc = new CRC32C();
    crc.update(expected.array(), 0, expected.position());
    expected.putInt((int) crc.getValue());
    assertArrayEquals(
        Arrays.copyOf(expected.array(), expected.position()), FeatureRecord.encode(features));
  }

  @Test
  void whatIsThereStays() {
    store.put(SPACE, Map.of(digest(1), vector(1, 3)));
    store.put(SPACE, Map.of(digest(1), vector(2, 3), digest(2), vector(2, 3)));
    assertEquals(
        Map.of(digest(1), vector(1, 3), digest(2), vector(2, 3)),
        store.get(SPACE, List.of(digest(1), digest(2))));
  }

  @Test
  void largeFeaturesLieInFiles() throws IOException {
    Features large = vector(1, 80_000);
    Features small = vector(2, 60_000);
    String sample = "ab" + digest(1).substring(2);
    store.put(SPACE, Map.of(sample, large, digest(2), small));
    Path file = root.resolve("features/ab/" + SPACE + "-" + sample + ".bin");
    assertTrue(Files.size(file) > FeatureCache.LARGEST_ROW);
    assertFalse(Files.exists(root.resolve("features/00")));
    workspace.close();
    open();
    Map<String, Features> both = Map.of(sample, large, digest(2), small);
    assertEquals(both, store.get(SPACE, both.keySet()));

    byte[] whole = Files.readAllBytes(file);
    Files.write(file, Arrays.copyOf(whole, 1000)); // as a power cut may leave it
    assertEquals(Map.of(digest(2), small), store.get(SPACE, both.keySet()));
    store.put(SPACE, both);
    assertEquals(both, store.get(SPACE, both.keySet()));
    Files.delete(file);
    assertEquals(Map.of(digest(2), small), store.get(SPACE, both.keySet()));
    store.put(SPACE, both);
    assertEquals(both, store.get(SPACE, both.keySet()));
    Files.delete(file);
    Files.createDirectory(file);
    HeadDirectoryTest.assertMessage(
        FailureException.class,
        () -> store.get(SPACE, both.keySet()),
        file.toString(),
        "cannot be read");
  }

  @Test
  void aDamagedRowIsAMissAndReplaced() throws SQLException {
    Map<String, Features> good = Map.of(digest(1), vector(1, 3), digest(2), vector(2, 3));
    byte[] record = FeatureRecord.encode(vector(1, 3));
    assertEquals(6 + 2 + 16 + 12, record.length);
    for (int bit = 0; bit < 8 * record.length; bit += 5) {
      byte[] flipped = record.clone();
      flipped[bit / 8] ^= (byte) (1 << bit % 8);
      assertReplaced(good, flipped);
    }
    for (int length = 0; length < record.length; length++) {
      assertReplaced(good, Arrays.copyOf(record, length));
    }
    assertReplaced(good, null);
    // The checksum is right, but another program wrote it.
    assertReplaced(good, sealed("02 00"));
    assertReplaced(good, sealed("01 01"));
    assertReplaced(good, sealed("01 00 00"));
    assertReplaced(good, sealed("01 01 63 00"));
    assertReplaced(good, sealed("01 01 08 00"));
    assertReplaced(good, sealed("01 01 01 01 ff ff ff ff ff ff ff ff"));
    assertReplaced(good, sealed("01 01 01 01 ff ff ff 7f 00 00 00 00"));
    assertReplaced(good, sealed("01 01 01 01 02 00 00 00 00 00 00 00 00 00 00 00"));
  }

  private void assertReplaced(Map<String, Features> good, byte[] damaged) throws SQLException {
    store.put(SPACE, good);
    try (Connection connection =
            DriverManager.getConnection("jdbc:sqlite:" + root.resolve("headstart.db"));
        PreparedStatement statement =
            connection.prepareStatement("UPDATE feature SET data = ? WHERE sample = ?")) {
      statement.setBytes(1, damaged);
      statement.setBytes(2, HexFormat.of().parseHex(digest(1)));
      assertEquals(1, statement.executeUpdate());
    }
    assertEquals(Map.of(digest(2), good.get(digest(2))), store.get(SPACE, good.keySet()));
    store.put(SPACE, good);
    assertEquals(good, store.get(SPACE, good.keySet()));
  }

  private static byte[] sealed(String hex) {
    byte[] content = HexFormat.ofDelimiter(" ").parseHex(hex);
    CRC32C crc = new CRC32C();
    crc.update(content);
    return ByteBuffer.allocate(content.length + 4)
        .order(ByteOrder.LITTLE_ENDIAN)
        .put(content)
        .putInt((int) crc.getValue())
        .array();
  }

  @Test
  void theDatabaseIsSetUpForSeveralProcesses() throws SQLException {
    workspace.requireWritable();
    try (Connection connection =
            DriverManager.getConnection("jdbc:sqlite:" + root.resolve("headstart.db"));
        Statement statement = connection.createStatement();
        ResultSet mode = statement.executeQuery("PRAGMA journal_mode")) {
      assertEquals("wal", mode.getString(1));
    }
  }

  @Test
  void threadsShareTheStore() {
    IntStream.range(0, 64)
        .parallel()
        .forEach(
            i -> {
              Map<String, Features> features =
                  Map.of(digest(i), vector(i, 9), digest(i + 1), vector(i + 1, 9));
              store.put(SPACE, features);
              assertEquals(features, store.get(SPACE, features.keySet()));
            });
    assertEquals(
        65, store.get(SPACE, IntStream.range(0, 65).mapToObj(i -> digest(i)).toList()).size());
  }
}
