package dev.headstart.server.protocol;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.headstart.error.BadInputException;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.Tensor;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Classification against answers written by hand. */
class ClassificationTest {
  private static final List<String> NONE = List.of();

  @Test
  void greatestFirstWithSixDecimals() {
    Tensor scores = Tensor.of(new float[] {0.1f, 0.7f, 0.2f, 1, -2.5f, 3}, 2, 3);
    Tensor answer = Classification.of("scores", scores, 2, true, List.of("cat", "dog", "emu"));
    assertArrayEquals(new long[] {2, 2}, answer.shape());
    assertEquals(
        List.of("0.700000:1:dog", "0.200000:2:emu", "3.000000:2:emu", "1.000000:0:cat"),
        lines(answer));
  }

  @Test
  void noMoreThanThereAre() {
    Tensor answer = Classification.of("y", Tensor.of(new float[] {1, 2}, 1, 2), 9, true, NONE);
    assertArrayEquals(new long[] {1, 2}, answer.shape());
    assertEquals(List.of("2.000000:1", "1.000000:0"), lines(answer));
  }

  @Test
  void hugeCountsTakeNoMemory() {
    Tensor one = Tensor.of(new float[] {1}, 1, 1);
    assertEquals(
        List.of("1.000000:0"),
        lines(Classification.of("y", one, Integer.MAX_VALUE, true, List.of("a", "b"))));
  }

  @Test
  void tiesByLowerIndex() {
    Tensor ties = Tensor.of(new float[] {0, 5, -0f, 5, 5}, 1, 5);
    assertEquals(
        List.of("5.000000:1", "5.000000:3", "5.000000:4", "0.000000:0"),
        lines(Classification.of("y", ties, 4, true, NONE)));
  }

  @Test
  void notANumberIsLast() {
    Tensor odd =
        Tensor.of(
            new float[] {Float.NaN, Float.NEGATIVE_INFINITY, Float.POSITIVE_INFINITY, 0}, 1, 4);
    assertEquals(
        List.of("inf:2", "0.000000:3", "-inf:1", "nan:0"),
        lines(Classification.of("y", odd, 4, true, NONE)));
  }

  @Test
  void moreDimensionsCountAsOne() {
    Tensor map = Tensor.of(new float[] {1, 2, 3, 4, 8, 7, 6, 5}, 2, 2, 2);
    Tensor answer = Classification.of("y", map, 1, true, NONE);
    assertArrayEquals(new long[] {2, 1}, answer.shape());
    assertEquals(List.of("4.000000:3", "8.000000:0"), lines(answer));
  }

  @Test
  void withoutABatch() {
    Tensor vector = Tensor.of(new float[] {1, 3, 2}, 3);
    Tensor answer = Classification.of("y", vector, 2, false, NONE);
    assertArrayEquals(new long[] {2}, answer.shape());
    assertEquals(List.of("3.000000:1", "2.000000:2"), lines(answer));
    assertEquals(
        List.of("7.000000:0"), lines(Classification.of("y", Tensor.scalar(7), 2, true, NONE)));
  }

  @Test
  void noSamples() {
    Tensor answer = Classification.of("y", Tensor.of(new float[0], 0, 3), 2, true, NONE);
    assertEquals(0, answer.shape()[0]);
    assertEquals(List.of(), lines(answer));
  }

  @Test
  void integersWithoutDecimals() {
    ByteBuffer unsigned = Tensor.allocate(16).putLong(-1).putLong(1).flip();
    assertEquals(
        List.of("18446744073709551615:0", "1:1"),
        lines(
            Classification.of(
                "y", new Tensor(ElementType.UINT64, new long[] {1, 2}, unsigned), 2, true, NONE)));
    ByteBuffer bytes = ByteBuffer.wrap(new byte[] {-1, 1});
    assertEquals(
        List.of("255:0", "1:1"),
        lines(
            Classification.of(
                "y", new Tensor(ElementType.UINT8, new long[] {1, 2}, bytes), 2, true, NONE)));
    assertEquals(
        List.of("1:1", "-1:0"),
        lines(
            Classification.of(
                "y", new Tensor(ElementType.INT8, new long[] {1, 2}, bytes), 2, true, NONE)));
  }

  /** Values from the tables of IEEE 754 binary16, and of bfloat16. */
  @Test
  void halfFloats() {
    short[] halves = {0x3c00, (short) 0xc000, 0x7bff, 0x0001, 0x7c00, 0x3555};
    ByteBuffer data = Tensor.allocate(12);
    for (short half : halves) {
      data.putShort(half);
    }
    assertEquals(
        List.of("inf:4", "65504.000000:2", "1.000000:0", "0.333252:5", "0.000000:3", "-2.000000:1"),
        lines(
            Classification.of(
                "y",
                new Tensor(ElementType.FLOAT16, new long[] {1, 6}, data.flip()),
                6,
                true,
                NONE)));
    ByteBuffer brain = Tensor.allocate(4).putShort((short) 0x3f80).putShort((short) 0xc000).flip();
    assertEquals(
        List.of("1.000000:0", "-2.000000:1"),
        lines(
            Classification.of(
                "y", new Tensor(ElementType.BFLOAT16, new long[] {1, 2}, brain), 2, true, NONE)));
  }

  @ParameterizedTest
  @EnumSource(names = {"STRING", "BOOL"})
  void refusesWhatHasNoOrder(ElementType type) {
    Tensor tensor =
        type == ElementType.STRING
            ? Tensor.strings(List.of(new byte[] {65}), 1)
            : Tensor.zeros(type, 1);
    BadInputException refused =
        assertThrows(
            BadInputException.class, () -> Classification.of("label", tensor, 1, true, NONE));
    assertEquals(
        "output 'label' is "
            + Datatype.of(type)
            + " and cannot be classified: parameter 'classification' needs numbers",
        refused.getMessage());
  }

  private static List<String> lines(Tensor tensor) {
    return tensor.strings().stream().map(b -> new String(b, StandardCharsets.UTF_8)).toList();
  }
}
