package dev.headstart.server.grpc;

import dev.headstart.Headstart;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.GraphBuilder;
import dev.headstart.onnx.Operator;
import dev.headstart.sample.Task;
import dev.headstart.server.Server;
import dev.headstart.server.TestServer;
import dev.headstart.server.grpc.proto.GRPCInferenceServiceGrpc;
import dev.headstart.server.grpc.proto.GRPCInferenceServiceGrpc.GRPCInferenceServiceBlockingStub;
import dev.headstart.server.protocol.Datatype;
import dev.headstart.serving.ModelRepository;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * A server in this process on a workspace of quick models, and a client connected to it: for every
 * datatype {@code echo_TYPE}, whose output {@code y} is its input {@code x} [-1, 3]; {@code two}
 * with outputs {@code same} and {@code opposite} of {@code x} FP32 [-1, 3]; the head {@code fruit}
 * on ready features [-1, 3], whose scores are the softmax of its features times {@link #FACTOR}
 * times the version.
 */
final class GrpcTestServer implements AutoCloseable {
  static final List<String> FRUIT = List.of("apple", "bøile", "cherry");

  final Server server;
  final ManagedChannel channel;
  final GRPCInferenceServiceBlockingStub client;

  GrpcTestServer(Path folder, Map<String, Object> settings) throws Exception {
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
      for (int version = 1; version <= 2; version++) {
        TestServer.vectors(headstart, "fruit", Task.SINGLE, 3, FRUIT, version);
      }
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
    // One that is there and not loaded.
    server.bean(ModelRepository.class).unload("minilm");
  }

  private static List<String> models() {
    List<String> names = new ArrayList<>(List.of("two", "fruit"));
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

  /** What {@code fruit} should answer: the softmax of its weights, which come out of a seed. */
  static double[] scores(int version, float... features) {
    Random random = new Random(version);
    double[] exponents = new double[3];
    for (int i = 0; i < 3; i++) {
      double logit = 0;
      for (int j = 0; j < 3; j++) {
        logit += (float) random.nextGaussian() * features[j];
      }
      exponents[i] = Math.exp(logit);
    }
    double sum = Arrays.stream(exponents).sum();
    return Arrays.stream(exponents).map(exponent -> exponent / sum).toArray();
  }

  @Override
  public void close() {
    channel.shutdownNow();
    server.close();
  }
}
