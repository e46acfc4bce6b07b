package dev.headstart.server.protocol;

/**
 * A request that the protocol knows and this server does not serve: sequences, shared memory,
 * configurations given while loading. HTTP answers 501, gRPC UNIMPLEMENTED.
 */
public final class NotSupportedException extends RuntimeException {
  private static final long serialVersionUID = 1;

  public NotSupportedException(String message) {
    super(message);
  }
}
