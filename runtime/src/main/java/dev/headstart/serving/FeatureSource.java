package dev.headstart.serving;

import dev.headstart.backbone.Features;
import dev.headstart.error.BadInputException;
import dev.headstart.error.UnavailableException;
import dev.headstart.sample.Sample;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/**
 * Features of samples out of a backbone that models are served with, behind all requests. It keeps
 * the backbone open. Safe for several threads; the caller closes it.
 */
public final class FeatureSource implements AutoCloseable {
  /** Features wait for requests as long as it takes. */
  private static final Duration PATIENCE = Duration.ofDays(1);

  private final Bases.SharedBackbone backbone;
  private final Batcher batcher;
  private final Batcher.Line line;
  private boolean closed;

  /**
   * @param backbone retained by the caller, whose use passes over to this
   */
  FeatureSource(Bases.SharedBackbone backbone, Batcher batcher, Batcher.Line line) {
    this.backbone = backbone;
    this.batcher = batcher;
    this.line = line;
  }

  /** The key of these features; see {@link dev.headstart.backbone.FeatureStore}. */
  public String space() {
    return backbone.backbone().space();
  }

  /**
   * Features of one sample.
   *
   * @return fails with a {@link BadInputException} if the sample cannot be read, an {@link
   *     UnavailableException} if models are being closed or too many samples wait, or a {@link
   *     dev.headstart.error.FailureException}
   */
  public CompletionStage<Features> of(Sample sample) {
    synchronized (this) {
      if (closed || !backbone.retain()) {
        return CompletableFuture.failedStage(Failures.stopping());
      }
    }
    return batcher.submit(line, new Extraction(sample));
  }

  private final class Extraction extends Job<Features> {
    private final Sample sample;
    private Features features;

    Extraction(Sample sample) {
      super(1, 0, PATIENCE);
      this.sample = sample;
    }

    @Override
    Object key() {
      return null;
    }

    @Override
    Cost cost() {
      return null;
    }

    @Override
    int perCall() {
      return 1;
    }

    @Override
    int calls() {
      return 1;
    }

    @Override
    void run(List<Piece> pieces) {
      features = backbone.backbone().run(backbone.base().preprocess(sample));
      if (!features.finite()) {
        throw new BadInputException(sample.name() + ": its features are not finite numbers");
      }
    }

    @Override
    Features result() {
      return features;
    }

    @Override
    void release() {
      backbone.release();
    }
  }

  /** Lets the backbone go, once what was asked for is answered; idempotent. */
  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      backbone.release();
    }
  }
}
