package dev.headstart.serving;

import dev.headstart.backbone.Backbone;
import dev.headstart.backbone.BaseModel;
import dev.headstart.backbone.Cut;
import dev.headstart.backbone.Features;
import dev.headstart.backbone.Manifest;
import dev.headstart.backbone.OpenBase;
import dev.headstart.ort.InferenceSession;
import dev.headstart.ort.Provider;
import dev.headstart.ort.SessionSettings;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The base models and backbones in use: one each, however many heads stand on it, freed with the
 * last of them. Safe for several threads; who is given one releases it.
 */
final class Bases {
  private static final Logger LOG = LoggerFactory.getLogger(Bases.class);

  private final Function<String, List<Provider>> providers;
  private final Predicate<String> served;
  private final Map<Manifest, Slot<SharedWhole>> wholes = new ConcurrentHashMap<>();
  private final Map<Manifest, Slot<SharedBase>> bases = new ConcurrentHashMap<>();
  private final Map<Place, Slot<SharedBackbone>> backbones = new ConcurrentHashMap<>();

  /** Who opens what belongs here holds its lock, so that others are not kept waiting. */
  private static final class Slot<T> extends AtomicReference<T> {
    private static final long serialVersionUID = 1;
  }

  private record Place(Manifest base, String tensor) {}

  /**
   * @param providers of a base model, by its name
   * @param served whether a base model is served itself: its deepest tap then comes out of the same
   *     session
   */
  Bases(Function<String, List<Provider>> providers, Predicate<String> served) {
    this.providers = providers;
    this.served = served;
  }

  /** For {@link SharedBackbone#warm}: the backbone alone. */
  static final Consumer<Features> NOTHING = features -> {};

  /** A base model in memory. */
  final class SharedBase extends Shared {
    private final OpenBase open;

    private SharedBase(OpenBase open) {
      this.open = open;
    }

    OpenBase open() {
      return open;
    }

    @Override
    void free() {
      bases.get(open.base().manifest()).compareAndSet(this, null);
      open.close();
    }
  }

  /** A base model's session. */
  final class SharedWhole extends Shared {
    private final SharedBase base;
    private final InferenceSession session;

    private SharedWhole(SharedBase base, InferenceSession session) {
      this.base = base;
      this.session = session;
    }

    OpenBase base() {
      return base.open();
    }

    InferenceSession session() {
      return session;
    }

    @Override
    void free() {
      wholes.get(base.open().base().manifest()).compareAndSet(this, null);
      session.close();
      base.release();
    }
  }

  /** A base model up to a cut. */
  final class SharedBackbone extends Shared {
    private final Place place;
    private final OpenBase base;

    /** What the backbone stands on: the base, or its whole session. */
    private final Shared ground;

    private final Backbone backbone;
    private boolean warm;

    private SharedBackbone(Place place, OpenBase base, Shared ground, Backbone backbone) {
      this.place = place;
      this.base = base;
      this.ground = ground;
      this.backbone = backbone;
    }

    OpenBase base() {
      return base;
    }

    Backbone backbone() {
      return backbone;
    }

    /**
     * Runs it once, whichever of its heads comes first.
     *
     * @param further what else the features of an example warm; it makes the backbone run again
     */
    synchronized void warm(Consumer<Features> further) {
      try {
        if (!warm || further != NOTHING) {
          warm = true;
          further.accept(backbone.run(base.example()));
        }
      } catch (RuntimeException e) {
        LOG.debug("{} was not warmed: {}", base.base(), e.getMessage());
      }
    }

    @Override
    void free() {
      backbones.get(place).compareAndSet(this, null);
      backbone.close();
      ground.release();
    }
  }

  /** What is in a slot, retained, or put there. */
  private static <K, T extends Shared> T had(Map<K, Slot<T>> slots, K key, Supplier<T> open) {
    Slot<T> slot = slots.computeIfAbsent(key, k -> new Slot<>());
    synchronized (slot) {
      T there = slot.get();
      if (there == null || !there.retain()) {
        there = open.get();
        slot.set(there);
      }
      return there;
    }
  }

  /** All cores for one call; features are the same, bit for bit, as those of one thread. */
  private SessionSettings settings(BaseModel base) {
    return new SessionSettings(
        providers.apply(base.id()), Runtime.getRuntime().availableProcessors());
  }

  /** The base model, read if nobody has it yet. */
  SharedBase base(BaseModel base) {
    return had(bases, base.manifest(), () -> new SharedBase(OpenBase.open(base, settings(base))));
  }

  /** The base model's session, opened if nobody has it yet. */
  SharedWhole whole(BaseModel base) {
    return had(wholes, base.manifest(), () -> openWhole(base(base)));
  }

  private SharedWhole openWhole(SharedBase base) {
    try {
      return new SharedWhole(base, base.open().whole());
    } catch (RuntimeException | Error e) {
      base.release();
      throw e;
    }
  }

  /** The backbone, opened if nobody has it yet. */
  SharedBackbone backbone(BaseModel base, Cut cut) {
    Place place = new Place(base.manifest(), cut.tensor());
    return had(backbones, place, () -> open(place, base, cut));
  }

  private SharedBackbone open(Place place, BaseModel model, Cut cut) {
    SharedBase base = base(model);
    try {
      if (served.test(model.id()) && base.open().isDeepest(cut)) {
        SharedWhole whole = whole(model);
        Optional<Backbone> deepest = whole.base().deepest(whole.session(), cut);
        if (deepest.isPresent()) {
          base.release();
          return new SharedBackbone(place, whole.base(), whole, deepest.get());
        }
        whole.release();
      }
      return new SharedBackbone(place, base.open(), base, base.open().backbone(cut));
    } catch (RuntimeException | Error e) {
      base.release();
      throw e;
    }
  }
}
