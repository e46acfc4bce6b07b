package dev.headstart.advise;

import dev.headstart.train.Epoch;
import dev.headstart.train.TaughtSamples;
import dev.headstart.train.TrainingListener;
import java.util.List;

/**
 * Has what is to be taught looked at by {@link Checkup} before a training, and passes all else on.
 */
public record CheckingListener(TrainingListener to) implements TrainingListener {

  @Override
  public List<String> samples(TaughtSamples samples) {
    return Checkup.of(samples).brief();
  }

  @Override
  public void stage(String name, long total) {
    to.stage(name, total);
  }

  @Override
  public void progress(long done) {
    to.progress(done);
  }

  @Override
  public void pace(double seconds, int epochs) {
    to.pace(seconds, epochs);
  }

  @Override
  public void step() {
    to.step();
  }

  @Override
  public void epoch(Epoch epoch) {
    to.epoch(epoch);
  }

  @Override
  public void publishing() {
    to.publishing();
  }

  @Override
  public void note(String message) {
    to.note(message);
  }

  @Override
  public void warning(String message) {
    to.warning(message);
  }
}
