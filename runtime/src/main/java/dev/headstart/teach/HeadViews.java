package dev.headstart.teach;

import dev.headstart.error.HeadstartException;
import dev.headstart.error.NotFoundException;
import dev.headstart.head.HeadManifest;
import dev.headstart.head.HeadStore;
import dev.headstart.sample.Label;
import dev.headstart.serving.ModelRepository;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Heads as they are now, taught here or not. Safe for several threads. */
final class HeadViews {
  private static final Logger LOG = LoggerFactory.getLogger(HeadViews.class);

  private final TeachingStores stores;
  private final HeadStore heads;
  private final Learners learners;
  private final ModelRepository repository;

  HeadViews(TeachingStores stores, Learners learners, ModelRepository repository) {
    this.stores = stores;
    this.heads = stores.heads();
    this.learners = learners;
    this.repository = repository;
  }

  /** All heads by name. */
  List<HeadView> all() {
    Set<String> names = new TreeSet<>(learners.heads());
    heads.heads().stream().filter(name -> !heads.versions(name).isEmpty()).forEach(names::add);
    List<HeadView> views = new ArrayList<>();
    for (String name : names) {
      try {
        views.add(of(name));
      } catch (NotFoundException e) {
        LOG.debug("the head '{}' went while heads were listed", name);
      }
    }
    return views;
  }

  /**
   * One head.
   *
   * @throws NotFoundException if there is none of that name
   */
  HeadView of(String head) {
    List<Integer> versions = heads.versions(head);
    Learner learner = learners.get(head);
    if (learner == null && versions.isEmpty()) {
      throw unknown(head);
    }
    OptionalInt live = versions.isEmpty() ? OptionalInt.empty() : heads.live(head);
    Optional<HeadManifest> version = live.isPresent() ? live(head) : Optional.empty();
    HeadSettings settings =
        learner != null
            ? learner.settings()
            : version
                .map(v -> HeadSettings.adopted(v, stores.models()))
                .orElseThrow(() -> unknown(head));
    Map<String, Integer> counts = learner == null ? Map.of() : stores.samples().classes(head);
    Set<String> known =
        version
            .map(v -> learner == null ? new LinkedHashSet<>(v.classes()) : learner.known(v))
            .orElse(new LinkedHashSet<>());
    Set<String> names = new LinkedHashSet<>(counts.keySet());
    names.addAll(known);
    return new HeadView(
        settings,
        live.isPresent() ? live.getAsInt() : null,
        versions,
        takes(settings),
        names.stream()
            .map(n -> new HeadView.ClassView(n, counts.getOrDefault(n, 0), known.contains(n)))
            .toList(),
        learner == null
            ? new HeadView.Counts(0, 0, 0, 0, 0)
            : learner.counts(live, () -> taught(head, live.getAsInt())),
        stores.runs().open().stream()
            .filter(run -> run.head().equals(head))
            .findFirst()
            .orElse(null));
  }

  /** The live version's manifest; nothing if it is damaged or gone. */
  Optional<HeadManifest> live(String head) {
    try {
      return Optional.of(heads.loadLive(head).manifest());
    } catch (HeadstartException e) {
      LOG.debug("the live version of '{}' cannot be read: {}", head, e.getMessage());
      return Optional.empty();
    }
  }

  private Learner.Taught taught(String head, int version) {
    Map<String, Optional<Label>> labels = new HashMap<>();
    stores.memberships().members(head, version).forEach(id -> labels.put(id, Optional.empty()));
    stores
        .runs()
        .madeBy(head, version)
        .ifPresent(
            run -> stores.runs().snapshot(run).forEach((id, l) -> labels.put(id, Optional.of(l))));
    return new Learner.Taught(version, labels);
  }

  /** Names of the inputs that a head can be asked with. */
  private List<String> takes(HeadSettings settings) {
    String own =
        switch (settings.modality()) {
          case IMAGE -> "image";
          case TEXT -> "text";
          case VECTOR -> "features";
        };
    try {
      return repository.metadata(settings.head(), null).forms().stream()
          .flatMap(form -> form.inputs().stream())
          .map(input -> input.name())
          .distinct()
          .toList();
    } catch (HeadstartException e) {
      return List.of(own); // it does not answer yet
    }
  }

  /** What there is to say of a name that no head has. */
  NotFoundException unknown(String head) {
    Set<String> names = new TreeSet<>(learners.heads());
    names.addAll(heads.heads());
    return new NotFoundException("head", head, names);
  }
}
