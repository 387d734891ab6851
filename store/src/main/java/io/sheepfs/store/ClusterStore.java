package io.sheepfs.store;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.Space;
import io.sheepfs.store.RunMark.LastEnd;
import io.sheepfs.store.object.Disk;
import io.sheepfs.store.object.DiskSet;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.UUID;

/**
 * The directory of one node of a cluster. It is laid out as that of a {@link LocalSheep}, with a
 * config of another format, so that neither takes the other's: a node alone would take objects for
 * leaks whose inodes are elsewhere. The file {@code node} has the id that the directory got when it
 * was made. The file {@code suspects} is there after an end in good order at which objects may have
 * been half changed: their ids.
 */
public final class ClusterStore implements NodeStore {

  private static final String SUSPECTS = "suspects";
  private static final int FORMAT = 0x4A02;
  private static final int FORMAT_OFFSET = 30;
  private static final int OPEN_FILES = 2048;

  private final Disk disk;
  private final StoreDirectory directory;
  private final StoreDisks disks;
  private final DiskSet files;
  private final RunMark runMark;
  private final String id;
  private final List<ObjectId> suspects = new ArrayList<>();
  private volatile long createTime;

  /** Whether the mark is of an earlier run of the machine. */
  @GuardedBy("this")
  private boolean marksAnew;

  private ClusterStore(
      StoreDirectory directory, Disk disk, RunMark runMark, List<Path> others, List<Path> without)
      throws IOException {
    this.directory = directory;
    this.runMark = runMark;
    Path idFile = directory.root().resolve("node");
    if (directory.isNew()) {
      this.id = UUID.randomUUID().toString();
      disk.replace(idFile, ByteBuffer.wrap(id.getBytes(StandardCharsets.UTF_8)));
      formatted(0, 0, 3, 22, "plain");
    } else {
      this.createTime = readCreateTime(disk);
      this.id = StandardCharsets.UTF_8.decode(disk.readAll(idFile)).toString();
    }
    this.disks =
        new StoreDisks(
            directory.root(), id, directory.objects(), others, without, disk, OPEN_FILES);
    this.files = disks.objects();
    files.removeTemporaries();
    this.disk = disk;
    LastEnd lastEnd = runMark.lastEnd(disk);
    readSuspects();
    if (lastEnd == LastEnd.CLEAN) {
      runMark.set(disk);
    } else {
      // the mark stays: until the suspects are settled, the next run has to find them again
      findSuspects(lastEnd);
    }
    this.marksAnew = lastEnd == LastEnd.MACHINE_DIED;
  }

  /**
   * Opens the directory; makes it if there is nothing yet.
   *
   * @throws IOException with a message for the user
   */
  public static ClusterStore open(Path root) throws IOException {
    return open(root, List.of(), List.of());
  }

  /**
   * The same with the objects on other disks.
   *
   * @param others directories on them
   */
  public static ClusterStore open(Path root, List<Path> others) throws IOException {
    return open(root, others, List.of());
  }

  /**
   * The same without some disks, which may be missing.
   *
   * @param without the disks that the node is to do without, as soon as it may
   */
  public static ClusterStore open(Path root, List<Path> others, List<Path> without)
      throws IOException {
    RunMark runMark =
        new RunMark(StoreDirectory.runMark(root), RunMark.currentBootId(), InstantSource.system());
    Disk disk = new Disk(root, runMark.watching((change, path) -> {}));
    StoreDirectory directory = StoreDirectory.open(root, disk);
    boolean done = false;
    try {
      ClusterStore store = new ClusterStore(directory, disk, runMark, others, without);
      done = true;
      return store;
    } finally {
      if (!done) {
        directory.close();
      }
    }
  }

  private long readCreateTime(Disk disk) throws IOException {
    ByteBuffer config =
        disk.readAll(directory.root().resolve("config")).order(ByteOrder.LITTLE_ENDIAN);
    if (config.remaining() != StoreConfig.BYTES
        || Short.toUnsignedInt(config.getShort(FORMAT_OFFSET)) != FORMAT) {
      throw new IOException(
          "the store " + directory.root() + " is not that of a node of a cluster; give another");
    }
    return config.getLong(0);
  }

  private Path suspectsFile() {
    return directory.root().resolve(SUSPECTS);
  }

  private void readSuspects() throws IOException {
    if (Disk.exists(suspectsFile())) {
      ByteBuffer ids = disk.readAll(suspectsFile()).order(ByteOrder.LITTLE_ENDIAN);
      while (ids.remaining() >= Long.BYTES) {
        suspects.add(new ObjectId(ids.getLong()));
      }
    }
  }

  private void findSuspects(LastEnd lastEnd) throws IOException {
    Instant since = runMark.changedSince();
    for (ObjectId oid : files.list()) {
      boolean any = lastEnd == LastEnd.MACHINE_DIED;
      if (any || !Files.getLastModifiedTime(files.file(oid)).toInstant().isBefore(since)) {
        suspects.add(oid);
        if (!any) {
          files.markUnsynced(oid);
        }
      }
    }
    files.forceNames();
  }

  @Override
  public String id() {
    return id;
  }

  @Override
  public DiskSet files() {
    return files;
  }

  @Override
  public List<ObjectId> suspects() {
    return List.copyOf(suspects);
  }

  @Override
  public synchronized Loss loss() {
    if (disks.isIncomplete()) {
      return Loss.OBJECTS;
    }
    return marksAnew ? Loss.UNFLUSHED : Loss.NONE;
  }

  @Override
  public void complete() throws IOException {
    disks.complete();
  }

  @Override
  public StoreDisks storeDisks() {
    return disks;
  }

  @Override
  public synchronized void settled() throws IOException {
    if (marksAnew) {
      runMark.set(disk);
      marksAnew = false;
    }
    disk.delete(suspectsFile());
  }

  @Override
  public long createTime() {
    return createTime;
  }

  @Override
  public void formatted(long newTime, int flags, int copies, int blockSizeShift, String driver)
      throws IOException {
    ByteBuffer config = new StoreConfig(newTime, flags, copies, driver, blockSizeShift).encode();
    config.order(ByteOrder.LITTLE_ENDIAN).putShort(FORMAT_OFFSET, (short) FORMAT);
    new Disk(directory.root(), (change, path) -> {})
        .replace(directory.root().resolve("config"), config);
    createTime = newTime;
  }

  @Override
  public Path root() {
    return directory.root();
  }

  @Override
  public Space space() throws SheepException {
    return disks.space();
  }

  @Override
  public List<Path> disks() {
    return disks.places();
  }

  @Override
  public Space spaceOf(Path place) throws SheepException {
    return StoreDisks.spaceOf(place);
  }

  @Override
  public synchronized void close(Collection<ObjectId> changing) throws IOException {
    try {
      files.flushAll();
      files.close();
      if (files.isAllSynced()) {
        noteSuspects(changing);
        if (!marksAnew) { // else the next run has to say, too, what is lost
          runMark.clear(disk);
        }
      }
    } finally {
      directory.close();
    }
  }

  private void noteSuspects(Collection<ObjectId> changing) throws IOException {
    if (changing.isEmpty()) {
      disk.delete(suspectsFile());
      return;
    }
    ByteBuffer ids =
        ByteBuffer.allocate(changing.size() * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    changing.forEach(oid -> ids.putLong(oid.value()));
    disk.replace(suspectsFile(), ids.flip());
  }
}
