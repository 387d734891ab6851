package io.sheepfs.store;

import io.sheepfs.store.object.Disk;
import io.sheepfs.store.object.SealedFile;
import io.sheepfs.store.object.StoredObjects;
import io.sheepfs.store.vdi.Headers;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The directory of a store, held by this process alone.
 *
 * <pre>
 *   node          the id of the node; only in a cluster, see {@link ClusterStore}
 *   disks         the other disks of the node, see {@link StoreDisks}
 *   suspects      objects that may differ on other nodes; only in a cluster
 *   config        format and defaults, see {@link StoreConfig}
 *   lock          locked while a process has the store open
 *   running       there while the store is open or was not closed cleanly, see {@link RunMark}
 *   incarnation   a number that changes when unflushed writes may be lost, see {@link Incarnation}
 *   journal       there while a change of several files is under way
 *   obj/          one file per object, named by the sixteen digits of its id
 *   epoch/        one file per epoch, see {@link EpochLog}
 * </pre>
 *
 * <p>All but {@code lock}, {@code running}, the journal and the objects are {@linkplain SealedFile
 * sealed}.
 */
final class StoreDirectory implements Closeable {

  private static final Logger log = LoggerFactory.getLogger(StoreDirectory.class);

  private static final String CONFIG = "config";
  private static final String LOCK = "lock";
  private static final String OBJECTS = "obj";
  private static final String EPOCHS = "epoch";
  private static final String NODE = "node";
  private static final String INCARNATION = "incarnation";
  private static final String SUSPECTS = "suspects";

  /** What may be there before the first config is: from a first start that was cut short. */
  private static final Set<String> BEFORE_CONFIG =
      Set.of(
          LOCK,
          OBJECTS,
          EPOCHS,
          CONFIG + ".tmp",
          NODE,
          NODE + ".tmp",
          StoreDiskList.LIST,
          StoreDiskList.LIST + ".tmp",
          LocalSheep.LOG_FILE,
          "lost+found");

  /** What is sealed besides the config and the epochs. */
  private static final List<String> SEALED =
      List.of(NODE, INCARNATION, SUSPECTS, StoreDiskList.LIST, StoreDiskList.INCOMPLETE);

  private final Path root;
  private final Disk disk;
  private final FileChannel lockFile;
  private final boolean isNew;

  /** The config of a store that is being made one of this version; null of others. */
  private @Nullable StoreConfig old;

  private StoreDirectory(Path root, Disk disk, FileChannel lockFile, boolean isNew) {
    this.root = root;
    this.disk = disk;
    this.lockFile = lockFile;
    this.isNew = isNew;
  }

  /**
   * Opens the directory, and makes it if there is none.
   *
   * @throws IOException with a message for the user, if it is something else than a store, or in
   *     use
   */
  static StoreDirectory open(Path root, Disk disk) throws IOException {
    if (Files.exists(root) && !Files.isDirectory(root)) {
      throw new IOException("the store " + root + " is not a directory");
    }
    disk.makeDirectories(root);
    boolean isNew = !Disk.exists(root.resolve(CONFIG));
    if (isNew) {
      refuseForeign(root, disk);
    }
    FileChannel lockFile = lock(root, disk);
    boolean done = false;
    try {
      disk.makeDirectories(root.resolve(OBJECTS));
      disk.makeDirectories(root.resolve(EPOCHS));
      for (String name : new String[] {OBJECTS, EPOCHS}) {
        if (!Files.isDirectory(root.resolve(name), LinkOption.NOFOLLOW_LINKS)) {
          throw new IOException(root.resolve(name) + " is not a directory");
        }
      }
      for (Path entry : disk.list(root)) {
        if (entry.toString().endsWith(".tmp")) {
          disk.delete(entry); // what a crash left half made
        }
      }
      disk.forceDirectory(root);
      done = true;
      return new StoreDirectory(root, disk, lockFile, isNew);
    } finally {
      if (!done) {
        lockFile.close();
      }
    }
  }

  private static void refuseForeign(Path root, Disk disk) throws IOException {
    for (Path entry : disk.list(root)) {
      String name = String.valueOf(entry.getFileName());
      boolean inUse = name.equals(OBJECTS) && !disk.list(entry).isEmpty();
      if (inUse || !BEFORE_CONFIG.contains(name)) {
        throw new IOException(
            "the directory "
                + root
                + " is neither empty nor a store (it has '"
                + name
                + "' but no config); give an empty or new directory");
      }
    }
  }

  private static FileChannel lock(Path root, Disk disk) throws IOException {
    Path file = root.resolve(LOCK);
    FileChannel channel;
    try {
      channel = disk.open(file);
    } catch (NoSuchFileException e) {
      channel = disk.createNew(file);
    }
    boolean done = false;
    try {
      FileLock lock = tryLock(channel);
      if (lock == null) {
        throw new IOException(
            "the store "
                + root
                + " is in use by another process; stop that one, or give another directory");
      }
      done = true;
      return channel;
    } finally {
      if (!done) {
        channel.close();
      }
    }
  }

  private static @Nullable FileLock tryLock(FileChannel channel) throws IOException {
    try {
      return channel.tryLock();
    } catch (OverlappingFileLockException inThisProcess) {
      return null;
    }
  }

  Path root() {
    return root;
  }

  /** Whether there was no store before. */
  boolean isNew() {
    return isNew;
  }

  Path objects() {
    return root.resolve(OBJECTS);
  }

  Path epochs() {
    return root.resolve(EPOCHS);
  }

  Path journal() {
    return root.resolve("journal");
  }

  /** Where a store in {@code root} has its {@link RunMark}. */
  static Path runMark(Path root) {
    return root.resolve("running");
  }

  Path incarnation() {
    return root.resolve(INCARNATION);
  }

  /** The id of the node. */
  Path node() {
    return root.resolve(NODE);
  }

  Path suspects() {
    return root.resolve(SUSPECTS);
  }

  /**
   * Reads the config, before anything else of the store is read: of one that was made before its
   * small files were sealed, it seals all of them. Then {@link #complete} has to come.
   *
   * @throws IOException with a message for the user, if the store is not of that kind
   */
  StoreConfig readConfig(StoreConfig.Kind kind) throws IOException {
    Path file = root.resolve(CONFIG);
    boolean isSealed = Files.size(file) != StoreConfig.BYTES;
    ByteBuffer content = isSealed ? SealedFile.read(disk, file) : disk.readAll(file);
    StoreConfig config;
    try {
      config = StoreConfig.decode(content, isSealed);
    } catch (IOException e) {
      throw new IOException("cannot use the store " + root + ": " + e.getMessage(), e);
    }
    if (config.kind() != kind) {
      throw new IOException(
          "the store "
              + root
              + " is "
              + config.kind().description
              + ", not "
              + kind.description
              + "; give another");
    }
    if (!isSealed) {
      sealAll();
      old = config;
    }
    return config;
  }

  /** Completes what {@link #readConfig} has begun, when the objects can be used. */
  void complete(StoredObjects files) throws IOException {
    StoreConfig config = old;
    if (config != null) {
      Headers.engrave(files);
      writeConfig(config); // last: from now on what is not sealed is damaged
      log.info("the files of the store {} have checksums now", root);
      old = null;
    }
  }

  private void sealAll() throws IOException {
    for (String name : SEALED) {
      SealedFile.sealOld(disk, root.resolve(name));
    }
    for (Path epoch : disk.list(epochs())) {
      SealedFile.sealOld(disk, epoch);
    }
  }

  void writeConfig(StoreConfig config) throws IOException {
    SealedFile.replace(disk, root.resolve(CONFIG), config.encode());
  }

  @Override
  public void close() throws IOException {
    lockFile.close();
  }
}
