package dev.headstart.server.grpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import dev.headstart.onnx.Tensor;
import dev.headstart.server.grpc.proto.CudaSharedMemoryRegisterRequest;
import dev.headstart.server.grpc.proto.CudaSharedMemoryStatusRequest;
import dev.headstart.server.grpc.proto.CudaSharedMemoryUnregisterRequest;
import dev.headstart.server.grpc.proto.DataType;
import dev.headstart.server.grpc.proto.GRPCInferenceServiceGrpc;
import dev.headstart.server.grpc.proto.InferParameter;
import dev.headstart.server.grpc.proto.InferTensorContents;
import dev.headstart.server.grpc.proto.LogSettingsRequest;
import dev.headstart.server.grpc.proto.ModelConfig;
import dev.headstart.server.grpc.proto.ModelConfigRequest;
import dev.headstart.server.grpc.proto.ModelInferRequest;
import dev.headstart.server.grpc.proto.ModelInferRequest.InferInputTensor;
import dev.headstart.server.grpc.proto.ModelInferRequest.InferRequestedOutputTensor;
import dev.headstart.server.grpc.proto.ModelInferResponse;
import dev.headstart.server.grpc.proto.ModelMetadataRequest;
import dev.headstart.server.grpc.proto.ModelMetadataResponse;
import dev.headstart.server.grpc.proto.ModelReadyRequest;
import dev.headstart.server.grpc.proto.ModelRepositoryParameter;
import dev.headstart.server.grpc.proto.ModelStatistics;
import dev.headstart.server.grpc.proto.ModelStatisticsRequest;
import dev.headstart.server.grpc.proto.RepositoryIndexRequest;
import dev.headstart.server.grpc.proto.RepositoryIndexResponse.ModelIndex;
import dev.headstart.server.grpc.proto.RepositoryModelLoadRequest;
import dev.headstart.server.grpc.proto.RepositoryModelUnloadRequest;
import dev.headstart.server.grpc.proto.ServerLiveRequest;
import dev.headstart.server.grpc.proto.ServerMetadataRequest;
import dev.headstart.server.grpc.proto.ServerReadyRequest;
import dev.headstart.server.grpc.proto.SystemSharedMemoryRegisterRequest;
import dev.headstart.server.grpc.proto.SystemSharedMemoryStatusRequest;
import dev.headstart.server.grpc.proto.SystemSharedMemoryUnregisterRequest;
import dev.headstart.server.grpc.proto.TraceSettingRequest;
import dev.headstart.server.protocol.Datatype;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.Codec;
import io.grpc.CompressorRegistry;
import io.grpc.DecompressorRegistry;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.ForwardingClientCallListener.SimpleForwardingClientCallListener;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.netty.NettyChannelBuilder;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every call of the protocol, over a socket, by a client of grpc-java's. */
class InferenceServiceTest {
  private static final long SEED = Long.getLong("seed", 41);

  @TempDir static Path folder;
  private static GrpcTestServer server;

  @BeforeAll
  static void start() throws Exception {
    System.out.println("seed " + SEED);
    server = new GrpcTestServer(folder, Map.of());
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  static ByteString floats(float... values) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    for (float value : values) {
      bytes.putFloat(value);
    }
    return ByteString.copyFrom(bytes.flip());
  }

  static float[] floats(ByteString raw) {
    ByteBuffer bytes = raw.asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
    float[] values = new float[raw.size() / 4];
    bytes.asFloatBuffer().get(values);
    return values;
  }

  static InferInputTensor.Builder input(String name, String datatype, long... shape) {
    InferInputTensor.Builder input = InferInputTensor.newBuilder().setName(name);
    Arrays.stream(shape).forEach(input::addShape);
    return input.setDatatype(datatype);
  }

  /** A good request. */
  static ModelInferRequest.Builder fruit(float... features) {
    return ModelInferRequest.newBuilder()
        .setModelName("fruit")
        .addInputs(input("features", "FP32", features.length / 3, 3))
        .addRawInputContents(floats(features));
  }

  private static List<String> texts(ByteString raw, long... shape) {
    return new Tensor(dev.headstart.onnx.ElementType.STRING, shape, raw.asReadOnlyByteBuffer())
        .strings().stream().map(bytes -> new String(bytes, StandardCharsets.UTF_8)).toList();
  }

  private static void assertStatus(Status.Code code, String message, Supplier<?> call) {
    StatusRuntimeException e = assertThrows(StatusRuntimeException.class, call::get);
    assertEquals(code, e.getStatus().getCode(), e.getStatus().toString());
    assertTrue(
        e.getStatus().getDescription().contains(message),
        "'" + e.getStatus().getDescription() + "' should say '" + message + "'");
  }

  @Test
  void health() {
    assertTrue(server.client.serverLive(ServerLiveRequest.getDefaultInstance()).getLive());
    assertTrue(server.client.serverReady(ServerReadyRequest.getDefaultInstance()).getReady());
    assertTrue(ready("fruit", ""));
    assertTrue(ready("fruit", "1"));
    assertTrue(ready("two", "1"));
    assertFalse(ready("fruit", "99"));
    assertFalse(ready("vegetable", ""));
    assertFalse(ready("", ""));
    assertFalse(ready("minilm", ""), "is there and not loaded");
    assertStatus(Status.Code.INVALID_ARGUMENT, "positive integer", () -> ready("fruit", "one"));
  }

  private static boolean ready(String model, String version) {
    return server
        .client
        .modelReady(ModelReadyRequest.newBuilder().setName(model).setVersion(version).build())
        .getReady();
  }

  @Test
  void healthAsOrchestratorsProbeIt() {
    HealthGrpc.HealthBlockingStub health = HealthGrpc.newBlockingStub(server.channel);
    for (String service : List.of("", "inference.GRPCInferenceService", "fruit")) {
      assertEquals(
          ServingStatus.SERVING,
          health.check(HealthCheckRequest.newBuilder().setService(service).build()).getStatus());
    }
    assertEquals(
        ServingStatus.NOT_SERVING,
        health.check(HealthCheckRequest.newBuilder().setService("minilm").build()).getStatus());
    assertStatus(
        Status.Code.NOT_FOUND,
        "vegetable",
        () -> health.check(HealthCheckRequest.newBuilder().setService("vegetable").build()));
  }

  @Test
  void metadata() {
    var metadata = server.client.serverMetadata(ServerMetadataRequest.getDefaultInstance());
    assertEquals("headstart", metadata.getName());
    assertTrue(metadata.getExtensionsList().contains("classification"));

    ModelMetadataResponse fruit =
        server.client.modelMetadata(ModelMetadataRequest.newBuilder().setName("fruit").build());
    assertEquals("fruit", fruit.getName());
    assertEquals(List.of("1", "2"), fruit.getVersionsList());
    assertEquals("onnxruntime_onnx", fruit.getPlatform());
    assertEquals("features", fruit.getInputs(0).getName());
    assertEquals(List.of(-1L, 3L), fruit.getInputs(0).getShapeList());
    assertEquals("scores", fruit.getOutputs(0).getName());
    assertEquals("FP32", fruit.getOutputs(0).getDatatype());
    assertEquals("BYTES", fruit.getOutputs(1).getDatatype());

    ModelConfig config =
        server
            .client
            .modelConfig(ModelConfigRequest.newBuilder().setName("fruit").setVersion("1").build())
            .getConfig();
    assertEquals("onnxruntime", config.getBackend());
    assertEquals(64, config.getMaxBatchSize());
    assertEquals(List.of(3L), config.getInput(0).getDimsList());
    assertEquals(DataType.TYPE_FP32, config.getInput(0).getDataType());
    assertEquals(DataType.TYPE_STRING, config.getOutput(1).getDataType());
    assertEquals("head", config.getParametersOrThrow("kind").getStringValue());

    assertStatus(
        Status.Code.NOT_FOUND,
        "did you mean 'fruit'",
        () ->
            server.client.modelMetadata(
                ModelMetadataRequest.newBuilder().setName("friut").build()));
    assertStatus(
        Status.Code.NOT_FOUND,
        "99",
        () ->
            server.client.modelConfig(
                ModelConfigRequest.newBuilder().setName("fruit").setVersion("99").build()));
    assertStatus(
        Status.Code.UNAVAILABLE,
        "minilm",
        () ->
            server.client.modelMetadata(
                ModelMetadataRequest.newBuilder().setName("minilm").build()));
  }

  @Test
  void aHeadAnswers() {
    ModelInferResponse answer = server.client.modelInfer(fruit(1, 2, 4).setId("a1").build());
    assertEquals("fruit", answer.getModelName());
    assertEquals("2", answer.getModelVersion());
    assertEquals("a1", answer.getId());
    assertEquals("scores", answer.getOutputs(0).getName());
    assertEquals(List.of(1L, 3L), answer.getOutputs(0).getShapeList());
    assertFalse(answer.getOutputs(0).hasContents());
    assertScores(answer.getRawOutputContents(0), 2, 1, 2, 4);
    double[] scores = GrpcTestServer.scores(2, 1, 2, 4);
    assertEquals(
        List.of(GrpcTestServer.FRUIT.get(best(scores))), texts(answer.getRawOutputContents(1), 1));

    ModelInferResponse older =
        server.client.modelInfer(fruit(1, 2, 4).setModelVersion("1").build());
    assertEquals("1", older.getModelVersion());
    assertEquals("", older.getId());
    assertScores(older.getRawOutputContents(0), 1, 1, 2, 4);
  }

  private static int best(double[] scores) {
    return IntStream.range(0, scores.length).reduce(0, (a, b) -> scores[b] > scores[a] ? b : a);
  }

  private static void assertScores(ByteString raw, int version, float... features) {
    double[] expected = GrpcTestServer.scores(version, features);
    float[] scores = floats(raw);
    for (int i = 0; i < expected.length; i++) {
      assertEquals(expected[i], scores[i], 1e-5);
    }
  }

  @Test
  void outputsInTheOrderAskedFor() {
    ModelInferRequest.Builder request =
        ModelInferRequest.newBuilder()
            .setModelName("two")
            .addInputs(input("x", "FP32", 1, 3))
            .addRawInputContents(floats(1, -2, 3));
    ModelInferResponse all = server.client.modelInfer(request.build());
    assertEquals(2, all.getOutputsCount());
    request
        .addOutputs(InferRequestedOutputTensor.newBuilder().setName("opposite"))
        .addOutputs(InferRequestedOutputTensor.newBuilder().setName("same"));
    ModelInferResponse answer = server.client.modelInfer(request.build());
    assertEquals("opposite", answer.getOutputs(0).getName());
    assertEquals(floats(-1, 2, -3), answer.getRawOutputContents(0));
    assertEquals(floats(1, -2, 3), answer.getRawOutputContents(1));
  }

  @Test
  void classification() {
    ModelInferResponse answer =
        server.client.modelInfer(
            fruit(1, 2, 4, 0, 9, 0)
                .addOutputs(
                    InferRequestedOutputTensor.newBuilder()
                        .setName("scores")
                        .putParameters("classification", integer(2)))
                .build());
    assertEquals("BYTES", answer.getOutputs(0).getDatatype());
    assertEquals(List.of(2L, 2L), answer.getOutputs(0).getShapeList());
    List<String> lines = texts(answer.getRawOutputContents(0), 2, 2);
    int first = best(GrpcTestServer.scores(2, 1, 2, 4));
    int second = best(GrpcTestServer.scores(2, 0, 9, 0));
    assertTrue(
        lines.get(0).matches("0\\.\\d{6}:" + first + ":" + GrpcTestServer.FRUIT.get(first)),
        lines.get(0));
    assertTrue(
        lines.get(2).matches("[01]\\.\\d{6}:" + second + ":" + GrpcTestServer.FRUIT.get(second)),
        lines.get(2));
  }

  private static InferParameter integer(long value) {
    return InferParameter.newBuilder().setInt64Param(value).build();
  }

  private static byte[] elements(Datatype datatype, Random random) {
    if (datatype == Datatype.BYTES) {
      String longer =
          random
              .ints(300, 'a', 0x400)
              .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
              .toString();
      return bytes(
          Tensor.strings(
              List.of(
                  new byte[0],
                  "ü".getBytes(StandardCharsets.UTF_8),
                  longer.getBytes(StandardCharsets.UTF_8)),
              1,
              3));
    }
    byte[] raw = new byte[3 * datatype.element().bytes()];
    random.nextBytes(raw);
    if (datatype == Datatype.BOOL) {
      for (int i = 0; i < raw.length; i++) {
        raw[i] &= 1;
      }
    }
    return raw;
  }

  private static byte[] bytes(Tensor tensor) {
    byte[] bytes = new byte[tensor.data().remaining()];
    tensor.data().get(bytes);
    return bytes;
  }

  @ParameterizedTest
  @EnumSource(Datatype.class)
  void everyDatatypeComesBackAsItWasSent(Datatype datatype) {
    Random random = new Random(SEED + datatype.ordinal());
    for (int i = 0; i < 20; i++) {
      ByteString raw = ByteString.copyFrom(elements(datatype, random));
      ModelInferRequest.Builder request =
          ModelInferRequest.newBuilder()
              .setModelName("echo_" + datatype)
              .addInputs(input("x", datatype.name(), 1, 3))
              .addRawInputContents(raw);
      ModelInferResponse answer = server.client.modelInfer(request.build());
      assertEquals(datatype.name(), answer.getOutputs(0).getDatatype());
      assertEquals(raw, answer.getRawOutputContents(0));

      InferTensorContents contents = contents(datatype, raw);
      if (contents != null) {
        request.clearRawInputContents().getInputsBuilder(0).setContents(contents);
        assertEquals(raw, server.client.modelInfer(request.build()).getRawOutputContents(0));
      }
    }
  }

  /** The same elements in the field of their type; null if there is none. */
  private static InferTensorContents contents(Datatype datatype, ByteString raw) {
    InferTensorContents.Builder contents = InferTensorContents.newBuilder();
    ByteBuffer data = raw.asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
    while (data.hasRemaining()) {
      switch (datatype) {
        case BOOL -> contents.addBoolContents(data.get() == 1);
        case INT8 -> contents.addIntContents(data.get());
        case INT16 -> contents.addIntContents(data.getShort());
        case INT32 -> contents.addIntContents(data.getInt());
        case INT64 -> contents.addInt64Contents(data.getLong());
        case UINT8 -> contents.addUintContents(data.get() & 0xff);
        case UINT16 -> contents.addUintContents(data.getShort() & 0xffff);
        case UINT32 -> contents.addUintContents(data.getInt());
        case UINT64 -> contents.addUint64Contents(data.getLong());
        case FP32 -> contents.addFp32Contents(data.getFloat());
        case FP64 -> contents.addFp64Contents(data.getDouble());
        case BYTES -> {
          byte[] value = new byte[data.getInt()];
          data.get(value);
          contents.addBytesContents(ByteString.copyFrom(value));
        }
        case FP16, BF16 -> {
          return null;
        }
      }
    }
    return contents.build();
  }

  @Test
  void noSamplesAndMany() {
    ModelInferResponse none =
        server.client.modelInfer(
            ModelInferRequest.newBuilder()
                .setModelName("fruit")
                .addInputs(input("features", "FP32", 64, 3))
                .addRawInputContents(floats(new float[192]))
                .build());
    assertEquals(List.of(64L, 3L), none.getOutputs(0).getShapeList());
  }

  @Test
  void parametersAreKnownOrIgnored() {
    ModelInferRequest request =
        fruit(1, 2, 4)
            .putParameters("priority", InferParameter.newBuilder().setUint64Param(1).build())
            .putParameters("timeout", integer(5_000_000))
            .putParameters("sequence_id", integer(0))
            .putParameters("colour", InferParameter.newBuilder().setStringParam("red").build())
            .putParameters("x", InferParameter.newBuilder().setDoubleParam(0.5).build())
            .addOutputs(
                InferRequestedOutputTensor.newBuilder()
                    .setName("scores")
                    .putParameters(
                        "binary_data", InferParameter.newBuilder().setBoolParam(true).build()))
            .build();
    assertEquals(1, server.client.modelInfer(request).getOutputsCount());
  }

  @Test
  void aDeadlineThatHasPassed() {
    assertStatus(
        Status.Code.DEADLINE_EXCEEDED,
        "",
        () ->
            server
                .client
                .withDeadlineAfter(0, TimeUnit.NANOSECONDS)
                .modelInfer(fruit(1, 2, 4).build()));
    assertEquals(
        2,
        server
            .client
            .withDeadlineAfter(30, TimeUnit.SECONDS)
            .modelInfer(fruit(1, 2, 4).build())
            .getOutputsCount());
  }

  /** What a response was encoded with. */
  private static final class Encoding implements ClientInterceptor {
    private String response;

    @Override
    public <Q, R> ClientCall<Q, R> interceptCall(
        MethodDescriptor<Q, R> method, CallOptions options, Channel next) {
      return new SimpleForwardingClientCall<>(next.newCall(method, options)) {
        @Override
        public void start(Listener<R> listener, Metadata headers) {
          super.start(
              new SimpleForwardingClientCallListener<>(listener) {
                @Override
                public void onHeaders(Metadata headers) {
                  response =
                      headers.get(
                          Metadata.Key.of("grpc-encoding", Metadata.ASCII_STRING_MARSHALLER));
                  super.onHeaders(headers);
                }
              },
              headers);
        }
      };
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"gzip", "deflate", "identity"})
  void anAnswerIsCompressedAsItsRequest(String name) {
    CompressorRegistry compressors = CompressorRegistry.newEmptyInstance();
    compressors.register(new Codec.Gzip());
    compressors.register(new Deflate());
    compressors.register(Codec.Identity.NONE);
    ManagedChannel channel =
        NettyChannelBuilder.forAddress("127.0.0.1", server.server.grpcPort())
            .usePlaintext()
            .compressorRegistry(compressors)
            .decompressorRegistry(
                DecompressorRegistry.getDefaultInstance().with(new Deflate(), true))
            .build();
    try {
      Encoding encoding = new Encoding();
      ModelInferResponse answer =
          GRPCInferenceServiceGrpc.newBlockingStub(channel)
              .withCompression(name)
              .withInterceptors(encoding)
              .modelInfer(fruit(1, 2, 4).build());
      assertScores(answer.getRawOutputContents(0), 2, 1, 2, 4);
      assertEquals(name, encoding.response == null ? "identity" : encoding.response);
    } finally {
      channel.shutdownNow();
    }
  }

  @Test
  void statistics() {
    server.client.modelInfer(fruit(1, 2, 4, 1, 2, 4).build());
    var all = server.client.modelStatistics(ModelStatisticsRequest.getDefaultInstance());
    assertTrue(
        all.getModelStatsList().stream().map(ModelStatistics::getName).toList().contains("fruit"));
    ModelStatistics one =
        server
            .client
            .modelStatistics(
                ModelStatisticsRequest.newBuilder().setName("fruit").setVersion("2").build())
            .getModelStats(0);
    assertTrue(one.getInferenceCount() >= 2, one.toString());
    assertTrue(one.getInferenceStats().getSuccess().getCount() >= 1);
    assertTrue(one.getInferenceStats().getSuccess().getNs() > 0);
    assertTrue(one.getLastInference() > 1_700_000_000_000L);
    assertTrue(one.getBatchStatsList().stream().anyMatch(batch -> batch.getBatchSize() >= 1));
    assertStatus(
        Status.Code.NOT_FOUND,
        "vegetable",
        () ->
            server.client.modelStatistics(
                ModelStatisticsRequest.newBuilder().setName("vegetable").build()));
  }

  @Test
  void repositoryControl() {
    List<String> ready = index(true);
    assertTrue(ready.containsAll(List.of("fruit", "two", "echo_FP16")), ready.toString());
    assertFalse(ready.contains("minilm"));
    assertTrue(index(false).contains("minilm"));

    server.client.repositoryModelUnload(
        RepositoryModelUnloadRequest.newBuilder().setModelName("echo_INT8").build());
    assertFalse(ready("echo_INT8", ""));
    assertFalse(index(true).contains("echo_INT8"));
    assertStatus(
        Status.Code.UNAVAILABLE,
        "echo_INT8",
        () ->
            server.client.modelInfer(
                ModelInferRequest.newBuilder()
                    .setModelName("echo_INT8")
                    .addInputs(input("x", "INT8", 1, 3))
                    .addRawInputContents(ByteString.copyFrom(new byte[3]))
                    .build()));
    var loaded =
        server.client.repositoryModelLoad(
            // As KServe's clients ask.
            RepositoryModelLoadRequest.newBuilder().setRepositoryName("echo_INT8").build());
    assertTrue(loaded.getIsLoaded());
    assertEquals("echo_INT8", loaded.getModelName());
    assertTrue(ready("echo_INT8", ""));

    assertStatus(
        Status.Code.NOT_FOUND,
        "vegetable",
        () ->
            server.client.repositoryModelLoad(
                RepositoryModelLoadRequest.newBuilder().setModelName("vegetable").build()));
    assertStatus(
        Status.Code.INVALID_ARGUMENT,
        "model_name",
        () -> server.client.repositoryModelLoad(RepositoryModelLoadRequest.getDefaultInstance()));
    assertStatus(
        Status.Code.UNIMPLEMENTED,
        "config",
        () ->
            server.client.repositoryModelLoad(
                RepositoryModelLoadRequest.newBuilder()
                    .setModelName("fruit")
                    .putParameters(
                        "config",
                        ModelRepositoryParameter.newBuilder().setStringParam("{}").build())
                    .build()));
    assertStatus(
        Status.Code.UNIMPLEMENTED,
        "repository",
        () ->
            server.client.repositoryIndex(
                RepositoryIndexRequest.newBuilder().setRepositoryName("other").build()));
    assertStatus(
        Status.Code.UNIMPLEMENTED,
        "repository",
        () ->
            server.client.repositoryModelUnload(
                RepositoryModelUnloadRequest.newBuilder()
                    .setRepositoryName("other")
                    .setModelName("fruit")
                    .build()));
  }

  private static List<String> index(boolean ready) {
    return server
        .client
        .repositoryIndex(RepositoryIndexRequest.newBuilder().setReady(ready).build())
        .getModelsList()
        .stream()
        .map(ModelIndex::getName)
        .toList();
  }

  @Test
  void whatIsNotServed() {
    server.client.systemSharedMemoryStatus(SystemSharedMemoryStatusRequest.getDefaultInstance());
    server.client.cudaSharedMemoryStatus(CudaSharedMemoryStatusRequest.getDefaultInstance());
    server.client.systemSharedMemoryUnregister(
        SystemSharedMemoryUnregisterRequest.getDefaultInstance());
    server.client.cudaSharedMemoryUnregister(
        CudaSharedMemoryUnregisterRequest.getDefaultInstance());
    assertStatus(
        Status.Code.NOT_FOUND,
        "region",
        () ->
            server.client.systemSharedMemoryStatus(
                SystemSharedMemoryStatusRequest.newBuilder().setName("r").build()));
    assertStatus(
        Status.Code.NOT_FOUND,
        "region",
        () ->
            server.client.cudaSharedMemoryStatus(
                CudaSharedMemoryStatusRequest.newBuilder().setName("r").build()));
    assertStatus(
        Status.Code.UNIMPLEMENTED,
        "shared memory",
        () ->
            server.client.systemSharedMemoryRegister(
                SystemSharedMemoryRegisterRequest.getDefaultInstance()));
    assertStatus(
        Status.Code.UNIMPLEMENTED,
        "shared memory",
        () ->
            server.client.cudaSharedMemoryRegister(
                CudaSharedMemoryRegisterRequest.getDefaultInstance()));
    assertStatus(
        Status.Code.UNIMPLEMENTED,
        "configuration",
        () -> server.client.traceSetting(TraceSettingRequest.getDefaultInstance()));
    assertStatus(
        Status.Code.UNIMPLEMENTED,
        "configuration",
        () -> server.client.logSettings(LogSettingsRequest.getDefaultInstance()));
  }
}
