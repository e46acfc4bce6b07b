package dev.headstart.backbone;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import dev.headstart.disk.Disk;
import dev.headstart.disk.DiskFailures;
import dev.headstart.disk.Staging;
import dev.headstart.error.BadInputException;
import dev.headstart.error.FailureException;
import dev.headstart.error.NotFoundException;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.ort.InferenceSession;
import dev.headstart.ort.SessionSettings;
import dev.headstart.preprocess.TextPreprocessing;
import dev.headstart.sample.Modality;
import dev.headstart.sample.Sample;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The base models there are: the bundled ones, and those that were added to a workspace. */
public final class BaseModels {
  private static final String BUNDLED = "dev/headstart/models/";
  private static final String MODEL = "model.onnx";
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,63}");
  private static final String MANIFEST = "manifest.json";
  private static final ObjectMapper JSON =
      new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

  private final Path added;
  private final DiskFailures failures;

  /**
   * @param added the workspace's folder of added base models; need not exist
   */
  public BaseModels(Path added) {
    this.added = added.toAbsolutePath();
    this.failures = new DiskFailures(this.added.getParent());
  }

  /** The names of all base models, sorted; also of added ones that {@link #get} cannot read. */
  public List<String> names() {
    Set<String> names = new TreeSet<>(bundled());
    names.addAll(added());
    return List.copyOf(names);
  }

  /**
   * The base model of this name.
   *
   * @throws NotFoundException offering the nearest name
   * @throws BadInputException if what was added under it is no longer sound
   */
  public BaseModel get(String id) {
    if (bundled().contains(id)) {
      return bundled(id);
    }
    if (added().contains(id)) {
      return load(added.resolve(id));
    }
    throw new NotFoundException("base model", id, names());
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
    requireRunnable(model, file);
    Manifest given = manifest == null ? null : readManifest(manifest);
    String stem = file.getFileName().toString().replaceFirst("\\.onnx$", "");
    String id = name != null ? name : given != null && given.id() != null ? given.id() : stem;
    if (!NAME.matcher(id).matches()) {
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
    Manifest complete =
        given == null ? ManifestDraft.of(id, model) : ManifestDraft.completed(given, id, model);
    ManifestCheck.check(complete, model, manifest == null ? file : manifest);
    try {
      store(complete, model, manifest);
    } catch (IOException e) {
      throw failures.write(e);
    }
    return get(id);
  }

  /** What ONNX Runtime refuses is refused here, not when somebody teaches. */
  private static void requireRunnable(OnnxModel model, Path file) {
    try {
      InferenceSession.open(model, SessionSettings.cpu(1)).close();
    } catch (FailureException e) {
      throw new BadInputException(file + ": " + e.getMessage(), e);
    }
  }

  /** By one rename, when all of it is on the disk. */
  private void store(Manifest manifest, OnnxModel model, Path source) throws IOException {
    Disk.createDirectories(added);
    Path staged = Files.createDirectory(Staging.name(added));
    try {
      byte[] bytes = model.toBytes();
      write(staged.resolve(MODEL), bytes);
      Manifest signed = manifest.of(Sample.sha256(bytes));
      copyNamedFiles(signed, source, staged);
      write(staged.resolve(MANIFEST), JSON.writeValueAsBytes(signed));
      Disk.force(staged);
      Files.move(staged, added.resolve(manifest.id()), StandardCopyOption.ATOMIC_MOVE);
      Disk.force(added);
    } finally {
      Disk.deleteTree(staged);
    }
  }

  private static void write(Path file, byte[] content) throws IOException {
    Files.write(file, content, StandardOpenOption.CREATE_NEW);
    Disk.force(file);
  }

  /**
   * Removes an added base model, be it sound or not.
   *
   * @throws BadInputException for a bundled one
   * @throws NotFoundException offering the nearest name
   */
  public void remove(String id) {
    if (bundled().contains(id)) {
      throw new BadInputException("the base model '" + id + "' is bundled and cannot be removed");
    }
    if (!added().contains(id)) {
      throw new NotFoundException("base model", id, names());
    }
    try {
      Path gone = Staging.name(added);
      Files.move(added.resolve(id), gone, StandardCopyOption.ATOMIC_MOVE);
      Disk.force(added);
      Disk.deleteTree(gone);
    } catch (IOException e) {
      throw failures.write(e);
    }
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
      if (name.startsWith(ModelFiles.CLASSPATH)) {
        continue;
      }
      if (name.contains("/") || name.startsWith(".") || List.of(MODEL, MANIFEST).contains(name)) {
        throw new BadInputException(
            "the manifest "
                + source
                + " names the file '"
                + name
                + "': expected one that lies beside it and is called neither "
                + MODEL
                + " nor "
                + MANIFEST);
      }
      Path folder = source.toAbsolutePath().getParent();
      Path copy = staged.resolve(name);
      if (!Files.exists(copy)) { // one file may be named twice
        write(copy, new ModelFiles.Folder(folder).read(name));
      }
    }
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

  /** Folders that may be base models, by name; some may not be sound. */
  private List<String> added() {
    if (!Files.isDirectory(added)) {
      return List.of();
    }
    try (Stream<Path> entries = Files.list(added)) {
      return entries
          .filter(entry -> Files.isDirectory(entry))
          .map(entry -> entry.getFileName().toString())
          .filter(name -> NAME.matcher(name).matches() && !bundled().contains(name))
          .sorted()
          .toList();
    } catch (IOException e) {
      throw failures.read(added, e);
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
    if (manifest.modality() == null || manifest.model() == null || manifest.sha256() == null) {
      throw new BadInputException(
          folder.resolve(MANIFEST)
              + " lacks its modality, model or sha256: remove the base model and add it again");
    }
    return new BaseModel(manifest, new ModelFiles.Folder(folder));
  }

  private static Manifest readManifest(Path file) {
    try (InputStream in = Files.newInputStream(file)) {
      return parseManifest(in.readAllBytes(), file.toString());
    } catch (NoSuchFileException e) {
      throw new BadInputException("the manifest " + file + " does not exist", e);
    } catch (IOException e) {
      throw new BadInputException("cannot read the manifest " + file + ": " + e, e);
    }
  }

  private static Manifest parseManifest(byte[] json, String where) {
    try {
      Manifest manifest = JSON.readValue(json, Manifest.class);
      if (manifest == null) {
        throw new BadInputException("the manifest of " + where + " is empty: expected an object");
      }
      return manifest;
    } catch (JsonProcessingException e) {
      throw new BadInputException(
          "the manifest of " + where + " is not valid: " + e.getOriginalMessage(), e);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
