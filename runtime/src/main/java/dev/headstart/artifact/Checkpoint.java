package dev.headstart.artifact;

import com.google.flatbuffers.FlatBufferBuilder;
import dev.headstart.error.BadInputException;
import dev.headstart.error.FailureException;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.Tensor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The checkpoint file of ONNX Runtime's training sessions, as data: weights, and where they were
 * saved too, the optimizer's moments and free properties.
 *
 * <p>The file is a FlatBuffer, little-endian, file identifier {@code ODTC}, version 2. Tables and
 * their fields in slot order ({@code []} a vector):
 *
 * <pre>
 * root Checkpoint  version:i32 = 2, module_state:ModuleState,
 *                  optimizer_groups:[OptimizerGroup], property_bag:PropertyBag
 * ModuleState      requires_grad_params:[Tensor], frozen_params:[Tensor],
 *                  is_nominal_state:bool, has_external_data:bool
 * Tensor           name:string, doc_string:string, dims:[i64], data_type:i32 (onnx.proto's number),
 *                  raw_data:[u8], string_data:[string], external_data_offset:i64 = -1
 * OptimizerGroup   group_name:string = "group0", step:i64, initial_learning_rate:f32,
 *                  optimizer_states:[State]
 * State            param_name:string, momentums:[Tensor] named momentum0, momentum1
 * PropertyBag      ints:[{name, i64}], floats:[{name, f32}], strings:[{name, string}]
 * </pre>
 *
 * <p>ONNX Runtime wants both vectors of ModuleState to be there, empty or not. Source: {@code
 * onnxruntime/core/flatbuffers/schema/ort_training_checkpoint.fbs} and {@code ort.fbs}.
 *
 * <p>Files are read as hostile: every offset is checked against the file, nothing is allocated by a
 * size that the file claims, and tensors are views of the file's bytes.
 *
 * @param trainable parameters that a training session changes, by name
 * @param frozen parameters of the graphs that it leaves as they are, by name
 * @param optimizer the optimizer's state, or null for a fresh start
 * @param properties what the writer wanted to remember
 */
public record Checkpoint(
    Map<String, Tensor> trainable,
    Map<String, Tensor> frozen,
    OptimizerState optimizer,
    Properties properties) {

  /** The only version that ONNX Runtime 1.28 reads and writes. */
  public static final int VERSION = 2;

  private static final String IDENTIFIER = "ODTC";
  private static final String GROUP = "group0";
  private static final String MOMENTUM = "momentum";

  /**
   * @param step updates so far
   * @param learningRate the one that training started with; a session that loads the file does not
   *     take it over
   * @param momentums for each trainable parameter its moments in order (AdamW two, SGD one or
   *     none), in the parameter's shape
   */
  public record OptimizerState(long step, float learningRate, Map<String, List<Tensor>> momentums) {
    public OptimizerState {
      Map<String, List<Tensor>> copy = new LinkedHashMap<>();
      momentums.forEach((name, tensors) -> copy.put(name, List.copyOf(tensors)));
      momentums = Collections.unmodifiableMap(copy);
    }
  }

  /** Named values of three types; none of them has a meaning to ONNX Runtime. */
  public record Properties(
      Map<String, Long> ints, Map<String, Float> floats, Map<String, String> strings) {
    public static final Properties NONE = new Properties(Map.of(), Map.of(), Map.of());

    public Properties {
      ints = ordered(ints);
      floats = ordered(floats);
      strings = ordered(strings);
    }
  }

  public Checkpoint {
    trainable = ordered(trainable);
    frozen = ordered(frozen);
    for (String name : trainable.keySet()) {
      if (frozen.containsKey(name)) {
        throw new BadInputException("the checkpoint has '" + name + "' as trainable and as frozen");
      }
    }
  }

  /** Weights only. */
  public Checkpoint(Map<String, Tensor> trainable, Map<String, Tensor> frozen) {
    this(trainable, frozen, null, Properties.NONE);
  }

  private static <V> Map<String, V> ordered(Map<String, V> map) {
    return Collections.unmodifiableMap(new LinkedHashMap<>(map));
  }

  /** Trainable and frozen parameters together. */
  public Map<String, Tensor> parameters() {
    Map<String, Tensor> all = new LinkedHashMap<>(trainable);
    all.putAll(frozen);
    return all;
  }

  /**
   * The trainable parameters' weights, by the names that the model has for them: those that train
   * at a rate of their own lie scaled in the file ({@link ParameterOptions}), and are unscaled
   * here.
   *
   * @throws BadInputException if what they are scaled by is missing
   */
  public Map<String, Tensor> weights() {
    return ParameterScales.weights(this);
  }

  // ---- Writing

  /**
   * Writes the file.
   *
   * @throws FailureException if it cannot be written
   */
  public void write(Path file) {
    try {
      Files.write(file, toBytes());
    } catch (IOException e) {
      throw new FailureException("the checkpoint " + file + " cannot be written: " + e, e);
    }
  }

  /** The file's bytes. */
  public byte[] toBytes() {
    FlatBufferBuilder out = new FlatBufferBuilder(1024);
    int trainableVector = tensors(out, trainable);
    int frozenVector = tensors(out, frozen);
    out.startTable(4);
    out.addOffset(0, trainableVector, 0);
    out.addOffset(1, frozenVector, 0);
    int module = out.endTable();
    int groups = optimizer == null ? 0 : offsets(out, List.of(group(out)));
    int bag = properties.equals(Properties.NONE) ? 0 : bag(out);
    out.startTable(4);
    out.addInt(0, VERSION, 0);
    out.addOffset(1, module, 0);
    out.addOffset(2, groups, 0);
    out.addOffset(3, bag, 0);
    out.finish(out.endTable(), IDENTIFIER);
    return out.sizedByteArray();
  }

  private static int offsets(FlatBufferBuilder out, List<Integer> tables) {
    return out.createVectorOfTables(tables.stream().mapToInt(Integer::intValue).toArray());
  }

  private static int tensors(FlatBufferBuilder out, Map<String, Tensor> tensors) {
    List<Integer> tables = new ArrayList<>();
    tensors.forEach((name, tensor) -> tables.add(tensor(out, name, tensor)));
    return offsets(out, tables);
  }

  private static int tensor(FlatBufferBuilder out, String name, Tensor tensor) {
    int nameString = out.createString(name);
    out.startVector(8, tensor.shape().length, 8);
    for (int i = tensor.shape().length - 1; i >= 0; i--) {
      out.addLong(tensor.shape()[i]);
    }
    int dims = out.endVector();
    int data = out.createByteVector(tensor.data());
    out.startTable(7);
    out.addOffset(0, nameString, 0);
    out.addOffset(2, dims, 0);
    out.addInt(3, tensor.type().code(), 0);
    out.addOffset(4, data, 0);
    return out.endTable();
  }

  private int group(FlatBufferBuilder out) {
    int name = out.createString(GROUP);
    List<Integer> states = new ArrayList<>();
    optimizer.momentums.forEach(
        (parameter, moments) -> {
          int parameterString = out.createString(parameter);
          List<Integer> tensors = new ArrayList<>();
          for (int i = 0; i < moments.size(); i++) {
            tensors.add(tensor(out, MOMENTUM + i, moments.get(i)));
          }
          int vector = offsets(out, tensors);
          out.startTable(2);
          out.addOffset(0, parameterString, 0);
          out.addOffset(1, vector, 0);
          states.add(out.endTable());
        });
    int vector = offsets(out, states);
    out.startTable(4);
    out.addOffset(0, name, 0);
    out.addLong(1, optimizer.step, 0);
    out.addFloat(2, optimizer.learningRate, 0);
    out.addOffset(3, vector, 0);
    return out.endTable();
  }

  private int bag(FlatBufferBuilder out) {
    List<Integer> ints = new ArrayList<>();
    properties.ints.forEach(
        (name, value) -> {
          int nameString = out.createString(name);
          out.startTable(2);
          out.addOffset(0, nameString, 0);
          out.addLong(1, value, 0);
          ints.add(out.endTable());
        });
    List<Integer> floats = new ArrayList<>();
    properties.floats.forEach(
        (name, value) -> {
          int nameString = out.createString(name);
          out.startTable(2);
          out.addOffset(0, nameString, 0);
          out.addFloat(1, value, 0);
          floats.add(out.endTable());
        });
    List<Integer> strings = new ArrayList<>();
    properties.strings.forEach(
        (name, value) -> {
          int nameString = out.createString(name);
          int valueString = out.createString(value);
          out.startTable(2);
          out.addOffset(0, nameString, 0);
          out.addOffset(1, valueString, 0);
          strings.add(out.endTable());
        });
    int intVector = offsets(out, ints);
    int floatVector = offsets(out, floats);
    int stringVector = offsets(out, strings);
    out.startTable(3);
    out.addOffset(0, intVector, 0);
    out.addOffset(1, floatVector, 0);
    out.addOffset(2, stringVector, 0);
    return out.endTable();
  }

  // ---- Reading

  /**
   * Reads a checkpoint file.
   *
   * @throws BadInputException if there is none, or it is not a checkpoint that {@link
   *     #read(byte[])} takes
   */
  public static Checkpoint read(Path file) {
    byte[] bytes;
    try {
      if (Files.size(file) > Integer.MAX_VALUE - 8) {
        throw new BadInputException("the checkpoint " + file + " is larger than 2 GiB");
      }
      bytes = Files.readAllBytes(file);
    } catch (NoSuchFileException e) {
      throw new BadInputException("there is no checkpoint " + file, e);
    } catch (IOException e) {
      throw new BadInputException("the checkpoint " + file + " cannot be read: " + e, e);
    }
    try {
      return read(bytes);
    } catch (BadInputException e) {
      throw new BadInputException(file + ": " + e.getMessage(), e);
    }
  }

  /**
   * Reads a checkpoint; its tensors are views of {@code bytes}.
   *
   * @throws BadInputException if the bytes are no checkpoint of version {@value #VERSION}, are
   *     damaged, keep weights in an external file or hold none, name something twice, or have
   *     moments that do not fit their parameters
   */
  public static Checkpoint read(byte[] bytes) {
    FlatTable root =
        FlatTable.root(ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN), IDENTIFIER);
    int version = root.int32(0, 0);
    if (version != VERSION) {
      throw new BadInputException(
          "checkpoint version " + version + " is not supported, only " + VERSION + " is");
    }
    FlatTable module = root.table(1);
    if (module == null) {
      throw new BadInputException("the checkpoint has no weights: its module_state is missing");
    }
    if (module.bool(2)) {
      throw new BadInputException(
          "the checkpoint is nominal: it has the parameters' names without their values");
    }
    if (module.bool(3)) {
      throw new BadInputException(
          "the checkpoint keeps its weights in an external file, which is not supported:"
              + " generate the artifacts with the weights inside");
    }
    Map<String, Tensor> trainable = readTensors(module.tables(0), "trainable parameter");
    Map<String, Tensor> frozen = readTensors(module.tables(1), "frozen parameter");
    return new Checkpoint(
        trainable, frozen, readGroups(root.tables(2), trainable), readBag(root.table(3)));
  }

  private static Map<String, Tensor> readTensors(List<FlatTable> tables, String kind) {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (FlatTable table : tables) {
      String name = requireName(table, kind);
      putNew(tensors, name, readTensor(table, kind + " '" + name + "'"), kind);
    }
    return tensors;
  }

  private static String requireName(FlatTable table, String kind) {
    String name = table.string(0);
    if (name == null || name.isEmpty()) {
      throw new BadInputException("the checkpoint has a " + kind + " without a name");
    }
    return name;
  }

  private static <V> void putNew(Map<String, V> map, String name, V value, String kind) {
    if (map.putIfAbsent(name, value) != null) {
      throw new BadInputException("the checkpoint has the " + kind + " '" + name + "' twice");
    }
  }

  private static Tensor readTensor(FlatTable table, String what) {
    if (table.int64(6, -1) != -1) {
      throw new BadInputException("the checkpoint keeps the " + what + " in an external file");
    }
    ByteBuffer data = table.bytes(4);
    try {
      ElementType type = ElementType.ofCode(table.int32(3, 0));
      if (type == ElementType.STRING) {
        throw new BadInputException("is a tensor of strings");
      }
      return new Tensor(type, table.longs(2), data == null ? ByteBuffer.allocate(0) : data);
    } catch (BadInputException e) {
      throw new BadInputException("the checkpoint's " + what + ": " + e.getMessage(), e);
    }
  }

  private static OptimizerState readGroups(List<FlatTable> groups, Map<String, Tensor> parameters) {
    if (groups.isEmpty()) {
      return null;
    }
    if (groups.size() > 1 || !GROUP.equals(groups.get(0).string(0))) {
      throw new BadInputException(
          "the checkpoint's optimizer state must be of one group named " + GROUP);
    }
    FlatTable group = groups.get(0);
    Map<String, List<Tensor>> momentums = new LinkedHashMap<>();
    for (FlatTable state : group.tables(3)) {
      String name = requireName(state, "state");
      Tensor parameter = parameters.get(name);
      if (parameter == null) {
        throw new BadInputException(
            "the checkpoint has moments of '" + name + "', which is no trainable parameter");
      }
      Map<String, Tensor> named = readTensors(state.tables(1), "moment");
      List<Tensor> moments = new ArrayList<>();
      for (int i = 0; i < named.size(); i++) {
        Tensor moment = named.get(MOMENTUM + i);
        if (moment == null
            || moment.type() != parameter.type()
            || !java.util.Arrays.equals(moment.shape(), parameter.shape())) {
          throw new BadInputException(
              "the checkpoint's moments of '"
                  + name
                  + "' must be momentum0, momentum1 of "
                  + parameter
                  + ", got "
                  + named);
        }
        moments.add(moment);
      }
      putNew(momentums, name, moments, "state of");
    }
    return new OptimizerState(group.int64(1, 0), group.float32(2, 0), momentums);
  }

  private static Properties readBag(FlatTable bag) {
    if (bag == null) {
      return Properties.NONE;
    }
    Map<String, Long> ints = new LinkedHashMap<>();
    for (FlatTable entry : bag.tables(0)) {
      putNew(ints, requireName(entry, "property"), entry.int64(1, 0), "property");
    }
    Map<String, Float> floats = new LinkedHashMap<>();
    for (FlatTable entry : bag.tables(1)) {
      putNew(floats, requireName(entry, "property"), entry.float32(1, 0), "property");
    }
    Map<String, String> strings = new LinkedHashMap<>();
    for (FlatTable entry : bag.tables(2)) {
      String value = entry.string(1);
      putNew(strings, requireName(entry, "property"), value == null ? "" : value, "property");
    }
    return new Properties(ints, floats, strings);
  }
}
