package dev.headstart.train;

import dev.headstart.backbone.Features;
import dev.headstart.error.BadInputException;
import dev.headstart.error.FailureException;
import dev.headstart.onnx.Tensor;
import dev.headstart.onnx.TensorInfo;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * The live tensors of all samples at a cut, as they are: outside the Java heap, and what goes
 * beyond a bound in a file, mapped into memory. The caller closes it.
 */
final class LiveFeatures implements Examples, AutoCloseable {
  private static final long CHUNK_BYTES = 16 << 20;

  /** What memory is asked for; the rest goes to the file. */
  static final long IN_MEMORY = 128 << 20;

  private final List<TensorInfo> live;

  /** Positions among the live tensors of those that the network takes. */
  private final int[] taken;

  private final Path folder;
  private final long inMemory;
  private final List<List<Tensor>> rows = new ArrayList<>();
  private final List<Integer> forms = new ArrayList<>();
  private final Map<List<String>, Integer> known = new HashMap<>();
  private final List<Integer> examples = new ArrayList<>();
  private ByteBuffer chunk = ByteBuffer.allocate(0);
  private long allocated;
  private FileChannel file;
  private long mapped;

  /**
   * @param live the tensors that are added, in order
   * @param wanted the names of those that the network takes
   * @param folder for the file, which nobody else sees
   */
  LiveFeatures(List<TensorInfo> live, Set<String> wanted, Path folder) {
    this(live, wanted, folder, IN_MEMORY);
  }

  LiveFeatures(List<TensorInfo> live, Set<String> wanted, Path folder, long inMemory) {
    this.live = List.copyOf(live);
    this.taken =
        IntStream.range(0, live.size()).filter(i -> wanted.contains(live.get(i).name())).toArray();
    this.folder = folder;
    this.inMemory = inMemory;
    Set<String> names = new HashSet<>();
    live.forEach(tensor -> names.add(tensor.name()));
    if (!names.containsAll(wanted)) {
      throw new IllegalArgumentException("of " + wanted + " some are not among " + names);
    }
  }

  /**
   * Adds a row: a copy is kept.
   *
   * @throws BadInputException if a tensor has no leading dimension of 1, so that samples cannot be
   *     stacked
   */
  void add(Features features) {
    List<Tensor> row = new ArrayList<>(live.size());
    List<String> form = new ArrayList<>();
    for (int i = 0; i < live.size(); i++) {
      Tensor tensor = features.tensors().get(i);
      ByteBuffer space = space(tensor.data().remaining());
      space.duplicate().put(tensor.data());
      row.add(new Tensor(tensor.type(), tensor.shape(), space));
    }
    for (int i : taken) {
      Tensor tensor = row.get(i);
      if (tensor.shape().length == 0 || tensor.shape()[0] != 1) {
        throw new BadInputException(
            "the tensor "
                + live.get(i).name()
                + " is live at the cut and came as "
                + tensor
                + " for one sample: without a leading dimension of 1 samples cannot be stacked. Cut"
                + " elsewhere");
      }
      form.add(tensor.toString());
    }
    int number = known.computeIfAbsent(form, f -> known.size());
    if (number == examples.size()) {
      examples.add(rows.size());
    }
    forms.add(number);
    rows.add(row);
  }

  private ByteBuffer space(int bytes) {
    if (chunk.remaining() < bytes) {
      chunk = allocate(Math.max(CHUNK_BYTES, bytes));
    }
    ByteBuffer space = chunk.slice(chunk.position(), bytes);
    chunk.position(chunk.position() + bytes);
    return space;
  }

  private ByteBuffer allocate(long bytes) {
    if (allocated + bytes <= inMemory) {
      allocated += bytes;
      return Tensor.allocate(bytes);
    }
    try {
      if (file == null) {
        Path path = Files.createTempFile(folder, "features", null);
        file =
            FileChannel.open(
                path,
                StandardOpenOption.READ,
                StandardOpenOption.WRITE,
                StandardOpenOption.DELETE_ON_CLOSE);
      }
      ByteBuffer space = file.map(FileChannel.MapMode.READ_WRITE, mapped, bytes);
      mapped += bytes;
      return space;
    } catch (IOException e) {
      throw new FailureException(
          "the features at the cut cannot be kept in " + folder + ": " + e, e);
    }
  }

  @Override
  public int rows() {
    return rows.size();
  }

  @Override
  public int forms() {
    return examples.size();
  }

  @Override
  public int form(int row) {
    return forms.get(row);
  }

  @Override
  public List<TensorInfo> inputs(int form) {
    List<Tensor> example = rows.get(examples.get(form));
    return IntStream.of(taken)
        .mapToObj(
            i -> new TensorInfo(live.get(i).name(), example.get(i).type(), example.get(i).shape()))
        .toList();
  }

  @Override
  public void gather(int[] indices, int count, List<ByteBuffer> targets) {
    for (int i = 0; i < taken.length; i++) {
      ByteBuffer target = targets.get(i).duplicate().clear();
      for (int row = 0; row < count; row++) {
        target.put(rows.get(indices[row]).get(taken[i]).data());
      }
    }
  }

  /** All live tensors of a sample of the largest form, each with a leading 1. */
  List<TensorInfo> largest() {
    List<Tensor> largest =
        examples.stream()
            .map(rows::get)
            .max(Comparator.comparingLong(row -> row.stream().mapToLong(Tensor::elements).sum()))
            .orElseThrow();
    return IntStream.range(0, live.size())
        .mapToObj(
            i -> new TensorInfo(live.get(i).name(), largest.get(i).type(), largest.get(i).shape()))
        .toList();
  }

  /** All live tensors of one row, as they were added. */
  Features row(int index) {
    return new Features(rows.get(index));
  }

  /** Forgets the rows; idempotent. */
  @Override
  public void close() {
    rows.clear();
    chunk = ByteBuffer.allocate(0);
    try {
      if (file != null) {
        file.close();
      }
    } catch (IOException e) {
      throw new FailureException("the features at the cut cannot be let go: " + e, e);
    }
  }
}
