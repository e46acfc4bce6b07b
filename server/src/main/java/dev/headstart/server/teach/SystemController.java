package dev.headstart.server.teach;

import com.sun.management.OperatingSystemMXBean;
import dev.headstart.Headstart;
import dev.headstart.error.HeadstartException;
import dev.headstart.ort.OrtRuntime;
import dev.headstart.ort.Provider;
import dev.headstart.sample.Modality;
import dev.headstart.server.ServerSettings;
import dev.headstart.server.http.Answers;
import dev.headstart.server.security.Hosts;
import dev.headstart.server.security.RequiresRole;
import dev.headstart.server.security.Role;
import dev.headstart.serving.ModelRepository;
import dev.headstart.serving.ModelStatus;
import dev.headstart.teach.HeadSettings;
import dev.headstart.teach.Run;
import dev.headstart.teach.Teaching;
import io.micronaut.core.annotation.Nullable;
import io.micronaut.http.HttpResponse;
import io.micronaut.http.MediaType;
import io.micronaut.http.annotation.Controller;
import io.micronaut.http.annotation.Get;
import io.micronaut.scheduling.TaskExecutors;
import io.micronaut.scheduling.annotation.ExecuteOn;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What the server runs on, and how it does, for a page. Sizes are in bytes. */
@RequiresRole(Role.PREDICT)
@Controller(value = "/v1/system", produces = MediaType.ALL)
final class SystemController {
  private final Headstart headstart;
  private final ModelRepository models;
  private final ServerSettings settings;
  @Nullable private final Teaching teaching;

  SystemController(
      Headstart headstart,
      ModelRepository models,
      ServerSettings settings,
      @Nullable Teaching teaching) {
    this.headstart = headstart;
    this.models = models;
    this.settings = settings;
    this.teaching = teaching;
  }

  @Get
  @ExecuteOn(TaskExecutors.BLOCKING)
  HttpResponse<byte[]> system() {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("release", release());
    json.put("machine", machine());
    json.put("memory", memory());
    json.put("disk", disk());
    json.put("workspace", workspace());
    json.put("models", models());
    json.put(
        "providers",
        Arrays.stream(Provider.values())
            .filter(Provider::available)
            .map(Provider::toString)
            .toList());
    json.put("queue", queue());
    return Answers.json(json);
  }

  private static Map<String, Object> release() {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("headstart", Headstart.version());
    json.put("onnxRuntime", OrtRuntime.version());
    json.put("java", Runtime.version().toString());
    json.put("training", OrtRuntime.canTrain());
    return json;
  }

  private static Map<String, Object> machine() {
    OperatingSystemMXBean system = operatingSystem();
    double load = system.getCpuLoad();
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("name", Hosts.machine());
    json.put("system", system.getName() + " " + system.getVersion());
    json.put("architecture", system.getArch());
    json.put("cores", Runtime.getRuntime().availableProcessors());
    json.put("load", load < 0 ? null : Math.round(load * 100) / 100.0);
    json.put("uptimeSeconds", ManagementFactory.getRuntimeMXBean().getUptime() / 1_000);
    return json;
  }

  private static OperatingSystemMXBean operatingSystem() {
    return (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
  }

  private static Map<String, Object> memory() {
    Runtime runtime = Runtime.getRuntime();
    OperatingSystemMXBean system = operatingSystem();
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("totalBytes", system.getTotalMemorySize());
    json.put("freeBytes", system.getFreeMemorySize());
    json.put("heapBytes", runtime.totalMemory() - runtime.freeMemory());
    json.put("heapMaxBytes", runtime.maxMemory());
    return json;
  }

  private Map<String, Object> disk() {
    Path root = settings.workspace().toAbsolutePath();
    Map<String, Object> json = new LinkedHashMap<>();
    try {
      FileStore store = Files.getFileStore(root);
      json.put("totalBytes", store.getTotalSpace());
      json.put("freeBytes", store.getUsableSpace());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    json.put("writable", Files.isWritable(root));
    return json;
  }

  private Map<String, Object> workspace() {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("path", settings.workspace().toAbsolutePath().normalize().toString());
    json.put("heads", headstart.heads().heads().size());
    if (teaching != null) {
      List<HeadSettings> taught = teaching.store().heads();
      json.put("taughtHeads", taught.size());
      json.put(
          "samples",
          taught.stream().mapToInt(head -> teaching.store().count(head.head(), null, null)).sum());
    }
    return json;
  }

  /** Base models with what they take, then heads, each as far as it is. */
  private List<Map<String, Object>> models() {
    List<String> bases = headstart.models().names();
    List<Map<String, Object>> list = new ArrayList<>();
    for (ModelStatus status : models.index()) {
      Map<String, Object> json = new LinkedHashMap<>();
      json.put("id", status.name());
      json.put("version", status.version());
      json.put("state", status.state().name().toLowerCase(Locale.ROOT));
      json.put("reason", status.reason());
      json.put("modality", bases.contains(status.name()) ? modality(status.name()) : null);
      list.add(json);
    }
    return list;
  }

  private String modality(String base) {
    try {
      Modality modality = headstart.models().get(base).manifest().modality();
      return modality == null ? null : HeadBodies.name(modality);
    } catch (HeadstartException e) {
      return null; // removed meanwhile, or damaged: its state says so
    }
  }

  private Map<String, Object> queue() {
    Map<String, Object> json = new LinkedHashMap<>();
    List<Run> open = teaching == null ? List.of() : teaching.runs().open();
    json.put(
        "running",
        open.stream()
            .filter(run -> run.state() == Run.State.RUNNING)
            .map(SystemController::brief)
            .toList());
    json.put(
        "queued",
        open.stream()
            .filter(run -> run.state() == Run.State.QUEUED)
            .map(SystemController::brief)
            .toList());
    return json;
  }

  private static Map<String, Object> brief(Run run) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("head", run.head());
    json.put("run", run.id());
    return json;
  }
}
