package dev.headstart.train;

import java.util.List;

/** Passes on all that it hears, for those who change or keep some of it. */
public class ForwardingListener implements TrainingListener {
  private final TrainingListener to;

  public ForwardingListener(TrainingListener to) {
    this.to = to;
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
  public List<String> samples(TaughtSamples samples) {
    return to.samples(samples);
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
