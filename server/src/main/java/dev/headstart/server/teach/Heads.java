package dev.headstart.server.teach;

import dev.headstart.error.NotFoundException;
import dev.headstart.teach.HeadSettings;
import dev.headstart.teach.Teaching;

/** What heads are to be, by the names that clients give. */
final class Heads {
  private Heads() {}

  /**
   * A head's settings; those that it would have if it was taught elsewhere.
   *
   * @throws NotFoundException if there is no such head
   */
  static HeadSettings require(Teaching teaching, String head) {
    return teaching.store().settings(head).orElseGet(() -> teaching.head(head).settings());
  }

  /** The same; null if there is no such head. */
  static HeadSettings find(Teaching teaching, String head) {
    try {
      return require(teaching, head);
    } catch (NotFoundException e) {
      return null; // its first samples make it
    }
  }
}
