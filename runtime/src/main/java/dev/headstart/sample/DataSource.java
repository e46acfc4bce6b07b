package dev.headstart.sample;

import java.nio.file.Path;

/**
 * Where labelled samples are to be had. Its text says so, for people and for provenance: a path, or
 * what they are.
 */
public interface DataSource {

  /**
   * Opens them.
   *
   * @param task what the labels mean; null to infer it
   */
  DataSet open(Task task);

  /** A directory or file; see {@link DataSet#open(Path, Task)}. */
  static DataSource at(Path path) {
    return new DataSource() {
      @Override
      public DataSet open(Task task) {
        return DataSet.open(path, task);
      }

      @Override
      public String toString() {
        return path.toString();
      }
    };
  }
}
