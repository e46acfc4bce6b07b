package dev.headstart.train;

import dev.headstart.backbone.BaseModel;
import dev.headstart.backbone.BaseModels;
import dev.headstart.backbone.Cut;
import dev.headstart.error.BadInputException;
import dev.headstart.error.UsageException;
import dev.headstart.head.HeadKind;
import dev.headstart.head.Pooling;
import dev.headstart.head.Scaling;
import dev.headstart.head.Tail;
import dev.headstart.head.TailNetwork;
import dev.headstart.head.Unfreeze;
import dev.headstart.sample.DataSet;
import dev.headstart.sample.Modality;

/**
 * The base model that samples go through, and what of it trains.
 *
 * @param base null for feature vectors without one
 * @param cut null without a base
 * @param tail what of the base trains; null for nothing
 */
public record BaseChoice(BaseModel base, Cut cut, Tail tail) {

  /**
   * What a request asks for, on its samples.
   *
   * @throws BadInputException if the base does not take such samples, or what is to be trained has
   *     no gradient
   * @throws UsageException if options contradict each other
   */
  static BaseChoice of(TeachRequest request, Recipe recipe, DataSet data, BaseModels models) {
    BaseModel base = base(request, data, models);
    Tail tail = tail(request, recipe, base, data);
    Cut cut = tail != null ? tail.cut() : base == null ? null : base.cut(request.cut());
    return new BaseChoice(base, cut, tail);
  }

  /**
   * The base model that a request's samples go through.
   *
   * @return null for feature vectors without one
   * @throws BadInputException if it does not take such samples
   */
  public static BaseModel base(TeachRequest request, DataSet data, BaseModels models) {
    if (request.base() == null) {
      if (data.modality() == Modality.VECTOR) {
        if (!request.cut().equals("auto")) {
          throw new BadInputException(
              "--cut needs a base model, and feature vectors have none: add --base or leave it out");
        }
        return null;
      }
      return models.byDefault(data.modality());
    }
    BaseModel base = models.get(request.base());
    Modality takes = base.manifest().modality();
    if (data.modality() != takes && data.modality() != Modality.VECTOR) {
      throw new BadInputException(
          "the base model "
              + base
              + " takes "
              + takes.plural()
              + ", but "
              + request.data()
              + " holds "
              + data.modality().plural()
              + ": choose another --base or leave it out");
    }
    return base;
  }

  private static Tail tail(TeachRequest request, Recipe recipe, BaseModel base, DataSet data) {
    if (!(recipe.kind() instanceof HeadKind.Tail)) {
      return null;
    }
    if (base == null || ready(data, base)) {
      throw new BadInputException(
          "--unfreeze trains layers of a base model on samples that go through it, but "
              + request.data()
              + " holds ready features: leave it out");
    }
    Tail tail = Tail.of(base, Unfreeze.parse(recipe.unfreeze()), recipe.freeze());
    if (!request.cut().equals("auto")
        && !base.cut(request.cut()).tensor().equals(tail.cut().tensor())) {
      throw new UsageException(
          "--unfreeze "
              + recipe.unfreeze()
              + " cuts "
              + base
              + " at '"
              + tail.cut().name()
              + "', which --cut "
              + request.cut()
              + " contradicts: leave out one of them");
    }
    requireGradients(tail, recipe);
    return tail;
  }

  /** What cannot be differentiated is refused before the long work. */
  private static void requireGradients(Tail tail, Recipe recipe) {
    Scaling scaling = new Scaling(new float[Pooling.width(tail.shape())], new float[] {1});
    TailNetwork network = TailNetwork.fresh(tail, scaling, 2);
    RecipeArtifacts.of(network, recipe);
  }

  /** Whether samples are features of the cut already, or need none. */
  boolean ready(DataSet data) {
    return ready(data, base);
  }

  /** Whether samples are features of a base's cut already, or there is no base. */
  public static boolean ready(DataSet data, BaseModel base) {
    return data.modality() == Modality.VECTOR
        && (base == null || base.manifest().modality() != Modality.VECTOR);
  }
}
