package dev.headstart.server.teach;

import dev.headstart.sample.RawLabel;
import io.micronaut.http.MediaType;

/**
 * A labelled sample as a client sent it, before a head says what it has to be.
 *
 * @param name for people
 * @param label null if none came with it
 */
record Given(String name, RawLabel label, Content content) {

  /** What came. */
  sealed interface Content {}

  /** A JSON string. */
  record Text(String text) implements Content {}

  /** A picture in base64. */
  record Picture(byte[] bytes) implements Content {}

  /** A list of numbers. */
  record Numbers(float[] values) implements Content {}

  /** A file of the workspace, by its path. */
  record Reference(String path) implements Content {}

  /**
   * A file of the client's.
   *
   * @param type as the client calls it; null if it does not
   */
  record Upload(byte[] bytes, MediaType type) implements Content {}
}
