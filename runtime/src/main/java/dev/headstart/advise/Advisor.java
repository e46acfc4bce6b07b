package dev.headstart.advise;

import dev.headstart.backbone.BaseModels;
import dev.headstart.backbone.FeatureStore;
import dev.headstart.head.HeadStore;
import dev.headstart.ort.Provider;
import dev.headstart.train.TeachRequest;
import dev.headstart.train.TrainingListener;
import java.util.List;

/** Draft of the signatures that others call. */
public final class Advisor {

  public Advisor(
      BaseModels models,
      HeadStore heads,
      FeatureStore cache,
      List<Provider> providers,
      int cores) {}

  /** Advice on labelled samples. */
  public Advice advise(AdviceRequest request, TrainingListener listener) {
    throw new UnsupportedOperationException("not yet there");
  }

  /** As {@link #advise}, with the features that it was found by; see {@link Study}. */
  public Study study(AdviceRequest request, TrainingListener listener) {
    throw new UnsupportedOperationException("not yet there");
  }

  /** A request of teaching that says what this one leaves open, and the advice that it follows. */
  public Resolved resolve(TeachRequest request, TrainingListener listener) {
    throw new UnsupportedOperationException("not yet there");
  }

  /**
   * @param advice null where nothing was open
   */
  public record Resolved(TeachRequest request, Advice advice) {}
}
