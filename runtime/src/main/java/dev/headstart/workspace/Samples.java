package dev.headstart.workspace;

import dev.headstart.error.BadInputException;
import dev.headstart.error.ConflictException;
import dev.headstart.error.FailureException;
import dev.headstart.error.NotFoundException;
import dev.headstart.head.HeadNames;
import dev.headstart.sample.FeaturesOnlySample;
import dev.headstart.sample.ImageSample;
import dev.headstart.sample.Label;
import dev.headstart.sample.Modality;
import dev.headstart.sample.Sample;
import dev.headstart.sample.TextSample;
import dev.headstart.sample.VectorSample;
import dev.headstart.teach.Added;
import dev.headstart.teach.HeadSettings;
import dev.headstart.teach.HeadSettings.Keep;
import dev.headstart.teach.NewSample;
import dev.headstart.teach.Renaming;
import dev.headstart.teach.SampleStore;
import dev.headstart.teach.StoredSample;
import dev.headstart.teach.StoredSample.State;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jdbi.v3.core.Handle;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Samples in the database, their originals and thumbnails beside it.
 *
 * <p>What makes it safe against a crash: an original is on the disk before its row, and goes after
 * it; an original without a row is removed when the workspace is opened. {@link Blobs#changing}
 * keeps every other thread and process from adding or removing meanwhile, so that none loses what
 * another is about to refer to.
 */
final class Samples implements SampleStore {
  private static final Logger LOG = LoggerFactory.getLogger(Samples.class);

  private final Supplier<Workspace.Opened> database;
  private final FeatureCache features;
  private final Blobs blobs;
  private volatile boolean purging;

  Samples(Failures failures, Supplier<Workspace.Opened> database, FeatureCache features) {
    this.database = database;
    this.features = features;
    this.blobs = new Blobs(failures);
  }

  /**
   * Ends what killed processes began: what has no row goes, and what was deleted leaves the log.
   */
  void sweep(Database opened) {
    if (!blobs.exist()) {
      return;
    }
    blobs.changing(
        () -> {
          Set<String> kept = new HashSet<>(opened.read(SampleRows::kept));
          blobs.sweep(kept::contains);
          return null;
        });
    purge(opened);
  }

  private <T> T read(Function<Handle, T> query, T none) {
    return database.get().database().map(d -> d.read(query)).orElse(none);
  }

  /** Alone among those that add and remove; all of it is done, or nothing. */
  private <T> T change(Function<Handle, T> statements) {
    return blobs.changing(() -> changeRows(statements));
  }

  /** Within {@link Blobs#changing}. */
  private <T> T changeRows(Function<Handle, T> statements) {
    Database opened = writable();
    T result =
        opened.changeDurably(
            handle -> {
              T changed = statements.apply(handle);
              handle.execute("UPDATE revision SET number = number + 1");
              return changed;
            });
    if (purging) {
      purge(opened);
    }
    return result;
  }

  private Database writable() {
    Workspace.Opened opened = database.get();
    if (opened.unwritable().isPresent()) {
      throw opened.unwritable().get();
    }
    return opened.database().orElseThrow();
  }

  /** Takes what was deleted out of the files; if that cannot be, after the next change. */
  private void purge(Database opened) {
    try {
      purging = !opened.purge();
      if (purging) {
        LOG.info("another process reads: what was forgotten leaves the log after the next change");
      }
    } catch (FailureException e) {
      purging = true;
      LOG.warn("what was forgotten is still in the database's files: {}", e.getMessage());
    }
  }

  @Override
  public List<HeadSettings> heads() {
    return read(HeadRows::all, List.of());
  }

  @Override
  public Optional<HeadSettings> settings(String head) {
    return read(handle -> HeadRows.find(handle, head), Optional.empty());
  }

  private static HeadSettings require(Handle handle, String head) {
    return HeadRows.find(handle, head)
        .orElseThrow(
            () ->
                new NotFoundException(
                    "head", head, HeadRows.all(handle).stream().map(HeadSettings::head).toList()));
  }

  @Override
  public void create(HeadSettings settings, List<String> classes) {
    if (!HeadNames.valid(settings.head())) {
      throw new BadInputException(
          "a head's name is 1 to 64 letters (A-Z, a-z), digits, '.', '_' and '-', and starts with a"
              + " letter, a digit or '_'; got '"
              + settings.head()
              + "'");
    }
    classes.forEach(name -> Adding.requireClass(settings.task(), name));
    change(
        handle -> {
          if (HeadRows.find(handle, settings.head()).isPresent()) {
            throw new ConflictException(
                "there is a head '"
                    + settings.head()
                    + "' already: change that one, remove it, or choose another name");
          }
          HeadRows.insert(handle, settings);
          HeadRows.addClasses(handle, settings.head(), classes);
          return null;
        });
  }

  @Override
  public void update(HeadSettings settings) {
    change(
        handle -> {
          require(handle, settings.head());
          return HeadRows.update(handle, settings);
        });
  }

  @Override
  public void remove(String head) {
    forget(
        handle -> {
          List<String> ids = SampleRows.ids(handle, head);
          Forgetting.Forgotten gone = Forgetting.samples(handle, head, ids);
          handle.execute("DELETE FROM head WHERE head = ?", head);
          handle.execute("DELETE FROM run WHERE head = ?", head);
          return gone;
        });
  }

  @Override
  public Map<String, Integer> classes(String head) {
    return read(handle -> HeadRows.classes(handle, head), Map.of());
  }

  @Override
  public List<String> classNames(String head) {
    return read(handle -> List.copyOf(HeadRows.classIds(handle, head).keySet()), List.of());
  }

  @Override
  public void addClass(String head, String name) {
    change(
        handle -> {
          Adding.requireClass(require(handle, head).task(), name);
          requireNoClass(handle, head, name);
          HeadRows.addClasses(handle, head, List.of(name));
          return null;
        });
  }

  private static void requireNoClass(Handle handle, String head, String name) {
    if (HeadRows.classIds(handle, head).containsKey(name)) {
      throw new ConflictException("head '" + head + "' has a class '" + name + "' already");
    }
  }

  private static long requireKnownClass(Handle handle, String head, String name) {
    Map<String, Long> classes = HeadRows.classIds(handle, require(handle, head).head());
    if (!classes.containsKey(name)) {
      throw new NotFoundException("class", name, classes.keySet());
    }
    return classes.get(name);
  }

  @Override
  public void renameClass(String head, String from, String to, int until) {
    change(
        handle -> {
          Adding.requireClass(require(handle, head).task(), to);
          long id = requireKnownClass(handle, head, from);
          if (from.equals(to)) {
            return null;
          }
          requireNoClass(handle, head, to);
          handle.execute("UPDATE class SET name = ? WHERE id = ?", to, id);
          HeadRows.addRenaming(handle, head, new Renaming(until, from, to));
          return null;
        });
  }

  @Override
  public void removeClass(String head, String name, int until) {
    forget(
        handle -> {
          long id = requireKnownClass(handle, head, name);
          List<String> only = SampleRows.idsOfOnly(handle, id);
          Forgetting.Forgotten gone = Forgetting.samples(handle, head, only);
          handle.execute("DELETE FROM class WHERE id = ?", id);
          HeadRows.addRenaming(handle, head, new Renaming(until, name, null));
          return gone;
        });
  }

  @Override
  public List<Renaming> renamings(String head) {
    return read(handle -> HeadRows.renamings(handle, head), List.of());
  }

  @Override
  public List<Added> add(String head, List<NewSample> samples) {
    writable();
    return blobs.changing(
        () -> {
          HeadSettings settings = read(handle -> require(handle, head), null);
          samples.forEach(sample -> Adding.check(settings, sample));
          Map<String, StoredSample> known =
              read(
                  handle ->
                      SampleRows.find(
                          handle, head, samples.stream().map(s -> s.sample().sha256()).toList()),
                  Map.of());
          Map<String, Blobs.Original> originals = new LinkedHashMap<>();
          for (NewSample added : samples) {
            String id = added.sample().sha256();
            if (Adding.keeps(settings, known.get(id))) {
              originals.put(id, new Blobs.Original(id, added.sample().bytes()));
            }
          }
          try {
            blobs.write(originals.values());
            return changeRows(
                handle -> {
                  List<Added> added = Adding.samples(handle, settings, samples, known, originals);
                  features.remember(added.stream().map(a -> a.sample().id()).toList());
                  return added;
                });
          } catch (RuntimeException e) {
            takeBack(originals.keySet(), e);
            throw e;
          }
        });
  }

  private void takeBack(Collection<String> ids, RuntimeException failure) {
    try {
      blobs.remove(read(handle -> Forgetting.unwanted(handle, ids, " AND kept = 1"), List.of()));
    } catch (RuntimeException e) {
      failure.addSuppressed(e); // it goes when the workspace is opened the next time
    }
  }

  @Override
  public void record(HeadSettings settings, List<StoredSample> samples) {
    forget(
        handle -> {
          features.remember(Adding.recorded(handle, settings, samples));
          return null;
        });
  }

  @Override
  public List<StoredSample> page(String head, String label, State state, long before, int limit) {
    return read(handle -> SampleRows.page(handle, head, label, state, before, limit), List.of());
  }

  @Override
  public int count(String head, String label, State state) {
    return read(handle -> SampleRows.count(handle, head, label, state), 0);
  }

  @Override
  public List<StoredSample> samples(String head) {
    return read(handle -> SampleRows.all(handle, head), List.of());
  }

  @Override
  public Optional<StoredSample> find(String head, String id) {
    return SampleRows.isId(id)
        ? read(handle -> SampleRows.find(handle, head, id), Optional.empty())
        : Optional.empty();
  }

  @Override
  public StoredSample relabel(String head, String id, Label label) {
    return change(
        handle -> {
          Adding.check(require(handle, head), label);
          StoredSample sample =
              SampleRows.isId(id)
                  ? SampleRows.find(handle, head, id).orElseThrow(() -> noSample(head, id))
                  : missing(head, id);
          SampleRows.relabel(
              handle, sample.sequence(), label, HeadRows.classIds(handle, head, label.names()));
          return SampleRows.find(handle, head, id).orElseThrow();
        });
  }

  private static StoredSample missing(String head, String id) {
    throw noSample(head, id);
  }

  private static NotFoundException noSample(String head, String id) {
    return new NotFoundException(
        "head '"
            + head
            + "' has no sample '"
            + (id.length() > 64 ? id.substring(0, 64) + "…" : id)
            + "'");
  }

  @Override
  public int delete(String head, Collection<String> ids) {
    List<String> known = ids.stream().filter(SampleRows::isId).toList();
    Forgetting.Forgotten gone = forget(handle -> Forgetting.samples(handle, head, known));
    return gone.count();
  }

  /**
   * Changes rows; then what has none any more goes from the disk.
   *
   * @param statements gives null if only rows went
   */
  private Forgetting.Forgotten forget(Function<Handle, Forgetting.Forgotten> statements) {
    return blobs.changing(
        () -> {
          List<Path> files = new ArrayList<>();
          Forgetting.Forgotten gone =
              changeRows(
                  handle -> {
                    Forgetting.Forgotten found = statements.apply(handle);
                    if (found != null) {
                      if (found.deletes()) {
                        Database.stale(handle);
                      }
                      files.addAll(features.forget(handle, found.features()));
                    }
                    return found;
                  });
          if (gone != null) {
            blobs.remove(gone.blobs());
            features.remove(files);
          }
          purge(writable());
          return gone;
        });
  }

  @Override
  public Map<Integer, Integer> forgotten(String head) {
    return read(
        handle -> {
          Map<Integer, Integer> marks = new LinkedHashMap<>();
          handle
              .createQuery(
                  "SELECT version, samples FROM forgotten WHERE head = :head ORDER BY version")
              .bind("head", head)
              .map((row, context) -> Map.entry(row.getInt(1), row.getInt(2)))
              .forEach(entry -> marks.put(entry.getKey(), entry.getValue()));
          return marks;
        },
        Map.of());
  }

  @Override
  public void ready(String head, String id, String space) {
    boolean throwAway =
        settings(head).map(settings -> settings.keep() == Keep.FEATURES).orElse(false)
            && features.force(space, id);
    if (!throwAway) {
      boolean there = change(handle -> SampleRows.ready(handle, head, id, space, true));
      if (!there) {
        forgetFeatures(id);
      }
      return;
    }
    forget(
        handle -> {
          boolean there = SampleRows.ready(handle, head, id, space, false);
          List<String> one = List.of(id);
          return new Forgetting.Forgotten(
              0,
              Forgetting.unwanted(handle, one, " AND kept = 1"),
              Forgetting.unwanted(handle, one, ""));
        });
  }

  /** Of a sample that was forgotten while they were computed. */
  private void forgetFeatures(String id) {
    forget(
        handle ->
            new Forgetting.Forgotten(0, List.of(), Forgetting.unwanted(handle, List.of(id), "")));
  }

  @Override
  public void unreadable(String head, String id, String reason) {
    change(
        handle ->
            handle.execute(
                "UPDATE sample SET state = 'unreadable', reason = ?,"
                    + " space = CASE WHEN kept = 1 THEN NULL ELSE space END"
                    + " WHERE head = ? AND id = ?",
                reason,
                head,
                SampleRows.HEX.parseHex(id)));
  }

  @Override
  public Sample open(String head, StoredSample sample) {
    Modality modality =
        settings(head)
            .orElseThrow(
                () ->
                    new NotFoundException(
                        "head", head, heads().stream().map(HeadSettings::head).toList()))
            .modality();
    if (!sample.kept()) {
      return new FeaturesOnlySample(sample.name(), modality, sample.id(), sample.space());
    }
    Path file = blobs.original(sample.id());
    return switch (modality) {
      case IMAGE -> ImageSample.of(sample.name(), file, sample.id());
      case TEXT -> TextSample.of(sample.name(), file, sample.id());
      case VECTOR -> VectorSample.of(sample.name(), file, sample.id());
    };
  }

  @Override
  public Path original(StoredSample sample) {
    Path file = blobs.original(sample.id());
    if (!sample.kept() || !Files.exists(file)) {
      throw new NotFoundException(
          sample.name() + ": its original was not kept; what there is of it are its features");
    }
    return file;
  }

  @Override
  public Optional<Path> thumbnail(StoredSample sample) {
    return Optional.of(blobs.thumbnail(sample.id())).filter(Files::exists);
  }

  @Override
  public void thumbnail(String head, StoredSample sample, byte[] jpeg) {
    writable();
    blobs.changing(
        () -> {
          if (find(head, sample.id()).map(StoredSample::kept).orElse(false)) {
            blobs.writeThumbnail(sample.id(), jpeg);
          }
          return null;
        });
  }

  @Override
  public long revision() {
    return read(
        handle -> handle.createQuery("SELECT number FROM revision").mapTo(Long.class).one(), 0L);
  }
}
