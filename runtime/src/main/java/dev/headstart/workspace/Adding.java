package dev.headstart.workspace;

import dev.headstart.error.BadInputException;
import dev.headstart.error.ConflictException;
import dev.headstart.sample.ClassLabel;
import dev.headstart.sample.ClassesLabel;
import dev.headstart.sample.Label;
import dev.headstart.sample.NumberLabel;
import dev.headstart.sample.Sample;
import dev.headstart.sample.Task;
import dev.headstart.teach.Added;
import dev.headstart.teach.HeadSettings;
import dev.headstart.teach.HeadSettings.Keep;
import dev.headstart.teach.NewSample;
import dev.headstart.teach.StoredSample;
import dev.headstart.teach.StoredSample.Source;
import dev.headstart.teach.StoredSample.State;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jdbi.v3.core.Handle;

/**
 * Rows of samples that come: from clients, for the first time or again, and from the command line.
 */
final class Adding {
  private Adding() {}

  /** Whether the bytes of a sample are to be written down. */
  static boolean keeps(HeadSettings settings, StoredSample known) {
    return known == null
        || !known.kept() && (settings.keep() == Keep.SAMPLES || known.state() == State.UNREADABLE);
  }

  /**
   * Adds samples, or moves those that are there.
   *
   * @param known those that are there, by id
   * @param originals those whose bytes are written down, by id
   * @return one each, in their order
   */
  static List<Added> samples(
      Handle handle,
      HeadSettings settings,
      List<NewSample> samples,
      Map<String, StoredSample> known,
      Map<String, Blobs.Original> originals) {
    String head = settings.head();
    Map<String, Long> classes =
        HeadRows.classIds(
            handle, head, samples.stream().flatMap(s -> s.label().names().stream()).toList());
    Map<String, StoredSample> fresh = new LinkedHashMap<>();
    Map<String, StoredSample> changed = new LinkedHashMap<>();
    List<String> ids = new ArrayList<>();
    List<Added.Status> statuses = new ArrayList<>();
    for (NewSample added : samples) {
      String id = added.sample().sha256();
      ids.add(id);
      StoredSample before = fresh.getOrDefault(id, changed.getOrDefault(id, known.get(id)));
      if (before == null) {
        fresh.put(id, stored(added, originals.get(id).bytes().length));
        statuses.add(Added.Status.ADDED);
        continue;
      }
      boolean same = before.label().equals(added.label());
      statuses.add(same ? Added.Status.KNOWN : Added.Status.MOVED);
      StoredSample now = now(before, added, originals.get(id));
      if (fresh.containsKey(id)) {
        fresh.put(id, now);
      } else if (!now.equals(before)) {
        changed.put(id, now);
      }
    }
    SampleRows.insert(handle, head, List.copyOf(fresh.values()), classes);
    changed.values().forEach(sample -> SampleRows.update(handle, sample, classes));
    Map<String, StoredSample> now = SampleRows.find(handle, head, ids);
    List<Added> result = new ArrayList<>();
    for (int i = 0; i < ids.size(); i++) {
      result.add(new Added(now.get(ids.get(i)), statuses.get(i)));
    }
    return result;
  }

  private static StoredSample stored(NewSample added, long bytes) {
    return new StoredSample(
        added.sample().sha256(),
        0,
        added.label(),
        added.sample().name(),
        State.PENDING,
        null,
        added.type(),
        bytes,
        true,
        null,
        added.source(),
        Instant.now());
  }

  /**
   * A sample that comes again, under its last label. One that the command line recorded becomes the
   * client's who brings its bytes.
   *
   * @param original null if it is kept already, or not to be kept
   */
  private static StoredSample now(StoredSample before, NewSample added, Blobs.Original original) {
    boolean adopted = before.source() == Source.TEACH;
    boolean again = original != null && before.state() == State.UNREADABLE;
    return new StoredSample(
        before.id(),
        before.sequence(),
        added.label(),
        adopted ? added.sample().name() : before.name(),
        again ? State.PENDING : before.state(),
        again ? null : before.reason(),
        adopted ? added.type() : before.type(),
        original == null ? before.bytes() : original.bytes().length,
        before.kept() || original != null,
        again ? null : before.space(),
        adopted ? added.source() : before.source(),
        before.added());
  }

  /**
   * Refuses what the head does not take.
   *
   * @throws BadInputException saying what it takes
   */
  static void check(HeadSettings settings, NewSample added) {
    Sample sample = added.sample();
    if (sample.modality() != settings.modality()) {
      throw new BadInputException(
          sample.name()
              + ": head '"
              + settings.head()
              + "' takes "
              + settings.modality().plural()
              + ", not "
              + sample.modality().plural());
    }
    check(settings, added.label());
  }

  /**
   * Refuses a label that the head does not answer.
   *
   * @throws BadInputException saying what it answers
   */
  static void check(HeadSettings settings, Label label) {
    Task task = settings.task();
    boolean fits =
        switch (task) {
          case SINGLE -> label instanceof ClassLabel;
          case MULTI -> label instanceof ClassesLabel;
          case REGRESSION -> label instanceof NumberLabel n && Double.isFinite(n.value());
        };
    if (!fits) {
      throw new BadInputException(
          "a label of head '"
              + settings.head()
              + "' is "
              + switch (task) {
                case SINGLE -> "one class";
                case MULTI -> "a list of classes";
                case REGRESSION -> "a finite number";
              }
              + ", got "
              + label);
    }
    label.names().forEach(name -> requireClass(task, name));
  }

  /**
   * Records samples that the command line taught in the place of those that it recorded before.
   *
   * @return ids of those that are new
   */
  static List<String> recorded(Handle handle, HeadSettings settings, List<StoredSample> samples) {
    String head = settings.head();
    HeadSettings known = HeadRows.find(handle, head).orElse(settings);
    if (known.task() != settings.task()
        || known.modality() != settings.modality()
        || !Objects.equals(known.base(), settings.base())) {
      throw new ConflictException(
          "head '"
              + head
              + "' is set up for "
              + described(known)
              + ": these samples, for "
              + described(settings)
              + ", are not remembered for its later runs");
    }
    if (HeadRows.find(handle, head).isEmpty()) {
      HeadRows.insert(handle, settings);
    }
    Map<String, Long> classes =
        HeadRows.classIds(
            handle,
            head,
            samples.stream().flatMap(s -> s.label().names().stream()).distinct().toList());
    Map<String, StoredSample> there = new HashMap<>();
    SampleRows.all(handle, head).forEach(sample -> there.put(sample.id(), sample));
    List<StoredSample> fresh = new ArrayList<>();
    for (StoredSample sample : samples) {
      StoredSample before = there.remove(sample.id());
      if (before == null) {
        fresh.add(sample);
      } else if (before.source() == Source.TEACH && !same(before, sample)) {
        SampleRows.delete(handle, before);
        fresh.add(sample);
      }
    }
    there.values().stream()
        .filter(sample -> sample.source() == Source.TEACH)
        .forEach(sample -> SampleRows.delete(handle, sample));
    SampleRows.insert(handle, head, fresh, classes);
    return fresh.stream().map(StoredSample::id).toList();
  }

  /** Most are, where the same data teaches again. */
  private static boolean same(StoredSample before, StoredSample now) {
    return before.label().equals(now.label()) && Objects.equals(before.space(), now.space());
  }

  private static String described(HeadSettings settings) {
    return settings.modality().plural()
        + " on "
        + (settings.base() == null ? "no base model" : settings.base())
        + " and the task "
        + settings.task().id();
  }

  /**
   * Refuses what no class can be called.
   *
   * @throws BadInputException saying why
   */
  static void requireClass(Task task, String name) {
    if (task == Task.REGRESSION) {
      throw new BadInputException("a head that answers numbers has no classes; got '" + name + "'");
    }
    new ClassLabel(name);
    if (name.isBlank()) {
      throw new BadInputException("the name of a class is blank: expected at least one character");
    }
  }
}
