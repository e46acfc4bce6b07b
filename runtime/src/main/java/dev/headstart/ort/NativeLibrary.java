package dev.headstart.ort;

import dev.headstart.disk.CacheFolder;
import dev.headstart.error.FailureException;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.JarURLConnection;
import java.net.URL;
import java.net.URLConnection;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Locale;
import java.util.Optional;
import java.util.jar.JarFile;
import java.util.zip.CRC32;
import java.util.zip.CheckedInputStream;
import java.util.zip.ZipEntry;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds the training-enabled native of this platform on the class path and copies it once to a
 * cache, from where ONNX Runtime's Java API loads it.
 *
 * <p>The natives inside {@code com.microsoft.onnxruntime:onnxruntime} have training switched off;
 * those of {@code org.bytedeco:onnxruntime} of the same version have it. The cache is {@link
 * CacheFolder}. A cached file is checked by length and CRC-32 against the jar's entry at every
 * start, and put in place by an atomic rename, so several processes may do this at once.
 */
final class NativeLibrary {
  private static final Logger LOG = LoggerFactory.getLogger(NativeLibrary.class);
  private static final String PATH_PROPERTY = "onnxruntime.native.onnxruntime.path";
  private static final String JNI_PATH_PROPERTY = "onnxruntime.native.onnxruntime4j_jni.path";

  private NativeLibrary() {}

  /** This platform in the words of the training artifact's classifiers, e.g. linux-x86_64. */
  static String platform() {
    String os = System.getProperty("os.name").toLowerCase(Locale.ROOT);
    String arch = System.getProperty("os.arch").toLowerCase(Locale.ROOT);
    String osPart =
        os.startsWith("mac") ? "macosx" : os.startsWith("windows") ? "windows" : "linux";
    String archPart =
        switch (arch) {
          case "amd64", "x86_64" -> "x86_64";
          case "aarch64", "arm64" -> "arm64";
          default -> arch;
        };
    return osPart + "-" + archPart;
  }

  /**
   * Points ONNX Runtime's Java API at the training-enabled native, where there is one. Must run
   * before the first use of {@code OrtEnvironment}. A path that the user set by hand stays.
   */
  static void prepare() {
    if (System.getProperty(PATH_PROPERTY) != null) {
      return;
    }
    String platform = platform();
    String folder = "org/bytedeco/onnxruntime/" + platform + "/";
    Optional<URL> training =
        find(folder + "libonnxruntime.so.1")
            .or(() -> find(folder + "libonnxruntime.1.dylib"))
            .or(() -> find(folder + "onnxruntime.dll"));
    if (training.isEmpty()) {
      LOG.info("no training-enabled ONNX Runtime for {}: predicting only", platform);
      return;
    }
    try {
      Path library =
          cached(training.get(), System.mapLibraryName("onnxruntime"), CacheFolder.path());
      System.load(library.toString());
      System.setProperty(PATH_PROPERTY, library.toString());
      prepareJni(library.getParent());
    } catch (UnsatisfiedLinkError e) {
      LOG.warn(
          "the training-enabled ONNX Runtime does not load here ({}): predicting only",
          e.getMessage());
    } catch (IOException | UncheckedIOException e) {
      throw new FailureException(
          "cannot copy the native library to "
              + CacheFolder.path()
              + " ("
              + e.getMessage()
              + "): set HEADSTART_CACHE to a folder that can be written",
          e);
    }
  }

  /** The Java API's own JNI library would else be unpacked to a fresh folder at every start. */
  private static void prepareJni(Path folder) throws IOException {
    String platform = platform();
    String theirs =
        platform
            .replace("linux-arm64", "linux-aarch64")
            .replace("macosx-arm64", "osx-aarch64")
            .replace("macosx-x86_64", "osx-x64")
            .replace("windows", "win")
            .replace("x86_64", "x64");
    String file = System.mapLibraryName("onnxruntime4j_jni");
    Optional<URL> jni = find("ai/onnxruntime/native/" + theirs + "/" + file);
    if (jni.isPresent() && System.getProperty(JNI_PATH_PROPERTY) == null) {
      System.setProperty(JNI_PATH_PROPERTY, cached(jni.get(), file, folder.getParent()).toString());
    }
  }

  private static Optional<URL> find(String resource) {
    return Optional.ofNullable(NativeLibrary.class.getClassLoader().getResource(resource));
  }

  /**
   * The library's copy in {@code cache}, made if it is not there or not whole. The folder's name
   * holds the contents' CRC-32, so versions never meet.
   */
  static Path cached(URL resource, String file, Path cache) throws IOException {
    Content content = content(resource);
    Path folder = cache.resolve(String.format("onnxruntime-%s-%08x", platform(), content.crc32()));
    Path target = folder.resolve(file);
    if (Files.isRegularFile(target) && content.equals(contentOf(target))) {
      return target;
    }
    Files.createDirectories(folder);
    Path part = Files.createTempFile(folder, file, ".part");
    try {
      try (InputStream in = resource.openStream()) {
        Files.copy(in, part, StandardCopyOption.REPLACE_EXISTING);
      }
      if (!content.equals(contentOf(part))) {
        throw new IOException("the copy of " + resource + " is not whole: is the disk full?");
      }
      try (FileChannel channel = FileChannel.open(part, StandardOpenOption.WRITE)) {
        channel.force(true);
      }
      Files.move(part, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } finally {
      Files.deleteIfExists(part);
    }
    return target;
  }

  private record Content(long length, long crc32) {}

  /** From the jar's directory where the resource lies in a jar, else by reading it. */
  private static Content content(URL resource) throws IOException {
    URLConnection connection = resource.openConnection();
    if (connection instanceof JarURLConnection jar) {
      jar.setUseCaches(false);
      try (JarFile file = jar.getJarFile()) {
        ZipEntry entry = file.getEntry(jar.getEntryName());
        return new Content(entry.getSize(), entry.getCrc());
      }
    }
    try (InputStream in = connection.getInputStream()) {
      return read(in);
    }
  }

  private static Content contentOf(Path file) throws IOException {
    try (InputStream in = new FileInputStream(file.toFile())) {
      return read(in);
    }
  }

  private static Content read(InputStream in) throws IOException {
    CRC32 crc = new CRC32();
    byte[] buffer = new byte[1 << 16];
    long length = 0;
    try (CheckedInputStream checked = new CheckedInputStream(in, crc)) {
      for (int n = checked.read(buffer); n >= 0; n = checked.read(buffer)) {
        length += n;
      }
    }
    return new Content(length, crc.getValue());
  }
}
