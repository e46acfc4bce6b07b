package dev.headstart.server.teach;

import dev.headstart.error.BadInputException;
import java.util.ArrayList;
import java.util.List;

/**
 * The samples of one request: those that can be understood, and those that cannot, which do not
 * stop the others.
 */
final class GivenSamples {
  private final List<Given> samples = new ArrayList<>();
  private final List<Refused> refused = new ArrayList<>();
  private final int most;

  GivenSamples(int most) {
    this.most = most;
  }

  void add(Given sample) {
    samples.add(sample);
    checkCount();
  }

  void refuse(String name, BadInputException reason) {
    refused.add(new Refused(name, reason.getMessage()));
    checkCount();
  }

  private void checkCount() {
    if (count() > most) {
      throw new BadInputException(
          "a request may add " + most + " samples at most: send the others with another");
    }
  }

  /** All, refused ones included. */
  int count() {
    return samples.size() + refused.size();
  }

  List<Given> samples() {
    return samples;
  }

  List<Refused> refused() {
    return refused;
  }
}
