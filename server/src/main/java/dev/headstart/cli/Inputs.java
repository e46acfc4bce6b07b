package dev.headstart.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectReader;
import dev.headstart.error.BadInputException;
import dev.headstart.error.NotFoundException;
import dev.headstart.sample.ImageSample;
import dev.headstart.sample.Modality;
import dev.headstart.sample.Sample;
import dev.headstart.sample.TextSample;
import dev.headstart.sample.VectorSample;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What {@code predict} is given as samples. A sample's name is the input as it was typed.
 *
 * @param modality what the head takes
 */
record Inputs(Modality modality) {
  private static final ObjectReader VECTOR =
      Console.JSON
          .readerFor(float[].class)
          .with(
              DeserializationFeature.FAIL_ON_TRAILING_TOKENS,
              DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES);

  /**
   * Reads one input.
   *
   * @return a sample, or several for a file of vectors
   * @throws NotFoundException if it names a file that does not exist
   * @throws BadInputException if nothing can be made of it
   */
  List<Sample> of(String input) {
    return switch (modality) {
      case IMAGE -> List.of(ImageSample.of(file(input)));
      case TEXT ->
          List.of(
              input.startsWith("@")
                  ? new TextSample(input, TextSample.of(file(input.substring(1))).text())
                  : new TextSample(input, input));
      case VECTOR ->
          input.startsWith("@")
              ? vectors(file(input.substring(1)), input)
              : List.of(vector(input, input));
    };
  }

  private static Path file(String name) {
    Path file;
    try {
      file = Path.of(name);
    } catch (InvalidPathException e) {
      throw new BadInputException("'" + name + "' cannot name a file: " + e.getReason(), e);
    }
    if (!Files.exists(file)) {
      throw new NotFoundException("there is no file " + name);
    }
    if (Files.isDirectory(file)) {
      throw new BadInputException(
          name + ": expected a file, got a directory (" + name + "/* names those in it)");
    }
    return file;
  }

  private static List<Sample> vectors(Path file, String name) {
    List<String> lines =
        TextSample.of(file).text().lines().filter(line -> !line.isBlank()).toList();
    if (lines.isEmpty()) {
      throw new BadInputException(name + ": expected a vector a line, got an empty file");
    }
    List<Sample> vectors = new ArrayList<>();
    for (int i = 0; i < lines.size(); i++) {
      vectors.add(vector(lines.size() == 1 ? name : name + ":" + (i + 1), lines.get(i)));
    }
    return vectors;
  }

  private static VectorSample vector(String name, String text) {
    String list = text.strip().startsWith("[") ? text : "[" + text + "]";
    float[] values;
    try {
      values = VECTOR.readValue(list);
    } catch (JsonProcessingException e) {
      String got = PredictCommand.abbreviated(text, 40);
      throw new BadInputException(
          (name.equals(text) ? "" : name + ": ")
              + "expected numbers, as [0.1, 2] or 0.1,2, got '"
              + got
              + "'",
          e);
    }
    return new VectorSample(name, values);
  }
}
