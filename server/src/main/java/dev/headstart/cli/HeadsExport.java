package dev.headstart.cli;

import dev.headstart.Headstart;
import dev.headstart.error.UsageException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code heads export}: a head in one file. */
@Command(
    name = "export",
    description = {
      "Writes a head into one file.",
      "",
      "--out writes base model and head as one ONNX model that any ONNX Runtime runs: its inputs"
          + " are the base model's (preprocessing stays outside; it and the classes are in the"
          + " metadata), its output is scores. --bundle writes the head with all its versions,"
          + " for heads import on another device."
    },
    footer = {
      "  ./headstart heads export animals --out animals.onnx",
      "  ./headstart heads export animals --bundle animals.zip"
    })
final class HeadsExport extends HeadstartCommand {
  @Parameters(paramLabel = "HEAD", description = "The head's name")
  private String head;

  @Option(
      names = "--out",
      paramLabel = "FILE",
      description = "The ONNX model to write; replaced if it is there")
  private Path out;

  @Option(
      names = "--bundle",
      paramLabel = "FILE",
      description = "The bundle to write; replaced if it is there")
  private Path bundle;

  @Mixin private VersionOption version;

  @Override
  public Integer call() {
    if ((out == null) == (bundle == null)) {
      throw new UsageException("export takes one of --out FILE.onnx and --bundle FILE");
    }
    if (bundle != null && version.version() != null) {
      throw new UsageException("--bundle writes all versions, so --version cannot go with it");
    }
    try (Headstart headstart = open()) {
      Map<String, Object> answer = new LinkedHashMap<>();
      answer.put("head", head);
      if (out != null) {
        int number =
            version.version() != null
                ? version.version()
                : headstart.heads().loadLive(head).manifest().version();
        headstart.fused(head, number).write(out);
        answer.put("version", number);
        answer.put("out", out.toString());
      } else {
        answer.put("versions", headstart.exportBundle(head, bundle));
        answer.put("bundle", bundle.toString());
      }
      if (json()) {
        console().json(answer);
      } else {
        console()
            .print(
                out != null
                    ? "Version " + answer.get("version") + " of head " + head + " is in " + out
                    : "Head "
                        + head
                        + ", versions "
                        + answer.get("versions")
                        + ", is in "
                        + bundle);
      }
      return Main.DONE;
    }
  }
}
