package dev.headstart.workspace;

import dev.headstart.disk.Disk;
import dev.headstart.disk.Staging;
import dev.headstart.error.HeadstartException;
import dev.headstart.head.HeadNames;
import dev.headstart.head.HeadStore;
import dev.headstart.sample.Modality;
import dev.headstart.teach.HeadSettings;
import dev.headstart.teach.Run;
import dev.headstart.teach.StoredSample;
import dev.headstart.train.TrainingListener;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jdbi.v3.core.Handle;

/**
 * Looks whether a workspace is whole, while others teach and serve. Changes nothing, but that
 * opening a workspace ends what killed processes began.
 */
public final class WorkspaceCheck {
  private static final String BACKUP = "restore it from a backup";

  private final Workspace workspace;
  private final TrainingListener listener;
  private final Map<String, Integer> checked = new LinkedHashMap<>();
  private final List<Fault> faults = new ArrayList<>();
  private final List<String> notes = new ArrayList<>();

  /**
   * Something that is not as it should be.
   *
   * @param where a file, a sample, a version
   * @param what is wrong
   * @param advice what to do
   */
  public record Fault(String where, String what, String advice) {}

  /**
   * What a check found.
   *
   * @param checked how many of what were looked at
   * @param faults none in a workspace that is whole
   * @param notes what puts itself right
   */
  public record Report(Map<String, Integer> checked, List<Fault> faults, List<String> notes) {

    /** Whether nothing is wrong. */
    public boolean clean() {
      return faults.isEmpty();
    }
  }

  private WorkspaceCheck(Workspace workspace, TrainingListener listener) {
    this.workspace = workspace;
    this.listener = listener;
  }

  /** Checks all of it. */
  public static Report of(Workspace workspace, TrainingListener listener) {
    WorkspaceCheck check = new WorkspaceCheck(workspace, listener);
    check.versions();
    try {
      workspace.database().ifPresentOrElse(check::database, check::noDatabase);
    } catch (HeadstartException e) {
      check.fault(Database.FILE, e.getMessage(), BACKUP);
    }
    check.unfinished();
    return new Report(check.checked, List.copyOf(check.faults), List.copyOf(check.notes));
  }

  private void fault(String where, String what, String advice) {
    faults.add(new Fault(where, what, advice));
  }

  /** Every file of every version, and what is live. */
  private void versions() {
    HeadStore heads = workspace.heads();
    List<String> names = heads.heads();
    listener.stage("versions", names.size());
    int versions = 0;
    int done = 0;
    for (String head : names) {
      versions += heads.reading(head, () -> versions(heads, head));
      listener.progress(++done);
    }
    checked.put("heads", names.size());
    checked.put("versions", versions);
  }

  /** With nobody deciding what is live, or removing any, meanwhile. */
  private int versions(HeadStore heads, String head) {
    List<Integer> versions = heads.versions(head);
    for (int version : versions) {
      try {
        heads.load(head, version);
      } catch (HeadstartException e) {
        fault("version " + version + " of head '" + head + "'", e.getMessage(), BACKUP);
      }
    }
    String live = "heads/" + head + "/live";
    try {
      if (heads.live(head).isEmpty() && Files.exists(workspace.root().resolve(live))) {
        fault(
            live,
            "it names a version that is not there",
            "promote one of " + versions + " with: heads promote " + head);
      }
    } catch (HeadstartException e) {
      fault(live, e.getMessage(), "promote a version with: heads promote " + head);
    }
    return versions.size();
  }

  private void noDatabase() {
    if (Files.exists(workspace.root().resolve(Database.FILE))) {
      fault(
          Database.FILE,
          "it cannot be read without being written",
          "make the workspace writable and check again");
    }
  }

  private void database(Database database) {
    listener.stage("database", -1);
    for (String said : database.read(WorkspaceCheck::integrity)) {
      if (!said.equals("ok")) {
        fault(Database.FILE, said, BACKUP);
      }
    }
    int foreign =
        database.read(
            handle ->
                handle
                    .createQuery("PRAGMA foreign_key_check")
                    .map((row, context) -> row.getString(1))
                    .list()
                    .size());
    if (foreign > 0) {
      fault(Database.FILE, foreign + " rows refer to rows that are not there", BACKUP);
    }
    checked.put("schema", Database.MIGRATIONS.size());
    samples(database);
    runs(database);
  }

  private static List<String> integrity(Handle handle) {
    return handle.createQuery("PRAGMA integrity_check").mapTo(String.class).list();
  }

  private void samples(Database database) {
    Blobs blobs = new Blobs(workspace.failures());
    List<HeadSettings> heads = workspace.samples().heads();
    Map<String, String> kept = new HashMap<>();
    int count = 0;
    for (HeadSettings head : heads) {
      List<StoredSample> samples = workspace.samples().samples(head.head());
      count += samples.size();
      samples.stream()
          .filter(StoredSample::kept)
          .forEach(sample -> kept.put(sample.id(), head.head()));
      if (head.modality() != Modality.VECTOR) { // vectors are features themselves
        features(head.head(), samples);
      }
    }
    checked.put("samples", count);
    listener.stage("originals", kept.size());
    int done = 0;
    for (Map.Entry<String, String> entry : kept.entrySet()) {
      original(blobs, entry.getKey(), entry.getValue());
      listener.progress(++done);
    }
    checked.put("originals", kept.size());
    Set<String> orphans = blobs.ids();
    orphans.removeAll(kept.keySet());
    // Those that came meanwhile have rows by now, or will have when their adding is over.
    if (!orphans.isEmpty() && blobs.exist()) {
      try {
        Set<String> rows = blobs.reading(() -> new HashSet<>(database.read(SampleRows::kept)));
        orphans.removeAll(rows);
        orphans.removeIf(
            id -> !Files.exists(blobs.original(id)) && !Files.exists(blobs.thumbnail(id)));
      } catch (IOException e) {
        throw workspace.failures().read(workspace.root().resolve("blobs"), e);
      }
    }
    for (String id : orphans) {
      fault(
          "blobs/" + id.substring(0, 2) + "/" + id,
          "no sample has it",
          "it goes when the workspace is opened for writing the next time");
    }
  }

  private void original(Blobs blobs, String id, String head) {
    String where = "sample " + id + " of head '" + head + "'";
    String problem = null;
    try {
      String found = Disk.sha256(blobs.original(id));
      if (!found.equals(id)) {
        problem = "its original was changed or is damaged";
      }
    } catch (IOException e) {
      problem = "its original cannot be read: " + e;
    }
    // One that was deleted meanwhile is no fault.
    if (problem != null
        && workspace.samples().find(head, id).map(StoredSample::kept).orElse(false)) {
      fault(where, problem, "add it again, delete it, or " + BACKUP);
    }
  }

  private void features(String head, List<StoredSample> samples) {
    Map<String, List<String>> bySpace = new HashMap<>();
    Map<String, StoredSample> byId = new HashMap<>();
    for (StoredSample sample : samples) {
      byId.put(sample.id(), sample);
      if (sample.state() == StoredSample.State.READY && sample.space() != null) {
        bySpace.computeIfAbsent(sample.space(), space -> new ArrayList<>()).add(sample.id());
      }
    }
    int again = 0;
    for (Map.Entry<String, List<String>> entry : bySpace.entrySet()) {
      for (String id : missing(entry.getKey(), entry.getValue())) {
        StoredSample sample = byId.get(id);
        if (sample.kept()) {
          again++;
        } else if (workspace.samples().find(head, id).isPresent()) {
          fault(
              "sample " + id + " of head '" + head + "'",
              "neither its original nor its features are there",
              "add it again, delete it, or " + BACKUP);
        }
      }
    }
    if (again > 0) {
      notes.add(again + " samples of head '" + head + "' have no features: computed when needed");
    }
    checked.merge("features", bySpace.values().stream().mapToInt(List::size).sum(), Integer::sum);
  }

  private Set<String> missing(String space, Collection<String> ids) {
    Set<String> missing = new TreeSet<>(ids);
    List<String> all = List.copyOf(missing);
    for (int from = 0; from < all.size(); from += SampleRows.CHUNK) {
      List<String> chunk = all.subList(from, Math.min(all.size(), from + SampleRows.CHUNK));
      missing.removeAll(workspace.features().get(space, chunk).keySet());
    }
    return missing;
  }

  private void runs(Database database) {
    List<Run> open = workspace.runLog().open();
    checked.put(
        "runs",
        database.read(
            handle -> handle.createQuery("SELECT count(*) FROM run").mapTo(Integer.class).one()));
    for (Run run : open) {
      notes.add(
          "run "
              + run.id()
              + " of head '"
              + run.head()
              + "' is "
              + run.state().id()
              + ": a server goes on with it");
    }
  }

  /** What is being written, or was left: it goes when the workspace is opened for writing. */
  private void unfinished() {
    List<Path> folders = new ArrayList<>(List.of(workspace.root(), workspace.models()));
    try {
      for (String name : List.of("blobs", "thumbnails", "features", "heads")) {
        Path folder = workspace.root().resolve(name);
        if (Files.isDirectory(folder)) {
          try (Stream<Path> within = Files.list(folder)) {
            within
                .filter(Files::isDirectory)
                .filter(f -> !name.equals("heads") || HeadNames.valid(f.getFileName().toString()))
                .forEach(folders::add);
          }
        }
      }
      for (Path folder : folders) {
        if (Files.isDirectory(folder)) {
          try (Stream<Path> within = Files.list(folder)) {
            within
                .filter(file -> file.getFileName().toString().startsWith(Staging.PREFIX))
                .forEach(
                    file -> notes.add(file + " is being written, or was left by a killed process"));
          }
        }
      }
    } catch (IOException e) {
      throw workspace.failures().read(workspace.root(), e);
    }
  }
}
