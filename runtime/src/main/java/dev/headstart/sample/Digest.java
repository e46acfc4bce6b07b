package dev.headstart.sample;

import java.util.function.Supplier;

/** A sample's SHA-256, computed when it is first asked for. Safe for several threads. */
final class Digest {
  private volatile String hex;

  Digest() {}

  /** One that is known already. */
  Digest(String hex) {
    this.hex = hex;
  }

  /** The digest of these bytes, which must be the same at every call. */
  String of(Supplier<byte[]> bytes) {
    String known = hex;
    if (known == null) {
      known = Sample.sha256(bytes.get());
      hex = known;
    }
    return known;
  }
}
