package dev.headstart.server.teach;

import dev.headstart.error.BadInputException;
import dev.headstart.preprocess.PictureType;
import dev.headstart.sample.ImageSample;
import dev.headstart.sample.Label;
import dev.headstart.sample.Modality;
import dev.headstart.sample.Sample;
import dev.headstart.sample.Task;
import dev.headstart.sample.TextSample;
import dev.headstart.sample.VectorSample;
import dev.headstart.server.protocol.Limits;
import dev.headstart.serving.ModelRepository;
import dev.headstart.teach.NewSample;
import dev.headstart.teach.StoredSample;
import io.micronaut.http.MediaType;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Makes of what a client gave what a head learns from. Where there is no head yet, the first usable
 * sample says what it will be.
 */
final class Labelled {
  private static final String TEXT_TYPE = "text/plain";
  private static final String VECTOR_TYPE = "application/octet-stream";

  /** Features of a vector: means of all classes are kept in memory. */
  private static final int WIDEST = 1 << 16;

  private final References references;
  private final Limits limits;
  private final List<NewSample> samples = new ArrayList<>();
  private final List<Refused> refused = new ArrayList<>();
  private Modality modality;
  private Task task;
  private long referenced;
  private int width;

  /**
   * @param modality of the head; null for what the first sample is
   * @param task of the head; null for what the first label means
   * @param width of the head's feature vectors; 0 for that of the first
   */
  Labelled(Modality modality, Task task, int width, References references, Limits limits) {
    this.width = width;
    this.modality = modality;
    this.task = task;
    this.references = references;
    this.limits = limits;
  }

  /** Takes all that can be used; what cannot is refused with its reason. */
  Labelled add(GivenSamples given) {
    refused.addAll(given.refused());
    for (Given sample : given.samples()) {
      try {
        samples.add(made(sample));
      } catch (BadInputException e) {
        refused.add(new Refused(sample.name(), e.getMessage()));
      }
    }
    return this;
  }

  private NewSample made(Given given) {
    if (given.label() == null) {
      throw new BadInputException("has no label: send one with it, or ?label=");
    }
    Task means = task == null ? given.label().task() : task;
    Label label = given.label().under(means);
    Content content = content(given);
    if (modality != null && modality != content.modality()) {
      throw new BadInputException(
          "this head learns from "
              + modality.plural()
              + ", not from "
              + content.modality().plural());
    }
    if (content.sample() instanceof VectorSample vector) {
      if (vector.values().length > WIDEST) {
        throw new BadInputException(
            "has " + vector.values().length + " features; at most " + WIDEST + " are taught");
      }
      if (width > 0 && vector.values().length != width) {
        throw new BadInputException(
            "has " + vector.values().length + " features, but those of this head have " + width);
      }
      width = vector.values().length;
    }
    modality = content.modality();
    task = means;
    return new NewSample(content.sample(), label, content.type(), content.source());
  }

  private record Content(
      Sample sample, Modality modality, String type, StoredSample.Source source) {}

  private Content content(Given given) {
    StoredSample.Source api = StoredSample.Source.API;
    Given.Content content = given.content();
    if (content instanceof Given.Text text) {
      return text(given.name(), text.text(), api);
    }
    if (content instanceof Given.Picture picture) {
      return picture(given.name(), picture.bytes(), api);
    }
    if (content instanceof Given.Numbers numbers) {
      VectorSample vector = new VectorSample(given.name(), numbers.values());
      return new Content(vector, Modality.VECTOR, VECTOR_TYPE, api);
    }
    if (content instanceof Given.Reference reference) {
      byte[] bytes = references.read(reference.path());
      referenced += bytes.length;
      if (referenced > limits.body()) {
        throw new BadInputException(
            "the files of one request have more than " + limits.body() + " bytes in all");
      }
      return file(SampleBodies.shown(reference.path()), bytes, null, StoredSample.Source.REFERENCE);
    }
    Given.Upload upload = (Given.Upload) content;
    return file(given.name(), upload.bytes(), upload.type(), api);
  }

  private Content file(String name, byte[] bytes, MediaType type, StoredSample.Source source) {
    if (modality == Modality.VECTOR) {
      throw new BadInputException(
          "this head learns from feature vectors: send {\"features\": […], \"label\": …} as JSON");
    }
    if (bytes.length == 0) {
      throw new BadInputException("empty (0 bytes)");
    }
    boolean text = modality == Modality.TEXT || modality == null && looksLikeText(bytes, type);
    return text ? text(name, utf8(bytes), source) : picture(name, bytes, source);
  }

  /** Where nobody says what a head takes, a picture is what begins like one. */
  private static boolean looksLikeText(byte[] bytes, MediaType type) {
    if (type != null && type.getType().equals("image")) {
      return false;
    }
    try {
      PictureType.of(bytes);
      return false;
    } catch (BadInputException e) {
      if (type != null && type.getType().equals("text")) {
        return true;
      }
      return !binary(bytes) && isUtf8(bytes);
    }
  }

  /** No text has control characters but white space, nor begins as a PDF does. */
  private static boolean binary(byte[] bytes) {
    for (int i = 0; i < Math.min(bytes.length, 1_024); i++) {
      if (bytes[i] >= 0 && bytes[i] < ' ' && (bytes[i] < '\t' || bytes[i] > '\r')) {
        return true;
      }
    }
    return bytes.length > 4 && bytes[0] == '%' && bytes[1] == 'P' && bytes[2] == 'D';
  }

  private static boolean isUtf8(byte[] bytes) {
    try {
      StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes));
      return true;
    } catch (CharacterCodingException e) {
      return false;
    }
  }

  private static String utf8(byte[] bytes) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      String seen;
      try {
        seen = "it begins as " + PictureType.of(bytes);
      } catch (BadInputException none) {
        seen = "it is not UTF-8";
      }
      throw new BadInputException("not a text: " + seen, e);
    }
  }

  private Content text(String name, String text, StoredSample.Source source) {
    if (text.isBlank()) {
      throw new BadInputException("an empty text");
    }
    TextSample sample = new TextSample(name, text);
    checkSize(sample.bytes().length, "text", ModelRepository.LONGEST_TEXT);
    return new Content(sample, Modality.TEXT, TEXT_TYPE, source);
  }

  private Content picture(String name, byte[] bytes, StoredSample.Source source) {
    checkSize(bytes.length, "picture", limits.string());
    String type = PictureType.of(bytes);
    return new Content(ImageSample.of(name, bytes), Modality.IMAGE, type, source);
  }

  private static void checkSize(int bytes, String what, int most) {
    if (bytes > most) {
      throw new BadInputException(
          "a " + what + " of " + bytes + " bytes; " + most + " are taken at most");
    }
  }

  /** The media type of a sample's bytes. */
  static String type(Sample sample) {
    return switch (sample.modality()) {
      case IMAGE -> PictureType.of(sample.bytes());
      case TEXT -> TEXT_TYPE;
      case VECTOR -> VECTOR_TYPE;
    };
  }

  /** What the head is, or will be; null if nothing was usable. */
  Modality modality() {
    return modality;
  }

  Task task() {
    return task;
  }

  List<NewSample> samples() {
    return samples;
  }

  List<Refused> refused() {
    return refused;
  }
}
