package dev.headstart.server.teach;

import dev.headstart.error.BadInputException;
import dev.headstart.sample.RawLabel;
import dev.headstart.server.http.Form;
import dev.headstart.server.predict.SampleReader;
import dev.headstart.server.protocol.Limits;
import dev.headstart.server.protocol.Names;
import io.micronaut.http.MediaType;
import jakarta.inject.Singleton;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads labelled samples in whichever of these forms they come:
 *
 * <ul>
 *   <li>{@code multipart/form-data}: every file is a sample; a field {@code label} is for the files
 *       behind it, several in a row are several labels
 *   <li>{@code application/json} and JSONL, see {@link LabelledJson}
 *   <li>everything else: the body is the sample. As curl calls whatever it sends a form, a body of
 *       that type, or of none, is JSON if it begins like it
 * </ul>
 */
@Singleton
final class SampleBodies {
  private final Limits limits;
  private final int most;
  private final LabelledJson json;

  SampleBodies(Limits limits, TeachSettings settings) {
    this.limits = limits;
    this.most = settings.samples();
    this.json = new LabelledJson(limits);
  }

  /**
   * Reads a body.
   *
   * @param type its content type; null if it says none
   * @param labels from the query, for samples that bring none
   * @throws BadInputException if the body as a whole is not sound
   */
  GivenSamples read(byte[] body, MediaType type, List<String> labels) {
    if (body.length == 0) {
      throw new BadInputException(
          "the request has no body; expected samples as a form, as JSON, or one by itself; see"
              + " /docs");
    }
    RawLabel label = label(labels);
    GivenSamples samples = new GivenSamples(most);
    String name = type == null ? "" : type.getName();
    boolean untold = name.isEmpty() || name.equals(MediaType.APPLICATION_FORM_URLENCODED);
    switch (name) {
      case MediaType.MULTIPART_FORM_DATA -> form(body, type, label, samples);
      case "application/jsonl", "application/x-ndjson" -> json.lines(body, label, samples);
      default -> {
        if (name.equals(MediaType.APPLICATION_JSON)
            || untold && SampleReader.beginsLikeJson(body)) {
          json.json(body, label, samples);
        } else {
          samples.add(new Given("sample 0", label, new Given.Upload(body, untold ? null : type)));
        }
      }
    }
    return samples;
  }

  private static RawLabel label(List<String> labels) {
    return switch (labels.size()) {
      case 0 -> null;
      case 1 -> RawLabel.text(labels.get(0));
      default -> new RawLabel(RawLabel.Kind.LIST, labels);
    };
  }

  private void form(byte[] body, MediaType type, RawLabel common, GivenSamples into) {
    RawLabel label = common;
    List<String> labels = new ArrayList<>();
    // A label each, and no end of fields for nothing.
    for (Form.Part part : Form.read(body, type, 2 * most + 1, limits)) {
      if (part.file() == null && part.name().equals("label")) {
        labels.add(part.text());
        continue;
      }
      if (part.file() == null && !part.name().equals("file")) {
        throw new BadInputException(
            "unknown field '"
                + Names.shown(part.name())
                + "' of the form: expected 'label', and 'file' for each sample");
      }
      if (!labels.isEmpty()) {
        label = label(List.copyOf(labels));
        labels.clear();
      }
      String name = part.file() == null ? "" : shown(part.file());
      into.add(
          new Given(
              name.isBlank() ? "sample " + into.count() : name,
              label,
              new Given.Upload(part.content(), type(part.type()))));
    }
    if (!labels.isEmpty()) {
      throw new BadInputException(
          "the form's label '"
              + Names.shown(labels.get(0))
              + "' comes behind all files: expected it in front of those that it is for");
    }
    if (into.count() == 0) {
      throw new BadInputException(
          "the form has no file; expected one, as curl -F label=L -F file=@FILE sends");
    }
  }

  private static MediaType type(String name) {
    try {
      return name == null ? null : MediaType.of(name);
    } catch (IllegalArgumentException e) {
      return null; // what it is shows in its bytes
    }
  }

  /** A file's name without its folders, short, and without what would disturb a line of text. */
  static String shown(String file) {
    String name = file.substring(Math.max(file.lastIndexOf('/'), file.lastIndexOf('\\')) + 1);
    String clean = name.replaceAll("[\\p{Cc}\\p{Cf}\\p{Cs}\\p{Co}\\p{Cn}\\p{Zl}\\p{Zp}]", "");
    return clean.codePointCount(0, clean.length()) <= 120
        ? clean.strip()
        : clean.substring(0, clean.offsetByCodePoints(0, 120)).strip();
  }
}
