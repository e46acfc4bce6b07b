package dev.headstart.server.teach;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Random;

/** Feature vectors around a corner for each class: easy to tell apart, and no two are alike. */
final class Clouds {
  static final int WIDTH = 6;

  private final Random random;

  Clouds(long seed) {
    this.random = new Random(seed);
  }

  /** A vector of a class, as JSON. */
  ArrayNode vector(int corner) {
    ArrayNode vector = TeachClient.JSON.createArrayNode();
    for (int i = 0; i < WIDTH; i++) {
      vector.add((float) ((i == corner ? 3 : 0) + 0.4 * random.nextGaussian()));
    }
    return vector;
  }

  /** A request that adds so many samples of a class. */
  String samples(String label, int corner, int count) {
    ObjectNode body = TeachClient.JSON.createObjectNode().put("label", label);
    ArrayNode samples = body.putArray("samples");
    for (int i = 0; i < count; i++) {
      samples.addObject().set("features", vector(corner));
    }
    return body.toString();
  }

  /** A request that asks about a sample. */
  String question(int corner) {
    ObjectNode body = TeachClient.JSON.createObjectNode();
    body.set("features", vector(corner));
    return body.toString();
  }
}
