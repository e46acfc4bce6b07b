package dev.headstart.ort;

import java.util.List;

/**
 * How a session runs.
 *
 * @param providers in order of preference; the first with which a session can be created is used,
 *     and CPU comes last whether it is named or not
 * @param threads threads inside one call, shared by calls at once. As many as cores is the best for
 *     one caller; 1 keeps a call on its caller's thread, which scales best
 */
public record SessionSettings(List<Provider> providers, int threads) {

  public SessionSettings {
    providers = List.copyOf(providers);
    if (threads < 1) {
      throw new IllegalArgumentException("threads must be at least 1, got " + threads);
    }
  }

  /** CPU with this many threads a call. */
  public static SessionSettings cpu(int threads) {
    return new SessionSettings(List.of(Provider.CPU), threads);
  }
}
