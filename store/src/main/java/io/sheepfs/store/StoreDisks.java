package io.sheepfs.store;

import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.Space;
import io.sheepfs.store.object.Disk;
import io.sheepfs.store.object.DiskSet;
import io.sheepfs.store.object.ObjectFiles;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/**
 * The disks of one node of a cluster. The node's own directory is the only one if no others are
 * given; else it keeps what it has and gets nothing new.
 *
 * <p>The file {@code disks} in that directory has a line for each other disk: its id, and where it
 * was last. Each of those has a file {@code disk} with the id of the node and its own. So a disk
 * that is missing, empty because it is not mounted, or another node's is noticed, and the node does
 * not start: it would take the objects on it for deleted.
 */
final class StoreDisks {

  private static final String LIST = "disks";
  private static final String MARK = "disk";
  private static final String OBJECTS = "obj";

  private final List<Path> objects = new ArrayList<>();
  private final DiskSet set;

  private StoreDisks(List<Path> objects, DiskSet set) {
    this.objects.addAll(objects);
    this.set = set;
  }

  /**
   * Opens them; makes those new that are.
   *
   * @param nodeId the id of the node
   * @param own where the node's own directory has objects
   * @param others the other disks
   * @throws IOException with a message for the user
   */
  static StoreDisks open(
      Path root, String nodeId, Path own, List<Path> others, Disk disk, int openFiles)
      throws IOException {
    Map<String, Path> known = readList(root, disk);
    Map<String, Path> found = new LinkedHashMap<>();
    for (Path given : others) {
      Path other = given.toAbsolutePath().normalize();
      if (other.equals(root.toAbsolutePath().normalize())) {
        throw new IOException("the disk " + other + " is the store itself");
      }
      Disk there = new Disk(other, (change, path) -> {});
      there.makeDirectories(other);
      String id = readMark(other, nodeId, there);
      if (found.put(id.isEmpty() ? UUID.randomUUID().toString() : id, other) != null) {
        throw new IOException("the disk " + other + " is given twice");
      }
    }
    for (Map.Entry<String, Path> one : known.entrySet()) {
      if (!found.containsKey(one.getKey())) {
        throw new IOException(
            "the disk "
                + one.getValue()
                + " of the store "
                + root
                + " is missing: it is not given, not mounted, or not the one that was there");
      }
    }
    List<Path> places = new ArrayList<>();
    List<DiskSet.Part> parts = new ArrayList<>();
    for (Map.Entry<String, Path> one : found.entrySet()) {
      Path place = one.getValue().resolve(OBJECTS);
      Disk there = new Disk(one.getValue(), (change, path) -> {});
      writeMark(one.getValue(), nodeId, one.getKey(), there);
      there.makeDirectories(place);
      there.forceDirectory(one.getValue());
      UUID id = UUID.fromString(one.getKey());
      long key = id.getMostSignificantBits() ^ id.getLeastSignificantBits();
      double weight = Math.max(1, Files.getFileStore(place).getTotalSpace());
      parts.add(new DiskSet.Part(key, weight, new ObjectFiles(place, there, openFiles)));
      places.add(place);
    }
    if (!found.equals(known)) {
      writeList(root, found, disk); // last: a disk that is in it has its mark
    }
    if (found.isEmpty() || !disk.list(own).isEmpty()) {
      double weight = found.isEmpty() ? 1 : 0;
      parts.add(new DiskSet.Part(0, weight, new ObjectFiles(own, disk, openFiles)));
      places.add(own);
    }
    return new StoreDisks(places, new DiskSet(parts));
  }

  private static Map<String, Path> readList(Path root, Disk disk) throws IOException {
    Map<String, Path> known = new LinkedHashMap<>();
    Path list = root.resolve(LIST);
    if (Files.exists(list, LinkOption.NOFOLLOW_LINKS)) {
      for (String line : text(list, disk).lines().toList()) {
        String[] words = line.split(" ", 2);
        known.put(words[0], Path.of(words[1]));
      }
    }
    return known;
  }

  private static String text(Path file, Disk disk) throws IOException {
    return StandardCharsets.UTF_8.decode(disk.readAll(file)).toString();
  }

  private static void writeList(Path root, Map<String, Path> disks, Disk disk) throws IOException {
    StringBuilder text = new StringBuilder();
    disks.forEach((id, path) -> text.append(id).append(' ').append(path).append('\n'));
    disk.replace(
        root.resolve(LIST), ByteBuffer.wrap(text.toString().getBytes(StandardCharsets.UTF_8)));
  }

  /** The id of a disk; empty if it is new. */
  private static String readMark(Path path, String nodeId, Disk disk) throws IOException {
    Path mark = path.resolve(MARK);
    if (!Files.exists(mark, LinkOption.NOFOLLOW_LINKS)) {
      for (Path entry : disk.list(path)) {
        String name = String.valueOf(entry.getFileName());
        boolean isEmpty = name.equals(OBJECTS) && disk.list(entry).isEmpty();
        if (!isEmpty && !name.equals("lost+found") && !name.equals(MARK + ".tmp")) {
          throw new IOException(
              "the directory " + path + " is neither empty nor a disk of a store; give another");
        }
      }
      return "";
    }
    String[] words = text(mark, disk).strip().split(" ", -1);
    if (words.length != 2 || !words[0].equals(nodeId)) {
      throw new IOException("the disk " + path + " is that of another node");
    }
    return words[1];
  }

  private static void writeMark(Path path, String nodeId, String id, Disk disk) throws IOException {
    if (!Files.exists(path.resolve(MARK), LinkOption.NOFOLLOW_LINKS)) {
      String text = nodeId + " " + id + "\n";
      disk.replace(path.resolve(MARK), ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
    }
  }

  /** The objects on all of them. */
  DiskSet objects() {
    return set;
  }

  /** The directories with the objects. */
  List<Path> places() {
    return List.copyOf(objects);
  }

  /** The space of one of them. */
  static Space spaceOf(Path place) throws SheepException {
    try {
      FileStore fileStore = Files.getFileStore(place);
      long total = Math.max(0, fileStore.getTotalSpace());
      return new Space(total, Math.min(Math.max(0, fileStore.getUsableSpace()), total));
    } catch (IOException e) {
      throw new Disk(place, (change, path) -> {}).failure("space of " + place, e);
    }
  }

  /**
   * Of all together. As objects are spread, the fullest disk says how much is left: it is the first
   * that refuses what others take.
   */
  Space space() throws SheepException {
    if (objects.size() == 1) {
      return spaceOf(objects.get(0));
    }
    long total = 0;
    double free = 1;
    for (Path place : objects) {
      Space one = spaceOf(place);
      total += one.totalBytes();
      free = Math.min(free, (double) one.freeBytes() / Math.max(1, one.totalBytes()));
    }
    return new Space(total, (long) (free * total));
  }
}
