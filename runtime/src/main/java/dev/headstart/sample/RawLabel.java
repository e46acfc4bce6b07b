package dev.headstart.sample;

import dev.headstart.error.BadInputException;
import java.util.List;

/**
 * A label as it was written, before the task says what it means.
 *
 * @param kind how it was written
 * @param texts the text, the number's own digits, or the list's elements
 */
public record RawLabel(Kind kind, List<String> texts) {

  /** How a label was written. */
  public enum Kind {
    TEXT,
    NUMBER,
    LIST
  }

  /** A label that was written as a text. */
  public static RawLabel text(String text) {
    return new RawLabel(Kind.TEXT, List.of(text));
  }

  /** The task that labels written so stand for when nobody says otherwise. */
  public Task task() {
    return switch (kind) {
      case TEXT -> Task.SINGLE;
      case NUMBER -> Task.REGRESSION;
      case LIST -> Task.MULTI;
    };
  }

  /**
   * What the label means under a task.
   *
   * @throws BadInputException with the reason alone, if it means nothing there
   */
  public Label under(Task task) {
    if (task != Task.MULTI && kind == Kind.LIST) {
      throw new BadInputException(
          "its label is a list, but the task is " + task.id() + " (--task multi takes lists)");
    }
    return switch (task) {
      case SINGLE -> new ClassLabel(name(texts.get(0)));
      case MULTI -> new ClassesLabel(texts.stream().map(RawLabel::name).toList());
      case REGRESSION -> new NumberLabel(number(texts.get(0)));
    };
  }

  private static String name(String text) {
    String name = text.strip();
    if (name.isEmpty()) {
      throw new BadInputException("has no label");
    }
    ClassLabel.requireName(name);
    return name;
  }

  private static double number(String text) {
    if (text.isBlank()) {
      throw new BadInputException("has no label");
    }
    double value;
    try {
      value = Double.parseDouble(text);
    } catch (NumberFormatException e) {
      throw new BadInputException(
          "its label '" + text + "' is not a number, but the task is regression", e);
    }
    if (!Float.isFinite((float) value)) {
      throw new BadInputException(
          "its label is " + text + "; expected a number that float32 can hold");
    }
    return value;
  }
}
