package dev.headstart.serving;

import dev.headstart.backbone.Backbone;
import dev.headstart.backbone.BaseModel;
import dev.headstart.backbone.Cut;
import dev.headstart.backbone.Manifest;
import dev.headstart.backbone.OpenBase;
import dev.headstart.ort.Provider;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The base models and backbones in use: one each, however many heads stand on it, freed with the
 * last of them. Safe for several threads; who is given one releases it.
 */
final class Bases {
  private static final Logger LOG = LoggerFactory.getLogger(Bases.class);

  private final Function<String, List<Provider>> providers;
  private final ConcurrentHashMap<Manifest, SharedBase> bases = new ConcurrentHashMap<>();
  private final ConcurrentHashMap<Place, SharedBackbone> backbones = new ConcurrentHashMap<>();

  private record Place(Manifest base, String tensor) {}

  /**
   * @param providers of a base model, by its name
   */
  Bases(Function<String, List<Provider>> providers) {
    this.providers = providers;
  }

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
      bases.remove(open.base().manifest(), this);
      open.close();
    }
  }

  /** A base model up to a cut. */
  final class SharedBackbone extends Shared {
    private final Place place;
    private final SharedBase base;
    private final Backbone backbone;
    private boolean warm;

    private SharedBackbone(Place place, SharedBase base, Backbone backbone) {
      this.place = place;
      this.base = base;
      this.backbone = backbone;
    }

    OpenBase base() {
      return base.open();
    }

    Backbone backbone() {
      return backbone;
    }

    /** Runs it once, whichever of its heads comes first. */
    synchronized void warm() {
      if (!warm) {
        warm = true;
        try {
          backbone.run(base.open().example());
        } catch (RuntimeException e) {
          LOG.debug("{} was not warmed: {}", base.open().base(), e.getMessage());
        }
      }
    }

    @Override
    void free() {
      backbones.remove(place, this);
      backbone.close();
      base.release();
    }
  }

  /** The base model, read if nobody has it yet. */
  SharedBase base(BaseModel base) {
    return bases.compute(
        base.manifest(),
        (key, there) ->
            there != null && there.retain()
                ? there
                : new SharedBase(OpenBase.open(base, providers.apply(base.id()))));
  }

  /** The backbone, opened if nobody has it yet. */
  SharedBackbone backbone(BaseModel base, Cut cut) {
    return backbones.compute(
        new Place(base.manifest(), cut.tensor()),
        (place, there) -> there != null && there.retain() ? there : open(place, base(base), cut));
  }

  private SharedBackbone open(Place place, SharedBase base, Cut cut) {
    try {
      return new SharedBackbone(place, base, base.open().backbone(cut));
    } catch (RuntimeException | Error e) {
      base.release();
      throw e;
    }
  }
}
