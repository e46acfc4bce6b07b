package dev.headstart.onnx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.headstart.error.BadInputException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class TensorTest {

  /** As the specification's binary extension lays BYTES out. */
  @Test
  void stringsAreHeldAsTheProtocolWritesThem() {
    byte[] picture = {(byte) 0xff, (byte) 0xd8, 0, -1};
    List<byte[]> values = List.of("hé".getBytes(StandardCharsets.UTF_8), new byte[0], picture);
    Tensor tensor = Tensor.strings(values, 3, 1);
    byte[] bytes = new byte[tensor.data().remaining()];
    tensor.data().get(bytes);
    assertEquals("0300000068c3a90000000004000000ffd800ff", HexFormat.of().formatHex(bytes));
    for (Tensor same : List.of(tensor, tensor.reshape(3))) {
      assertEquals(3, same.elements());
      for (int i = 0; i < 3; i++) {
        assertArrayEquals(values.get(i), same.strings().get(i));
      }
    }
    assertEquals(tensor, new Tensor(ElementType.STRING, new long[] {3, 1}, ByteBuffer.wrap(bytes)));
  }

  @Test
  void stringsMayBeNoneOrOne() {
    assertEquals(List.of(), Tensor.strings(List.of(), 0, 7).strings());
    assertArrayEquals(new byte[] {1}, Tensor.strings(List.of(new byte[] {1})).strings().get(0));
    assertEquals(2, Tensor.zeros(ElementType.STRING, 2).strings().size());
    assertThrows(BadInputException.class, () -> Tensor.vector(1).strings());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "''             | needs 2 elements, but its 0 bytes end after 0",
        "000000         | needs 2 elements, but its 3 bytes end after 0",
        "0100000041     | needs 2 elements, but its 5 bytes end after 1",
        "0200000041     | element 0 of a tensor STRING[2] says that it has 2 bytes, but 1 follow",
        "00000000000000 | needs 2 elements, but its 7 bytes end after 1",
        "00000000ffffffff | element 1 of a tensor STRING[2] says that it has 4294967295 bytes, but"
            + " 0 follow",
        "00000000000000800000 | says that it has 2147483648 bytes, but 2 follow",
        "000000000000000041 | has 2 elements, but 1 bytes follow the last one",
      })
  void stringsThatDoNotAddUpAreRefused(String hex, String message) {
    ByteBuffer data = ByteBuffer.wrap(HexFormat.of().parseHex(hex)).order(ByteOrder.BIG_ENDIAN);
    var error =
        assertThrows(
            BadInputException.class, () -> new Tensor(ElementType.STRING, new long[] {2}, data));
    assertEquals(message, error.getMessage().substring(error.getMessage().indexOf(message)));
  }

  @Test
  void aShapeThatClaimsMoreThanThereIsAllocatesNothing() {
    var huge = new long[] {Integer.MAX_VALUE};
    ByteBuffer none = ByteBuffer.allocate(0);
    assertThrows(BadInputException.class, () -> new Tensor(ElementType.STRING, huge, none));
    assertThrows(BadInputException.class, () -> Tensor.strings(List.of(), 1));
  }

  @ParameterizedTest
  @EnumSource
  void everyTypeHasEmptyTensorsAndScalars(ElementType type) {
    assertEquals(0, Tensor.zeros(type, 3, 0).data().remaining());
    Tensor scalar = Tensor.zeros(type);
    assertEquals(1, scalar.elements());
    ByteBuffer longer = ByteBuffer.allocate(scalar.data().remaining() + 1);
    assertThrows(BadInputException.class, () -> new Tensor(type, new long[0], longer));
  }

  @Test
  void stringsAreNoWeights() {
    GraphBuilder graph = new GraphBuilder("strings", 17);
    Tensor text = Tensor.strings(List.of(new byte[] {65}), 1);
    var error = assertThrows(BadInputException.class, () -> graph.initializer("w", text));
    assertEquals("the tensor 'w' holds strings; expected numbers", error.getMessage());
  }
}
