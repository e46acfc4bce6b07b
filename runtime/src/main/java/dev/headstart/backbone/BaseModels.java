package dev.headstart.backbone;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import dev.headstart.error.BadInputException;
import dev.headstart.error.FailureException;
import dev.headstart.error.NotFoundException;
import dev.headstart.onnx.ElementType;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.Taps;
import dev.headstart.onnx.TensorInfo;
import dev.headstart.preprocess.Preprocessing;
import dev.headstart.preprocess.TensorPreprocessing;
import dev.headstart.preprocess.TextPreprocessing;
import dev.headstart.sample.Modality;
import dev.headstart.sample.Sample;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** The base models there are: the bundled ones, and those that were added to a workspace. */
public final class BaseModels {
  private static final String BUNDLED = "dev/headstart/models/";
  private static final String MANIFEST = "manifest.json";
  private static final ObjectMapper JSON =
      new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

  private final Path added;

  /**
   * @param added the workspace's folder of added base models; need not exist
   */
  public BaseModels(Path added) {
    this.added = added;
  }

  /** All base models, by name. An added one that cannot be read is left out of the list. */
  public List<BaseModel> list() {
    Map<String, BaseModel> models = new TreeMap<>();
    bundled().forEach(id -> models.put(id, bundled(id)));
    for (Path folder : folders()) {
      try {
        BaseModel model = load(folder);
        models.put(model.id(), model);
      } catch (BadInputException e) {
        // `get` says what is wrong with it; a list must not fail for one of its lines.
        continue;
      }
    }
    return List.copyOf(models.values());
  }

  /**
   * The base model of this name.
   *
   * @throws NotFoundException offering the nearest name
   */
  public BaseModel get(String id) {
    if (bundled().contains(id)) {
      return bundled(id);
    }
    for (Path folder : folders()) {
      if (folder.getFileName().toString().equals(id)) {
        return load(folder);
      }
    }
    throw new NotFoundException("base model", id, list().stream().map(BaseModel::id).toList());
  }

  /**
   * The base model that a head was taught on.
   *
   * @throws NotFoundException offering the nearest name
   * @throws BadInputException if the base model of that name is another file now
   */
  public BaseModel get(String id, String sha256) {
    BaseModel base = get(id);
    if (!base.manifest().sha256().equals(sha256)) {
      throw new BadInputException(
          "the head was taught on the base model "
              + id
              + " with sha-256 "
              + sha256
              + ", but that name is now the file "
              + base.manifest().sha256()
              + ": teach the head again");
    }
    return base;
  }

  /** The base model that is used for samples of a modality when none is named. */
  public BaseModel byDefault(Modality modality) {
    return switch (modality) {
      case IMAGE -> get("efficientnet-lite0");
      case TEXT -> get("minilm");
      case VECTOR ->
          throw new BadInputException("feature vectors need no base model, and none is bundled");
    };
  }

  /**
   * Adds an ONNX model. What its manifest does not say is worked out from the graph: inputs,
   * outputs, taps, whether results depend on the batch.
   *
   * @param file the model, external data beside it
   * @param name or null for the file's stem
   * @param manifest or null: what only a person knows (preprocessing, labels, licence)
   * @throws BadInputException if the model or the manifest is not sound, or the name is taken
   */
  public BaseModel add(Path file, String name, Path manifest) {
    if (!Files.isRegularFile(file)) {
      throw new NotFoundException("there is no model file " + file);
    }
    OnnxModel model = OnnxModel.read(file);
    Manifest given = manifest == null ? null : readManifest(manifest);
    String stem = file.getFileName().toString().replaceFirst("\\.onnx$", "");
    String id = name != null ? name : given != null && given.id() != null ? given.id() : stem;
    if (!id.matches("[A-Za-z0-9][A-Za-z0-9._-]{0,63}")) {
      throw new BadInputException(
          "'"
              + id
              + "' cannot name a base model: expected 1 to 64 of A-Z a-z 0-9 . _ -,"
              + " a letter or digit first; give --name");
    }
    if (bundled().contains(id) || Files.exists(added.resolve(id))) {
      throw new BadInputException(
          "there is a base model '" + id + "' already: give another --name, or remove it first");
    }
    try {
      Files.createDirectories(added);
      Path staged = Files.createTempDirectory(added, ".staged-");
      try {
        Path target = staged.resolve("model.onnx");
        model.write(target);
        String digest = Sample.sha256(Files.readAllBytes(target));
        Manifest complete = complete(id, digest, model, given);
        copyNamedFiles(complete, manifest, staged);
        Files.writeString(staged.resolve(MANIFEST), JSON.writeValueAsString(complete));
        Files.move(staged, added.resolve(id), StandardCopyOption.ATOMIC_MOVE);
      } finally {
        deleteTree(staged);
      }
    } catch (IOException e) {
      throw new FailureException(
          "the base model cannot be stored in "
              + added
              + ": "
              + e
              + "; free space or choose"
              + " another --workspace",
          e);
    }
    return get(id);
  }

  /**
   * Removes an added base model.
   *
   * @throws BadInputException for a bundled one
   */
  public void remove(String id) {
    if (bundled().contains(id)) {
      throw new BadInputException("the base model '" + id + "' is bundled and cannot be removed");
    }
    get(id);
    try {
      Path gone = Files.createTempDirectory(added, ".removed-");
      Files.move(added.resolve(id), gone.resolve(id), StandardCopyOption.ATOMIC_MOVE);
      deleteTree(gone);
    } catch (IOException e) {
      throw new FailureException("the base model " + id + " cannot be removed: " + e, e);
    }
  }

  private static Manifest complete(String id, String digest, OnnxModel model, Manifest given) {
    List<Manifest.Port> inputs = model.inputs().stream().map(BaseModels::port).toList();
    List<Manifest.Port> outputs = model.outputs().stream().map(BaseModels::port).toList();
    List<Manifest.Tap> taps =
        Taps.candidates(model).stream()
            .map(tap -> new Manifest.Tap(tap.name(), tap.tensor(), dims(tap.shape(), "free")))
            .toList();
    boolean dynamic =
        model.proto().getGraph().getNodeList().stream()
            .anyMatch(node -> node.getOpType().startsWith("DynamicQuantize"));
    if (given == null) {
      boolean vector =
          inputs.size() == 1
              && inputs.get(0).type().equals("float32")
              && inputs.get(0).shape().size() == 2;
      Preprocessing preprocessing = vector ? tensorPreprocessing(inputs.get(0)) : null;
      return new Manifest(
          id,
          Modality.VECTOR,
          "model.onnx",
          digest,
          inputs,
          outputs,
          taps,
          List.of(),
          preprocessing,
          null,
          false,
          !dynamic,
          null,
          null,
          null);
    }
    return new Manifest(
        id,
        given.modality() == null ? Modality.VECTOR : given.modality(),
        "model.onnx",
        digest,
        inputs,
        outputs,
        given.taps().isEmpty() ? taps : given.taps(),
        given.blocks(),
        given.preprocessing(),
        given.pooling(),
        given.reproducibleLayerNorms(),
        given.batchInvariant() && !dynamic,
        given.labels(),
        given.licence(),
        given.source());
  }

  private static Preprocessing tensorPreprocessing(Manifest.Port input) {
    Object length = input.shape().get(1);
    return new TensorPreprocessing(
        input.name(), length instanceof Long fixed ? Math.toIntExact(fixed) : null);
  }

  private static void copyNamedFiles(Manifest manifest, Path source, Path staged)
      throws IOException {
    List<String> names = new ArrayList<>();
    if (manifest.labels() != null) {
      names.add(manifest.labels());
    }
    if (manifest.preprocessing() instanceof TextPreprocessing text) {
      names.add(text.tokenizer());
    }
    for (String name : names) {
      if (!name.startsWith(ModelFiles.CLASSPATH)) {
        Path folder = source.toAbsolutePath().getParent();
        Files.write(staged.resolve(name), new ModelFiles.Folder(folder).read(name));
      }
    }
  }

  private static Manifest.Port port(TensorInfo info) {
    return new Manifest.Port(
        info.name(),
        info.type() == null ? "unknown" : typeName(info.type()),
        dims(info.shape(), "batch"));
  }

  private static List<Object> dims(long[] shape, String first) {
    return shape == null
        ? List.of()
        : IntStream.range(0, shape.length)
            .mapToObj(i -> (Object) (shape[i] >= 0 ? shape[i] : i == 0 ? first : "dim" + i))
            .toList();
  }

  private static String typeName(ElementType type) {
    return switch (type) {
      case FLOAT -> "float32";
      case DOUBLE -> "float64";
      default -> type.name().toLowerCase(Locale.ROOT);
    };
  }

  private Set<String> bundled() {
    return Set.copyOf(
        new String(new ModelFiles.Bundled(BUNDLED).read("bundled.txt"), StandardCharsets.UTF_8)
            .lines()
            .filter(line -> !line.isBlank())
            .toList());
  }

  private static BaseModel bundled(String id) {
    ModelFiles files = new ModelFiles.Bundled(BUNDLED + id + "/");
    return new BaseModel(parseManifest(files.read(MANIFEST), "the bundled model " + id), files);
  }

  private List<Path> folders() {
    if (!Files.isDirectory(added)) {
      return List.of();
    }
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(added)) {
      List<Path> folders = new ArrayList<>();
      for (Path entry : entries) {
        if (!entry.getFileName().toString().startsWith(".")
            && Files.isRegularFile(entry.resolve(MANIFEST))) {
          folders.add(entry);
        }
      }
      folders.sort(Comparator.naturalOrder());
      return folders;
    } catch (IOException e) {
      throw new FailureException("the folder " + added + " cannot be listed: " + e, e);
    }
  }

  private static BaseModel load(Path folder) {
    Manifest manifest = readManifest(folder.resolve(MANIFEST));
    if (!folder.getFileName().toString().equals(manifest.id())) {
      throw new BadInputException(
          folder.resolve(MANIFEST)
              + " is of base model '"
              + manifest.id()
              + "', not of its folder");
    }
    return new BaseModel(manifest, new ModelFiles.Folder(folder));
  }

  private static Manifest readManifest(Path file) {
    try (InputStream in = Files.newInputStream(file)) {
      return parseManifest(in.readAllBytes(), file.toString());
    } catch (IOException e) {
      throw new BadInputException("cannot read the manifest " + file + ": " + e, e);
    }
  }

  private static Manifest parseManifest(byte[] json, String where) {
    try {
      return JSON.readValue(json, Manifest.class);
    } catch (JsonProcessingException e) {
      throw new BadInputException(
          "the manifest of " + where + " is not valid: " + e.getOriginalMessage(), e);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void deleteTree(Path root) throws IOException {
    if (!Files.exists(root)) {
      return;
    }
    try (Stream<Path> files = Files.walk(root)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
