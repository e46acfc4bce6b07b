package dev.headstart.backbone;

import dev.headstart.error.BadInputException;
import dev.headstart.onnx.OnnxModel;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;

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
    try (InputStream in = ModelFiles.class.getClassLoader().getResourceAsStream(name)) {
      if (in == null) {
        throw new BadInputException("the resource " + name + " is not on the class path");
      }
      return in.readAllBytes();
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
