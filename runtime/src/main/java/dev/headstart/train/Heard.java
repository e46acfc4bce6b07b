package dev.headstart.train;

import java.util.ArrayList;
import java.util.List;

/** Keeps the warnings that a listener hears for the result, and passes each on once. */
final class Heard extends ForwardingListener {
  private final List<String> warnings = new ArrayList<>();

  Heard(TrainingListener listener) {
    super(listener);
  }

  List<String> warnings() {
    return List.copyOf(warnings);
  }

  @Override
  public void warning(String message) {
    if (!warnings.contains(message)) {
      warnings.add(message);
      super.warning(message);
    }
  }
}
