package dev.headstart.server.grpc;

import static dev.headstart.server.grpc.InferenceServiceTest.floats;
import static dev.headstart.server.grpc.InferenceServiceTest.fruit;
import static dev.headstart.server.grpc.InferenceServiceTest.input;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import dev.headstart.server.grpc.proto.InferParameter;
import dev.headstart.server.grpc.proto.InferTensorContents;
import dev.headstart.server.grpc.proto.ModelInferRequest;
import dev.headstart.server.grpc.proto.ModelInferRequest.InferInputTensor;
import dev.headstart.server.grpc.proto.ModelInferRequest.InferRequestedOutputTensor;
import dev.headstart.server.protocol.Datatype;
import dev.headstart.server.protocol.Limits;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Requests that are wrong in one way each: a status that blames the client, and what was wrong. */
class MalformedTest {
  @TempDir static Path folder;
  private static GrpcTestServer server;

  @BeforeAll
  static void start() throws Exception {
    server = new GrpcTestServer(folder, Map.of("headstart.limits.string", 1000));
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  /**
   * A wrong request.
   *
   * @param says part of the answer
   */
  record Case(Status.Code code, String says, ModelInferRequest request) {
    @Override
    public String toString() {
      return code + " " + says;
    }
  }

  private static final List<Case> CASES = new ArrayList<>();

  private static void bad(String says, ModelInferRequest.Builder request) {
    CASES.add(new Case(Status.Code.INVALID_ARGUMENT, says, request.build()));
  }

  private static void unsupported(String says, ModelInferRequest.Builder request) {
    CASES.add(new Case(Status.Code.UNIMPLEMENTED, says, request.build()));
  }

  private static void unknown(String says, ModelInferRequest.Builder request) {
    CASES.add(new Case(Status.Code.NOT_FOUND, says, request.build()));
  }

  private static ModelInferRequest.Builder raw(
      String model, InferInputTensor.Builder input, byte... bytes) {
    return ModelInferRequest.newBuilder()
        .setModelName(model)
        .addInputs(input)
        .addRawInputContents(ByteString.copyFrom(bytes));
  }

  private static ModelInferRequest.Builder typed(
      Datatype datatype, UnaryOperator<InferTensorContents.Builder> contents) {
    return ModelInferRequest.newBuilder()
        .setModelName("echo_" + datatype)
        .addInputs(
            input("x", datatype.name(), 1, 3)
                .setContents(contents.apply(InferTensorContents.newBuilder())));
  }

  private static InferParameter integer(long value) {
    return InferParameter.newBuilder().setInt64Param(value).build();
  }

  private static InferParameter text(String value) {
    return InferParameter.newBuilder().setStringParam(value).build();
  }

  private static InferRequestedOutputTensor.Builder output(String name) {
    return InferRequestedOutputTensor.newBuilder().setName(name);
  }

  private static byte[] framed(int... lengths) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * lengths.length).order(ByteOrder.LITTLE_ENDIAN);
    for (int length : lengths) {
      bytes.putInt(length);
    }
    return bytes.array();
  }

  static List<Case> cases() {
    CASES.clear();
    // Models and versions
    unknown("unknown model ''", ModelInferRequest.newBuilder());
    unknown("vegetable", fruit(1, 2, 3).setModelName("vegetable"));
    unknown("…", fruit(1, 2, 3).setModelName("x".repeat(100_000)));
    unknown("", fruit(1, 2, 3).setModelName("../../etc/passwd"));
    unknown("", fruit(1, 2, 3).setModelName("fruit\u0000"));
    unknown("", fruit(1, 2, 3).setModelName("heads@"));
    unknown("", fruit(1, 2, 3).setModelName("heads@nothing"));
    unknown("version 3", fruit(1, 2, 3).setModelVersion("3"));
    unknown("version 2", fruit(1, 2, 3).setModelName("two").setModelVersion("2"));
    for (String version : List.of("0", "-1", "one", "1.0", " 1", "99999999999", "1\n", "٣")) {
      bad("positive integer", fruit(1, 2, 3).setModelVersion(version));
    }
    // Inputs and their names
    bad("features", ModelInferRequest.newBuilder().setModelName("fruit"));
    bad("vegetables", raw("fruit", input("vegetables", "FP32", 1, 3), new byte[12]));
    bad("", raw("fruit", input("", "FP32", 1, 3), new byte[12]));
    bad(
        "more than once",
        fruit(1, 2, 3)
            .addInputs(input("features", "FP32", 1, 3))
            .addRawInputContents(floats(1, 2, 3)));
    bad(
        "extra",
        fruit(1, 2, 3)
            .addInputs(input("extra", "FP32", 1, 3))
            .addRawInputContents(floats(1, 2, 3)));
    ModelInferRequest.Builder many = ModelInferRequest.newBuilder().setModelName("fruit");
    for (int i = 0; i < 257; i++) {
      many.addInputs(input("i" + i, "FP32", 1, 3)).addRawInputContents(floats(1, 2, 3));
    }
    bad("256 inputs", many);
    // Datatypes
    for (String datatype : List.of("", "FP31", "fp32", "STRING", "TYPE_FP32")) {
      bad("datatype", raw("fruit", input("features", datatype, 1, 3), new byte[12]));
    }
    bad("but came as FP64 [1, 3]", raw("fruit", input("features", "FP64", 1, 3), new byte[24]));
    bad("INT32", raw("fruit", input("features", "INT32", 1, 3), new byte[12]));
    // Shapes
    bad("[1, 2]", raw("fruit", input("features", "FP32", 1, 2), new byte[8]));
    bad("[3]", raw("fruit", input("features", "FP32", 3), new byte[12]));
    bad("[1, 1, 3]", raw("fruit", input("features", "FP32", 1, 1, 3), new byte[12]));
    bad("[]", raw("fruit", input("features", "FP32"), new byte[4]));
    bad("-1", raw("fruit", input("features", "FP32", -1, 3), new byte[12]));
    bad("-3", raw("fruit", input("features", "FP32", -1, -3), new byte[12]));
    bad("too large", raw("fruit", input("features", "FP32", Long.MAX_VALUE, 3), new byte[12]));
    bad("too large", raw("fruit", input("features", "FP32", 1L << 32, 1L << 32), new byte[12]));
    bad("elements", raw("fruit", input("features", "FP32", 1 << 24, 3), new byte[12]));
    bad("64", raw("fruit", input("features", "FP32", 65, 3), new byte[65 * 12]));
    bad("", raw("fruit", input("features", "FP32", 0, 3)));
    long[] deep = new long[10_000];
    java.util.Arrays.fill(deep, 1);
    bad("", raw("fruit", input("features", "FP32", deep), new byte[4]));
    // Raw data
    bad("11 came", raw("fruit", input("features", "FP32", 1, 3), new byte[11]));
    bad("13 came", raw("fruit", input("features", "FP32", 1, 3), new byte[13]));
    bad("0 came", raw("fruit", input("features", "FP32", 1, 3)));
    bad("2 entries for 1 inputs", fruit(1, 2, 3).addRawInputContents(floats(1)));
    bad("1 entries for 2 inputs", fruit(1, 2, 3).addInputs(input("more", "FP32", 1, 3)));
    bad(
        "entries for 0 inputs",
        ModelInferRequest.newBuilder().setModelName("fruit").addRawInputContents(floats(1)));
    ModelInferRequest.Builder both = fruit(1, 2, 3);
    both.getInputsBuilder(0).getContentsBuilder().addFp32Contents(1);
    bad("in its contents", both);
    bad(
        "element 2 of input 'x' is 2, but a BOOL is 0 or 1",
        raw("echo_BOOL", input("x", "BOOL", 1, 3), (byte) 0, (byte) 1, (byte) 2));
    // BYTES
    bad("end after 0", raw("echo_BYTES", input("x", "BYTES", 1, 3)));
    bad("end after 2", raw("echo_BYTES", input("x", "BYTES", 1, 3), framed(0, 0)));
    bad("says that it has", raw("echo_BYTES", input("x", "BYTES", 1, 3), framed(0, 0, 5)));
    bad("4294967295", raw("echo_BYTES", input("x", "BYTES", 1, 3), framed(-1, 0, 0)));
    bad(
        "2147483647",
        raw("echo_BYTES", input("x", "BYTES", 1, 3), framed(Integer.MAX_VALUE, 0, 0)));
    bad("follow the last", raw("echo_BYTES", input("x", "BYTES", 1, 3), framed(0, 0, 0, 0)));
    bad("x", raw("echo_BYTES", input("x", "BYTES", 1, 3), (byte) 1, (byte) 0, (byte) 0));
    bad(
        "1001 bytes",
        typed(
            Datatype.BYTES,
            contents ->
                contents
                    .addBytesContents(ByteString.copyFrom(new byte[1001]))
                    .addBytesContents(ByteString.EMPTY)
                    .addBytesContents(ByteString.EMPTY)));
    // Contents
    bad("fp32_contents", typed(Datatype.FP32, contents -> contents));
    bad(
        "it has 2",
        typed(Datatype.FP32, contents -> contents.addFp32Contents(1).addFp32Contents(2)));
    bad(
        "it has 4",
        typed(Datatype.FP32, contents -> contents.addAllFp32Contents(List.of(1f, 2f, 3f, 4f))));
    bad(
        "int_contents has 3",
        typed(Datatype.FP32, contents -> contents.addAllIntContents(List.of(1, 2, 3))));
    bad(
        "fp64_contents has 1",
        typed(
            Datatype.FP32,
            contents -> contents.addAllFp32Contents(List.of(1f, 2f, 3f)).addFp64Contents(1)));
    bad(
        "uint_contents",
        typed(Datatype.UINT8, contents -> contents.addAllIntContents(List.of(1, 2, 3))));
    bad(
        "raw_input_contents only",
        typed(Datatype.FP16, contents -> contents.addAllIntContents(List.of(1, 2, 3))));
    bad(
        "raw_input_contents only",
        typed(Datatype.BF16, contents -> contents.addAllFp32Contents(List.of(1f, 2f, 3f))));
    bad("128", typed(Datatype.INT8, contents -> contents.addAllIntContents(List.of(1, 128, 3))));
    bad("-129", typed(Datatype.INT8, contents -> contents.addAllIntContents(List.of(1, -129, 3))));
    bad(
        "32768",
        typed(Datatype.INT16, contents -> contents.addAllIntContents(List.of(1, 32768, 3))));
    bad("256", typed(Datatype.UINT8, contents -> contents.addAllUintContents(List.of(1, 256, 3))));
    bad(
        "4294967295",
        typed(Datatype.UINT16, contents -> contents.addAllUintContents(List.of(1, -1, 3))));
    // Outputs
    bad("colour", fruit(1, 2, 3).addOutputs(output("colour")));
    bad("", fruit(1, 2, 3).addOutputs(output("")));
    bad("more than once", fruit(1, 2, 3).addOutputs(output("scores")).addOutputs(output("scores")));
    ModelInferRequest.Builder outputs = fruit(1, 2, 3);
    for (int i = 0; i < 257; i++) {
      outputs.addOutputs(output("o" + i));
    }
    bad("256 outputs", outputs);
    bad(
        "classification",
        fruit(1, 2, 3).addOutputs(output("scores").putParameters("classification", integer(-1))));
    bad(
        "classification",
        fruit(1, 2, 3).addOutputs(output("scores").putParameters("classification", text("2"))));
    bad(
        "classification",
        fruit(1, 2, 3)
            .addOutputs(output("scores").putParameters("classification", integer(1L << 40))));
    bad(
        "cannot be classified",
        fruit(1, 2, 3).addOutputs(output("label").putParameters("classification", integer(1))));
    bad(
        "binary_data",
        fruit(1, 2, 3).addOutputs(output("scores").putParameters("binary_data", text("yes"))));
    // Parameters
    bad("priority", fruit(1, 2, 3).putParameters("priority", integer(-1)));
    bad("priority", fruit(1, 2, 3).putParameters("priority", text("high")));
    bad(
        "priority",
        fruit(1, 2, 3)
            .putParameters("priority", InferParameter.newBuilder().setUint64Param(-1).build()));
    bad("timeout", fruit(1, 2, 3).putParameters("timeout", integer(-5)));
    bad(
        "timeout",
        fruit(1, 2, 3)
            .putParameters("timeout", InferParameter.newBuilder().setDoubleParam(1.5).build()));
    bad("no value", fruit(1, 2, 3).putParameters("priority", InferParameter.getDefaultInstance()));
    unsupported("sequence_id", fruit(1, 2, 3).putParameters("sequence_id", integer(7)));
    unsupported("sequence_id", fruit(1, 2, 3).putParameters("sequence_id", text("abc")));
    unsupported(
        "sequence_start",
        fruit(1, 2, 3)
            .putParameters(
                "sequence_start", InferParameter.newBuilder().setBoolParam(true).build()));
    unsupported(
        "shared memory",
        fruit(1, 2, 3)
            .addOutputs(output("scores").putParameters("shared_memory_region", text("r"))));
    ModelInferRequest.Builder shared = fruit(1, 2, 3);
    shared.getInputsBuilder(0).putParameters("shared_memory_region", text("r"));
    unsupported("shared memory", shared);
    return List.copyOf(CASES);
  }

  @ParameterizedTest
  @MethodSource("cases")
  void aWrongRequestIsRefusedWithItsReason(Case wrong) {
    StatusRuntimeException e =
        assertThrows(StatusRuntimeException.class, () -> server.client.modelInfer(wrong.request()));
    String said = e.getStatus().getDescription();
    assertEquals(wrong.code(), e.getStatus().getCode(), said);
    assertTrue(said.contains(wrong.says()), said);
    assertTrue(said.length() < 2000, said.length() + " characters");
    assertFalse(said.contains("Exception"), said);
    assertEquals(2, server.client.modelInfer(fruit(1, 2, 3).build()).getOutputsCount());
  }

  @org.junit.jupiter.api.Test
  void thereAreManyCases() {
    assertTrue(cases().size() >= 80, cases().size() + " cases");
    assertEquals(64 << 20, Limits.defaults().body());
  }
}
