package dev.headstart.advise;

import dev.headstart.train.ForwardingListener;
import dev.headstart.train.TaughtSamples;
import dev.headstart.train.TrainingListener;
import java.util.List;

/** Has what is to be taught looked at by {@link Checkup} before a training. */
public final class CheckingListener extends ForwardingListener {

  /**
   * @param to hears all else
   */
  public CheckingListener(TrainingListener to) {
    super(to);
  }

  @Override
  public List<String> samples(TaughtSamples samples) {
    return Checkup.of(samples).brief();
  }
}
