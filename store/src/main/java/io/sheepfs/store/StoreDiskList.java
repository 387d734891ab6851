package io.sheepfs.store;

import io.sheepfs.store.object.DamagedFileException;
import io.sheepfs.store.object.Disk;
import io.sheepfs.store.object.SealedFile;
import java.io.IOException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Which disks a node has, in its directory:
 *
 * <pre>
 *   disks        a line for each:  ID PATH     a disk, and where it was last
 *                                  &gt; ID PATH   one whose objects are being moved to the others
 *                                  - PATH      a path that is not used, though it may be given
 *   incomplete   there if the node may lack objects, as it goes on without a disk: its ID PATH
 * </pre>
 *
 * <p>A disk that failed is in {@code incomplete} first and then not in {@code disks} any more; one
 * that is in both was about to be taken out. Both files are sealed: of a list that is cut off, the
 * objects on the disks that are not in it would be taken for deleted. Whatever is changed is
 * durable on return.
 */
final class StoreDiskList {

  static final String LIST = "disks";
  static final String INCOMPLETE = "incomplete";

  private final Path root;
  private final Disk disk;
  private final Map<String, Path> known = new LinkedHashMap<>();
  private final Set<String> leaving = new LinkedHashSet<>();
  private final Set<Path> unused = new LinkedHashSet<>();
  private final Map<String, Path> lost = new LinkedHashMap<>();

  /** Reads it, and completes what a crash left half done. */
  StoreDiskList(Path root, Disk disk) throws IOException {
    this.root = root;
    this.disk = disk;
    read(
        LIST,
        line -> {
          String[] words = line.split(" ", 2);
          if (words[0].equals("-")) {
            unused.add(Path.of(words[1]));
          } else if (words[0].equals(">")) {
            String[] rest = words[1].split(" ", 2);
            known.put(rest[0], Path.of(rest[1]));
            leaving.add(rest[0]);
          } else {
            known.put(words[0], Path.of(words[1]));
          }
        });
    read(
        INCOMPLETE,
        line -> {
          String[] words = line.split(" ", 2);
          lost.put(words[0], Path.of(words[1]));
        });
    boolean isHalfDone = false;
    for (Map.Entry<String, Path> one : lost.entrySet()) {
      isHalfDone |= forget(one.getKey());
      unused.add(one.getValue());
    }
    if (isHalfDone) {
      write();
    }
  }

  private void read(String name, Consumer<String> lines) throws IOException {
    Path file = root.resolve(name);
    if (Disk.exists(file)) {
      String text = SealedFile.readText(disk, file);
      try {
        text.lines().forEach(lines);
      } catch (IndexOutOfBoundsException | InvalidPathException e) {
        throw new DamagedFileException(file, "a line of it is no disk");
      }
    }
  }

  private boolean forget(String id) {
    leaving.remove(id);
    return known.remove(id) != null;
  }

  private void write() throws IOException {
    StringBuilder text = new StringBuilder();
    known.forEach(
        (id, path) ->
            text.append(leaving.contains(id) ? "> " : "")
                .append(id)
                .append(' ')
                .append(path)
                .append('\n'));
    unused.forEach(path -> text.append("- ").append(path).append('\n'));
    SealedFile.replace(disk, root.resolve(LIST), text.toString());
  }

  /** The disks, by id, with those that leave. */
  Map<String, Path> known() {
    return new LinkedHashMap<>(known);
  }

  boolean leaves(String id) {
    return leaving.contains(id);
  }

  boolean isUnused(Path path) {
    return unused.contains(path);
  }

  /** Notes where disks are, and those that are new. */
  void found(Map<String, Path> disks) throws IOException {
    if (!disks.equals(known)) {
      known.clear();
      known.putAll(disks);
      unused.removeAll(disks.values());
      write();
    }
  }

  /** Notes that the objects of a disk are to be moved, or not any more. */
  void setLeaving(String id, boolean leaves) throws IOException {
    boolean unusedResult = leaves ? leaving.add(id) : leaving.remove(id);
    write();
  }

  /** Notes that a disk has nothing any more that is needed. */
  void left(String id) throws IOException {
    Path path = known.get(id);
    if (path != null && forget(id)) {
      unused.add(path);
      write();
    }
  }

  /** Notes that a disk is lost, with its objects. */
  void lost(String id) throws IOException {
    Path path = known.get(id);
    if (path == null) {
      throw new IllegalArgumentException("no disk " + id);
    }
    lost.put(id, path);
    List<String> lines = new ArrayList<>();
    lost.forEach((one, at) -> lines.add(one + " " + at + "\n"));
    SealedFile.replace(disk, root.resolve(INCOMPLETE), String.join("", lines));
    boolean unusedResult = forget(id);
    unused.add(path);
    write();
  }

  /** Whether the node may lack objects. */
  boolean isIncomplete() {
    return !lost.isEmpty();
  }

  /** Notes that it lacks none any more. */
  void complete() throws IOException {
    if (!lost.isEmpty()) {
      boolean existed = disk.delete(root.resolve(INCOMPLETE));
      if (existed) {
        disk.forceDirectory(root);
      }
      lost.clear();
    }
  }
}
