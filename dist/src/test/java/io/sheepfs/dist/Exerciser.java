package io.sheepfs.dist;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * Does everything that can be done to a file, at random, to a VDI of a mount, and compares what
 * comes back with a {@link FileModel}: reads and writes through the page cache, past it and in
 * mapped memory, holes, zeros, growing and shrinking, copies, seeks, syncs, snapshots, clones,
 * opening and mounting again. The first difference is an {@link AssertionError} with the last
 * operations.
 */
final class Exerciser implements AutoCloseable {

  /** Unmounts and mounts again at the same place. */
  interface Remount {
    void run() throws Exception;
  }

  /**
   * How often what takes long is done.
   *
   * @param maxBytes how large the file gets
   * @param perSync operations to one fsync
   * @param perSnapshot operations to one snapshot or clone
   * @param perRemount operations to one remount
   */
  record Plan(int maxBytes, int perSync, int perSnapshot, int perRemount) {}

  private static final int OBJECT_BYTES = 4 << 20;
  private static final int MAX_LENGTH_BITS = 16;
  private static final int SECTOR_BYTES = 512;
  private static final int MOST_SNAPSHOTS = 3;
  private static final int PER_RESIZE = 1000;
  private static final int PER_REOPEN = 1000;

  /** One that was taken, with what the disk had then. */
  private record Snapshot(String tag, ByteBuffer content) {}

  private final Path mountpoint;
  private final String name;
  private final Remount remount;
  private final Plan plan;
  private final Random random;
  private final FileModel model;
  private final ByteBuffer buffer;
  private final List<Snapshot> snapshots = new ArrayList<>();
  private NativeFile file;
  private NativeFile direct;
  private int tags;
  private long readBytes;
  private long writtenBytes;
  private long remounts;

  /** Makes the VDI {@code name}, which must not exist. */
  Exerciser(Path mountpoint, String name, Remount remount, Plan plan, long seed)
      throws IOException {
    this.mountpoint = mountpoint;
    this.name = name;
    this.remount = remount;
    this.plan = plan;
    this.random = new Random(seed);
    this.model = new FileModel(plan.maxBytes());
    this.buffer = NativeFile.pages(Math.max(plan.maxBytes(), 1 << MAX_LENGTH_BITS));
    Files.createFile(volume(name));
    this.file = NativeFile.open(volume(name), 0);
    this.direct = NativeFile.open(volume(name), NativeFile.O_DIRECT);
  }

  private Path volume(String disk) {
    return mountpoint.resolve("volume").resolve(disk);
  }

  private Path snapshot(String tag) {
    return mountpoint.resolve("snapshot").resolve(name).resolve(tag);
  }

  /** What was done, for a person. */
  String figures() {
    return String.format(
        "%d operations, %d MiB read, %d MiB written, %d snapshots and clones, %d remounts",
        model.count(), readBytes >> 20, writtenBytes >> 20, tags, remounts);
  }

  /** Does some operations, and compares all of the file at the end. */
  void run(long operations) throws Exception {
    try {
      for (long i = 0; i < operations; i++) {
        step();
      }
      checkAll("last read");
    } catch (IOException e) {
      AssertionError failure = model.failure(e.toString());
      failure.initCause(e);
      throw failure;
    }
  }

  private boolean oneOf(int count) {
    return random.nextInt(count) == 0;
  }

  private void step() throws Exception {
    if (oneOf(plan.perRemount())) {
      remount();
    } else if (oneOf(plan.perSnapshot())) {
      if (snapshots.isEmpty() || oneOf(2)) {
        takeSnapshot();
      } else {
        makeClone();
      }
    } else if (oneOf(plan.perSync())) {
      sync();
    } else if (oneOf(PER_RESIZE)) {
      resize();
    } else if (oneOf(PER_REOPEN)) {
      reopen();
    } else {
      stepWithin();
    }
  }

  private void stepWithin() throws IOException {
    int choice = random.nextInt(100);
    if (choice < 30) {
      read(file, "read", 1);
    } else if (choice < 60) {
      write(file, "write", 1);
    } else if (choice < 66) {
      read(direct, "direct read", SECTOR_BYTES);
    } else if (choice < 72) {
      write(direct, "direct write", SECTOR_BYTES);
    } else if (choice < 78) {
      readMapped();
    } else if (choice < 84) {
      writeMapped();
    } else if (choice < 89) {
      punch();
    } else if (choice < 93) {
      zero();
    } else if (choice < 94) {
      allocate();
    } else if (choice < 97) {
      seek();
    } else {
      copy();
    }
  }

  /** More often short than long. */
  private int length(int unit) {
    int most = 1 << random.nextInt(MAX_LENGTH_BITS + 1);
    return Math.max(unit, (1 + random.nextInt(most)) / unit * unit);
  }

  /** Within the first {@code end} bytes, often at the border of an object or at a page. */
  private int offset(int end, int length, int unit) {
    int most = Math.max(0, end - length);
    int at = random.nextInt(most + 1);
    switch (random.nextInt(6)) {
      case 0 -> at = at / OBJECT_BYTES * OBJECT_BYTES - random.nextInt(length + 1);
      case 1, 2 -> at = at / NativeFile.PAGE_BYTES * NativeFile.PAGE_BYTES;
      default -> {}
    }
    return Math.max(0, Math.min(at, most)) / unit * unit;
  }

  private int changedLength(int unit) {
    return Math.min(length(unit), plan.maxBytes());
  }

  private int changedOffset(int length, int unit) {
    boolean mayGrow = model.size() < length || oneOf(20);
    return offset(mayGrow ? plan.maxBytes() : model.size(), length, unit);
  }

  private void read(NativeFile from, String what, int unit) throws IOException {
    int length = length(unit);
    int offset = offset(model.size() + NativeFile.PAGE_BYTES, length, unit);
    model.begin(what, offset, length, "");
    int wanted = Math.max(0, Math.min(length, model.size() - offset));
    int count = from.read(buffer, length, offset);
    if (count != wanted) {
      throw model.failure(what + " returns " + count + " bytes, not " + wanted);
    }
    model.check(what, buffer, offset, length);
    readBytes += count;
  }

  private void write(NativeFile to, String what, int unit) throws IOException {
    int length = changedLength(unit);
    int offset = changedOffset(length, unit);
    model.begin(what, offset, length, "");
    model.fill(buffer, length);
    to.write(buffer, length, offset);
    model.wrote(buffer, offset, length);
    writtenBytes += length;
  }

  private void readMapped() throws IOException {
    int length = Math.min(length(1), model.size());
    if (length == 0) {
      return;
    }
    int offset = offset(model.size(), length, NativeFile.PAGE_BYTES);
    model.begin("mapped read", offset, length, "");
    try (NativeFile.Mapping mapping = file.map(offset, length)) {
      mapping.read(buffer);
    }
    model.check("mapped read", buffer, offset, length);
    readBytes += length;
  }

  private void writeMapped() throws IOException {
    int length = Math.min(length(1), model.size());
    if (length == 0) {
      return;
    }
    int offset = offset(model.size(), length, NativeFile.PAGE_BYTES);
    boolean synced = oneOf(plan.perSync());
    model.begin("mapped write", offset, length, synced ? "msync" : "");
    model.fill(buffer, length);
    try (NativeFile.Mapping mapping = file.map(offset, length)) {
      mapping.write(buffer);
      if (synced) {
        mapping.sync();
      }
    }
    model.wrote(buffer, offset, length);
    writtenBytes += length;
  }

  private void punch() throws IOException {
    int length = largeLength();
    int offset = offset(model.size(), length, 1);
    model.begin("punch", offset, length, "");
    file.allocate(NativeFile.FALLOC_PUNCH_HOLE | NativeFile.FALLOC_KEEP_SIZE, offset, length);
    model.zeroed(offset, length);
  }

  /** Sometimes whole objects. */
  private int largeLength() {
    return oneOf(10) ? 1 + random.nextInt(plan.maxBytes()) : length(1);
  }

  private void zero() throws IOException {
    boolean keepsSize = oneOf(2);
    int length = Math.min(largeLength(), plan.maxBytes());
    int offset = changedOffset(length, 1);
    model.begin("zero", offset, length, keepsSize ? "keeping the size" : "");
    int keep = keepsSize ? NativeFile.FALLOC_KEEP_SIZE : 0;
    file.allocate(NativeFile.FALLOC_ZERO_RANGE | keep, offset, length);
    model.zeroed(offset, length);
    if (!keepsSize) {
      model.resized(Math.max(model.size(), offset + length));
    }
  }

  private void allocate() throws IOException {
    int length = changedLength(1);
    int offset = changedOffset(length, 1);
    boolean keepsSize = oneOf(2);
    model.begin("allocate", offset, length, keepsSize ? "keeping the size" : "");
    file.allocate(keepsSize ? NativeFile.FALLOC_KEEP_SIZE : 0, offset, length);
    if (!keepsSize) {
      model.resized(Math.max(model.size(), offset + length));
    }
  }

  private void resize() throws IOException {
    int now = model.size();
    int next = oneOf(3) ? now - Math.min(now, length(1)) : random.nextInt(plan.maxBytes() + 1);
    model.begin("truncate", Math.min(now, next), Math.abs(now - next), "to " + next);
    file.truncate(next);
    model.resized(next);
    long found = Files.size(volume(name));
    if (found != next) {
      throw model.failure("the size is " + found);
    }
  }

  /** A hole must read as zeros; data may be anything. What is mapped the mount does not know. */
  private void seek() throws IOException {
    int offset = random.nextInt(plan.maxBytes());
    model.begin("seek", offset, 0, "");
    file.writePages();
    int size = model.size();
    long data = file.seek(offset, NativeFile.SEEK_DATA);
    if (offset >= size ? data >= 0 : data >= 0 && (data < offset || data >= size)) {
      throw model.failure("SEEK_DATA gives " + data + " of " + size);
    }
    checkHole(offset, data < 0 ? size : data);
    long hole = file.seek(offset, NativeFile.SEEK_HOLE);
    if (offset >= size ? hole >= 0 : hole < offset || hole > size) {
      throw model.failure("SEEK_HOLE gives " + hole + " of " + size);
    }
    if (hole >= 0 && hole < size) {
      long after = file.seek(hole, NativeFile.SEEK_DATA);
      if (after == hole) {
        throw model.failure("there is data in the hole at " + hole);
      }
      checkHole(hole, after < 0 ? size : after);
    }
  }

  private void checkHole(long from, long to) {
    if (from < to && !model.isZero((int) from, (int) to)) {
      throw model.failure("there is data in the hole from " + from + " to " + to);
    }
  }

  private void copy() throws IOException {
    int length = Math.min(length(1), model.size() / 2);
    if (length == 0) {
      return;
    }
    int from = offset(model.size(), length, 1);
    int to = changedOffset(length, 1);
    if (Math.abs(from - to) < length) {
      return; // the kernel refuses to copy what overlaps
    }
    model.begin("copy", to, length, "from " + from);
    long copied = file.copy(from, to, length);
    if (copied <= 0 || copied > length) {
      throw model.failure("the copy returns " + copied);
    }
    model.copied(from, to, (int) copied);
    writtenBytes += copied;
  }

  private void sync() throws IOException {
    boolean dataOnly = oneOf(2);
    model.begin(dataOnly ? "fdatasync" : "fsync", 0, 0, "");
    (oneOf(4) ? direct : file).sync(dataOnly);
  }

  private void reopen() throws IOException {
    model.begin("reopen", 0, 0, "");
    closeFiles();
    openFiles();
    if (oneOf(4)) {
      checkAll("read after reopen");
    }
  }

  private void closeFiles() throws IOException {
    direct.close();
    file.close();
  }

  private void openFiles() throws IOException {
    file = NativeFile.open(volume(name), 0);
    direct = NativeFile.open(volume(name), NativeFile.O_DIRECT);
  }

  private void takeSnapshot() throws IOException, InterruptedException {
    tags++;
    Snapshot taken = new Snapshot("tag" + tags, ByteBuffer.wrap(model.copy()));
    model.begin("snapshot", 0, model.size(), taken.tag());
    file.writePages(); // a snapshot has what the mount has
    Files.createFile(snapshot(taken.tag()));
    snapshots.add(taken);
    check(taken);
    if (snapshots.size() > MOST_SNAPSHOTS) {
      Snapshot oldest = snapshots.remove(0);
      check(oldest);
      // it is busy until the mount has heard of the last close
      Shell.eventually(oldest.tag() + " is removed", () -> remove(snapshot(oldest.tag())));
    }
  }

  private static boolean remove(Path path) {
    try {
      Files.delete(path);
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  private void makeClone() throws IOException {
    tags++;
    Snapshot base = snapshots.get(random.nextInt(snapshots.size()));
    model.begin("clone", 0, 0, "of " + base.tag());
    Path clone = volume(name + "-clone" + tags);
    Files.createLink(clone, snapshot(base.tag()));
    compare("the clone of " + base.tag(), base.content(), Files.readAllBytes(clone));
    Files.write(clone, new byte[length(1)]);
    Files.delete(clone);
    check(base);
  }

  private void check(Snapshot taken) throws IOException {
    byte[] found = Files.readAllBytes(snapshot(taken.tag()));
    compare("snapshot " + taken.tag(), taken.content(), found);
  }

  private void compare(String what, ByteBuffer wanted, byte[] found) {
    int wrong = wanted.mismatch(ByteBuffer.wrap(found));
    if (wrong >= 0 && wrong < Math.min(wanted.limit(), found.length)) {
      throw model.wrongByte(what, wrong, wanted.get(wrong), found[wrong]);
    }
    if (wrong >= 0) {
      throw model.failure(what + " has " + found.length + " bytes, not " + wanted.limit());
    }
  }

  private void checkAll(String what) throws IOException {
    long found = Files.size(volume(name));
    if (found != model.size()) {
      throw model.failure(what + ": the size is " + found + ", not " + model.size());
    }
    int count = file.read(buffer, model.size(), 0);
    if (count != model.size()) {
      throw model.failure(what + " returns " + count + " bytes, not " + model.size());
    }
    model.check(what, buffer, 0, count);
    readBytes += count;
  }

  private void remount() throws Exception {
    model.begin("remount", 0, 0, "");
    closeFiles();
    remount.run();
    remounts++;
    openFiles();
    checkAll("read after remount");
    for (Snapshot taken : snapshots) {
      check(taken);
    }
  }

  @Override
  public void close() throws IOException {
    closeFiles();
  }
}
