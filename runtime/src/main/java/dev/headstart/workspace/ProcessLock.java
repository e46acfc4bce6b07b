package dev.headstart.workspace;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A lock on a file that keeps out the other threads of this process and all other processes.
 * Reentrant. The operating system releases it when its process dies. Lock files are never deleted:
 * a deleted one could be held by one process while another locks its successor.
 */
public final class ProcessLock {
  /** A file lock belongs to the whole process, so its threads are told apart here. */
  private static final Map<Path, ReentrantLock> THREADS = new ConcurrentHashMap<>();

  /** Files whose lock this process has claimed. */
  private static final Set<Path> CLAIMED = ConcurrentHashMap.newKeySet();

  private ProcessLock() {}

  /** What is done under the lock. */
  public interface Work<T> {
    T run() throws IOException;
  }

  /**
   * Does the work when nobody else holds the lock.
   *
   * @param file absolute and real, as it is the lock's identity; made if it is missing
   */
  public static <T> T holding(Path file, Work<T> work) throws IOException {
    return locked(file, work, false, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
  }

  /**
   * Does the work when nobody else holds the lock; other processes may share it meanwhile. The file
   * need not be one that can be written. If it is missing nobody ever held it.
   */
  static <T> T sharing(Path file, Work<T> work) throws IOException {
    return Files.exists(file) ? locked(file, work, true, StandardOpenOption.READ) : work.run();
  }

  /**
   * Takes a lock for as long as it is not closed, without waiting. It keeps out all but its holder,
   * be they of this process or of others.
   *
   * @return nothing if somebody has it
   */
  static Optional<AutoCloseable> claim(Path file, Failures failures) {
    if (!CLAIMED.add(file)) {
      return Optional.empty();
    }
    FileChannel channel = null;
    try {
      channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      FileLock lock = channel.tryLock();
      if (lock != null) {
        FileChannel held = channel;
        channel = null;
        return Optional.of(
            () -> {
              held.close(); // and so releases it
              CLAIMED.remove(file);
            });
      }
      CLAIMED.remove(file);
      return Optional.empty();
    } catch (IOException e) {
      CLAIMED.remove(file);
      throw failures.write(e);
    } finally {
      close(channel);
    }
  }

  private static void close(FileChannel channel) {
    try {
      if (channel != null) {
        channel.close();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static <T> T locked(
      Path file, Work<T> work, boolean shared, StandardOpenOption... options) throws IOException {
    ReentrantLock threads = THREADS.computeIfAbsent(file, key -> new ReentrantLock());
    threads.lock();
    try {
      if (threads.getHoldCount() > 1) {
        return work.run();
      }
      try (FileChannel channel = FileChannel.open(file, options);
          FileLock lock = channel.lock(0, Long.MAX_VALUE, shared)) {
        assert lock.isValid();
        return work.run();
      }
    } finally {
      threads.unlock();
    }
  }
}
