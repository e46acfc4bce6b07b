package dev.headstart.onnx;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.StringStringEntryProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import dev.headstart.error.BadInputException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.Map;
import java.util.function.UnaryOperator;

/**
 * Weights that lie in files beside the model: {@code TensorProto.external_data} with the keys
 * {@code location} (relative to the model's folder), {@code offset} and {@code length}, as the ONNX
 * specification's page on external data says.
 */
final class ExternalData {
  /** ONNX Runtime can map what begins at a page. */
  private static final int ALIGNMENT = 4096;

  private ExternalData() {}

  /**
   * The model with all its weights inside. They are mapped, not copied: the files must stay as they
   * are while the model is in use.
   *
   * @param folder the model's folder; null where only its bytes are there
   * @throws BadInputException if a tensor's data is not where the model says, or outside the folder
   */
  static ModelProto load(ModelProto model, Path folder) {
    return map(
        model,
        tensor ->
            tensor.getDataLocation() == TensorProto.DataLocation.EXTERNAL
                ? load(tensor, folder)
                : tensor);
  }

  private static TensorProto load(TensorProto tensor, Path folder) {
    String what = "the tensor " + Names.quote(tensor.getName());
    Map<String, String> entries = new HashMap<>();
    tensor.getExternalDataList().forEach(e -> entries.put(e.getKey(), e.getValue()));
    String location = entries.getOrDefault("location", "");
    if (folder == null) {
      throw new BadInputException(
          what
              + " has its data in the file "
              + Names.quote(location)
              + ", but only the model's own bytes were given; read it from its folder");
    }
    long bytes = TensorCheck.bytes(tensor, what);
    long offset = number(entries, "offset", 0, what);
    long length = number(entries, "length", bytes, what);
    if (length != bytes) {
      throw new BadInputException(
          what + " needs " + bytes + " bytes, but its external data has length " + length);
    }
    if (bytes > Integer.MAX_VALUE) {
      throw new BadInputException(what + " is over 2 GB, which is not supported");
    }
    try (FileChannel file =
        FileChannel.open(inside(folder, location, what), StandardOpenOption.READ)) {
      if (offset > file.size() - length) {
        throw new BadInputException(
            what
                + " has its data at offset "
                + offset
                + ", length "
                + length
                + " of "
                + Names.quote(location)
                + ", which has only "
                + file.size()
                + " bytes");
      }
      ByteBuffer data = file.map(FileChannel.MapMode.READ_ONLY, offset, length);
      return tensor.toBuilder()
          .clearExternalData()
          .clearDataLocation()
          .setRawData(UnsafeByteOperations.unsafeWrap(data))
          .build();
    } catch (IOException e) {
      throw new BadInputException(
          what + " has its data in " + Names.quote(location) + ", which cannot be read: " + e, e);
    }
  }

  private static long number(Map<String, String> entries, String key, long otherwise, String what) {
    String text = entries.get(key);
    if (text == null) {
      return otherwise;
    }
    long value;
    try {
      value = Long.parseLong(text);
    } catch (NumberFormatException e) {
      value = -1;
    }
    if (value < 0) {
      throw new BadInputException(
          what + " has the external data " + key + " " + Names.quote(text) + ", expected a number");
    }
    return value;
  }

  /** The real file, which must be in the folder or below it after all links are followed. */
  private static Path inside(Path folder, String location, String what) throws IOException {
    try {
      Path relative = Path.of(location);
      boolean upwards = Path.of(location.replace('\\', '/')).normalize().startsWith("..");
      if (location.isEmpty() || relative.isAbsolute() || upwards) {
        throw outside(location, what);
      }
      Path file = folder.resolve(relative);
      if (!Files.exists(file)) {
        throw new BadInputException(
            what + " has its data in " + Names.quote(location) + ", which is not beside the model");
      }
      Path real = file.toRealPath();
      if (!real.startsWith(folder.toRealPath())) {
        throw outside(location, what);
      }
      if (!Files.isRegularFile(real)) {
        throw new BadInputException(
            what + " has its data in " + Names.quote(location) + ", which is not a file");
      }
      return real;
    } catch (InvalidPathException e) {
      throw outside(location, what);
    }
  }

  private static BadInputException outside(String location, String what) {
    return new BadInputException(
        what
            + " has its data in "
            + Names.quote(location)
            + ", expected a file inside the model's own folder");
  }

  /**
   * The model with its larger weights taken out of it and written to {@code file}.
   *
   * @param location the file's name as the model is to say it
   * @param smallest weights of fewer bytes stay inside
   */
  static ModelProto save(ModelProto model, Path file, String location, int smallest)
      throws IOException {
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      GraphProto.Builder graph = model.getGraph().toBuilder();
      for (int i = 0; i < graph.getInitializerCount(); i++) {
        TensorProto tensor = TensorProtos.raw(graph.getInitializer(i));
        if (tensor.getRawData().size() >= smallest) {
          graph.setInitializer(i, save(tensor, channel, location));
        }
      }
      channel.force(true);
      return model.toBuilder().setGraph(graph).build();
    }
  }

  private static TensorProto save(TensorProto tensor, FileChannel channel, String location)
      throws IOException {
    ByteString data = tensor.getRawData();
    long offset = (channel.position() + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    channel.position(offset);
    for (ByteBuffer part : data.asReadOnlyByteBufferList()) {
      while (part.hasRemaining()) {
        channel.write(part);
      }
    }
    return tensor.toBuilder()
        .clearRawData()
        .setDataLocation(TensorProto.DataLocation.EXTERNAL)
        .addExternalData(entry("location", location))
        .addExternalData(entry("offset", Long.toString(offset)))
        .addExternalData(entry("length", Integer.toString(data.size())))
        .build();
  }

  private static StringStringEntryProto entry(String key, String value) {
    return StringStringEntryProto.newBuilder().setKey(key).setValue(value).build();
  }

  /** The model with every tensor in it changed: initializers and attributes, nested ones too. */
  private static ModelProto map(ModelProto model, UnaryOperator<TensorProto> change) {
    ModelProto.Builder changed = model.toBuilder();
    if (model.hasGraph()) {
      map(changed.getGraphBuilder(), change);
    }
    changed
        .getFunctionsBuilderList()
        .forEach(f -> f.getNodeBuilderList().forEach(n -> map(n, change)));
    return changed.build();
  }

  private static void map(GraphProto.Builder graph, UnaryOperator<TensorProto> change) {
    for (int i = 0; i < graph.getInitializerCount(); i++) {
      graph.setInitializer(i, change.apply(graph.getInitializer(i)));
    }
    graph
        .getSparseInitializerBuilderList()
        .forEach(
            s -> s.setValues(change.apply(s.getValues())).setIndices(change.apply(s.getIndices())));
    graph.getNodeBuilderList().forEach(n -> map(n, change));
  }

  private static void map(NodeProto.Builder node, UnaryOperator<TensorProto> change) {
    for (AttributeProto.Builder attribute : node.getAttributeBuilderList()) {
      if (attribute.hasT()) {
        attribute.setT(change.apply(attribute.getT()));
      }
      for (int i = 0; i < attribute.getTensorsCount(); i++) {
        attribute.setTensors(i, change.apply(attribute.getTensors(i)));
      }
      if (attribute.hasG()) {
        map(attribute.getGBuilder(), change);
      }
      attribute.getGraphsBuilderList().forEach(g -> map(g, change));
    }
  }
}
