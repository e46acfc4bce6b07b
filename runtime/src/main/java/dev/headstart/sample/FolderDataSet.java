package dev.headstart.sample;

import dev.headstart.error.BadInputException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.FileVisitOption;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.text.Normalizer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/** One folder a class, with pictures or .txt files at any depth in it. Only paths are kept. */
final class FolderDataSet implements DataSet {

  private static final String LAYOUT =
      "expected one folder a class, e.g. DATA/cat/1.jpg and DATA/dog/1.jpg (pictures: .jpg, .png,"
          + " .bmp, .gif, .webp; texts: .txt)";
  private static final Set<String> PARTS = Set.of("train", "test", "val", "valid", "validation");

  /** A file in a class folder (or in none: label null), or what went wrong on the way to it. */
  private record Entry(Path file, String label, Unreadable unreadable) {}

  private final Modality modality;
  private final Task task;
  private final List<Entry> entries;
  private final List<String> notes;

  private FolderDataSet(Modality modality, Task task, List<Entry> entries, List<String> notes) {
    this.modality = modality;
    this.task = task;
    this.entries = List.copyOf(entries);
    this.notes = List.copyOf(notes);
  }

  static FolderDataSet open(Path root, Task task) {
    List<Path> classes = new ArrayList<>();
    List<Path> loose = new ArrayList<>();
    for (Path child : children(root)) {
      (Files.isDirectory(child) ? classes : loose).add(child);
    }
    Contents contents = new Contents();
    for (Path folder : classes) {
      contents.walk(folder);
    }
    if (contents.image != null && contents.text != null) {
      throw new BadInputException(
          root
              + " holds both pictures and texts ("
              + contents.image
              + " and "
              + contents.text
              + "); a head learns from one of them: move the others away");
    }
    if (contents.image == null && contents.text == null) {
      throw new BadInputException(nothing(root, classes, loose, contents));
    }
    if (classes.stream().allMatch(c -> PARTS.contains(c.getFileName().toString()))
        && classes.stream().allMatch(c -> children(c).stream().anyMatch(Files::isDirectory))) {
      throw new BadInputException(
          root
              + " is split into "
              + String.join(" and ", classes.stream().map(c -> "" + c.getFileName()).toList())
              + ", which would be taken for classes; give one of them, e.g. "
              + classes.get(0));
    }

    Modality modality = contents.image != null ? Modality.IMAGE : Modality.TEXT;
    for (Path file : loose) {
      if (SampleFiles.modality(file) == modality) {
        contents.entries.add(new Entry(file, null, null));
      } else {
        contents.addForeign(file);
      }
    }
    if (contents.foreign > 0) {
      contents.notes.add(
          contents.foreign
              + (contents.foreign == 1 ? " file is" : " files are")
              + " neither picture nor text of this data set and left out, e.g. "
              + contents.firstForeign);
    }
    return new FolderDataSet(modality, task, contents.entries, contents.notes);
  }

  private static String nothing(
      Path root, List<Path> classes, List<Path> loose, Contents contents) {
    boolean samplesLoose = loose.stream().anyMatch(file -> SampleFiles.modality(file) != null);
    if (samplesLoose && classes.isEmpty()) {
      return root + " has samples but no class folders, so they have no labels: " + LAYOUT;
    }
    String others =
        contents.foreign == 0
            ? ""
            : " ("
                + contents.foreign
                + " files of other kinds, e.g. "
                + contents.firstForeign
                + ")";
    String failed =
        contents.entries.isEmpty() ? "" : "; first problem: " + contents.entries.get(0).unreadable;
    return "no samples in " + root + others + ": " + LAYOUT + failed;
  }

  private static List<Path> children(Path folder) {
    try (Stream<Path> list = Files.list(folder)) {
      return list.filter(path -> !SampleFiles.isLitter(path)).sorted().toList();
    } catch (AccessDeniedException e) {
      throw new BadInputException(folder + " cannot be read: permission denied", e);
    } catch (IOException e) {
      throw new BadInputException(folder + " cannot be read: " + e.getMessage(), e);
    }
  }

  /** What the class folders hold. */
  private static final class Contents {
    final List<Entry> entries = new ArrayList<>();
    final List<String> notes = new ArrayList<>();
    Path image;
    Path text;
    int foreign;
    Path firstForeign;

    void addForeign(Path file) {
      if (foreign++ == 0) {
        firstForeign = file;
      }
    }

    void walk(Path folder) {
      // Systems spell an accented letter in one code point or in two; it is one class all the same.
      String label = Normalizer.normalize(folder.getFileName().toString(), Normalizer.Form.NFC);
      List<Entry> found = new ArrayList<>();
      try {
        Files.walkFileTree(
            folder,
            EnumSet.of(FileVisitOption.FOLLOW_LINKS),
            Integer.MAX_VALUE,
            new Visitor(label, found));
      } catch (IOException e) {
        throw new BadInputException(folder + " cannot be read: " + e.getMessage(), e);
      }
      if (found.isEmpty()) {
        notes.add("the folder " + folder + " holds no samples; its class is left out");
      }
      found.sort(
          Comparator.comparing(
              entry -> entry.file == null ? entry.unreadable.name() : entry.file.toString()));
      entries.addAll(found);
    }

    private final class Visitor extends SimpleFileVisitor<Path> {
      private final String label;
      private final List<Entry> found;

      Visitor(String label, List<Entry> found) {
        this.label = label;
        this.found = found;
      }

      @Override
      public FileVisitResult preVisitDirectory(Path dir, BasicFileAttributes attributes) {
        return SampleFiles.isLitter(dir) ? FileVisitResult.SKIP_SUBTREE : FileVisitResult.CONTINUE;
      }

      @Override
      public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
        if (SampleFiles.isLitter(file)) {
          return FileVisitResult.CONTINUE;
        }
        Modality modality = SampleFiles.modality(file);
        if (modality != null && attributes.isSymbolicLink()) {
          found.add(
              new Entry(null, label, new Unreadable(file.toString(), "a link that leads nowhere")));
          return FileVisitResult.CONTINUE;
        }
        if (modality == null || !attributes.isRegularFile()) {
          addForeign(file);
          return FileVisitResult.CONTINUE;
        }
        if (modality == Modality.IMAGE && image == null) {
          image = file;
        } else if (modality == Modality.TEXT && text == null) {
          text = file;
        }
        found.add(new Entry(file, label, null));
        return FileVisitResult.CONTINUE;
      }

      @Override
      public FileVisitResult visitFileFailed(Path file, IOException e) {
        // A link to a folder above: all that it leads to is visited anyway.
        if (!(e instanceof FileSystemLoopException) && !SampleFiles.isLitter(file)) {
          String reason =
              "cannot be read: "
                  + (e instanceof AccessDeniedException ? "permission denied" : e.getMessage());
          found.add(new Entry(null, label, new Unreadable(file.toString(), reason)));
        }
        return FileVisitResult.CONTINUE;
      }
    }
  }

  @Override
  public Modality modality() {
    return modality;
  }

  @Override
  public Task task() {
    return task;
  }

  @Override
  public List<String> notes() {
    return notes;
  }

  @Override
  public Items items() {
    Iterator<Entry> iterator = entries.iterator();
    return new Items() {
      @Override
      public boolean hasNext() {
        return iterator.hasNext();
      }

      @Override
      public Item next() {
        return item(iterator.next());
      }

      @Override
      public void close() {
        // Nothing is held open between two items.
      }
    };
  }

  private Item item(Entry entry) {
    if (entry.unreadable != null) {
      return entry.unreadable;
    }
    String name = entry.file.toString();
    if (entry.label == null) {
      return new Unreadable(
          name, "has no label: it lies beside the class folders, in none of them");
    }
    try {
      Label label = RawLabel.text(entry.label).under(task);
      return SampleFiles.item(entry.file, modality, label);
    } catch (BadInputException e) {
      return new Unreadable(name, e.getMessage());
    }
  }
}
