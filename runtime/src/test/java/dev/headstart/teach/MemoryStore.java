package dev.headstart.teach;

import com.fasterxml.jackson.databind.JsonNode;
import dev.headstart.error.ConflictException;
import dev.headstart.error.NotFoundException;
import dev.headstart.sample.ClassLabel;
import dev.headstart.sample.ClassesLabel;
import dev.headstart.sample.Label;
import dev.headstart.sample.Sample;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;

/**
 * A store that forgets everything with the process, and says how often its thumbnails were made.
 */
final class MemoryStore implements SampleStore, RunLog {
  private final Map<String, HeadSettings> settings = new TreeMap<>();
  private final Map<String, List<String>> classes = new TreeMap<>();
  private final Map<String, List<Renaming>> renamings = new TreeMap<>();
  private final Map<String, Map<String, StoredSample>> samples = new TreeMap<>();
  private final Map<String, Sample> originals = new TreeMap<>();
  final Map<String, byte[]> thumbnails = new TreeMap<>();
  private long sequence;
  private long revision;

  @Override
  public synchronized List<HeadSettings> heads() {
    return List.copyOf(settings.values());
  }

  @Override
  public synchronized Optional<HeadSettings> settings(String head) {
    return Optional.ofNullable(settings.get(head));
  }

  @Override
  public synchronized void create(HeadSettings made, List<String> names) {
    if (settings.containsKey(made.head())) {
      throw new ConflictException("there is a head '" + made.head() + "'");
    }
    settings.put(made.head(), made);
    classes.put(made.head(), new ArrayList<>(names));
    renamings.put(made.head(), new ArrayList<>());
    samples.put(made.head(), new LinkedHashMap<>());
    revision++;
  }

  @Override
  public synchronized void update(HeadSettings changed) {
    settings.put(changed.head(), changed);
    revision++;
  }

  @Override
  public synchronized void remove(String head) {
    settings.remove(head);
    classes.remove(head);
    renamings.remove(head);
    samples.remove(head);
    revision++;
  }

  @Override
  public synchronized Map<String, Integer> classes(String head) {
    Map<String, Integer> counts = new LinkedHashMap<>();
    classes.getOrDefault(head, List.of()).forEach(name -> counts.put(name, 0));
    for (StoredSample sample : samples(head)) {
      if (sample.state() != StoredSample.State.UNREADABLE) {
        sample.label().names().forEach(name -> counts.merge(name, 1, Integer::sum));
      }
    }
    return counts;
  }

  @Override
  public synchronized void addClass(String head, String name) {
    if (classes.get(head).contains(name)) {
      throw new ConflictException("there is a class '" + name + "'");
    }
    classes.get(head).add(name);
    revision++;
  }

  @Override
  public synchronized void renameClass(String head, String from, String to, int until) {
    if (classes.get(head).contains(to)) {
      throw new ConflictException("there is a class '" + to + "'");
    }
    if (!classes.get(head).contains(from)) {
      throw new NotFoundException("class", from, classes.get(head));
    }
    classes.get(head).replaceAll(name -> name.equals(from) ? to : name);
    renamings.get(head).add(new Renaming(until, from, to));
    samples.get(head).replaceAll((id, s) -> labelled(s, renamed(s.label(), from, to)));
    revision++;
  }

  private static Label renamed(Label label, String from, String to) {
    if (label instanceof ClassLabel one) {
      return one.name().equals(from) ? new ClassLabel(to) : label;
    }
    TreeSet<String> names = new TreeSet<>(label.names());
    if (names.remove(from) && to != null) {
      names.add(to);
    }
    return new ClassesLabel(names);
  }

  @Override
  public synchronized void removeClass(String head, String name, int until) {
    if (!classes.get(head).remove(name)) {
      throw new NotFoundException("class", name, classes.get(head));
    }
    renamings.get(head).add(new Renaming(until, name, null));
    samples.get(head).values().removeIf(s -> s.label().equals(new ClassLabel(name)));
    samples.get(head).replaceAll((id, s) -> labelled(s, renamed(s.label(), name, null)));
    revision++;
  }

  @Override
  public synchronized List<Renaming> renamings(String head) {
    return List.copyOf(renamings.getOrDefault(head, List.of()));
  }

  @Override
  public synchronized List<Added> add(String head, List<NewSample> added) {
    List<Added> results = new ArrayList<>();
    for (NewSample one : added) {
      String id = one.sample().sha256();
      one.label().names().stream()
          .sorted()
          .filter(name -> !classes.get(head).contains(name))
          .forEach(classes.get(head)::add);
      StoredSample there = samples.get(head).get(id);
      if (there == null) {
        originals.put(id, one.sample());
        StoredSample sample =
            new StoredSample(
                id,
                ++sequence,
                one.label(),
                one.sample().name(),
                StoredSample.State.PENDING,
                null,
                one.type(),
                one.sample().bytes().length,
                true,
                null,
                one.source(),
                Instant.EPOCH);
        samples.get(head).put(id, sample);
        results.add(new Added(sample, Added.Status.ADDED));
      } else if (there.label().equals(one.label())) {
        results.add(new Added(there, Added.Status.KNOWN));
      } else {
        results.add(new Added(relabel(head, id, one.label()), Added.Status.MOVED));
      }
    }
    revision++;
    return results;
  }

  @Override
  public synchronized void record(HeadSettings made, List<StoredSample> recorded) {
    throw new UnsupportedOperationException();
  }

  @Override
  public synchronized List<StoredSample> page(
      String head, String label, StoredSample.State state, long before, int limit) {
    throw new UnsupportedOperationException();
  }

  @Override
  public synchronized int count(String head, String label, StoredSample.State state) {
    throw new UnsupportedOperationException();
  }

  @Override
  public synchronized List<StoredSample> samples(String head) {
    return List.copyOf(samples.getOrDefault(head, Map.of()).values());
  }

  @Override
  public synchronized Optional<StoredSample> find(String head, String id) {
    return Optional.ofNullable(samples.getOrDefault(head, Map.of()).get(id));
  }

  @Override
  public synchronized StoredSample relabel(String head, String id, Label label) {
    if (find(head, id).isEmpty()) {
      throw new NotFoundException("sample", id, List.of());
    }
    label.names().stream()
        .filter(name -> !classes.get(head).contains(name))
        .forEach(classes.get(head)::add);
    revision++;
    return change(head, id, s -> labelled(s, label));
  }

  @Override
  public synchronized int delete(String head, Collection<String> ids) {
    revision++;
    int before = samples.get(head).size();
    samples.get(head).keySet().removeAll(ids);
    return before - samples.get(head).size();
  }

  @Override
  public Map<Integer, Integer> forgotten(String head) {
    return Map.of();
  }

  @Override
  public synchronized void ready(String head, String id, String space) {
    boolean kept = settings.get(head).keep() == HeadSettings.Keep.SAMPLES;
    change(head, id, s -> stated(s, StoredSample.State.READY, null, kept, space));
    revision++;
  }

  @Override
  public synchronized void unreadable(String head, String id, String reason) {
    change(head, id, s -> stated(s, StoredSample.State.UNREADABLE, reason, s.kept(), null));
    revision++;
  }

  private StoredSample change(String head, String id, Function<StoredSample, StoredSample> change) {
    return samples.get(head).computeIfPresent(id, (key, sample) -> change.apply(sample));
  }

  private static StoredSample labelled(StoredSample s, Label label) {
    return new StoredSample(
        s.id(),
        s.sequence(),
        label,
        s.name(),
        s.state(),
        s.reason(),
        s.type(),
        s.bytes(),
        s.kept(),
        s.space(),
        s.source(),
        s.added());
  }

  private static StoredSample stated(
      StoredSample s, StoredSample.State state, String reason, boolean kept, String space) {
    return new StoredSample(
        s.id(),
        s.sequence(),
        s.label(),
        s.name(),
        state,
        reason,
        s.type(),
        s.bytes(),
        kept,
        space,
        s.source(),
        s.added());
  }

  @Override
  public synchronized Sample open(String head, StoredSample sample) {
    return originals.get(sample.id());
  }

  @Override
  public Path original(StoredSample sample) {
    throw new UnsupportedOperationException();
  }

  @Override
  public synchronized Optional<Path> thumbnail(StoredSample sample) {
    return thumbnails.containsKey(sample.id())
        ? Optional.of(Path.of(sample.id()))
        : Optional.empty();
  }

  @Override
  public synchronized void thumbnail(String head, StoredSample sample, byte[] jpeg) {
    thumbnails.put(sample.id(), jpeg);
  }

  @Override
  public synchronized long revision() {
    return revision;
  }

  @Override
  public Run create(String head, JsonNode recipe, Run.Cause cause) {
    throw new UnsupportedOperationException();
  }

  @Override
  public Run start(long id, LinkedHashMap<String, Label> snapshot) {
    throw new UnsupportedOperationException();
  }

  @Override
  public LinkedHashMap<String, Label> snapshot(long id) {
    return new LinkedHashMap<>();
  }

  @Override
  public void epoch(long id, LoggedEpoch epoch) {
    throw new UnsupportedOperationException();
  }

  @Override
  public List<LoggedEpoch> epochs(long id) {
    return List.of();
  }

  @Override
  public Run change(long id, Run.State state, Integer version, Boolean promoted, String reason) {
    throw new UnsupportedOperationException();
  }

  @Override
  public Run get(String head, long id) {
    throw new NotFoundException("run", String.valueOf(id), List.of());
  }

  @Override
  public List<Run> list(String head, int limit) {
    return List.of();
  }

  @Override
  public List<Run> open() {
    return List.of();
  }

  @Override
  public Optional<Long> madeBy(String head, int version) {
    return Optional.empty();
  }
}
