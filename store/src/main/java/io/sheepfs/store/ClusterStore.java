package io.sheepfs.store;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.Space;
import io.sheepfs.store.RunMark.LastEnd;
import io.sheepfs.store.StoreConfig.Kind;
import io.sheepfs.store.object.DamagedFileException;
import io.sheepfs.store.object.Disk;
import io.sheepfs.store.object.DiskSet;
import io.sheepfs.store.object.SealedFile;
import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The directory of one node of a cluster. It is laid out as that of a {@link LocalSheep}, with a
 * config of another format, so that neither takes the other's: a node alone would take objects for
 * leaks whose inodes are elsewhere. The file {@code node} has the id that the directory got when it
 * was made. The file {@code suspects} is there after an end in good order at which objects may have
 * been half changed: their ids.
 */
public final class ClusterStore implements NodeStore {

  private static final Logger log = LoggerFactory.getLogger(ClusterStore.class);

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
    if (directory.isNew()) {
      this.id = UUID.randomUUID().toString();
      SealedFile.replace(disk, directory.node(), id + "\n");
      formatted(0, 0, 3, 22, "plain");
    } else {
      this.createTime = directory.readConfig(Kind.MEMBER).createTime();
      this.id = readId(disk, directory.node());
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
    if (disks.missing() == null) {
      directory.complete(files);
    }
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

  private static String readId(Disk disk, Path file) throws IOException {
    String text = SealedFile.readText(disk, file).strip();
    try {
      return UUID.fromString(text).toString();
    } catch (IllegalArgumentException e) {
      throw new DamagedFileException(file, "it has no id");
    }
  }

  private void readSuspects() throws IOException {
    Path file = directory.suspects();
    if (!Disk.exists(file)) {
      return;
    }
    try {
      ByteBuffer ids = SealedFile.read(disk, file).order(ByteOrder.LITTLE_ENDIAN);
      while (ids.hasRemaining()) {
        suspects.add(new ObjectId(ids.getLong()));
      }
    } catch (DamagedFileException | BufferUnderflowException | IllegalArgumentException e) {
      log.warn("all objects are compared with those of others: {}", e.getMessage());
      suspects.clear();
      suspects.addAll(files.list());
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
    disk.delete(directory.suspects());
  }

  @Override
  public long createTime() {
    return createTime;
  }

  @Override
  public void formatted(long newTime, int flags, int copies, int blockSizeShift, String driver)
      throws IOException {
    directory.writeConfig(
        new StoreConfig(Kind.MEMBER, newTime, flags, copies, driver, blockSizeShift));
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
      disk.delete(directory.suspects());
      return;
    }
    ByteBuffer ids =
        ByteBuffer.allocate(changing.size() * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    changing.forEach(oid -> ids.putLong(oid.value()));
    SealedFile.replace(disk, directory.suspects(), ids.flip());
  }
}
