package dev.headstart.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.InputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;

/**
 * Where a command's words go. Results and nothing else on standard output; progress, warnings and
 * errors on standard error.
 */
final class Console {
  static final ObjectMapper JSON = new ObjectMapper();

  /** Columns that text for people is laid out for. */
  static final int WIDTH = 79;

  private final InputStream in;
  private final PrintStream out;
  private final PrintStream err;

  Console(InputStream in, PrintStream out, PrintStream err) {
    this.in = in;
    this.out = out;
    this.err = err;
  }

  InputStream in() {
    return in;
  }

  /** Standard error, for a progress bar. */
  PrintStream err() {
    return err;
  }

  PrintWriter resultWriter() {
    return new PrintWriter(out, true, StandardCharsets.UTF_8);
  }

  PrintWriter messageWriter() {
    return new PrintWriter(err, true, StandardCharsets.UTF_8);
  }

  /** Whether a person watches standard error; the launcher says so. */
  boolean watched() {
    return Boolean.getBoolean("headstart.terminal");
  }

  /** A result as one line of JSON. */
  void json(Object result) {
    try {
      out.println(JSON.writeValueAsString(result));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  /** A result for people, with a line's end behind it. */
  void print(String text) {
    out.println(printable(text));
  }

  /** Anything for people that is no result. */
  void message(String text) {
    err.println(printable(text));
  }

  void warning(String text) {
    message("warning: " + text);
  }

  void error(String text) {
    message("headstart: " + text);
  }

  void trace(Throwable e) {
    e.printStackTrace(err);
  }

  /**
   * Names of files and classes may come from anywhere; what a terminal would obey rather than show
   * is replaced.
   */
  private static String printable(String text) {
    return text.replaceAll("[\\p{Cc}&&[^\\n\\t]]|[\\u202A-\\u202E\\u2066-\\u2069]", "\uFFFD");
  }
}
