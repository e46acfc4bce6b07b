package dev.headstart.server;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Properties;

/** Files of pages, which come in jars: our own beside a class, libraries' as WebJars. */
public final class JarFiles {
  private JarFiles() {}

  /**
   * A file beside a class.
   *
   * @throws UncheckedIOException if there is none
   */
  public static byte[] beside(Class<?> page, String name) {
    try (InputStream in = open(page, name)) {
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * A file of a WebJar, whichever its version.
   *
   * @param group its Maven group, {@code org.webjars} or {@code org.webjars.npm}
   * @throws UncheckedIOException if there is none
   */
  public static byte[] webJar(String group, String artifact, String file) {
    String version;
    try (InputStream in =
        open(JarFiles.class, "/META-INF/maven/" + group + "/" + artifact + "/pom.properties")) {
      Properties properties = new Properties();
      properties.load(in);
      version = properties.getProperty("version");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return beside(
        JarFiles.class, "/META-INF/resources/webjars/" + artifact + "/" + version + "/" + file);
  }

  private static InputStream open(Class<?> page, String name) throws IOException {
    InputStream in = page.getResourceAsStream(name);
    if (in == null) {
      throw new FileNotFoundException("the jar is without " + name);
    }
    return in;
  }
}
