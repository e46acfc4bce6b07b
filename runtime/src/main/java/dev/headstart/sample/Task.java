package dev.headstart.sample;

import dev.headstart.error.UsageException;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** What a head answers: one class, several at once, or a number. */
public enum Task {
  /** One class a sample; labels are {@link ClassLabel}. */
  SINGLE,
  /** Any number of classes a sample, none included; labels are {@link ClassesLabel}. */
  MULTI,
  /** A number a sample; labels are {@link NumberLabel}. */
  REGRESSION;

  /**
   * The name on the command line and in JSON: {@code single}, {@code multi}, {@code regression}.
   */
  public String id() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * The task of that name.
   *
   * @throws UsageException if there is none
   */
  public static Task of(String id) {
    return Arrays.stream(values())
        .filter(task -> task.id().equals(id))
        .findFirst()
        .orElseThrow(
            () ->
                new UsageException(
                    "unknown task '"
                        + id
                        + "': expected one of "
                        + Arrays.stream(values()).map(Task::id).collect(Collectors.joining(", "))));
  }
}
