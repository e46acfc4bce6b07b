package dev.headstart.backbone;

import dev.headstart.error.BadInputException;
import dev.headstart.onnx.OnnxModel;
import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.net.URLConnection;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/** Where a base model's files lie: a folder, or resources on the class path. */
sealed interface ModelFiles {

  /** Prefix of names that mean a resource of the class path, wherever the manifest lies. */
  String CLASSPATH = "classpath:";

  /**
   * The bytes of a file that the manifest names.
   *
   * @throws BadInputException if it is not there, or would lie outside
   */
  byte[] read(String name);

  /** As an ONNX model, with external data where it lies in a folder. */
  OnnxModel parse(String name, byte[] bytes);

  private static byte[] resource(String name) {
    URL resource = ModelFiles.class.getClassLoader().getResource(name);
    if (resource == null) {
      throw new BadInputException("the resource " + name + " is not on the class path");
    }
    try {
      URLConnection connection = resource.openConnection();
      try (InputStream in = connection.getInputStream()) {
        // A model fills its array at once, rather than pieces that are put together.
        byte[] bytes = new byte[Math.max(0, connection.getContentLength())];
        int read = in.readNBytes(bytes, 0, bytes.length);
        byte[] rest = in.readAllBytes();
        if (read == bytes.length && rest.length == 0) {
          return bytes;
        }
        byte[] all = Arrays.copyOf(bytes, read + rest.length);
        System.arraycopy(rest, 0, all, read, rest.length);
        return all;
      }
    } catch (IOException e) {
      throw new BadInputException("the resource " + name + " cannot be read: " + e.getMessage(), e);
    }
  }

  private static void requirePlain(String name, Object where) {
    if (name.isEmpty()
        || name.contains("..")
        || name.startsWith("/")
        || name.contains("\\")
        || name.contains(":")) {
      throw new BadInputException(
          "the manifest in " + where + " names the file '" + name + "', which is not beside it");
    }
  }

  /**
   * Resources of the bundled models.
   *
   * @param prefix ends in a slash
   */
  record Bundled(String prefix) implements ModelFiles {
    @Override
    public byte[] read(String name) {
      if (name.startsWith(CLASSPATH)) {
        return resource(name.substring(CLASSPATH.length()));
      }
      requirePlain(name, this);
      return resource(prefix + name);
    }

    @Override
    public OnnxModel parse(String name, byte[] bytes) {
      return OnnxModel.read(bytes, name);
    }

    @Override
    public String toString() {
      return "bundled";
    }
  }

  /** A folder of the workspace. */
  record Folder(Path path) implements ModelFiles {
    @Override
    public byte[] read(String name) {
      if (name.startsWith(CLASSPATH)) {
        return resource(name.substring(CLASSPATH.length()));
      }
      requirePlain(name, path);
      Path file = path.resolve(name);
      try {
        return Files.readAllBytes(file);
      } catch (IOException e) {
        throw new BadInputException("cannot read " + file + ": " + e, e);
      }
    }

    @Override
    public OnnxModel parse(String name, byte[] bytes) {
      return name.startsWith(CLASSPATH)
          ? OnnxModel.read(bytes, name)
          : OnnxModel.read(bytes, path, path.resolve(name).toString());
    }

    @Override
    public String toString() {
      return path.toString();
    }
  }
}
