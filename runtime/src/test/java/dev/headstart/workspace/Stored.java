package dev.headstart.workspace;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.headstart.sample.ClassLabel;
import dev.headstart.sample.ClassesLabel;
import dev.headstart.sample.ImageSample;
import dev.headstart.sample.Label;
import dev.headstart.sample.Modality;
import dev.headstart.sample.NumberLabel;
import dev.headstart.sample.Sample;
import dev.headstart.sample.Task;
import dev.headstart.sample.TextSample;
import dev.headstart.teach.HeadSettings;
import dev.headstart.teach.HeadSettings.Keep;
import dev.headstart.teach.NewSample;
import dev.headstart.teach.Rules;
import dev.headstart.teach.StoredSample;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;

/** Heads and samples to be stored in tests. */
final class Stored {
  private Stored() {}

  static HeadSettings head(String head, Modality modality, Task task, Keep keep) {
    return new HeadSettings(
        head,
        modality,
        task,
        modality == Modality.VECTOR ? null : "base",
        modality == Modality.VECTOR ? null : "pooled",
        keep,
        JsonNodeFactory.instance.objectNode().put("epochs", 7),
        Rules.NONE,
        Instant.ofEpochMilli(1_700_000_000_123L));
  }

  static HeadSettings pictures(String head) {
    return head(head, Modality.IMAGE, Task.SINGLE, Keep.SAMPLES);
  }

  static HeadSettings texts(String head) {
    return head(head, Modality.TEXT, Task.SINGLE, Keep.SAMPLES);
  }

  static NewSample sample(Sample sample, Label label) {
    return new NewSample(sample, label, "image/png", StoredSample.Source.API);
  }

  static NewSample text(String text, String label) {
    return new NewSample(
        new TextSample("a text", text),
        new ClassLabel(label),
        "text/plain",
        StoredSample.Source.API);
  }

  /** Any bytes count as a picture here. */
  static NewSample picture(String content, String label) {
    byte[] bytes = content.getBytes(StandardCharsets.UTF_8);
    return sample(ImageSample.of(content + ".png", bytes), new ClassLabel(label));
  }

  static Label classes(String... names) {
    return new ClassesLabel(List.of(names));
  }

  static Label number(double value) {
    return new NumberLabel(value);
  }

  static List<NewSample> pictures(String label, String... contents) {
    return Arrays.stream(contents).map(content -> picture(content, label)).toList();
  }

  static String id(NewSample sample) {
    return sample.sample().sha256();
  }
}
