package dev.headstart.workspace;

import com.fasterxml.jackson.core.JacksonException;
import dev.headstart.backbone.BaseModel;
import dev.headstart.backbone.BaseModels;
import dev.headstart.disk.Disk;
import dev.headstart.error.BadInputException;
import dev.headstart.error.FailureException;
import dev.headstart.error.NotFoundException;
import dev.headstart.head.HeadManifest;
import dev.headstart.head.HeadNetwork;
import dev.headstart.head.HeadStore;
import dev.headstart.head.NoveltyModel;
import dev.headstart.head.TailNetwork;
import dev.headstart.onnx.OnnxModel;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
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

/**
 * Unpacks a bundle into staged folders, and checks all of it; see {@link HeadBundle}. Whoever opens
 * it closes it, which deletes what was not published.
 */
final class BundleReader implements AutoCloseable {
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
  private static final int BUFFER = 1 << 16;

  /**
   * A version that is written, but not published.
   *
   * @param memberships digests of samples, and whether they judged it
   */
  record Staged(Path folder, HeadManifest manifest, Map<String, Boolean> memberships) {}

  private final HeadStore heads;
  private final Failures failures;
  private final BaseModels bases;
  private final String head;
  private final Path file;
  private final Map<Integer, Path> folders = new TreeMap<>();
  private final Map<Integer, byte[]> manifests = new HashMap<>();
  private final Map<Integer, HeadBundle.Samples> samples = new HashMap<>();
  private final Set<String> names = new HashSet<>();
  private HeadBundle.Bundle bundle;
  private Map<Integer, Staged> versions;
  private long left;

  BundleReader(Workspace workspace, String head, Path file) {
    this.heads = workspace.heads();
    this.failures = workspace.failures();
    this.bases = new BaseModels(workspace.models());
    this.head = head;
    this.file = file;
  }

  /**
   * Unpacks and checks the bundle.
   *
   * @throws BadInputException if it is no sound one
   * @throws FailureException if it cannot be read, or the workspace not be written
   */
  void read() {
    try {
      unpack();
      versions = checked();
    } catch (ZipException e) {
      throw bad("it is not a sound zip file: " + e.getMessage(), e);
    } catch (EOFException e) {
      throw bad("it is cut short", e);
    } catch (IOException e) {
      throw new FailureException("the bundle " + file + " cannot be read: " + e, e);
    }
  }

  /** The versions by their numbers in the bundle, ascending; after {@link #read}. */
  Map<Integer, Staged> versions() {
    return versions;
  }

  /** The number in the bundle of the version that is live there; after {@link #read}. */
  OptionalInt live() {
    return bundle.live() == null ? OptionalInt.empty() : OptionalInt.of(bundle.live());
  }

  private void unpack() throws IOException {
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
      throw bad("it has no " + HeadBundle.BUNDLE, null);
    }
  }

  private void unpack(String name, ZipInputStream zip) throws IOException {
    if (name.equals(HeadBundle.BUNDLE)) {
      bundle = json(name, bytes(zip), HeadBundle.Bundle.class);
      if (bundle.format() != HeadBundle.FORMAT) {
        throw bad(
            "it has format " + bundle.format() + ", this Headstart reads " + HeadBundle.FORMAT,
            null);
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
      case HeadBundle.SAMPLES ->
          samples.put(version, json(name, bytes(zip), HeadBundle.Samples.class));
      default -> {
        Path folder = folders.computeIfAbsent(version, any -> heads.stage(head));
        write(zip, folder.resolve(parts.group(2)));
      }
    }
  }

  private byte[] bytes(InputStream in) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    byte[] buffer = new byte[BUFFER];
    for (int n = read(in, buffer); n >= 0; n = read(in, buffer)) {
      if (bytes.size() + n > MAX_JSON) {
        throw tooLarge();
      }
      bytes.write(buffer, 0, n);
    }
    return bytes.toByteArray();
  }

  /** What fails here is either the bundle or the workspace's disk, and they are told apart. */
  private void write(InputStream in, Path target) throws IOException {
    byte[] buffer = new byte[BUFFER];
    int n = read(in, buffer);
    try (FileChannel out = create(target)) {
      while (n >= 0) {
        write(out, ByteBuffer.wrap(buffer, 0, n));
        n = read(in, buffer);
      }
    }
  }

  private FileChannel create(Path target) {
    try {
      return FileChannel.open(target, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
    } catch (IOException e) {
      throw failures.write(e);
    }
  }

  private void write(FileChannel out, ByteBuffer bytes) {
    try {
      while (bytes.hasRemaining()) {
        out.write(bytes);
      }
    } catch (IOException e) {
      throw failures.write(e);
    }
  }

  private int read(InputStream in, byte[] buffer) throws IOException {
    int n = in.read(buffer);
    left -= Math.max(0, n);
    if (left < 0) {
      throw tooLarge();
    }
    return n;
  }

  private BadInputException tooLarge() {
    return bad("it unpacks to far more bytes than a head needs", null);
  }

  private <T> T json(String name, byte[] content, Class<T> type) throws IOException {
    try {
      T value = HeadBundle.JSON.readValue(content, type);
      if (value == null) {
        throw bad(name + " holds nothing", null);
      }
      return value;
    } catch (JacksonException e) {
      throw bad(name + ": " + e.getOriginalMessage(), e);
    }
  }

  /** Every version, its files being what its head.json says. */
  private Map<Integer, Staged> checked() throws IOException {
    if (!manifests.keySet().equals(folders.keySet()) || folders.isEmpty()) {
      throw bad("a version lacks its " + HeadFile.NAME + " or its files, or there is none", null);
    }
    if (bundle.live() != null && !folders.containsKey(bundle.live())) {
      throw bad("its live version " + bundle.live() + " is not in it", null);
    }
    Map<Integer, Staged> staged = new TreeMap<>();
    for (Map.Entry<Integer, Path> entry : folders.entrySet()) {
      staged.put(entry.getKey(), checked(entry.getKey(), entry.getValue()));
    }
    if (!staged.keySet().containsAll(samples.keySet())) {
      throw bad("it has the samples of a version that is not in it", null);
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
    if (here.contains(HeadStore.NOVELTY)) {
      checkNovelty(manifest, version, folder.resolve(HeadStore.NOVELTY));
    }
    return new Staged(folder, named(manifest), memberships(version));
  }

  /**
   * A head's model is one that Headstart could have written; anything else is no head. A tail's is
   * compared with its base, which must be here.
   */
  private void checkModel(HeadManifest manifest, int version, Path model) {
    try {
      if (manifest.tail() == null) {
        HeadNetwork.requireModel(OnnxModel.read(model), manifest);
      } else {
        BaseModel base = bases.get(manifest.base().id(), manifest.base().sha256());
        TailNetwork.requireModel(OnnxModel.read(model), manifest, base);
      }
    } catch (BadInputException | NotFoundException e) {
      throw bad(model.getFileName() + " of version " + version + ": " + e.getMessage(), e);
    }
  }

  private void checkNovelty(HeadManifest manifest, int version, Path model) {
    try {
      NoveltyModel.read(OnnxModel.read(model), manifest);
    } catch (BadInputException e) {
      throw bad(model.getFileName() + " of version " + version + ": " + e.getMessage(), e);
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
        m.tail(),
        m.columns(),
        m.classes(),
        m.recipe(),
        m.result(),
        m.provenance(),
        m.files());
  }

  private Map<String, Boolean> memberships(int version) {
    Map<String, Boolean> memberships = new HashMap<>();
    HeadBundle.Samples known = samples.get(version);
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
      throw bad(HeadBundle.SAMPLES + " holds '" + sha256 + "', which is no sha-256", null);
    }
    return sha256;
  }

  private BadInputException bad(String reason, Throwable cause) {
    return new BadInputException(file + " is no bundle of a head: " + reason, cause);
  }

  /** Deletes what was not published; idempotent. */
  @Override
  public void close() {
    folders.values().forEach(heads::discard);
    folders.clear();
  }
}
