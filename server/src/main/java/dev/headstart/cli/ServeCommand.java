package dev.headstart.cli;

import dev.headstart.error.FailureException;
import dev.headstart.error.NotFoundException;
import dev.headstart.error.UnavailableException;
import dev.headstart.server.Server;
import dev.headstart.server.ServerSettings;
import dev.headstart.server.Settings;
import dev.headstart.server.security.Authentication;
import dev.headstart.server.tls.Certificates;
import dev.headstart.serving.ModelMetadata;
import dev.headstart.serving.ModelRepository;
import dev.headstart.serving.ModelStatus;
import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code serve}: answers over HTTP and gRPC until it is told to stop. */
@Command(
    name = "serve",
    description = {
      "Serves base models and heads over the Open Inference Protocol, until SIGTERM or Ctrl-C.",
      "Settings come from flags, else from HEADSTART_... in the environment, else from the"
          + " configuration file. docs/configuration.md lists them all."
    },
    footer = {
      "  ./headstart serve",
      "  ./headstart serve --config headstart.yml",
      "  ./headstart serve --host 0.0.0.0 --tls auto",
      "  ./headstart serve --set headstart.log.format=json"
    })
final class ServeCommand extends HeadstartCommand {
  private static final long POLL_MILLIS = 20;
  private static final long QUIET_NANOS = TimeUnit.SECONDS.toNanos(1);

  @Option(
      names = "--config",
      paramLabel = "FILE",
      description = "YAML (.yml, .yaml) or Java properties")
  private Path config;

  @Option(
      names = "--host",
      paramLabel = "ADDRESS",
      description = "To listen on. Default: 127.0.0.1")
  private String host;

  @Option(
      names = "--port",
      paramLabel = "PORT",
      description = "For HTTP; 0 for any that is free. Default: 8080")
  private Integer port;

  @Option(
      names = "--grpc-port",
      paramLabel = "PORT",
      description = "For gRPC; 0 for any that is free, -1 for none. Default: 9000")
  private Integer grpcPort;

  @Option(
      names = "--model",
      paramLabel = "NAME",
      split = ",",
      description = "The models to load. Default: all")
  private List<String> models;

  @Option(
      names = "--provider",
      paramLabel = "NAME",
      split = ",",
      description =
          "Execution providers of base models, in order of preference; MODEL=NAME:NAME for one"
              + " model. Default: cpu")
  private List<String> providers;

  @Option(
      names = "--auth",
      paramLabel = "WHEN",
      description =
          "Whether clients need a key: keys, none, or auto (off the loopback address). Default:"
              + " auto")
  private String auth;

  @Option(
      names = "--tls",
      paramLabel = "MODE",
      description =
          "off, files, or auto for a certificate that the server makes itself. Default: files if"
              + " one is named, else off")
  private String tls;

  @Option(
      names = "--tls-certificate",
      paramLabel = "FILE",
      description = "PEM: the certificate and those that it is signed with")
  private Path certificate;

  @Option(names = "--tls-key", paramLabel = "FILE", description = "PEM: its key, in PKCS#8")
  private Path key;

  @Option(
      names = "--tls-client-ca",
      paramLabel = "FILE",
      description = "PEM: who signs clients' certificates; then every client needs one")
  private Path clientCa;

  @Option(names = "--log", paramLabel = "FORMAT", description = "plain or json. Default: plain")
  private String log;

  @Option(
      names = "--set",
      paramLabel = "NAME=VALUE",
      description = "Any other setting, as headstart.drain.timeout=1m")
  private Map<String, String> others = Map.of();

  @Override
  public Integer call() {
    Map<String, Object> settings = Settings.read(config, System.getenv(), flags());
    settings.putIfAbsent("headstart.workspace", workspace().toString());
    CountDownLatch asked = new CountDownLatch(1);
    CountDownLatch stopped = new CountDownLatch(1);
    Thread hook = new Thread(() -> stop(asked, stopped), "headstart-stop");
    Runtime.getRuntime().addShutdownHook(hook);
    try (Server server = Server.start(settings)) {
      if (awaitReady(server, asked)) {
        announce(server);
        if (Boolean.getBoolean("headstart.rehearsal")) {
          rehearse(server);
          return Main.DONE;
        }
        asked.await();
      }
      console().message("Stopping: what has been asked is answered.");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      stopped.countDown();
      if (asked.getCount() > 0) {
        Runtime.getRuntime().removeShutdownHook(hook);
      }
    }
    return Main.DONE;
  }

  /** One request, so that the launcher's archive of classes holds what the first ones need. */
  private static void rehearse(Server server) {
    try (InputStream in =
        new URL("http://127.0.0.1:" + server.port() + "/v2/health/ready").openStream()) {
      in.readAllBytes();
    } catch (IOException e) {
      throw new FailureException("the server does not answer: " + e.getMessage(), e);
    }
  }

  /** A process that a signal ends has the signal's status; this one ended as it should. */
  private static void stop(CountDownLatch asked, CountDownLatch stopped) {
    asked.countDown();
    try {
      stopped.await();
      Runtime.getRuntime().halt(Main.DONE);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * Waits until the models are loaded, and says how far it is if that takes long.
   *
   * @return false if the server was asked to stop before
   */
  private boolean awaitReady(Server server, CountDownLatch asked) throws InterruptedException {
    ModelRepository models = server.bean(ModelRepository.class);
    long said = System.nanoTime();
    while (!models.ready()) {
      if (asked.await(POLL_MILLIS, TimeUnit.MILLISECONDS)) {
        return false;
      }
      if (System.nanoTime() - said > QUIET_NANOS) {
        said = System.nanoTime();
        List<ModelStatus> all = models.index();
        console()
            .message(
                "Loading models: "
                    + all.stream().filter(m -> m.state() != ModelStatus.State.LOADING).count()
                    + " of "
                    + all.size());
      }
    }
    // The files that were read are garbage now; the launcher has Java give such memory back at
    // once.
    System.gc();
    return true;
  }

  private void announce(Server server) {
    ServerSettings settings = server.bean(ServerSettings.class);
    Certificates certificates = server.bean(Certificates.class);
    List<ModelMetadata> models = models(server.bean(ModelRepository.class));
    String url =
        (certificates.on() ? "https" : "http") + "://" + reachable(settings) + ":" + server.port();
    if (json()) {
      Map<String, Object> answer = new LinkedHashMap<>();
      answer.put("host", settings.host());
      answer.put("port", server.port());
      answer.put("grpcPort", server.grpcPort());
      answer.put("url", url);
      answer.put("keys", settings.keysAsked());
      answer.put("models", models.stream().map(ServeCommand::model).toList());
      console().json(answer);
      return;
    }
    Console to = console();
    to.message(
        "Listening on "
            + url
            + (server.grpcPort() < 0 ? "" : ", gRPC on port " + server.grpcPort()));
    for (ModelMetadata model : models) {
      to.message(
          "  "
              + model.name()
              + (model.kind() == ModelMetadata.Kind.HEAD ? ", version " + model.version() : "")
              + ", on "
              + model.provider());
    }
    certificates.fingerprint().ifPresent(f -> to.message("Certificate's SHA-256: " + f));
    certificates.ownCertificate().ifPresent(file -> to.message("Clients trust it by " + file));
    to.message("What it can be asked: " + url + "/docs");
    to.message("To ask:\n  " + ask(settings, certificates, url, models));
    warn(server, settings);
  }

  private void warn(Server server, ServerSettings settings) {
    if (settings.keysAsked()) {
      if (!server.bean(Authentication.class).any()) {
        console().warning("clients need a key and there is none yet. To make one:");
        console().message(next("keys add NAME --role predict"));
      }
    } else if (!settings.loopback()) {
      console()
          .warning(
              "whoever reaches "
                  + settings.host()
                  + " can ask, load and unload models: no key is needed. To ask for keys: --auth"
                  + " keys");
    }
  }

  private static Map<String, Object> model(ModelMetadata model) {
    Map<String, Object> answer = new LinkedHashMap<>();
    answer.put("name", model.name());
    answer.put("version", model.version());
    answer.put("provider", model.provider().toString());
    return answer;
  }

  private static List<ModelMetadata> models(ModelRepository repository) {
    List<ModelMetadata> models = new ArrayList<>();
    repository.index().stream()
        .filter(status -> status.state() == ModelStatus.State.READY)
        .map(ModelStatus::name)
        .distinct()
        .forEach(
            name -> {
              try {
                models.add(repository.metadata(name, null));
              } catch (NotFoundException | UnavailableException e) {
                return; // removed meanwhile
              }
            });
    return models;
  }

  /** Where a client on this machine finds the server. */
  private static String reachable(ServerSettings settings) {
    String host = settings.host();
    if (host.equals("0.0.0.0") || host.equals("::")) {
      return "localhost";
    }
    return host.contains(":") ? "[" + host + "]" : host;
  }

  private static String ask(
      ServerSettings settings, Certificates certificates, String url, List<ModelMetadata> models) {
    StringBuilder curl = new StringBuilder("curl");
    certificates.ownCertificate().ifPresent(file -> curl.append(" --cacert ").append(file));
    if (settings.keysAsked()) {
      curl.append(" -H 'Authorization: Bearer KEY'");
    }
    return models.stream()
        .filter(model -> model.kind() == ModelMetadata.Kind.HEAD)
        .findFirst()
        .map(
            head ->
                head.forms().get(0).inputs().get(0).name().equals("image")
                    ? curl
                        + " -F file=@picture.jpg "
                        + url
                        + "/v1/heads/"
                        + head.name()
                        + "/predict"
                    : curl
                        + " -H 'Content-Type: text/plain' -d 'some text' "
                        + url
                        + "/v1/heads/"
                        + head.name()
                        + "/predict")
        .orElseGet(
            () ->
                curl
                    + " "
                    + url
                    + "/v2/models/"
                    + (models.isEmpty() ? "NAME" : models.get(0).name()));
  }

  /** What flags say, by setting. */
  private Map<String, Object> flags() {
    Map<String, Object> flags = new LinkedHashMap<>(others);
    if (explicitWorkspace() != null) {
      flags.put("headstart.workspace", explicitWorkspace().toString());
    }
    put(flags, "headstart.host", host);
    put(flags, "headstart.port", port);
    put(flags, "headstart.grpc-port", grpcPort);
    put(flags, "headstart.models", models);
    put(flags, "headstart.auth", auth);
    put(flags, "headstart.tls.mode", tls);
    put(flags, "headstart.tls.certificate", certificate);
    put(flags, "headstart.tls.key", key);
    put(flags, "headstart.tls.client-ca", clientCa);
    put(flags, "headstart.log.format", log);
    if (providers != null) {
      List<String> all = new ArrayList<>(providers);
      List<String> single = all.stream().filter(p -> p.contains("=")).toList();
      all.removeAll(single);
      put(flags, "headstart.providers", all.isEmpty() ? null : all);
      put(flags, "headstart.model-providers", single.isEmpty() ? null : single);
    }
    return flags;
  }

  private static void put(Map<String, Object> flags, String name, Object value) {
    if (value != null) {
      flags.put(name, value);
    }
  }
}
