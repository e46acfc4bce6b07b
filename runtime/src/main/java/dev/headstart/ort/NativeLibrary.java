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
import java.util.List;
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
 * those of {@code org.bytedeco:onnxruntime} of the same version have it, and those with classifier
 * {@code …-gpu} know CUDA too. The cache is {@link CacheFolder}. A cached file is checked by length
 * and CRC-32 against the jar's entry at every start, and put in place by an atomic rename, so
 * several processes may do this at once. All libraries lie in one folder, where ONNX Runtime looks
 * for those of execution providers.
 */
final class NativeLibrary {
  private static final Logger LOG = LoggerFactory.getLogger(NativeLibrary.class);
  private static final String FOLDER_PROPERTY = "onnxruntime.native.path";
  private static final String JNI = "onnxruntime4j_jni";
  private static final String FILE_PROPERTY = "onnxruntime.native.onnxruntime.path";

  /** Where on the class path, and where in the cache, the native in use lies; null if not there. */
  private static String resources;

  private static Path folder;

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
    if (System.getProperty(FOLDER_PROPERTY) != null || System.getProperty(FILE_PROPERTY) != null) {
      return;
    }
    for (String platform : List.of(platform() + "-gpu", platform())) {
      String candidate = "org/bytedeco/onnxruntime/" + platform + "/";
      Optional<URL> training =
          find(candidate + "libonnxruntime.so.1")
              .or(() -> find(candidate + "libonnxruntime.1.dylib"))
              .or(() -> find(candidate + "onnxruntime.dll"));
      if (training.isPresent()) {
        prepare(training.get(), candidate);
        return;
      }
    }
    LOG.info("no training-enabled ONNX Runtime for {}: predicting only", platform());
  }

  private static void prepare(URL training, String where) {
    try {
      Path library = cached(training, System.mapLibraryName("onnxruntime"), CacheFolder.path());
      System.load(library.toString());
      // The Java API looks for its own JNI library in the same folder.
      place(jni(), library.resolveSibling(System.mapLibraryName(JNI)));
      folder = library.getParent();
      resources = where;
      System.setProperty(FOLDER_PROPERTY, folder.toString());
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

  private static URL jni() throws IOException {
    String platform =
        platform()
            .replace("linux-arm64", "linux-aarch64")
            .replace("macosx-arm64", "osx-aarch64")
            .replace("macosx-x86_64", "osx-x64")
            .replace("windows", "win")
            .replace("x86_64", "x64");
    String resource = "ai/onnxruntime/native/" + platform + "/" + System.mapLibraryName(JNI);
    return find(resource)
        .orElseThrow(() -> new IOException(resource + " is not on the class path"));
  }

  /**
   * Unpacks an execution provider's library beside the native, where the class path has one. Not
   * done at the start: that of CUDA has 240 MB.
   *
   * @param provider as its library's name has it
   */
  static synchronized void prepare(String provider) throws IOException {
    if (folder == null) {
      return;
    }
    for (String name :
        List.of("onnxruntime_providers_shared", "onnxruntime_providers_" + provider)) {
      String file = System.mapLibraryName(name);
      Optional<URL> library = find(resources + file);
      if (library.isPresent()) {
        place(library.get(), folder.resolve(file));
      }
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
    String name = String.format("onnxruntime-%s-%08x", platform(), content(resource).crc32());
    return place(resource, cache.resolve(name).resolve(file));
  }

  /** Makes {@code target} a copy, unless it is one. */
  private static Path place(URL resource, Path target) throws IOException {
    Content content = content(resource);
    if (Files.isRegularFile(target) && content.equals(contentOf(target))) {
      return target;
    }
    Files.createDirectories(target.getParent());
    Path part = Files.createTempFile(target.getParent(), target.getFileName().toString(), ".part");
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
