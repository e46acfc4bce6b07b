package dev.headstart.workspace;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.headstart.head.HeadKind;
import dev.headstart.head.HeadManifest;
import dev.headstart.head.HeadStore;
import dev.headstart.sample.Modality;
import dev.headstart.sample.Task;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Versions to publish in tests; their models are any bytes. */
final class Versions {
  private Versions() {}

  static HeadManifest draft(String head) {
    JsonNodeFactory json = JsonNodeFactory.instance;
    return new HeadManifest(
        HeadManifest.FORMAT,
        head,
        0,
        Task.SINGLE,
        new HeadKind.Mlp(64),
        Modality.VECTOR,
        null,
        null,
        new long[] {3},
        List.of(),
        List.of("äpfel", "birnen"),
        json.objectNode().put("rate", 0.01),
        new HeadManifest.Result(
            8,
            2,
            5,
            false,
            true,
            json.objectNode().put("loss", 0.7).put("accuracy", 0.5).put("macroF1", 0.5),
            json.arrayNode()),
        new HeadManifest.Provenance(
            "2026-11-01T00:00:00Z", "ab", "data", "0.1.0", "1.28.0", null, "Linux", "amd64", "17"),
        Map.of());
  }

  static int publish(HeadStore heads, String head, byte[] model) throws IOException {
    Path staged = heads.stage(head);
    Files.write(staged.resolve(HeadStore.MODEL), model);
    Files.writeString(staged.resolve("checkpoint"), "weights");
    return heads.publish(staged, draft(head));
  }

  static int publish(HeadStore heads, String head) throws IOException {
    return publish(heads, head, new byte[] {1, 2, 3});
  }
}
