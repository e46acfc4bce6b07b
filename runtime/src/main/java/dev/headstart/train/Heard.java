package dev.headstart.train;

import java.util.ArrayList;
import java.util.List;

/** Passes on all that a listener hears, and keeps the warnings for the result. */
final class Heard implements TrainingListener {
  private final TrainingListener listener;
  private final List<String> warnings = new ArrayList<>();

  Heard(TrainingListener listener) {
    this.listener = listener;
  }

  List<String> warnings() {
    return List.copyOf(warnings);
  }

  @Override
  public void warning(String message) {
    if (!warnings.contains(message)) {
      warnings.add(message);
      listener.warning(message);
    }
  }

  @Override
  public void stage(String name, long total) {
    listener.stage(name, total);
  }

  @Override
  public void progress(long done) {
    listener.progress(done);
  }

  @Override
  public void pace(double seconds, int epochs) {
    listener.pace(seconds, epochs);
  }

  @Override
  public void step() {
    listener.step();
  }

  @Override
  public void epoch(Epoch epoch) {
    listener.epoch(epoch);
  }

  @Override
  public void publishing() {
    listener.publishing();
  }
}
