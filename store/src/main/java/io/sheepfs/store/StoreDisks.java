package io.sheepfs.store;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.sheepfs.protocol.DiskList;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.Space;
import io.sheepfs.store.object.DamagedFileException;
import io.sheepfs.store.object.Disk;
import io.sheepfs.store.object.DiskSet;
import io.sheepfs.store.object.DiskSet.Part;
import io.sheepfs.store.object.ObjectFiles;
import io.sheepfs.store.object.SealedFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The disks of one node of a cluster. The node's own directory is the only one if no others are
 * given; else it keeps what it has and gets nothing new.
 *
 * <p>The node's directory lists the others ({@link StoreDiskList}). Each of those has a file {@code
 * disk} with the id of the node and its own. So a disk that is missing, empty because it is not
 * mounted, or another node's is noticed, and the node does not start: it would take the objects on
 * it for deleted. A disk in the list is used where it was last, also if it is not given. If the
 * administrator says that the node is to do without one, it opens, and {@link #missing} tells
 * which: the objects here mean nothing before {@link #loseMissing}.
 *
 * <p>Safe for any number of threads.
 */
public final class StoreDisks {

  private static final Logger log = LoggerFactory.getLogger(StoreDisks.class);

  private static final String MARK = "disk";
  private static final String UUID_TEXT = "([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})";
  private static final Pattern MARK_TEXT = Pattern.compile(UUID_TEXT + " " + UUID_TEXT + "\n");

  /** Of a mark that was made before marks were sealed. */
  private static final int UNSEALED_MARK_BYTES = 74;

  private static final String OBJECTS = "obj";
  private static final String PROBE = "probe";

  /** Of the part that is the node's own directory. */
  private static final long OWN = 0;

  private final Path root;
  private final String nodeId;
  private final int openFiles;
  private final DiskSet set;
  private final Disk disk;

  @GuardedBy("this")
  private final StoreDiskList list;

  /** Where the objects of each part are. */
  @GuardedBy("this")
  private final Map<Long, Place> places = new LinkedHashMap<>();

  /** Those that the node is to do without, by id; nobody has looked whether it can. */
  @GuardedBy("this")
  private final Map<String, Path> missing = new LinkedHashMap<>();

  /** A disk that did not do what it was asked, and that nobody has looked at since. */
  @GuardedBy("this")
  private @Nullable Trouble trouble;

  private volatile Runnable onTrouble = () -> {};

  /** A disk in use. */
  private record Place(String id, Path path, Path objects, boolean leaves) {}

  /**
   * A failure.
   *
   * @param isSure whether somebody has looked, and it is the disk's
   */
  private record Trouble(long key, SheepException failure, boolean isSure) {}

  /**
   * A disk whose objects are to be moved to the others.
   *
   * @param key in the {@link DiskSet}
   */
  public record Leaving(long key, Path objects) {}

  /**
   * Opens them; makes those new that are.
   *
   * @param nodeId the id of the node
   * @param own where the node's own directory has objects
   * @param others the other disks
   * @param without those that the node is to do without; nothing for those that it does without
   * @throws IOException with a message for the user
   */
  StoreDisks(
      Path root,
      String nodeId,
      Path own,
      List<Path> others,
      List<Path> without,
      Disk disk,
      int openFiles)
      throws IOException {
    this.root = root.toAbsolutePath().normalize();
    this.nodeId = nodeId;
    this.openFiles = openFiles;
    this.disk = disk;
    this.list = new StoreDiskList(root, disk);
    Set<Path> left = new HashSet<>();
    without.forEach(path -> left.add(path.toAbsolutePath().normalize()));
    Map<String, Path> found = find(others, left);
    List<Part> parts = new ArrayList<>();
    for (Map.Entry<String, Path> one : found.entrySet()) {
      parts.add(part(one.getKey(), one.getValue(), list.leaves(one.getKey())));
    }
    Map<String, Path> all = new LinkedHashMap<>(found);
    all.putAll(missing); // nobody has decided yet that it is lost
    list.found(all); // last: a disk that is in it has its mark
    if (found.isEmpty() || !disk.list(own).isEmpty()) {
      double weight = found.isEmpty() ? 1 : 0;
      parts.add(new Part(OWN, weight, new ObjectFiles(own, disk, openFiles)));
      places.put(OWN, new Place("", this.root, own, false));
    }
    this.set = new DiskSet(parts);
    removeDoubles();
    set.onFailure(this::failed);
  }

  /** The disks by their ids, those that are new with new ones. */
  @GuardedBy("this")
  private Map<String, Path> find(List<Path> others, Set<Path> without) throws IOException {
    Map<String, Path> known = list.known();
    for (Path left : without) {
      if (!known.containsValue(left) && !list.isUnused(left)) {
        throw new IOException("the store " + root + " has no disk " + left);
      }
    }
    Map<String, Path> found = new LinkedHashMap<>();
    for (Path given : others) {
      Path other = given.toAbsolutePath().normalize();
      if (known.containsValue(other) && without.contains(other)) {
        continue;
      }
      if (list.isUnused(other)) {
        log.warn(
            "{} was unplugged, or has failed, and is not used; 'dog node md plug' adds it", other);
        continue;
      }
      String id = idOf(other);
      if (!known.isEmpty() && !id.isEmpty() && !known.containsKey(id)) {
        forgetOld(other);
        id = "";
      }
      if (found.put(id.isEmpty() ? UUID.randomUUID().toString() : id, other) != null) {
        throw new IOException("the disk " + other + " is given twice");
      }
    }
    for (Map.Entry<String, Path> one : known.entrySet()) {
      if (without.contains(one.getValue())) {
        missing.put(one.getKey(), one.getValue());
      } else if (!found.containsKey(one.getKey())) {
        if (!isThere(one.getKey(), one.getValue())) {
          throw new IOException(
              "the disk "
                  + one.getValue()
                  + " of the store "
                  + root
                  + " is missing: it is not mounted, or not the one that was there; if it is lost,"
                  + " --without-disk has the node do without it");
        }
        found.put(one.getKey(), one.getValue());
      }
    }
    if (found.isEmpty() && !missing.isEmpty()) {
      throw new IOException("the store " + root + " cannot do without its only disk");
    }
    return found;
  }

  private boolean isThere(String id, Path path) throws IOException {
    return Files.isDirectory(path) && readMark(path, diskAt(path)).equals(id);
  }

  private static Disk diskAt(Path path) {
    return new Disk(path, (change, file) -> {});
  }

  /** The id of a disk that is there or made; empty if it is new. */
  private String idOf(Path other) throws IOException {
    if (other.equals(root)) {
      throw new IOException("the disk " + other + " is the store itself");
    }
    if (other.toString().lines().count() > 1) {
      throw new IOException("the disk '" + other + "' has a line break in its name; give another");
    }
    Disk there = diskAt(other);
    there.makeDirectories(other);
    return readMark(other, there);
  }

  /** Makes a disk new that this node has done without: it may have old objects. */
  private static void forgetOld(Path path) throws IOException {
    Path objects = path.resolve(OBJECTS);
    if (Disk.exists(objects) && !diskAt(path).list(objects).isEmpty()) {
      throw new IOException(
          "the disk " + path + " has old objects of this node; remove all that is in it first");
    }
    boolean unused = diskAt(path).delete(path.resolve(MARK));
  }

  /** Makes a disk ready, and known to this, but not to the list. */
  @GuardedBy("this")
  private Part part(String id, Path path, boolean leaves) throws IOException {
    Path objects = path.resolve(OBJECTS);
    Disk there = disk.at(path);
    writeMark(path, id, there);
    there.makeDirectories(objects);
    there.forceDirectory(path);
    UUID uuid = UUID.fromString(id);
    long key = uuid.getMostSignificantBits() ^ uuid.getLeastSignificantBits();
    places.put(key, new Place(id, path, objects, leaves));
    double weight = leaves ? 0 : weight(objects);
    return new Part(key, weight, new ObjectFiles(objects, there, openFiles));
  }

  private static double weight(Path objects) throws IOException {
    return Math.max(1, Files.getFileStore(objects).getTotalSpace());
  }

  /** What a move left on both disks when it was cut short: the new one is right. */
  private void removeDoubles() throws IOException {
    for (Part old : set.parts()) {
      if (old.weight() > 0) {
        continue;
      }
      int count = 0;
      for (ObjectId oid : old.files().list()) {
        for (Part other : set.parts()) {
          if (other.weight() > 0 && other.files().exists(oid) && old.files().remove(oid)) {
            count++;
          }
        }
      }
      if (count > 0) {
        old.files().forceNames();
        log.info("{} objects had been moved and are removed from their old disk", count);
      }
    }
  }

  /** The id of a disk; empty if it is new. */
  private String readMark(Path path, Disk there) throws IOException {
    Path mark = path.resolve(MARK);
    if (!Disk.exists(mark)) {
      for (Path entry : there.list(path)) {
        String name = String.valueOf(entry.getFileName());
        boolean isEmpty = name.equals(OBJECTS) && there.list(entry).isEmpty();
        if (!isEmpty && !name.equals("lost+found") && !name.equals(MARK + ".tmp")) {
          throw new IOException(
              "the directory " + path + " is neither empty nor a disk of a store; give another");
        }
      }
      return "";
    }
    Matcher words = MARK_TEXT.matcher(SealedFile.readText(there, mark, UNSEALED_MARK_BYTES));
    if (!words.matches()) {
      throw new DamagedFileException(mark, "it does not have the ids of a node and of a disk");
    }
    if (!words.group(1).equals(nodeId)) {
      throw new IOException("the disk " + path + " is that of another node");
    }
    return words.group(2);
  }

  private void writeMark(Path path, String id, Disk there) throws IOException {
    if (!Disk.exists(path.resolve(MARK))) {
      SealedFile.replace(there, path.resolve(MARK), nodeId + " " + id + "\n");
    }
  }

  /** The objects on all of them. */
  public DiskSet objects() {
    return set;
  }

  /** The directories with the objects. */
  synchronized List<Path> places() {
    return places.values().stream().map(Place::objects).toList();
  }

  // --- disks that come and go ---

  /**
   * Adds a disk, which has to be empty; a disk that is in use already is a success. Objects that
   * are made from now on are on it, too. Durable on return.
   *
   * @throws IOException with a message for the user
   */
  public synchronized void plug(Path given) throws IOException {
    Path path = given.toAbsolutePath().normalize();
    if (places.values().stream().anyMatch(place -> isAt(place, path))) {
      return;
    }
    if (places.size() >= DiskList.MAX_DISKS) {
      throw new IOException("more than " + DiskList.MAX_DISKS + " disks");
    }
    String old = idOf(path);
    if (!old.isEmpty()) {
      forgetOld(path);
    }
    String id = UUID.randomUUID().toString(); // nothing that was said of it holds any more
    Part part = part(id, path, false);
    Map<String, Path> more = list.known();
    more.put(id, path);
    list.found(more);
    set.add(part);
    if (set.parts().stream().anyMatch(one -> one.key() == OWN)) {
      set.weigh(OWN, 0);
    }
    log.info("the disk {} was added", path);
  }

  private static boolean isAt(Place place, Path path) {
    return place.path().equals(path) || place.objects().equals(path);
  }

  /**
   * Begins to take the objects of a disk away; new ones are made on the others from now on. {@link
   * #leaving} has it until it is {@link #left} or {@link #stays}, also after a restart.
   *
   * @throws SheepException {@link ResultCode#INVALID_PARMS} if it is no disk of this node or the
   *     last one, {@link ResultCode#NO_SPACE} if the others have no room for what is on it
   */
  public void unplug(Path given) throws IOException {
    Path path = given.toAbsolutePath().normalize();
    Path objects = null;
    synchronized (this) {
      for (Place place : places.values()) {
        objects = isAt(place, path) ? place.objects() : objects;
      }
    }
    for (Part part : set.parts()) {
      if (part.files().directory().equals(objects)) {
        startLeaving(part, bytes(part)); // not under the lock, as there may be many
        return;
      }
    }
    throw new SheepException(ResultCode.INVALID_PARMS, path + " is no disk of this node");
  }

  private static long bytes(Part part) throws IOException {
    long bytes = 0;
    for (ObjectId oid : part.files().list()) {
      Path file = part.files().file(oid);
      bytes += Disk.exists(file) ? Files.size(file) : 0;
    }
    return bytes;
  }

  private synchronized void startLeaving(Part leaving, long needed) throws IOException {
    long key = leaving.key();
    Place place = places.get(key);
    if (place == null || place.leaves()) {
      return;
    }
    long room = 0;
    for (Part part : set.parts()) {
      if (part.key() != key && part.weight() > 0) {
        Space space = spaceOf(part.files().directory());
        room += Math.max(0, space.freeBytes() - Reserve.bytes(space.totalBytes()));
      }
    }
    if (isLast(key)) {
      throw new SheepException(
          ResultCode.INVALID_PARMS, place.path() + " is the last disk of this node");
    }
    if (needed > room) {
      throw new SheepException(
          ResultCode.NO_SPACE,
          "the other disks have room for " + room + " bytes, and " + needed + " are needed");
    }
    if (key != OWN) {
      list.setLeaving(place.id(), true);
    }
    places.put(key, new Place(place.id(), place.path(), place.objects(), true));
    set.weigh(key, 0);
  }

  /** The disks that leave. */
  public synchronized List<Leaving> leaving() {
    List<Leaving> leaving = new ArrayList<>();
    places.forEach(
        (key, place) -> {
          if (place.leaves()) {
            leaving.add(new Leaving(key, place.objects()));
          }
        });
    return leaving;
  }

  /** A disk that leaves has no object any more: the node does without it from now on. */
  public synchronized void left(Leaving gone) throws IOException {
    Place place = places.get(gone.key());
    if (place == null) {
      return;
    }
    set.forceNames();
    list.left(place.id());
    forget(gone.key());
    if (gone.key() != OWN) {
      Disk there = diskAt(place.path());
      there.delete(place.path().resolve(MARK));
      there.forceDirectory(place.path());
    }
    log.info("the disk {} is not used any more", place.path());
  }

  @GuardedBy("this")
  private void forget(long key) {
    List<Part> before = set.parts();
    set.drop(key);
    places.remove(key);
    for (Part part : before) {
      if (part.key() == key) {
        Thread closing = new Thread(part.files()::close, "sheep-disk-end"); // may wait for it
        closing.setDaemon(true);
        closing.start();
      }
    }
  }

  /** A disk cannot leave: it keeps what it still has, and gets new objects again. */
  public synchronized void stays(Leaving kept) throws IOException {
    Place place = places.get(kept.key());
    if (place != null && place.leaves()) {
      if (kept.key() != OWN) {
        list.setLeaving(place.id(), false);
        set.weigh(kept.key(), weight(place.objects()));
      }
      places.put(kept.key(), new Place(place.id(), place.path(), place.objects(), false));
    }
  }

  // --- disks that fail ---

  /** Has {@code told} called when a disk may have failed. */
  public void onTrouble(Runnable told) {
    onTrouble = told;
  }

  private void failed(Part part, SheepException failure) {
    synchronized (this) {
      if (trouble != null || !places.containsKey(part.key())) {
        return;
      }
      trouble = new Trouble(part.key(), failure, false);
    }
    onTrouble.run();
  }

  /**
   * A disk that has failed, and that the node can do without as far as its own disks are concerned;
   * null if there is none.
   */
  public synchronized @Nullable Path failed() {
    Trouble now = trouble;
    Place place = now == null ? null : places.get(now.key());
    if (now == null || place == null || isLast(now.key()) || now.key() == OWN) {
      trouble = null;
      return null;
    }
    if (!now.isSure() && !hasFailed(place, now.failure())) {
      trouble = null;
      return null;
    }
    trouble = new Trouble(now.key(), now.failure(), true);
    return place.path();
  }

  private boolean isLast(long key) {
    return set.parts().stream().noneMatch(part -> part.key() != key && part.weight() > 0);
  }

  /** Whether a failure is the disk's, and not one of the process, which all disks would have. */
  @GuardedBy("this")
  private boolean hasFailed(Place place, SheepException failure) {
    if (answers(root, disk)) {
      if (!answers(place.objects(), diskAt(place.objects()))) {
        log.warn("the disk {} has failed", place.path(), failure);
        return true;
      }
      for (Throwable why = failure; why != null; why = why.getCause()) {
        String text = String.valueOf(why.getMessage());
        if (text.contains("Input/output error") || text.contains("is not what it was")) {
          log.warn("the disk {} has failed, if only in part", place.path(), failure);
          return true;
        }
      }
    }
    return false;
  }

  private static boolean answers(Path directory, Disk there) {
    Path file = directory.resolve(PROBE);
    try {
      there.replace(file, ByteBuffer.wrap(new byte[512]));
      boolean unused = there.delete(file);
      return true;
    } catch (IOException e) {
      return there.failure("probe", e).result() == ResultCode.NO_SPACE;
    }
  }

  /** Goes on without a disk that {@link #failed}; durable on return. */
  public synchronized void lose(Path path) throws IOException {
    for (Map.Entry<Long, Place> one : List.copyOf(places.entrySet())) {
      if (one.getValue().path().equals(path)) {
        list.lost(one.getValue().id());
        forget(one.getKey());
      }
    }
    trouble = null;
  }

  /** A disk that the node is to do without, if it can; null if there is none. */
  public synchronized @Nullable Path missing() {
    return missing.values().stream().findFirst().orElse(null);
  }

  /** Goes on without all that are {@link #missing}; durable on return. */
  public synchronized void loseMissing() throws IOException {
    for (String id : List.copyOf(missing.keySet())) {
      list.lost(id);
      missing.remove(id);
    }
  }

  /** Whether objects may be missing that were on a disk that was lost. */
  synchronized boolean isIncomplete() {
    return list.isIncomplete();
  }

  /** They are all there again; durable on return. */
  synchronized void complete() throws IOException {
    list.complete();
  }

  // --- space ---

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
    List<Path> all = places();
    if (all.size() == 1) {
      return spaceOf(all.get(0));
    }
    long total = 0;
    double free = 1;
    for (Part part : set.parts()) {
      try {
        Space one = spaceOf(part.files().directory());
        total += one.totalBytes();
        free = Math.min(free, (double) one.freeBytes() / Math.max(1, one.totalBytes()));
      } catch (SheepException e) {
        failed(part, e); // the others can still be used
      }
    }
    return new Space(total, (long) (free * total));
  }
}
