package dev.headstart.gradient;

/** Rules of operators that take some of the elements, or repeat them. */
final class SelectionRules {
  private SelectionRules() {}

  static void addTo(RuleTable t) {}
}
