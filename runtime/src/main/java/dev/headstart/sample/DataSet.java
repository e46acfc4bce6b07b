package dev.headstart.sample;

import dev.headstart.error.BadInputException;
import dev.headstart.error.NotFoundException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/**
 * Labelled samples. Opening looks at no more than is needed to say what is in it; {@link #items()}
 * then reads it from the start, as often as asked, one item at a time.
 */
public sealed interface DataSet permits FolderDataSet, JsonlDataSet, CsvDataSet, StoredDataSet {

  /** What its samples are; all are alike. */
  Modality modality();

  /** What its labels are: as asked for, or what they look like. */
  Task task();

  /** What a person should know and no error says: files that were left out, empty class folders. */
  List<String> notes();

  /** Names of the numbers of its feature vectors, in their order; empty where they have none. */
  default List<String> columns() {
    return List.of();
  }

  /**
   * The same samples, their feature vectors in another order of columns.
   *
   * @throws BadInputException if the columns are not these, naming those that are missing or new
   */
  default DataSet inColumns(List<String> order) {
    return this;
  }

  /**
   * One pass over the samples, in the order of the file or of the paths. The caller closes it.
   *
   * <p>Samples that cannot be used come as {@link Unreadable}; a picture's file is not opened here.
   */
  Items items();

  /** As {@link #open(Path, Task)}, the labels saying what the task is. */
  static DataSet open(Path path) {
    return open(path, null);
  }

  /**
   * Opens a data set: a directory with one folder a class (pictures or .txt files), a {@code
   * .jsonl}, or a {@code .csv} with a header.
   *
   * @param task what the labels mean; null to infer it (text: single, list: multi, JSON number:
   *     regression; folders: single; CSV: regression if all of the first labels are numbers and one
   *     has a fraction, else single)
   * @throws NotFoundException if the path does not exist
   * @throws BadInputException if nothing usable is there, saying what was expected
   */
  static DataSet open(Path path, Task task) {
    if (!Files.exists(path)) {
      throw new NotFoundException(
          "there is no data at " + path + (Files.isSymbolicLink(path) ? " (a broken link)" : ""));
    }
    if (Files.isDirectory(path)) {
      return FolderDataSet.open(path, task == null ? Task.SINGLE : task);
    }
    String name = path.getFileName().toString().toLowerCase(Locale.ROOT);
    if (name.endsWith(".jsonl")) {
      return JsonlDataSet.open(path, task);
    }
    if (name.endsWith(".csv")) {
      return CsvDataSet.open(path, task);
    }
    throw new BadInputException(
        path
            + " is no data set: expected a directory with one folder a class, a .jsonl or a .csv"
            + " file");
  }
}
