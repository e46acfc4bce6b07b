package dev.headstart.head;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.Tensor;
import dev.headstart.ort.InferenceSession;
import dev.headstart.ort.SessionSettings;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Heads stacked on few native sessions. The models of heads differ in weights and sizes only, so
 * all of one structure (kind, task, rank of the cut) share one session that takes the weights as
 * inputs; a further head costs its weights and some handles. A tail has a session of its own. Safe
 * for several threads; the caller closes it, after the heads.
 */
public final class HeadSessions implements AutoCloseable {
  /** By the graph without weights and sizes. */
  private final Map<GraphProto, InferenceSession> sessions = new HashMap<>();

  private boolean closed;

  /**
   * Opens a model file of a version; the caller closes the head.
   *
   * @param model {@link HeadStore#MODEL} or {@link HeadStore#JUDGED}
   * @throws dev.headstart.error.BadInputException if it is no model
   */
  public HeadSession open(HeadManifest manifest, Path model) {
    return open(manifest, model, null);
  }

  HeadSession open(HeadManifest manifest, Path model, HeadSessions own) {
    if (manifest.tail() != null) {
      return TailSession.opened(manifest, model);
    }
    OnnxModel stored = OnnxModel.read(model);
    InferenceSession session = session(structure(stored.proto()), model);
    return new StackedHead(session, session.prepare(weights(stored)), manifest, own);
  }

  private synchronized InferenceSession session(ModelProto structure, Path model) {
    if (closed) {
      throw new IllegalStateException("these head sessions are closed");
    }
    return sessions.computeIfAbsent(
        structure.getGraph(),
        graph ->
            InferenceSession.open(
                structure.toByteArray(), model.toString(), SessionSettings.cpu(1)));
  }

  /** The model with its weights as inputs and its sizes free. */
  private static ModelProto structure(ModelProto model) {
    ModelProto.Builder structure = model.toBuilder();
    GraphProto.Builder graph = structure.getGraphBuilder().clearInitializer().clearValueInfo();
    for (TensorProto weight : model.getGraph().getInitializerList()) {
      ValueInfoProto.Builder input = graph.addInputBuilder().setName(weight.getName());
      var type = input.getTypeBuilder().getTensorTypeBuilder().setElemType(weight.getDataType());
      weight.getDimsList().forEach(dim -> type.getShapeBuilder().addDimBuilder());
    }
    graph.getInputBuilderList().forEach(HeadSessions::free);
    graph.getOutputBuilderList().forEach(HeadSessions::free);
    return structure.build();
  }

  private static void free(ValueInfoProto.Builder port) {
    port.getTypeBuilder()
        .getTensorTypeBuilder()
        .getShapeBuilder()
        .getDimBuilderList()
        .forEach(dim -> dim.clear());
  }

  /** Copied into one buffer, so that nothing of the file stays. */
  private static Map<String, Tensor> weights(OnnxModel model) {
    Map<String, Tensor> stored = model.initializers();
    long bytes = stored.values().stream().mapToLong(t -> t.data().remaining()).sum();
    ByteBuffer all = Tensor.allocate(bytes);
    Map<String, Tensor> weights = new LinkedHashMap<>();
    stored.forEach(
        (name, tensor) -> {
          int from = all.position();
          all.put(tensor.data());
          ByteBuffer slice = all.slice(from, all.position() - from);
          weights.put(name, new Tensor(tensor.type(), tensor.shape(), slice));
        });
    return weights;
  }

  /** Frees the native sessions; idempotent. */
  @Override
  public synchronized void close() {
    closed = true;
    sessions.values().forEach(InferenceSession::close);
    sessions.clear();
  }
}
