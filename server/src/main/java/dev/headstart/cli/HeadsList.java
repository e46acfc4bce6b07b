package dev.headstart.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.github.freva.asciitable.Column;
import dev.headstart.Headstart;
import dev.headstart.error.HeadstartException;
import dev.headstart.head.HeadManifest;
import dev.headstart.head.HeadStore;
import dev.headstart.sample.Task;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import picocli.CommandLine.Command;

/** {@code heads list}: a line a head. */
@Command(
    name = "list",
    description = "All heads, with what is live of each.",
    footer = {"  ./headstart heads list", "  ./headstart heads list --json"})
final class HeadsList extends HeadstartCommand {
  /** A line. Of a head that is damaged only the name, the versions and what is live are known. */
  private record Summary(
      String head,
      String task,
      String kind,
      String base,
      Integer live,
      List<Integer> versions,
      JsonNode validation,
      String created) {}

  @Override
  public Integer call() {
    try (Headstart headstart = open()) {
      List<Summary> heads = new ArrayList<>();
      for (String head : headstart.heads().heads()) {
        List<Integer> versions = headstart.heads().versions(head);
        if (!versions.isEmpty()) { // else it was removed meanwhile
          heads.add(summary(headstart.heads(), head, versions));
        }
      }
      if (json()) {
        heads.forEach(console()::json);
      } else if (heads.isEmpty()) {
        console().message("There are no heads yet. Next:");
        console().message(next("teach HEAD --data PATH"));
      } else {
        console().print(table(heads));
      }
      return Main.DONE;
    }
  }

  /** One that is damaged must not hide the others. */
  private Summary summary(HeadStore store, String head, List<Integer> versions) {
    Integer live = null;
    try {
      OptionalInt number = store.live(head);
      live = number.isPresent() ? number.getAsInt() : null;
      int shown = live == null ? versions.get(versions.size() - 1) : live;
      HeadManifest manifest = store.load(head, shown).manifest();
      return new Summary(
          head,
          manifest.task().id(),
          manifest.kind().text(),
          manifest.base() == null ? null : manifest.base().id(),
          live,
          versions,
          manifest.result().metrics(),
          manifest.provenance().created());
    } catch (HeadstartException e) {
      console().warning(e.getMessage());
      return new Summary(head, null, null, null, live, versions, null, null);
    }
  }

  private static String table(List<Summary> heads) {
    return Figures.table(
        new Column[] {
          Figures.left("head", 14),
          Figures.left("kind", 9),
          Figures.left("base", 18),
          Figures.right("live"),
          Figures.left("versions", 8),
          Figures.left("validation", 14)
        },
        heads.stream()
            .map(
                h ->
                    new Object[] {
                      h.head(),
                      h.kind() == null ? "damaged" : h.kind(),
                      h.base() == null ? "-" : h.base(),
                      h.live() == null ? "none" : h.live().toString(),
                      HeadReport.ranges(h.versions()),
                      h.task() == null
                          ? "-"
                          : HeadReport.headline(h.validation(), Task.of(h.task()))
                    })
            .toArray(Object[][]::new));
  }
}
