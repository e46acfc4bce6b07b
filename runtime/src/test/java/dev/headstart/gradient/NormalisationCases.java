package dev.headstart.gradient;

import java.util.List;

/** Cases of {@link NormalisationRules}. */
final class NormalisationCases {
  private NormalisationCases() {}

  static void addTo(List<GradientCase> cases) {}
}
