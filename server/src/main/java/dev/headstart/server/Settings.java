package dev.headstart.server;

import dev.headstart.error.BadInputException;
import dev.headstart.error.HeadstartException;
import dev.headstart.error.NotFoundException;
import dev.headstart.error.UsageException;
import dev.headstart.server.operation.DrainSettings;
import dev.headstart.server.operation.LogSettings;
import dev.headstart.server.operation.TracingSettings;
import dev.headstart.server.protocol.Limits;
import dev.headstart.server.security.ConnectionSettings;
import dev.headstart.server.security.SessionSettings;
import dev.headstart.server.teach.TeachSettings;
import dev.headstart.server.tls.TlsSettings;
import io.micronaut.context.annotation.ConfigurationProperties;
import io.micronaut.core.bind.annotation.Bindable;
import io.micronaut.core.convert.ConversionService;
import io.micronaut.core.naming.NameUtils;
import io.micronaut.core.type.Argument;
import java.io.IOException;
import java.io.Reader;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;
import org.yaml.snakeyaml.error.YAMLException;

/**
 * All settings of the server, as its records of settings declare them: a component of one is a
 * setting, so that there is no other list to keep. Values come from a file, from the environment
 * ({@code HEADSTART_GRPC_PORT} for {@code headstart.grpc-port}) and from flags; the later wins.
 * Every value is checked before the server is made.
 */
public final class Settings {
  private static final String PREFIX = "headstart.";

  private static final List<Class<? extends Record>> RECORDS =
      List.of(
          ServerSettings.class,
          TlsSettings.class,
          ConnectionSettings.class,
          SessionSettings.class,
          DrainSettings.class,
          LogSettings.class,
          TracingSettings.class,
          Limits.class,
          TeachSettings.class);

  private static final Map<String, Setting> ALL =
      RECORDS.stream()
          .flatMap(Settings::of)
          .collect(Collectors.toMap(Setting::name, s -> s, (a, b) -> a, LinkedHashMap::new));

  private Settings() {}

  /**
   * A setting.
   *
   * @param name in files and flags
   * @param standard its value where nothing is said; null for none
   */
  public record Setting(String name, Argument<?> type, String standard) {

    /** Its environment variable. */
    public String variable() {
      return name.toUpperCase(Locale.ROOT).replaceAll("[^A-Z0-9]", "_");
    }
  }

  /** Every setting there is. */
  public static List<Setting> all() {
    return List.copyOf(ALL.values());
  }

  private static Stream<Setting> of(Class<? extends Record> record) {
    String prefix = record.getAnnotation(ConfigurationProperties.class).value();
    return Arrays.stream(record.getRecordComponents())
        .map(
            component ->
                new Setting(
                    prefix + "." + NameUtils.hyphenate(component.getName()),
                    argument(component.getGenericType()),
                    standard(component)));
  }

  private static String standard(RecordComponent component) {
    Bindable bindable = component.getAccessor().getAnnotation(Bindable.class);
    return bindable == null || bindable.defaultValue().isEmpty() ? null : bindable.defaultValue();
  }

  private static Argument<?> argument(Type type) {
    return type instanceof ParameterizedType list
        ? Argument.listOf((Class<?>) list.getActualTypeArguments()[0])
        : Argument.of((Class<?>) type);
  }

  /**
   * Puts the three sources together.
   *
   * @param file YAML ({@code .yml}, {@code .yaml}) or Java properties; null for none
   * @param environment of the process
   * @param flags by setting name
   * @return settings by name, sound
   * @throws NotFoundException if there is no such file
   * @throws BadInputException if the file has an unknown key, or a value is wrong
   * @throws UsageException if a flag names an unknown setting
   */
  public static Map<String, Object> read(
      Path file, Map<String, String> environment, Map<String, Object> flags) {
    Map<String, Object> values = new LinkedHashMap<>();
    Map<String, String> origins = new HashMap<>();
    if (file != null) {
      readFile(file).forEach((name, value) -> values.put(known(file, name), value));
      values.keySet().forEach(name -> origins.put(name, file.toString()));
    }
    for (Setting setting : ALL.values()) {
      String value = environment.get(setting.variable());
      // Kubernetes sets HEADSTART_PORT to tcp://… in every container beside a service "headstart".
      if (value != null && !value.isBlank() && !value.matches("(tcp|udp|sctp)://.*")) {
        values.put(setting.name(), value);
        origins.put(setting.name(), setting.variable());
      }
    }
    flags.forEach(
        (name, value) -> {
          if (!ALL.containsKey(name)) {
            throw new UsageException(unknown(name));
          }
          values.put(name, value);
          origins.remove(name);
        });
    try {
      check(values);
    } catch (BadInputException e) {
      throw origins.entrySet().stream()
          .filter(origin -> e.getMessage().startsWith(origin.getKey() + " "))
          .findFirst()
          .map(origin -> new BadInputException(e.getMessage() + " (" + origin.getValue() + ")", e))
          .orElse(e);
    }
    return values;
  }

  /**
   * Checks every value, and those that must fit one another.
   *
   * @throws BadInputException naming the setting, what was expected, and what came
   */
  static void check(Map<String, Object> values) {
    for (Class<? extends Record> record : RECORDS) {
      make(record, values);
    }
  }

  /** The record of these settings. */
  static <R extends Record> R make(Class<R> record, Map<String, Object> values) {
    List<Object> components = new ArrayList<>();
    of(record)
        .forEach(
            setting ->
                components.add(
                    value(setting, values.getOrDefault(setting.name(), setting.standard()))));
    try {
      return record.cast(record.getDeclaredConstructors()[0].newInstance(components.toArray()));
    } catch (InvocationTargetException e) {
      if (e.getCause() instanceof HeadstartException wrong) {
        throw wrong;
      }
      throw new IllegalStateException(e);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }

  private static Object value(Setting setting, Object given) {
    if (given == null) {
      return null;
    }
    if (given instanceof List<?> list && list.isEmpty()) {
      return list;
    }
    // Everything that is not true would be false.
    if (setting.type().getType() == boolean.class && !given.toString().matches("true|false")) {
      throw SettingChecks.wrong(setting.name(), expected(setting.type()), given);
    }
    Object value = setting.type().getType() == Path.class ? given.toString() : given;
    Object converted =
        ConversionService.SHARED
            .convert(value, setting.type())
            .orElseThrow(
                () -> SettingChecks.wrong(setting.name(), expected(setting.type()), given));
    // A list leaves out what it cannot convert.
    if (converted instanceof List<?> list && list.size() != parts(given)) {
      throw SettingChecks.wrong(setting.name(), expected(setting.type()), given);
    }
    return converted;
  }

  private static int parts(Object given) {
    return given instanceof List<?> list ? list.size() : given.toString().split(",").length;
  }

  private static String expected(Argument<?> type) {
    Class<?> raw = type.getType();
    if (raw.isEnum()) {
      return "one of " + names(raw);
    }
    if (raw == List.class) {
      Class<?> element = type.getFirstTypeVariable().orElseThrow().getType();
      return "a list" + (element.isEnum() ? " of " + names(element) : "") + ", with commas between";
    }
    if (raw == Duration.class) {
      return "a time with its unit, as 250ms, 30s or 5m";
    }
    if (raw == boolean.class) {
      return "true or false";
    }
    return raw == int.class || raw == long.class ? "a whole number" : "a text";
  }

  private static String names(Class<?> type) {
    return Arrays.stream(type.getEnumConstants())
        .map(value -> value.toString().toLowerCase(Locale.ROOT))
        .collect(Collectors.joining(", "));
  }

  private static String known(Path file, String name) {
    if (ALL.containsKey(name) || name.startsWith("micronaut.")) {
      return name;
    }
    throw new BadInputException(file + ": " + unknown(name));
  }

  private static String unknown(String name) {
    if (ALL.keySet().stream().anyMatch(known -> known.startsWith(name + "."))) {
      return "expected settings below '"
          + name
          + "', not a value; docs/configuration.md lists them";
    }
    Optional<String> nearest =
        ALL.containsKey(PREFIX + name)
            ? Optional.of(PREFIX + name)
            : NotFoundException.nearest(name, ALL.keySet());
    return "unknown setting '"
        + name
        + "'"
        + nearest.map(known -> ": did you mean '" + known + "'?").orElse(";")
        + " docs/configuration.md lists all";
  }

  private static Map<String, Object> readFile(Path file) {
    boolean yaml = file.toString().matches(".*\\.ya?ml");
    Map<String, Object> values = new LinkedHashMap<>();
    try (Reader reader = Files.newBufferedReader(file)) {
      if (yaml) {
        Object read = new Yaml(new SafeConstructor(new LoaderOptions())).load(reader);
        if (read instanceof Map<?, ?> map) {
          flatten("", map, values);
        } else if (read != null) {
          throw new BadInputException(file + ": expected headstart: and settings below it");
        }
      } else {
        Properties properties = new Properties();
        properties.load(reader);
        properties.stringPropertyNames().stream()
            .sorted()
            .forEach(name -> values.put(name, properties.getProperty(name)));
      }
      return values;
    } catch (NoSuchFileException e) {
      throw new NotFoundException("there is no configuration file " + file);
    } catch (YAMLException | IllegalArgumentException e) {
      throw new BadInputException(
          file + " is not sound " + (yaml ? "YAML" : "properties") + ": " + e.getMessage(), e);
    } catch (IOException e) {
      throw new BadInputException(file + " cannot be read: " + e.getMessage(), e);
    }
  }

  private static void flatten(String prefix, Map<?, ?> map, Map<String, Object> values) {
    map.forEach(
        (key, value) -> {
          String name = prefix + key;
          if (value instanceof Map<?, ?> nested) {
            flatten(name + ".", nested, values);
          } else if (value != null) {
            values.put(name, value);
          }
        });
  }
}
