package dev.headstart.workspace;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.headstart.error.BadInputException;
import dev.headstart.error.FailureException;
import dev.headstart.error.NotFoundException;
import dev.headstart.head.HeadManifest;
import dev.headstart.head.HeadNetwork;
import dev.headstart.head.HeadStore;
import dev.headstart.onnx.OnnxModel;
import dev.headstart.onnx.TensorInfo;
import dev.headstart.train.RunStore;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.LocalDateTime;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipInputStream;
import java.util.zip.ZipOutputStream;

/**
 * A head with all its versions in one file, to carry it to another device. A zip file:
 *
 * <pre>
 * bundle.json               {"format": 1, "head": …, "live": number or null}
 * &lt;version&gt;/head.json       as in the workspace, and the files that it names
 * &lt;version&gt;/samples.json    {"trained": [sha-256, …], "judged": [sha-256, …]}
 * </pre>
 *
 * <p>A bundle is hostile until read: names that are not those above, more bytes than such a file
 * can need, files that are not what head.json says and models that are not heads are refused before
 * anything is published.
 */
public final class HeadBundle {
  private static final int FORMAT = 1;
  private static final String BUNDLE = "bundle.json";
  private static final String SAMPLES = "samples.json";
  private static final Pattern ENTRY =
      Pattern.compile("([1-9][0-9]{0,8})/([A-Za-z0-9_][A-Za-z0-9._-]{0,127})");
  private static final int MAX_ENTRIES = 100_000;

  /**
   * Weights hardly shrink, and JSON some twentyfold: what grows by more than this is no bundle but
   * a bomb. Small files may grow to the allowance all the same.
   */
  private static final long MAX_GROWTH = 50;

  private static final long ALLOWANCE = 16 << 20;
  private static final long MAX_JSON = 256 << 20;

  private static final JsonMapper JSON =
      JsonMapper.builder()
          .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private record Bundle(int format, String head, Integer live) {}

  private record Samples(Set<String> trained, Set<String> judged) {}

  /** Versions that are written, but not published. */
  private record Staged(Path folder, HeadManifest manifest) {}

  private HeadBundle() {}

  /**
   * Writes a head's bundle.
   *
   * @param file replaced in one go, if it is there
   * @return the versions in it
   * @throws NotFoundException if there is no such head
   * @throws FailureException if the file cannot be written
   */
  public static List<Integer> write(HeadStore heads, RunStore runs, String head, Path file) {
    List<Integer> versions = heads.versions(head);
    if (versions.isEmpty()) {
      throw new NotFoundException("head", head, heads.heads());
    }
    Path target = file.toAbsolutePath();
    try {
      Path part = Staging.name(target.getParent());
      try {
        try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(part))) {
          OptionalInt live = heads.live(head);
          Bundle bundle = new Bundle(FORMAT, head, live.isPresent() ? live.getAsInt() : null);
          add(zip, BUNDLE, JSON.writeValueAsBytes(bundle));
          Set<String> judged = runs.judgedBy(head);
          for (int version : versions) {
            add(zip, heads.load(head, version), samples(runs, head, version, judged));
          }
        }
        Files.move(part, target, StandardCopyOption.REPLACE_EXISTING);
      } finally {
        Files.deleteIfExists(part);
      }
    } catch (IOException e) {
      throw new FailureException(
          "the bundle " + file + " cannot be written: " + e + "; choose another file", e);
    }
    return versions;
  }

  /** What judged any version judged, to later versions; but this one if it trained on it. */
  private static Samples samples(RunStore runs, String head, int version, Set<String> judged) {
    Set<String> trained = new TreeSet<>(runs.trainedOn(head, version));
    Set<String> others = new TreeSet<>(judged);
    others.removeAll(trained);
    return new Samples(trained, others);
  }

  private static void add(ZipOutputStream zip, HeadStore.Stored stored, Samples samples)
      throws IOException {
    String folder = stored.manifest().version() + "/";
    add(zip, folder + HeadFile.NAME, HeadFile.write(stored.manifest()));
    for (String name : new TreeSet<>(stored.manifest().files().keySet())) {
      zip.putNextEntry(entry(folder + name));
      Files.copy(stored.folder().resolve(name), zip);
      zip.closeEntry();
    }
    add(zip, folder + SAMPLES, JSON.writeValueAsBytes(samples));
  }

  private static void add(ZipOutputStream zip, String name, byte[] content) throws IOException {
    zip.putNextEntry(entry(name));
    zip.write(content);
    zip.closeEntry();
  }

  /** Without the time of writing, so that the same head gives the same file. */
  private static ZipEntry entry(String name) {
    ZipEntry entry = new ZipEntry(name);
    entry.setTimeLocal(LocalDateTime.of(1980, 1, 1, 0, 0));
    return entry;
  }

  /**
   * Reads a bundle into a workspace. Versions keep their order; where some had been removed, the
   * numbers close up.
   *
   * @param head what the head is called here; must not exist
   * @return the numbers here, ascending, by the numbers in the bundle
   * @throws NotFoundException if there is no such file
   * @throws BadInputException if the file is no sound bundle, or the head exists
   */
  public static Map<Integer, Integer> read(HeadStore heads, RunStore runs, String head, Path file) {
    if (!Files.exists(file)) {
      throw new NotFoundException("there is no bundle " + file);
    }
    if (!Files.isRegularFile(file)) {
      throw new BadInputException(file + " is no bundle of a head: it is not a file");
    }
    requireNew(heads, head);
    Reader reader = new Reader(heads, head, file);
    try {
      reader.read();
      return heads.deciding(head, () -> publish(heads, runs, head, reader));
    } catch (ZipException e) {
      throw reader.bad("it is not a sound zip file: " + e.getMessage(), e);
    } catch (EOFException e) {
      throw reader.bad("it is cut short", e);
    } catch (IOException e) {
      throw new FailureException("the bundle " + file + " cannot be imported: " + e, e);
    } finally {
      reader.discard();
    }
  }

  private static void requireNew(HeadStore heads, String head) {
    if (!heads.versions(head).isEmpty()) {
      throw new BadInputException(
          "there is a head '"
              + head
              + "' already: import the bundle under another name, or remove that head first");
    }
  }

  private static Map<Integer, Integer> publish(
      HeadStore heads, RunStore runs, String head, Reader reader) {
    requireNew(heads, head);
    Map<Integer, Staged> staged = reader.checked();
    Map<Integer, Integer> numbers = new TreeMap<>();
    staged.forEach(
        (number, version) -> {
          int here = heads.publish(version.folder, version.manifest);
          numbers.put(number, here);
          runs.record(head, here, reader.memberships(number));
        });
    Integer live = reader.bundle.live();
    if (live != null) {
      heads.promote(head, numbers.get(live));
    }
    return numbers;
  }

  /** Unpacks into staged folders, and checks them. */
  private static final class Reader {
    private final HeadStore heads;
    private final String head;
    private final Path file;
    private final Map<Integer, Path> folders = new TreeMap<>();
    private final Map<Integer, byte[]> manifests = new HashMap<>();
    private final Map<Integer, Samples> samples = new HashMap<>();
    private final Set<String> names = new HashSet<>();
    private Bundle bundle;
    private long left;

    Reader(HeadStore heads, String head, Path file) {
      this.heads = heads;
      this.head = head;
      this.file = file;
    }

    void read() throws IOException {
      left = ALLOWANCE + MAX_GROWTH * Files.size(file);
      try (ZipInputStream zip = new ZipInputStream(Files.newInputStream(file))) {
        for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
          if (!names.add(entry.getName()) || names.size() > MAX_ENTRIES) {
            throw bad("it holds " + entry.getName() + " twice, or far too many files", null);
          }
          unpack(entry.getName(), zip);
        }
      }
      if (bundle == null) {
        throw bad("it has no " + BUNDLE, null);
      }
    }

    private void unpack(String name, ZipInputStream zip) throws IOException {
      if (name.equals(BUNDLE)) {
        bundle = json(name, bytes(zip), Bundle.class);
        if (bundle.format() != FORMAT) {
          throw bad("it has format " + bundle.format() + ", this Headstart reads " + FORMAT, null);
        }
        return;
      }
      Matcher parts = ENTRY.matcher(name);
      if (!parts.matches()) {
        throw bad("it holds '" + name + "', which is no file of a version", null);
      }
      int version = Integer.parseInt(parts.group(1));
      switch (parts.group(2)) {
        case HeadFile.NAME -> manifests.put(version, bytes(zip));
        case SAMPLES -> samples.put(version, json(name, bytes(zip), Samples.class));
        default -> {
          Path folder = folders.computeIfAbsent(version, any -> heads.stage(head));
          try (OutputStream out =
              Files.newOutputStream(
                  folder.resolve(parts.group(2)), StandardOpenOption.CREATE_NEW)) {
            copy(zip, out, Long.MAX_VALUE);
          }
        }
      }
    }

    private byte[] bytes(InputStream in) throws IOException {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      copy(in, bytes, MAX_JSON);
      return bytes.toByteArray();
    }

    private void copy(InputStream in, OutputStream out, long most) throws IOException {
      byte[] buffer = new byte[1 << 16];
      long copied = 0;
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        copied += n;
        left -= n;
        if (left < 0 || copied > most) {
          throw bad("it unpacks to far more bytes than a head needs", null);
        }
        out.write(buffer, 0, n);
      }
    }

    private <T> T json(String name, byte[] content, Class<T> type) throws IOException {
      try {
        T value = JSON.readValue(content, type);
        if (value == null) {
          throw bad(name + " holds nothing", null);
        }
        return value;
      } catch (JacksonException e) {
        throw bad(name + ": " + e.getOriginalMessage(), e);
      }
    }

    /** Every version, its files being what its head.json says. */
    Map<Integer, Staged> checked() {
      if (!manifests.keySet().equals(folders.keySet()) || folders.isEmpty()) {
        throw bad("a version lacks its " + HeadFile.NAME + " or its files, or there is none", null);
      }
      if (bundle.live() != null && !folders.containsKey(bundle.live())) {
        throw bad("its live version " + bundle.live() + " is not in it", null);
      }
      Map<Integer, Staged> staged = new TreeMap<>();
      try {
        for (Map.Entry<Integer, Path> entry : folders.entrySet()) {
          staged.put(entry.getKey(), checked(entry.getKey(), entry.getValue()));
        }
      } catch (IOException e) {
        throw new FailureException("the bundle " + file + " cannot be checked: " + e, e);
      }
      return staged;
    }

    private Staged checked(int version, Path folder) throws IOException {
      Path name = Path.of(file.toString(), version + "", HeadFile.NAME);
      HeadManifest manifest = HeadFile.parse(name, manifests.get(version));
      if (manifest.version() != version) {
        throw bad(name + " is of version " + manifest.version(), null);
      }
      Set<String> here = new HashSet<>();
      try (var files = Files.list(folder)) {
        files.forEach(f -> here.add(f.getFileName().toString()));
      }
      if (!here.equals(manifest.files().keySet())) {
        throw bad(
            "version "
                + version
                + " should hold "
                + new TreeSet<>(manifest.files().keySet())
                + ", but holds "
                + new TreeSet<>(here),
            null);
      }
      for (Map.Entry<String, String> expected : manifest.files().entrySet()) {
        if (!Disk.sha256(folder.resolve(expected.getKey())).equals(expected.getValue())) {
          throw bad(
              expected.getKey()
                  + " of version "
                  + version
                  + " is damaged: its sha-256 is not what head.json says",
              null);
        }
      }
      for (String model : List.of(HeadStore.MODEL, HeadStore.JUDGED)) {
        if (here.contains(model)) {
          checkModel(manifest, version, folder.resolve(model));
        }
      }
      return new Staged(folder, named(manifest));
    }

    /** A head takes features and gives a score a class; anything else is no head. */
    private void checkModel(HeadManifest manifest, int version, Path model) {
      OnnxModel graph = OnnxModel.read(model);
      List<String> inputs = graph.inputs().stream().map(TensorInfo::name).toList();
      List<String> outputs = graph.outputs().stream().map(TensorInfo::name).toList();
      long classes = Math.max(1, manifest.classes().size());
      if (!inputs.equals(List.of(HeadNetwork.FEATURES))
          || !outputs.equals(List.of(HeadNetwork.SCORES))) {
        throw bad(
            "the model of version "
                + version
                + " takes "
                + inputs
                + " and gives "
                + outputs
                + ", a head takes "
                + HeadNetwork.FEATURES
                + " and gives "
                + HeadNetwork.SCORES,
            null);
      }
      long[] shape = graph.outputs().get(0).shape();
      if (shape == null || shape.length != 2 || shape[1] != classes) {
        throw bad(
            "the model of version " + version + " does not give " + classes + " scores", null);
      }
    }

    /** The manifest of a head of that name here. */
    private HeadManifest named(HeadManifest m) {
      return new HeadManifest(
          m.format(),
          head,
          m.version(),
          m.task(),
          m.kind(),
          m.modality(),
          m.base(),
          m.cut(),
          m.shape(),
          m.classes(),
          m.recipe(),
          m.result(),
          m.provenance(),
          m.files());
    }

    Map<String, Boolean> memberships(int version) {
      Map<String, Boolean> memberships = new HashMap<>();
      Samples known = samples.get(version);
      if (known != null && known.trained() != null) {
        known.trained().forEach(s -> memberships.put(digest(s), false));
      }
      if (known != null && known.judged() != null) {
        known.judged().forEach(s -> memberships.put(digest(s), true));
      }
      return memberships;
    }

    private String digest(String sha256) {
      if (sha256 == null || !sha256.matches("[0-9a-f]{64}")) {
        throw bad(SAMPLES + " holds '" + sha256 + "', which is no sha-256", null);
      }
      return sha256;
    }

    BadInputException bad(String reason, Throwable cause) {
      return new BadInputException(file + " is no bundle of a head: " + reason, cause);
    }

    void discard() {
      for (Path folder : folders.values()) {
        try {
          if (Files.exists(folder)) {
            Disk.deleteTree(folder);
          }
        } catch (IOException e) {
          throw new FailureException("the folder " + folder + " cannot be removed: " + e, e);
        }
      }
    }
  }
}
