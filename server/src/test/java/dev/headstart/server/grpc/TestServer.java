package dev.headstart.server.grpc;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.headstart.Headstart;
import dev.headstart.head.HeadKind;
import dev.headstart.head.HeadManifest;
import dev.headstart.head.HeadNetwork;
import dev.headstart.head.HeadStore;
import dev.headstart.head.Scaling;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.GraphBuilder;
import dev.headstart.onnx.Operator;
import dev.headstart.onnx.Tensor;
import dev.headstart.sample.Modality;
import dev.headstart.sample.Task;
import dev.headstart.server.Server;
import dev.headstart.server.grpc.proto.GRPCInferenceServiceGrpc;
import dev.headstart.server.grpc.proto.GRPCInferenceServiceGrpc.GRPCInferenceServiceBlockingStub;
import dev.headstart.server.protocol.Datatype;
import dev.headstart.serving.ModelRepository;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A server in this process on a workspace of quick models, and a client connected to it: for every
 * datatype {@code echo_TYPE}, whose output {@code y} is its input {@code x} [-1, 3]; {@code two}
 * with outputs {@code same} and {@code opposite} of {@code x} FP32 [-1, 3]; the head {@code fruit}
 * on ready features [-1, 3], whose scores are the softmax of its features times {@link #FACTOR}
 * times the version.
 */
final class TestServer implements AutoCloseable {
  static final float FACTOR = 0.5f;
  static final List<String> FRUIT = List.of("apple", "bøile", "cherry");

  final Server server;
  final ManagedChannel channel;
  final GRPCInferenceServiceBlockingStub client;

  TestServer(Path folder, Map<String, Object> settings) throws Exception {
    Path workspace = folder.resolve("workspace");
    try (Headstart headstart = Headstart.open(workspace)) {
      for (Datatype datatype : Datatype.values()) {
        GraphBuilder graph = new GraphBuilder("echo", 18);
        var x = graph.input("x", datatype.element(), -1, 3);
        var y = graph.named("y", Operator.IDENTITY, List.of(x));
        graph.output(y, datatype.element(), -1, 3);
        add(headstart, folder, graph, "echo_" + datatype);
      }
      GraphBuilder graph = new GraphBuilder("two", 18);
      var x = graph.input("x", ElementType.FLOAT, -1, 3);
      graph.output(graph.named("same", Operator.IDENTITY, List.of(x)), ElementType.FLOAT, -1, 3);
      graph.output(graph.named("opposite", Operator.NEG, List.of(x)), ElementType.FLOAT, -1, 3);
      add(headstart, folder, graph, "two");
      publish(headstart.heads(), 1);
      publish(headstart.heads(), 2);
    }
    Map<String, Object> all = new LinkedHashMap<>(settings);
    all.put("headstart.workspace", workspace);
    all.put("headstart.port", 0);
    all.put("headstart.grpc-port", 0);
    all.put("headstart.models", models());
    server = Server.start(all);
    channel =
        NettyChannelBuilder.forAddress("127.0.0.1", server.grpcPort())
            .usePlaintext()
            .maxInboundMessageSize(64 << 20)
            .build();
    client = GRPCInferenceServiceGrpc.newBlockingStub(channel);
    while (!server.bean(ModelRepository.class).ready()) {
      Thread.sleep(10);
    }
  }

  private static List<String> models() {
    List<String> names = new java.util.ArrayList<>(List.of("two", "fruit"));
    for (Datatype datatype : Datatype.values()) {
      names.add("echo_" + datatype);
    }
    return names;
  }

  private static void add(Headstart headstart, Path folder, GraphBuilder graph, String name) {
    Path file = folder.resolve(name + ".onnx");
    graph.build().write(file);
    headstart.models().add(file, name, null);
  }

  private static void publish(HeadStore store, int version) {
    float factor = FACTOR * version;
    HeadNetwork network =
        HeadNetwork.fresh(new HeadKind.Linear(), new Scaling(new float[3], new float[] {1}), 3, 1)
            .with(
                Map.of(
                    "output.weight",
                    Tensor.of(new float[] {factor, 0, 0, 0, factor, 0, 0, 0, factor}, 3, 3)));
    Path staged = store.stage("fruit");
    network
        .model(new long[] {3}, Task.SINGLE, null, HeadNetwork.OPSET)
        .write(staged.resolve(HeadStore.MODEL));
    JsonNodeFactory json = JsonNodeFactory.instance;
    store.promote(
        "fruit",
        store.publish(
            staged,
            new HeadManifest(
                HeadManifest.FORMAT,
                "fruit",
                0,
                Task.SINGLE,
                new HeadKind.Linear(),
                Modality.VECTOR,
                null,
                null,
                new long[] {3},
                List.of(),
                FRUIT,
                json.objectNode(),
                new HeadManifest.Result(8, 2, 5, false, true, null, json.arrayNode()),
                new HeadManifest.Provenance(
                    "2026-11-01T00:00:00Z",
                    "ab",
                    "data",
                    "0.1.0",
                    "1.28.0",
                    null,
                    "Linux",
                    "amd64",
                    "17"),
                Map.of())));
  }

  @Override
  public void close() {
    channel.shutdownNow();
    server.close();
  }
}
