package dev.headstart.server;

import dev.headstart.ort.Provider;
import dev.headstart.server.security.Role;
import io.micronaut.context.annotation.ConfigurationProperties;
import io.micronaut.core.annotation.Nullable;
import io.micronaut.core.bind.annotation.Bindable;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What the server is told; {@link Settings} reads it. docs/configuration.md lists it all.
 *
 * @param workspace where heads and added base models lie
 * @param host address to listen on
 * @param port for HTTP; 0 for any that is free
 * @param grpcPort for gRPC; 0 for any that is free, -1 for none
 * @param models names of the models to load; null for all
 * @param providers of base models, in order of preference
 * @param modelProviders the same for single base models, each {@code MODEL=PROVIDER:PROVIDER}
 * @param workers calls of models that run at a time at most; 0 for one a core
 * @param queue requests that wait for one model at most
 * @param timeout of requests that name none
 * @param poll how often the workspace is looked at for what other processes promoted
 * @param auth whether a key is asked for
 * @param allowedHosts names in {@code Host} beside the server's own; {@code *} for any
 * @param allowedOrigins pages of other sites that may ask
 */
@ConfigurationProperties("headstart")
public record ServerSettings(
    Path workspace,
    @Bindable(defaultValue = "127.0.0.1") String host,
    @Bindable(defaultValue = "8080") int port,
    @Bindable(defaultValue = "9000") int grpcPort,
    @Nullable List<String> models,
    @Bindable(defaultValue = "cpu") List<Provider> providers,
    @Nullable List<String> modelProviders,
    @Bindable(defaultValue = "0") int workers,
    @Bindable(defaultValue = "256") int queue,
    @Bindable(defaultValue = "30s") Duration timeout,
    @Bindable(defaultValue = "250ms") Duration poll,
    @Bindable(defaultValue = "auto") Auth auth,
    @Nullable List<String> allowedHosts,
    @Nullable List<String> allowedOrigins) {

  /** When a key is asked for; see {@link Role}. */
  public enum Auth {
    /** Off the loopback address. */
    AUTO,
    KEYS,
    NONE
  }

  public ServerSettings {
    modelProviders = modelProviders == null ? List.of() : List.copyOf(modelProviders);
    allowedHosts = allowedHosts == null ? List.of() : List.copyOf(allowedHosts);
    allowedOrigins = allowedOrigins == null ? List.of() : List.copyOf(allowedOrigins);
    SettingChecks.within("headstart.port", port, 0, 65_535);
    SettingChecks.within("headstart.grpc-port", grpcPort, -1, 65_535);
    SettingChecks.within("headstart.workers", workers, 0, 1_024);
    SettingChecks.within("headstart.queue", queue, 1, 1_000_000);
    SettingChecks.positive("headstart.timeout", timeout);
    SettingChecks.positive("headstart.poll", poll);
    for (String entry : modelProviders) {
      providers(entry);
    }
  }

  /** Providers of the base models that have their own, by name. */
  public Map<String, List<Provider>> providersByModel() {
    Map<String, List<Provider>> byModel = new LinkedHashMap<>();
    for (String entry : modelProviders) {
      byModel.put(entry.substring(0, entry.indexOf('=')).strip(), providers(entry));
    }
    return byModel;
  }

  private static List<Provider> providers(String entry) {
    int at = entry.indexOf('=');
    if (at < 1) {
      throw SettingChecks.wrong(
          "headstart.model-providers", "MODEL=PROVIDER, as in minilm=cuda:cpu", entry);
    }
    return List.of(entry.substring(at + 1).split(":")).stream()
        .map(name -> SettingChecks.provider("headstart.model-providers", name))
        .toList();
  }

  /** Calls of models that run at a time at most. */
  int cores() {
    return workers == 0 ? Runtime.getRuntime().availableProcessors() : workers;
  }

  /** Whether only programs on this machine reach the server. */
  public boolean loopback() {
    try {
      return InetAddress.getByName(host).isLoopbackAddress();
    } catch (UnknownHostException e) {
      return false; // listening fails with a message of its own
    }
  }

  /** Whether a key is asked for. */
  public boolean keysAsked() {
    return auth == Auth.KEYS || auth == Auth.AUTO && !loopback();
  }
}
