package dev.headstart.onnx;

import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import com.google.protobuf.CodedInputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.UnsafeByteOperations;
import dev.headstart.error.BadInputException;
import dev.headstart.error.FailureException;
import dev.headstart.error.NotFoundException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Collectors;

/**
 * An ONNX model as data; immutable. Weights are inside it, also those that were read from files
 * beside the model.
 *
 * <p>A model that was read is checked ({@code ModelCheck} says for what) and its nodes are in
 * topological order.
 */
public final class OnnxModel {
  private final ModelProto proto;

  /** What a protobuf message can hold, less some room for everything but weights. */
  private static final long LARGEST = Integer.MAX_VALUE - (64L << 20);

  private OnnxModel(ModelProto proto) {
    this.proto = proto;
  }

  /** Wraps a model that this process built itself; nothing is checked. */
  public static OnnxModel of(ModelProto proto) {
    return new OnnxModel(proto);
  }

  /**
   * Reads and checks a model file, with its external data if it has any. That data is mapped into
   * memory, not copied, so its files must not be changed while the model is in use.
   *
   * @throws NotFoundException if there is no such file
   * @throws BadInputException if the file is not a model, or a broken or hostile one; the message
   *     says what is wrong
   */
  public static OnnxModel read(Path file) {
    if (!Files.exists(file)) {
      throw new NotFoundException("there is no model file " + file);
    }
    // A pipe or a device would never end.
    if (!Files.isRegularFile(file)) {
      throw new BadInputException(file + ": is not a file");
    }
    try {
      if (Files.size(file) > Integer.MAX_VALUE) {
        throw new BadInputException(
            file + ": is over 2 GB; larger models keep their weights in files beside them");
      }
      return read(Files.readAllBytes(file), file.toAbsolutePath().getParent(), file.toString());
    } catch (IOException e) {
      throw new BadInputException(file + ": cannot be read: " + e, e);
    }
  }

  /**
   * Reads and checks a model whose weights are all inside it.
   *
   * @param bytes the file's content, not to be changed any more: the weights stay in it
   * @param origin where it came from, for messages
   * @throws BadInputException as {@link #read(Path)}
   */
  public static OnnxModel read(byte[] bytes, String origin) {
    return read(bytes, null, origin);
  }

  /**
   * As {@link #read(byte[], String)}, with external data from files.
   *
   * @param folder where they lie; null for none
   */
  public static OnnxModel read(byte[] bytes, Path folder, String origin) {
    if (bytes.length == 0) {
      throw new BadInputException(origin + ": is empty");
    }
    try {
      CodedInputStream input = UnsafeByteOperations.unsafeWrap(bytes).newCodedInput();
      input.enableAliasing(true);
      ModelProto model = ModelProto.parseFrom(input);
      input.checkLastTagWas(0);
      return new OnnxModel(ModelCheck.check(ExternalData.load(model, folder)));
    } catch (InvalidProtocolBufferException e) {
      throw new BadInputException(origin + ": is truncated or no ONNX model: " + e.getMessage(), e);
    } catch (IOException e) {
      throw new BadInputException(origin + ": cannot be read: " + e, e);
    } catch (BadInputException e) {
      throw new BadInputException(origin + ": " + e.getMessage(), e);
    }
  }

  /**
   * Writes the model into one file, weights inside, by an atomic rename.
   *
   * @throws FailureException if that cannot be done, or the model is over 2 GB
   */
  public void write(Path file) {
    byte[] bytes = toBytes();
    atomically(
        file,
        temporary -> {
          try (FileChannel channel =
              FileChannel.open(
                  temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            ByteBuffer rest = ByteBuffer.wrap(bytes);
            while (rest.hasRemaining()) {
              channel.write(rest);
            }
            channel.force(true);
          }
        });
  }

  /**
   * Writes the model with its weights in a second file beside it, {@code <file name>.data}; for
   * models of any size. Each file appears by an atomic rename, the data first; to replace a model
   * that is in use, write into a new folder and rename that.
   *
   * @param smallest weights of fewer bytes stay in the model file
   * @throws FailureException if that cannot be done
   */
  public void writeExternal(Path file, int smallest) {
    String location = file.getFileName() + ".data";
    ModelProto[] lean = new ModelProto[1];
    atomically(
        file.resolveSibling(location),
        temporary -> lean[0] = ExternalData.save(proto, temporary, location, smallest));
    new OnnxModel(lean[0]).write(file);
  }

  private interface Writing {
    void to(Path temporary) throws IOException;
  }

  private static void atomically(Path file, Writing writing) {
    Path target = file.toAbsolutePath();
    if (!Files.isDirectory(target.getParent())) {
      throw new NotFoundException("there is no folder " + file.getParent() + " to write to");
    }
    if (Files.isDirectory(target)) {
      throw new BadInputException(file + " is a folder; expected a file to write the model to");
    }
    Path temporary =
        target.resolveSibling("." + target.getFileName() + "." + UUID.randomUUID() + ".tmp");
    try {
      try {
        writing.to(temporary);
        Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
      } finally {
        Files.deleteIfExists(temporary);
      }
    } catch (IOException e) {
      throw new FailureException("cannot write the model " + file + ": " + e, e);
    }
  }

  /** The file's own representation. */
  public ModelProto proto() {
    return proto;
  }

  /**
   * The file's bytes, weights inside.
   *
   * @throws FailureException if they are over 2 GB, which no ONNX file can be
   */
  public byte[] toBytes() {
    long weights =
        proto.getGraph().getInitializerList().stream().mapToLong(t -> t.getRawData().size()).sum();
    if (weights > LARGEST) {
      throw new FailureException(
          "a model with "
              + weights
              + " bytes of weights does not fit into one ONNX file (2 GB); write it with external"
              + " data");
    }
    return proto.toByteArray();
  }

  /** The version of ONNX's own operators. */
  public int opset() {
    return proto.getOpsetImportList().stream()
        .filter(o -> o.getDomain().isEmpty() || o.getDomain().equals("ai.onnx"))
        .mapToInt(o -> (int) o.getVersion())
        .findFirst()
        .orElse(0);
  }

  /** The inputs that a caller must feed, in graph order: initializers are left out. */
  public List<TensorInfo> inputs() {
    var initializers =
        proto.getGraph().getInitializerList().stream()
            .map(TensorProto::getName)
            .collect(Collectors.toSet());
    return proto.getGraph().getInputList().stream()
        .filter(i -> !initializers.contains(i.getName()))
        .map(OnnxModel::info)
        .toList();
  }

  /** The outputs in graph order. */
  public List<TensorInfo> outputs() {
    return proto.getGraph().getOutputList().stream().map(OnnxModel::info).toList();
  }

  /**
   * The weights and constants by name, in graph order. Those of an element type that {@link Tensor}
   * has not (strings, complex, 8-bit floats, 4-bit integers) are left out.
   */
  public Map<String, Tensor> initializers() {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    proto
        .getGraph()
        .getInitializerList()
        .forEach(
            t -> {
              if (TensorProtos.isPlain(t)) {
                tensors.put(t.getName(), TensorProtos.read(t));
              }
            });
    return tensors;
  }

  /** The model's metadata. */
  public Map<String, String> metadata() {
    Map<String, String> entries = new LinkedHashMap<>();
    proto.getMetadataPropsList().forEach(e -> entries.put(e.getKey(), e.getValue()));
    return entries;
  }

  static TensorInfo info(ValueInfoProto value) {
    var tensor = value.getType().getTensorType();
    ElementType type =
        ElementType.known(tensor.getElemType()) ? ElementType.ofCode(tensor.getElemType()) : null;
    long[] shape =
        tensor.hasShape()
            ? tensor.getShape().getDimList().stream()
                .mapToLong(d -> d.hasDimValue() ? d.getDimValue() : -1)
                .toArray()
            : null;
    return new TensorInfo(value.getName(), type, shape);
  }
}
