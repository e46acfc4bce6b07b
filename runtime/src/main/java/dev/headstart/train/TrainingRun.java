package dev.headstart.train;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.headstart.artifact.Checkpoint;
import dev.headstart.disk.Disk;
import dev.headstart.error.BadInputException;
import dev.headstart.error.FailureException;
import dev.headstart.error.UsageException;
import dev.headstart.onnx.Tensor;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.zip.CRC32;
import java.util.zip.Deflater;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/**
 * Where a training is, in one file that is replaced by one rename: whoever stops it, by whatever
 * means, leaves the last state that was saved, and a training that goes on from it gives the
 * weights bit for bit that it would have given unbroken.
 *
 * <p>The file is a zip archive, not compressed:
 *
 * <pre>
 * run.json    version, digests of data and recipe, how far each stage is
 * checkpoint  of the stage that runs, with the optimizer's moments
 * best        a checkpoint of the best weights so far of the first stage; only where it is judged
 * </pre>
 *
 * Saving costs time and changes no result, so it is done no more often than {@link #INTERVAL}: a
 * training that is over before never saves.
 */
final class TrainingRun {
  static final Duration INTERVAL =
      Duration.ofMillis(Long.getLong("headstart.training.save", 5_000));

  private static final int VERSION = 2;
  private static final String JSON_ENTRY = "run.json";
  private static final String CHECKPOINT = "checkpoint";
  private static final String BEST = "best";
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Training before the judgement, and after it. */
  enum Stage {
    TRAIN,
    REFIT
  }

  /**
   * How far a stage is.
   *
   * @param epoch the last one that is done; 0 for none
   * @param history of all that are done
   * @param bestEpoch that of the best weights; 0 where nothing judges
   * @param bestMetrics of it; null where nothing judges
   * @param firstLoss that of the first step; NaN before it
   * @param stopped whether patience ran out
   */
  record Progress(
      int epoch,
      List<Epoch> history,
      int bestEpoch,
      Metrics bestMetrics,
      double firstLoss,
      boolean stopped) {

    static final Progress NONE = new Progress(0, List.of(), 0, null, Double.NaN, false);

    Progress {
      history = List.copyOf(history);
    }
  }

  private record State(
      int version, String data, Map<String, String> recipe, Progress train, Progress refit) {}

  private final Path file;
  private final Path part;
  private final long interval;
  private State state;
  private Map<String, Tensor> best;
  private long saved = System.nanoTime();

  private TrainingRun(Path file, Path staged, Duration interval, State state) {
    this.file = file;
    this.part = staged.resolve("run.part");
    this.interval = interval.toNanos();
    this.state = state;
  }

  /**
   * A run that begins.
   *
   * @param file where its state is to lie
   * @param staged a folder on the same disk, for what is being written
   * @param data digest of all that the samples decide
   * @param recipe all else that decides the weights, by what it is called
   */
  static TrainingRun begin(
      Path file, Path staged, String data, Map<String, String> recipe, Duration interval) {
    return new TrainingRun(file, staged, interval, new State(VERSION, data, recipe, null, null));
  }

  /**
   * The run that was stopped.
   *
   * @throws UsageException if there is none, or it was another
   * @throws BadInputException if its file is damaged, or of another version
   */
  static TrainingRun resume(
      Path file, Path staged, String data, Map<String, String> recipe, Duration interval) {
    requireStopped(file);
    try (ZipFile zip = new ZipFile(file.toFile())) {
      State state = JSON.readValue(bytes(zip, JSON_ENTRY), State.class);
      if (state == null || state.version != VERSION || state.recipe == null) {
        throw new IOException(
            "its version is " + (state == null ? "none" : state.version) + ", expected " + VERSION);
      }
      List<String> differences = differences(state.recipe, recipe);
      if (!differences.isEmpty()) {
        throw new UsageException(
            "the training that was stopped had other options ("
                + String.join("; ", differences)
                + "): give the same, or leave out --resume to begin anew");
      }
      if (!data.equals(state.data)) {
        throw new UsageException(
            "the training that was stopped had other samples, or another order of them, or a"
                + " version was taught since: give the same data, or leave out --resume to begin"
                + " anew");
      }
      TrainingRun run = new TrainingRun(file, staged, interval, state);
      Checkpoint.read(bytes(zip, CHECKPOINT)); // before features are taken for nothing
      if (zip.getEntry(BEST) != null) {
        run.best = Checkpoint.read(bytes(zip, BEST)).parameters();
      }
      return run;
    } catch (IOException | BadInputException e) {
      throw damaged(file, e);
    }
  }

  private static List<String> differences(Map<String, String> was, Map<String, String> is) {
    Set<String> names = new TreeSet<>(was.keySet());
    names.addAll(is.keySet());
    return names.stream()
        .filter(name -> !Objects.equals(was.get(name), is.get(name)))
        .map(name -> name + " was " + was.get(name) + ", is " + is.get(name))
        .toList();
  }

  /**
   * @throws UsageException if nothing was stopped
   * @throws BadInputException if something else lies there
   */
  static void requireStopped(Path file) {
    if (!Files.exists(file)) {
      throw new UsageException(
          "no training of this head was stopped, or none that had run for "
              + INTERVAL.toSeconds()
              + " seconds: leave out --resume");
    }
    if (!Files.isRegularFile(file)) { // a pipe would keep its reader waiting
      throw damaged(file, new IOException("it is no regular file"));
    }
  }

  private static BadInputException damaged(Path file, Exception e) {
    return new BadInputException(
        file + " is damaged: leave out --resume to begin anew (" + e.getMessage() + ")", e);
  }

  /** An entry that is what was written: {@link ZipFile} leaves that unchecked. */
  private static byte[] bytes(ZipFile zip, String name) throws IOException {
    ZipEntry entry = zip.getEntry(name);
    if (entry == null) {
      throw new IOException("there is no " + name + " in it");
    }
    try (InputStream in = zip.getInputStream(entry)) {
      byte[] bytes = in.readAllBytes();
      CRC32 sum = new CRC32();
      sum.update(bytes);
      if (sum.getValue() != entry.getCrc()) {
        throw new IOException("the checksum of " + name + " in it is wrong");
      }
      return bytes;
    }
  }

  /** How far a stage is; null if it has not begun. */
  Progress progress(Stage stage) {
    return stage == Stage.TRAIN ? state.train : state.refit;
  }

  /** Whether a later stage has begun, so that this one's checkpoint is gone. */
  boolean passed(Stage stage) {
    return stage == Stage.TRAIN && state.refit != null;
  }

  /** The best weights of the stage that is judged; null for none. */
  Map<String, Tensor> best() {
    return best;
  }

  /** Remembers how far a stage is; on the disk only by {@link #save}. */
  void reached(Stage stage, Progress progress, Map<String, Tensor> bestWeights) {
    if (stage == Stage.TRAIN) {
      best = bestWeights;
      state = new State(VERSION, state.data, state.recipe, progress, null);
    } else {
      state = new State(VERSION, state.data, state.recipe, state.train, progress);
    }
  }

  /** Whether it is time to save. */
  boolean due() {
    return System.nanoTime() - saved >= interval;
  }

  /**
   * Puts the state on the disk.
   *
   * @param checkpoint of the stage that runs, with the optimizer's state
   */
  void save(Path checkpoint) {
    try {
      try (OutputStream out = Files.newOutputStream(part);
          ZipOutputStream zip = new ZipOutputStream(out)) {
        zip.setLevel(Deflater.NO_COMPRESSION);
        zip.putNextEntry(new ZipEntry(JSON_ENTRY));
        zip.write(JSON.writeValueAsBytes(state));
        zip.putNextEntry(new ZipEntry(CHECKPOINT));
        Files.copy(checkpoint, zip);
        if (best != null) {
          zip.putNextEntry(new ZipEntry(BEST));
          zip.write(new Checkpoint(best, Map.of()).toBytes());
        }
      }
      Disk.force(part);
      Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      Disk.force(file.getParent());
    } catch (JsonProcessingException e) {
      throw new AssertionError("records of numbers can be written", e);
    } catch (IOException e) {
      throw new FailureException(
          "where the training is cannot be written to " + file + ": " + e, e);
    }
    saved = System.nanoTime();
  }

  /** Writes the checkpoint that was saved last to a file. */
  void restore(Path checkpoint) {
    try (ZipFile zip = new ZipFile(file.toFile())) {
      Files.write(checkpoint, bytes(zip, CHECKPOINT));
    } catch (IOException e) {
      throw damaged(file, e);
    }
  }

  /** The training is over, and its state of no more use. */
  void finish() {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      throw new FailureException(file + " cannot be deleted: " + e, e);
    }
  }
}
