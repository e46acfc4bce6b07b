package dev.headstart.gradient;

/** Rules of operators that slide a window: convolutions and pooling. */
final class WindowRules {
  private WindowRules() {}

  static void addTo(RuleTable t) {}
}
