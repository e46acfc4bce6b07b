package dev.headstart.server.http;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.headstart.error.BadInputException;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.Tensor;
import dev.headstart.server.protocol.Datatype;
import dev.headstart.server.protocol.Limits;
import dev.headstart.server.protocol.NotSupportedException;
import java.io.ByteArrayOutputStream;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Requests as bytes, good and bad, without a server. */
class InferRequestReaderTest {
  private static final long SEED = Long.getLong("headstart.test.seed", 20261101L);
  private static final Limits LIMITS = new Limits(1 << 20, 3, 1000, 20, 64, 16, 0);

  private final InferRequestReader reader = new InferRequestReader(LIMITS);

  @Test
  void everythingAtOnce() {
    InferRequest request =
        read(
            """
            {"id": "é", "colour": {"any": [1, {}]}, "parameters": {"priority": 2, "timeout": 7},
             "inputs": [
               {"name": "x", "shape": [2, 2], "datatype": "FP32", "data": [[1, 2.5], [-3e-1, 4]]},
               {"data": ["a", "", "ü😀"], "datatype": "BYTES", "shape": [3], "name": "s"}],
             "outputs": [{"name": "y", "parameters": {"classification": 3}}, {"name": "z"}]}
            """);
    assertEquals("é", request.id());
    assertEquals(2, request.parameters().priority());
    assertEquals(7_000, request.parameters().timeout().toNanos());
    assertArrayEquals(new float[] {1, 2.5f, -0.3f, 4}, request.inputs().get("x").floats());
    assertEquals(List.of("a", "", "ü😀"), texts(request.inputs().get("s")));
    assertEquals(3, request.outputs().get(0).classification());
    assertEquals("z", request.outputs().get(1).name());
    assertTrue(request.text());
  }

  @Test
  void theOrderOfFieldsDoesNotMatter() {
    String expected =
        read(input("\"shape\":[2],\"datatype\":\"INT64\",\"data\":[1,-2]")).toString();
    for (String fields :
        List.of(
            "\"data\":[1,-2],\"shape\":[2],\"datatype\":\"INT64\"",
            "\"datatype\":\"INT64\",\"data\":[1,-2],\"shape\":[2]",
            "\"shape\":[2],\"data\":[1,-2],\"datatype\":\"INT64\",\"parameters\":{}")) {
      assertEquals(expected, read(input(fields)).toString());
    }
  }

  @Test
  void shapesWithoutElementsAndWithoutDimensions() {
    assertEquals(
        0,
        read(input("\"shape\":[0,3],\"datatype\":\"FP32\",\"data\":[]"))
            .inputs()
            .get("x")
            .elements());
    assertEquals(
        0,
        read(input("\"shape\":[2,0],\"datatype\":\"FP32\",\"data\":[[],[]]"))
            .inputs()
            .get("x")
            .elements());
    assertEquals(
        1,
        read(input("\"shape\":[],\"datatype\":\"FP32\",\"data\":[1]"))
            .inputs()
            .get("x")
            .elements());
  }

  @Test
  void emptyIdsAreNone() {
    assertNull(
        read("{\"id\":\"\",\"inputs\":[{\"name\":\"x\",\"shape\":[1],\"datatype\":\"BOOL\",\"data\":[true]}]}")
            .id());
  }

  @ParameterizedTest
  @EnumSource(
      value = Datatype.class,
      mode = EnumSource.Mode.EXCLUDE,
      names = {"FP16", "BF16", "BYTES"})
  void numbersGoThroughJsonAndBack(Datatype datatype) throws Exception {
    System.out.println("headstart.test.seed = " + SEED);
    Random random = new Random(SEED + datatype.ordinal());
    long[] shape = {3, 5, 2};
    byte[] bytes = new byte[30 * datatype.element().bytes()];
    random.nextBytes(bytes);
    ByteBuffer data = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < 30; i++) {
      switch (datatype) {
        case BOOL -> data.put(i, (byte) (bytes[i] & 1));
        case FP32 -> data.putFloat(4 * i, extreme(random, i).floatValue());
        case FP64 -> data.putDouble(8 * i, extreme(random, i));
        default -> {}
      }
    }
    Tensor tensor = new Tensor(datatype.element(), shape, data);
    ByteArrayOutputStream json = new ByteArrayOutputStream();
    try (JsonGenerator generator = Json.factory(LIMITS).createGenerator(json)) {
      TensorData.write(generator, "y", tensor);
    }
    assertEquals(naive(tensor, new ObjectMapper().readTree(json.toByteArray())), tensor);
    String text = json.toString(StandardCharsets.UTF_8);
    assertEquals(tensor, tensor(datatype, shape, text));
    assertEquals(tensor, tensor(datatype, shape, nested(text)));
    byte[] header =
        input(
                "\"shape\":[3,5,2],\"datatype\":\""
                    + datatype
                    + "\",\"parameters\":{\"binary_data_size\":"
                    + bytes.length
                    + "}")
            .getBytes(StandardCharsets.UTF_8);
    assertEquals(tensor, reader.read(joined(header, bytes), header.length).inputs().get("x"));
  }

  private static Double extreme(Random random, int i) {
    return switch (i) {
      case 0 -> 0.0;
      case 1 -> -0.0;
      case 2 -> (double) Float.MIN_VALUE;
      case 3 -> -(double) Float.MAX_VALUE;
      default -> random.nextGaussian() * Math.pow(10, random.nextInt(30) - 15);
    };
  }

  /** Reads flat data by Jackson's tree, element by element. */
  private static Tensor naive(Tensor like, JsonNode json) {
    ByteBuffer data = Tensor.allocate(like.data().remaining());
    for (JsonNode value : json) {
      switch (like.type()) {
        case BOOL -> data.put((byte) (value.booleanValue() ? 1 : 0));
        case INT8, UINT8 -> data.put((byte) value.intValue());
        case INT16, UINT16 -> data.putShort((short) value.intValue());
        case INT32, UINT32 -> data.putInt((int) value.longValue());
        case INT64 -> data.putLong(value.longValue());
        case UINT64 -> data.putLong(new BigInteger(value.asText()).longValue());
        case FLOAT -> data.putFloat(Float.parseFloat(value.asText()));
        default -> data.putDouble(Double.parseDouble(value.asText()));
      }
    }
    return new Tensor(like.type(), like.shape(), data.flip());
  }

  /** Thirty elements, nested as [3, 5, 2]. */
  private static String nested(String flat) {
    String[] elements = flat.substring(1, flat.length() - 1).split(",");
    StringBuilder text = new StringBuilder("[");
    for (int i = 0; i < 30; i++) {
      text.append(i % 10 == 0 ? (i > 0 ? "]],[[" : "[[") : i % 2 == 0 ? "],[" : ",");
      text.append(elements[i]);
    }
    return text.append("]]]").toString();
  }

  private Tensor tensor(Datatype datatype, long[] shape, String data) {
    return read(input(
            "\"shape\":"
                + Arrays.toString(shape)
                + ",\"datatype\":\""
                + datatype
                + "\",\"data\":"
                + data))
        .inputs()
        .get("x");
  }

  @ParameterizedTest
  @EnumSource(names = {"FP16", "BF16"})
  void halvesGoAsBinaryOnly(Datatype datatype) {
    byte[] header =
        input(
                "\"shape\":[2],\"datatype\":\""
                    + datatype
                    + "\",\"parameters\":{\"binary_data_size\":4}")
            .getBytes(StandardCharsets.UTF_8);
    Tensor tensor =
        reader.read(joined(header, new byte[] {1, 2, 3, 4}), header.length).inputs().get("x");
    assertEquals(datatype.element(), tensor.type());
    assertEquals(0x04030201, tensor.data().getInt());
    BadInputException refused =
        assertThrows(
            BadInputException.class,
            () ->
                TensorData.write(
                    Json.factory(LIMITS).createGenerator(new ByteArrayOutputStream()),
                    "y",
                    tensor));
    assertEquals(
        "output 'y' is "
            + datatype
            + ", which has no form in JSON: ask for it with the parameter"
            + " binary_data",
        refused.getMessage());
  }

  @Test
  void whatIsNotFiniteIsWrittenInWords() throws Exception {
    ByteArrayOutputStream json = new ByteArrayOutputStream();
    try (JsonGenerator generator = Json.factory(LIMITS).createGenerator(json)) {
      TensorData.write(
          generator,
          "y",
          Tensor.of(
              new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, 0.1f}, 4));
    }
    assertEquals("[\"NaN\",\"Infinity\",\"-Infinity\",0.1]", json.toString(StandardCharsets.UTF_8));
  }

  @Test
  void bytesThatAreNoTextGoAsBinaryOnly() {
    Tensor tensor = Tensor.strings(List.of(new byte[] {(byte) 0xff}), 1);
    BadInputException refused =
        assertThrows(
            BadInputException.class,
            () ->
                TensorData.write(
                    Json.factory(LIMITS).createGenerator(new ByteArrayOutputStream()),
                    "y",
                    tensor));
    assertTrue(refused.getMessage().startsWith("output 'y' holds bytes that are not text"));
  }

  /** Fields of an input, and what is said of them. Column separator: |. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{}                                                      | input 0 has no 'name'",
        "{\"name\":\"x\"}                                        | input 'x' has no 'datatype'",
        "{\"name\":\"x\",\"datatype\":\"FP32\"}                  | input 'x' has no 'shape'",
        "{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[1]}    | input 'x' has no 'data'",
        "{\"name\":7}                                            | the name of input 0 must be a string, not 7",
        "{\"name\":\"x\",\"name\":\"x\"}                         | 'name' of input 0 comes twice",
        "{\"name\":\"x\",\"datatype\":\"FLOAT\"}                 | input 'x' has the unknown datatype 'FLOAT', expected one of [BOOL, UINT8, UINT16, UINT32, UINT64, INT8, INT16, INT32, INT64, FP16, FP32, FP64, BF16, BYTES]",
        "{\"name\":\"x\",\"shape\":4}                            | input 'x': shape must be an array of integers",
        "{\"name\":\"x\",\"shape\":[-1]}                         | input 'x': shape is of integers of at least 0, not -1",
        "{\"name\":\"x\",\"shape\":[1.5]}                        | input 'x': shape is of integers of at least 0, not 1.5",
        "{\"name\":\"x\",\"shape\":[99999999999999999999]}       | input 'x': shape is of integers of at least 0, not 99999999999999999999",
        "{\"name\":\"x\",\"shape\":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]} | input 'x' has more than 32 dimensions",
        "7                                                       | input 0 must be an object",
        "{\"name\":\"x\",\"parameters\":3}                       | parameters of input 0 must be an object",
      })
  void badInputs(String input, String message) {
    assertEquals(message, refused("{\"inputs\":[" + input + "]}"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "FP32  | [2]   | [1]                | input 'x' of shape [2] needs 2 elements, but 1 came",
        "FP32  | [2]   | [1,2,3]            | input 'x' of shape [2] has more than 2 elements",
        "FP32  | [2]   | 1                  | input 'x': data must be an array, not 1",
        "FP32  | [2]   | {}                 | input 'x': data must be an array, not an object",
        "FP32  | [2]   | null               | input 'x': data must be an array, not null",
        "FP32  | [2]   | [1,\"2\"]          | input 'x', element 1: FP32 needs a number, not \"2\"",
        "FP32  | [2]   | [1,null]           | input 'x', element 1: FP32 needs a number, not null",
        "FP32  | [2]   | [true,1]           | input 'x', element 0: FP32 needs a number, not true",
        "FP32  | [2]   | [1e39,1]           | input 'x', element 0: FP32 needs a number in the range of FP32, not 1e39",
        "FP64  | [1]   | [-1e999]           | input 'x', element 0: FP64 needs a number in the range of FP64, not -1e999",
        "FP32  | [2]   | [1,[2]]            | input 'x', element 1: FP32 needs a number, not an array",
        "FP32  | [2]   | [[1,2]]            | input 'x': data is nested deeper than shape [2]",
        "FP32  | [2,2] | [[1,2],[3]]        | input 'x': data nested as shape [2, 2] needs 2 elements in each array of depth 2, but one has 1",
        "FP32  | [2,2] | [[1,2],[3,4,5]]    | input 'x': data nested as shape [2, 2] needs 2 elements in each array of depth 2, but one has more",
        "FP32  | [2,2] | [[1,2]]            | input 'x': data nested as shape [2, 2] needs 2 elements in each array of depth 1, but one has 1",
        "FP32  | [2,2] | [[1,2],3]          | input 'x': expected an array at depth 1 of data nested as shape [2, 2], not 3",
        "FP32  | [2,2] | [[1,2],[3,\"4\"]]  | input 'x', element 3 ([1, 1]): FP32 needs a number, not \"4\"",
        "FP32  | [1,1] | [[[1]]]            | input 'x': data is nested deeper than shape [1, 1]",
        "INT8  | [1]   | [128]              | input 'x', element 0: INT8 needs an integer from -128 to 127, not 128",
        "UINT8 | [1]   | [-1]               | input 'x', element 0: UINT8 needs an integer from 0 to 255, not -1",
        "INT16 | [1]   | [32768]            | input 'x', element 0: INT16 needs an integer from -32768 to 32767, not 32768",
        "UINT16| [1]   | [65536]            | input 'x', element 0: UINT16 needs an integer from 0 to 65535, not 65536",
        "INT32 | [1]   | [2147483648]       | input 'x', element 0: INT32 needs an integer from -2147483648 to 2147483647, not 2147483648",
        "UINT32| [1]   | [4294967296]       | input 'x', element 0: UINT32 needs an integer from 0 to 4294967295, not 4294967296",
        "INT64 | [1]   | [9223372036854775808] | input 'x', element 0: INT64 needs an integer from -9223372036854775808 to 9223372036854775807, not 9223372036854775808",
        "UINT64| [1]   | [18446744073709551616] | input 'x', element 0: UINT64 needs an integer from 0 to 18446744073709551615, not 18446744073709551616",
        "UINT64| [1]   | [-1]               | input 'x', element 0: UINT64 needs an integer from 0 to 18446744073709551615, not -1",
        "INT32 | [1]   | [1.0]              | input 'x', element 0: INT32 needs an integer, not 1.0",
        "INT64 | [1]   | [1e2]              | input 'x', element 0: INT64 needs an integer, not 1e2",
        "BOOL  | [1]   | [1]                | input 'x', element 0: BOOL needs true or false, not 1",
        "BOOL  | [1]   | [\"true\"]         | input 'x', element 0: BOOL needs true or false, not \"true\"",
        "BYTES | [1]   | [1]                | input 'x', element 0: BYTES needs a string, not 1",
        "BYTES | [1]   | [\"123456789012345678901\"] | an element of input 'x' has 21 bytes; 20 are allowed",
        "BYTES | [1]   | [\"\\ud800\"]      | input 'x', element 0: half of a surrogate pair is not text",
        "FP16  | [1]   | [1]                | input 'x': FP16 has no form in JSON, send it as binary data",
        "BF16  | [1]   | [1]                | input 'x': BF16 has no form in JSON, send it as binary data",
        "FP32  | [999] | [1]                | input 'x' of shape [999] needs 999 elements, more than its data can hold",
        "FP32  | [1001] | [1]               | a request's inputs may have 1000 elements at most in all",
        "FP32  | [65536,65536] | [1]        | a tensor of shape [65536, 65536] is too large",
      })
  void badData(String datatype, String shape, String data, String message) {
    String rest = "\"shape\":" + shape + ",\"datatype\":\"" + datatype + "\"";
    String field = "\"data\":" + data;
    assertEquals(message, refused(input(rest + "," + field)));
    assertEquals(message, refused(input(field + "," + rest)), "read a second time");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "[]                              | the request must be a JSON object with 'inputs'",
        "{}                              | the request has no 'inputs'",
        "{\"inputs\":[]}                 | the request has no 'inputs'",
        "{\"inputs\":{}}                 | 'inputs' must be an array",
        "{\"inputs\":null}               | 'inputs' must be an array",
        "{\"id\":7}                      | 'id' must be a string, not 7",
        "{\"id\":\"a\",\"id\":\"b\"}     | 'id' of the request comes twice",
        "{\"parameters\":[]}             | parameters of the request must be an object",
        "{\"parameters\":{\"a\":1,\"a\":2}} | parameter 'a' of the request comes twice",
        "{\"outputs\":7}                 | 'outputs' must be an array",
        "{\"outputs\":[7]}               | output 0 must be an object",
        "{\"outputs\":[{}]}              | output 0 has no 'name'",
        "{\"outputs\":[{\"name\":\"y\"},{\"name\":\"y\"}]} | output 'y' is asked for twice",
        "{\"outputs\":[{\"name\":\"y\",\"parameters\":{\"classification\":1.5}}]} | parameter 'classification' is an integer from 0 to 2147483647, not 1.5",
        "{\"outputs\":[{\"name\":\"y\",\"parameters\":{\"binary_data\":1}}]} | parameter 'binary_data' is true or false, not 1",
        "{\"outputs\":[{\"name\":\"a\"},{\"name\":\"b\"},{\"name\":\"c\"},{\"name\":\"d\"}]} | a request may have 3 outputs at most",
      })
  void badRequests(String request, String message) {
    assertEquals(message, refused(request));
  }

  @Test
  void notJson() {
    for (String text :
        List.of(
            "", "{", "{\"inputs\":[", "nope", "{'inputs':1}", "{\"a\":01}", "{\"a\":NaN}", "\0")) {
      String message = refused(text);
      assertTrue(message.startsWith("the request "), message);
    }
    assertTrue(
        refused(input("\"shape\":[1],\"datatype\":\"FP32\",\"data\":[NaN]"))
            .startsWith("the request is not sound JSON: Non-standard token 'NaN'"));
    assertEquals(
        "something follows the request's JSON object",
        refused(input("\"shape\":[1],\"datatype\":\"FP32\",\"data\":[1]") + " {}"));
  }

  @Test
  void deepAndLongJson() {
    assertTrue(refused("{\"a\":" + "[".repeat(100_000)).contains("depth"));
    assertTrue(
        refused(input("\"shape\":[1],\"datatype\":\"FP32\",\"data\":" + "[".repeat(100)))
            .contains("nested deeper"));
    assertTrue(refused("{\"" + "n".repeat(5000) + "\":1}").contains("ame"));
    assertTrue(
        refused(input("\"shape\":[1],\"datatype\":\"FP32\",\"data\":[" + "9".repeat(5000) + "]"))
            .contains("ength"));
  }

  @Test
  void notUtf8() {
    byte[] latin = "{\"id\":\"é\"}".getBytes(StandardCharsets.ISO_8859_1);
    assertThrows(BadInputException.class, () -> reader.read(latin, null));
    byte[] wide = input("\"shape\":[1]").getBytes(StandardCharsets.UTF_16);
    assertThrows(BadInputException.class, () -> reader.read(wide, null));
  }

  @Test
  void twice() {
    String x = "{\"name\":\"x\",\"shape\":[1],\"datatype\":\"BOOL\",\"data\":[true]}";
    assertEquals("input 'x' comes twice", refused("{\"inputs\":[" + x + "," + x + "]}"));
    assertEquals(
        "'data' of input 0 comes twice",
        refused(input("\"shape\":[1],\"datatype\":\"BOOL\",\"data\":[true],\"data\":[true]")));
    assertEquals(
        "'data' of input 0 comes twice",
        refused(input("\"data\":[true],\"data\":[true],\"shape\":[1],\"datatype\":\"BOOL\"")));
  }

  @Test
  void elsewhere() {
    assertThrows(
        NotSupportedException.class,
        () ->
            read(
                input(
                    "\"shape\":[1],\"datatype\":\"BOOL\",\"parameters\":{\"shared_memory_region\":\"r\"}")));
  }

  /** JSON header, bytes of binary data (zeros), and what is said. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "FP32 | [2] | 8 | 7  | input 'x' has 8 bytes of binary data, but 7 are left in the body",
        "FP32 | [2] | 8 | 9  | the binary data of all inputs is 8 bytes, but 9 follow the JSON",
        "FP32 | [2] | 4 | 4  | input 'x' of FP32 [2] needs 8 bytes of data, but has 4",
        "FP32 | [2] | 0 | 0  | input 'x' of FP32 [2] needs 8 bytes of data, but has 0",
        "FP32 | [2] | -8 | 8 | parameter 'binary_data_size' is an integer from 0 to 2147483647, not -8",
        "FP32 | [2] | 9223372036854775807 | 8 | parameter 'binary_data_size' is an integer from 0 to 2147483647, not 9223372036854775807",
        "FP32 | [2] | 8.0 | 8 | parameter 'binary_data_size' is an integer from 0 to 2147483647, not 8.0",
        "FP32 | [2] | \"8\" | 8 | parameter 'binary_data_size' is an integer from 0 to 2147483647, not 8",
        "BYTES | [2] | 4 | 4 | input 'x': a tensor STRING[2] needs 2 elements, but its 4 bytes end after 1",
        "BYTES | [1] | 3 | 3 | input 'x': a tensor STRING[1] needs 1 elements, but its 3 bytes end after 0",
        "BYTES | [1] | 8 | 8 | input 'x': a tensor STRING[1] has 1 elements, but 4 bytes follow the last one",
        "FP32 | [1001] | 4004 | 4004 | a request's inputs may have 1000 elements at most in all",
      })
  void badBinary(String datatype, String shape, String size, int bytes, String message) {
    byte[] header =
        input(
                "\"shape\":"
                    + shape
                    + ",\"datatype\":\""
                    + datatype
                    + "\",\"parameters\":{\"binary_data_size\":"
                    + size
                    + "}")
            .getBytes(StandardCharsets.UTF_8);
    BadInputException refused =
        assertThrows(
            BadInputException.class,
            () -> reader.read(joined(header, new byte[bytes]), header.length));
    assertEquals(message, refused.getMessage());
  }

  @Test
  void binaryStrings() {
    ByteBuffer lengths = Tensor.allocate(8).putInt(-1).putInt(0);
    byte[] data = new byte[8];
    lengths.flip().get(data);
    byte[] header =
        input("\"shape\":[1],\"datatype\":\"BYTES\",\"parameters\":{\"binary_data_size\":8}")
            .getBytes(StandardCharsets.UTF_8);
    assertEquals(
        "input 'x': element 0 of a tensor STRING[1] says that it has 4294967295 bytes, but 4 follow",
        assertThrows(
                BadInputException.class, () -> reader.read(joined(header, data), header.length))
            .getMessage());
    byte[] longest = new byte[25];
    longest[0] = 21;
    byte[] longHeader =
        input("\"shape\":[1],\"datatype\":\"BYTES\",\"parameters\":{\"binary_data_size\":25}")
            .getBytes(StandardCharsets.UTF_8);
    assertEquals(
        "an element of input 'x' has 21 bytes; 20 are allowed",
        assertThrows(
                BadInputException.class,
                () -> reader.read(joined(longHeader, longest), longHeader.length))
            .getMessage());
  }

  @Test
  void binaryAndHeaderMustAgree() {
    String both =
        input(
            "\"shape\":[1],\"datatype\":\"BOOL\",\"data\":[true],\"parameters\":{\"binary_data_size\":1}");
    assertEquals(
        "input 'x' has both 'data' and 'binary_data_size'",
        assertThrows(
                BadInputException.class,
                () -> reader.read(both.getBytes(StandardCharsets.UTF_8), both.length()))
            .getMessage());
    assertEquals(
        "input 'x' has 'binary_data_size', which needs the header Inference-Header-Content-Length",
        refused(
            input("\"shape\":[1],\"datatype\":\"BOOL\",\"parameters\":{\"binary_data_size\":1}")));
    assertEquals(
        "Inference-Header-Content-Length is 9, but the body has 2 bytes",
        assertThrows(
                BadInputException.class,
                () -> reader.read("{}".getBytes(StandardCharsets.UTF_8), 9))
            .getMessage());
  }

  @ParameterizedTest
  @CsvSource({"-1", "2147483648", "1.5", "x", "''", "0x10"})
  void badHeaders(String header) {
    assertThrows(BadInputException.class, () -> Headers.length(header));
  }

  private InferRequest read(String json) {
    return reader.read(json.getBytes(StandardCharsets.UTF_8), null);
  }

  private String refused(String json) {
    return assertThrows(BadInputException.class, () -> read(json)).getMessage();
  }

  /** A request with one input, x. */
  private static String input(String fields) {
    return "{\"inputs\":[{\"name\":\"x\"," + fields + "}]}";
  }

  private static byte[] joined(byte[] header, byte[] data) {
    byte[] body = Arrays.copyOf(header, header.length + data.length);
    System.arraycopy(data, 0, body, header.length, data.length);
    return body;
  }

  private static List<String> texts(Tensor tensor) {
    assertEquals(ElementType.STRING, tensor.type());
    return tensor.strings().stream().map(b -> new String(b, StandardCharsets.UTF_8)).toList();
  }
}
