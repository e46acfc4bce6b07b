package dev.headstart.ort;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import com.google.protobuf.ByteString;
import dev.headstart.error.BadInputException;
import dev.headstart.onnx.Attribute;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.GraphBuilder;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.Operator;
import dev.headstart.onnx.Tensor;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every element type goes into a model and comes out of it bit for bit. */
class ElementTypesTest {
  private static final long SEED = Long.getLong("seed", 31);
  private int handles;

  @BeforeEach
  void countHandles() {
    handles = OrtRuntime.openHandles();
  }

  @AfterEach
  void everyHandleIsClosed() {
    assertEquals(handles, OrtRuntime.openHandles(), "open native handles");
  }

  private static InferenceSession identity(ElementType type, long... shape) {
    GraphBuilder graph = new GraphBuilder("identity", 17);
    var x = graph.input("x", type, shape);
    var y = graph.named("y", Operator.IDENTITY, List.of(x));
    return InferenceSession.open(graph.output(y, type, shape).build(), SessionSettings.cpu(1));
  }

  /** Every byte pattern once, then random ones; smallest and largest values are among them. */
  private static Tensor patterns(ElementType type, Random random) {
    int elements = type == ElementType.BOOL ? 2 : 1024;
    byte[] data = new byte[elements * type.bytes()];
    random.nextBytes(data);
    for (int i = 0; i < elements && i < 256; i++) {
      Arrays.fill(data, i * type.bytes(), (i + 1) * type.bytes(), (byte) i);
    }
    return new Tensor(type, new long[] {elements / 2, 2}, ByteBuffer.wrap(data));
  }

  private static Tensor direct(Tensor heap) {
    ByteBuffer data = Tensor.allocate(heap.data().remaining()).put(heap.data());
    return new Tensor(heap.type(), heap.shape(), data.flip());
  }

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "STRING")
  void everyBitPatternSurvives(ElementType type) {
    System.out.println("ElementTypesTest: seed " + SEED);
    Tensor tensor = patterns(type, new Random(SEED));
    try (var session = identity(type, -1, 2)) {
      assertEquals(type, session.inputs().get("x").type());
      assertEquals("[x]", session.inputs().keySet().toString());
      for (Tensor given : List.of(tensor, direct(tensor))) {
        assertEquals(tensor, session.run(Map.of("x", given)).get("y"));
      }
      try (var prepared = session.prepare(Map.of("x", tensor))) {
        assertEquals(tensor, session.run(Map.of(), prepared).get("y"));
      }
    }
  }

  /** What comes in as signed must be taken as unsigned inside the model. */
  @ParameterizedTest
  @EnumSource(names = {"UINT8", "UINT16", "UINT32", "UINT64"})
  void unsignedNumbersAreUnsignedInsideTheModel(ElementType type) {
    GraphBuilder graph = new GraphBuilder("cast", 17);
    var x = graph.input("x", type, -1);
    var to = Attribute.of("to", ElementType.DOUBLE.code());
    var y = graph.named("y", Operator.CAST, List.of(x), to);
    OnnxModel model = graph.output(y, ElementType.DOUBLE, -1).build();
    byte[] all = new byte[type.bytes()];
    Arrays.fill(all, (byte) 0xff);
    try (var session = InferenceSession.open(model, SessionSettings.cpu(1))) {
      Tensor largest = new Tensor(type, new long[] {1}, ByteBuffer.wrap(all));
      double expected = Math.pow(2, 8 * type.bytes()) - (type.bytes() < 8 ? 1 : 0);
      assertEquals(expected, session.run(Map.of("x", largest)).get("y").data().getDouble());
    }
  }

  @ParameterizedTest
  @EnumSource
  void emptyTensorsAndScalarsSurvive(ElementType type) {
    try (var session = identity(type, -1, 3)) {
      Tensor none = Tensor.zeros(type, 0, 3);
      assertEquals(none, session.run(Map.of("x", none)).get("y"));
    }
    try (var session = identity(type)) {
      assertEquals(0, session.inputs().get("x").shape().length);
      assertEquals(0, session.outputs().get("y").shape().length);
      Tensor scalar = Tensor.zeros(type);
      assertEquals(scalar, session.run(Map.of("x", scalar)).get("y"));
      Tensor vector = Tensor.zeros(type, 1);
      assertThrows(BadInputException.class, () -> session.run(Map.of("x", vector)));
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"FLOAT", "UINT32", "STRING"})
  void anUnknownRankTakesAny(ElementType type) {
    try (var session = identity(type, (long[]) null)) {
      assertNull(session.inputs().get("x").shape());
      assertNull(session.outputs().get("y").shape());
      for (Tensor tensor :
          List.of(Tensor.zeros(type), Tensor.zeros(type, 0), Tensor.zeros(type, 2, 1, 3))) {
        assertEquals(tensor, session.run(Map.of("x", tensor)).get("y"));
      }
    }
  }

  @Test
  void booleansAreZeroOrOne() {
    try (var session = identity(ElementType.BOOL, -1)) {
      Tensor two =
          new Tensor(ElementType.BOOL, new long[] {3}, ByteBuffer.wrap(new byte[] {1, 0, 2}));
      var error = assertThrows(BadInputException.class, () -> session.run(Map.of("x", two)));
      assertEquals("element 2 of input 'x' is 2, but a BOOL is 0 or 1", error.getMessage());
    }
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  @Test
  void textOfEveryPlaneSurvives() {
    List<byte[]> texts =
        List.of(
            utf8(""),
            utf8("plain"),
            utf8("é\u07ff\u0800\uffff"),
            utf8("🐱\0"),
            utf8("a🐱é𝄞b"),
            utf8("ð"));
    try (var session = identity(ElementType.STRING, -1, 3)) {
      List<byte[]> back = session.run(Map.of("x", Tensor.strings(texts, 2, 3))).get("y").strings();
      for (int i = 0; i < texts.size(); i++) {
        assertArrayEquals(texts.get(i), back.get(i), "text " + i);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"ff", "61c3", "c080", "eda080", "f8888080"})
  void whatIsNoTextIsRefused(String hex) {
    byte[] bytes = java.util.HexFormat.of().parseHex(hex);
    try (var session = identity(ElementType.STRING, -1)) {
      Tensor tensor = Tensor.strings(List.of(utf8("fine"), bytes), 2);
      var error = assertThrows(BadInputException.class, () -> session.run(Map.of("x", tensor)));
      assertTrue(error.getMessage().startsWith("element 1 of input 'x' "), error.getMessage());
    }
  }

  /** Both are the model's own: the key that an input is compared with, and what comes out. */
  @Test
  void theModelsOwnTextAgreesWithTheCallers() {
    GraphBuilder graph = new GraphBuilder("names", 17);
    graph.input("x", ElementType.STRING, -1);
    graph
        .proto()
        .addNode(
            NodeProto.newBuilder()
                .setOpType("LabelEncoder")
                .setDomain("ai.onnx.ml")
                .addInput("x")
                .addOutput("y")
                .addAttribute(strings("keys_strings", "🐱", "n\0l", "é"))
                .addAttribute(strings("values_strings", "cat 🐱!", "\0", "ü")))
        .addOutput(
            ValueInfoProto.newBuilder()
                .setName("y")
                .setType(
                    TypeProto.newBuilder()
                        .setTensorType(
                            TypeProto.Tensor.newBuilder().setElemType(ElementType.STRING.code()))));
    ModelProto.Builder model = graph.build().proto().toBuilder();
    model.addOpsetImport(OperatorSetIdProto.newBuilder().setDomain("ai.onnx.ml").setVersion(2));
    try (var session =
        InferenceSession.open(model.build().toByteArray(), "names", SessionSettings.cpu(1))) {
      Tensor x = Tensor.strings(List.of(utf8("é"), utf8("🐱"), utf8("n\0l"), utf8("🐶")), 4);
      List<String> found =
          session.run(Map.of("x", x)).get("y").strings().stream()
              .map(bytes -> new String(bytes, StandardCharsets.UTF_8))
              .toList();
      assertEquals(List.of("ü", "cat 🐱!", "\0", "_Unused"), found);
    }
  }

  private static AttributeProto strings(String name, String... values) {
    return AttributeProto.newBuilder()
        .setName(name)
        .setType(AttributeProto.AttributeType.STRINGS)
        .addAllStrings(Arrays.stream(values).map(ByteString::copyFromUtf8).toList())
        .build();
  }
}
