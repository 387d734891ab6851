package io.sheepfs.store;

import io.sheepfs.protocol.Cluster;
import io.sheepfs.protocol.ClusterInfo;
import io.sheepfs.protocol.InodeHeader;
import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ObjectStore;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.Space;
import io.sheepfs.protocol.VdiDirectory;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiSpec;
import io.sheepfs.store.RunMark.LastEnd;
import io.sheepfs.store.object.Disk;
import io.sheepfs.store.object.Journal;
import io.sheepfs.store.object.ObjectFiles;
import io.sheepfs.store.vdi.LocalInodeChanges;
import io.sheepfs.store.vdi.StoreCheck;
import io.sheepfs.store.vdi.VdiStore;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A complete single-node sheep on a directory, without a socket: the embedded store of a mount, and
 * what the server serves.
 *
 * <p>The object itself is one session; {@link #openSession} makes more, each with locks of its own.
 * Safe for any number of threads.
 */
public final class LocalSheep implements Cluster, SheepNode {

  /** What may lie in the directory of a store besides: where a node in the background logs. */
  public static final String LOG_FILE = "sheep.log";

  private static final Logger log = LoggerFactory.getLogger(LocalSheep.class);

  /**
   * A file in the store with the name of the cache that stands in front of it. It is removed when
   * the store is opened without that cache, whose content is worth nothing from then on.
   */
  public static final String CACHE_MARK = "cache-mark";

  private static final int VIRTUAL_NODES = 128;
  private static final Set<String> STORE_DRIVERS = Set.of("plain", "tree");

  private final StoreDirectory directory;
  private final Disk disk;
  private final LocalSheepOptions options;
  private final ObjectFiles files;
  private final VdiStore vdis;
  private final LocalObjects objects;
  private final EpochLog epochs;
  private final RunMark runMark;
  private final Incarnation incarnationFile;
  private final LocalVdis ownVdis;
  private final ReentrantLock formatting = new ReentrantLock();
  private volatile StoreConfig config;
  private volatile long incarnation;

  /** What the check at the start left, for a client that might name it; looked at again at last. */
  private List<ObjectId> unnamed = List.of();

  private volatile boolean closed;

  private LocalSheep(
      StoreDirectory directory, Disk disk, LocalSheepOptions options, RunMark runMark)
      throws IOException {
    this.directory = directory;
    this.disk = disk;
    this.options = options;
    this.files = new ObjectFiles(directory.objects(), disk, options.maxOpenFiles());
    Journal journal = new Journal(directory.journal(), directory.objects(), disk);
    this.vdis =
        new VdiStore(files, new LocalInodeChanges(files, disk, journal), options.clock(), true);
    this.objects = new LocalObjects(files, vdis, this::checkReady, () -> config().blockSizeShift());
    this.epochs = new EpochLog(directory.epochs(), disk);
    this.runMark = runMark;
    this.incarnationFile = new Incarnation(directory.incarnation(), disk);
    this.ownVdis = new LocalVdis(this, vdis, objects, this);
    this.config =
        directory.isNew()
            ? StoreConfig.unformatted(options.defaultCopies(), options.defaultBlockSizeShift())
            : directory.readConfig(StoreConfig.Kind.ALONE);
    start(journal);
  }

  /**
   * Opens the store in a directory; makes both if there is nothing yet.
   *
   * @throws IOException with a message for the user: the directory is something else, is in use, or
   *     cannot be read
   */
  public static LocalSheep open(Path root, LocalSheepOptions options) throws IOException {
    LocalSheep sheep = openBehindCache(root, options);
    boolean done = false;
    try {
      if (Files.deleteIfExists(root.resolve(CACHE_MARK))) {
        sheep.incarnation = sheep.incarnationFile.renew(); // the cache may have held writes back
      }
      done = true;
      return sheep;
    } finally {
      if (!done) {
        sheep.close();
      }
    }
  }

  /** As {@link #open}, for a store that is only used through a cache from now on. */
  public static LocalSheep openBehindCache(Path root, LocalSheepOptions options)
      throws IOException {
    return open(root, options, RunMark.currentBootId(), (change, path) -> {});
  }

  static LocalSheep open(
      Path root, LocalSheepOptions options, String bootId, Disk.ChangeListener listener)
      throws IOException {
    RunMark runMark = new RunMark(StoreDirectory.runMark(root), bootId, InstantSource.system());
    Disk disk = new Disk(root, runMark.watching(listener));
    StoreDirectory directory = StoreDirectory.open(root, disk);
    boolean done = false;
    try {
      LocalSheep sheep = new LocalSheep(directory, disk, options, runMark);
      done = true;
      return sheep;
    } finally {
      if (!done) {
        directory.close();
      }
    }
  }

  private void start(Journal journal) throws IOException {
    if (directory.isNew()) {
      directory.writeConfig(config);
    }
    LastEnd lastEnd = runMark.lastEnd(disk);
    incarnation =
        lastEnd == LastEnd.MACHINE_DIED ? incarnationFile.renew() : incarnationFile.load();
    if (!config.isFormatted()) {
      directory.complete(files);
      if (options.formatIfNew()) {
        format(
            InodeHeader.wireTime(options.clock().instant()),
            options.defaultCopies(),
            options.defaultBlockSizeShift(),
            0,
            "plain");
      }
      runMark.set(disk);
      return;
    }
    mendEpochs();
    journal.replay();
    files.removeTemporaries();
    directory.complete(files);
    List<ObjectId> found = files.list();
    vdis.load(found, damaged -> false);
    vdis.deletions().resume();
    if (lastEnd != LastEnd.CLEAN) {
      log.info("the store {} was not closed cleanly; checking it", directory.root());
      Instant since = runMark.changedSince();
      unnamed =
          new StoreCheck(vdis, files)
              .run(files.list(), lastEnd == LastEnd.MACHINE_DIED, oid -> isChanged(oid, since))
              .young();
    }
    if (lastEnd == LastEnd.PROCESS_DIED) {
      // the mark stays as it is: its time says since when there may be unflushed writes
      markUnsynced(found, runMark.changedSince());
    } else {
      runMark.set(disk);
    }
  }

  /** What a node alone has noted of its only epoch can be noted again. */
  private void mendEpochs() throws IOException {
    boolean isWhole = false;
    try {
      isWhole = !epochs.read().isEmpty();
    } catch (IOException e) {
      log.warn("the epoch is noted anew: {}", e.toString());
    }
    if (!isWhole) {
      epochs.clear();
      epochs.write(new ClusterInfo.Epoch(1, InodeHeader.instant(config.createTime()), nodes()));
    }
  }

  private void markUnsynced(List<ObjectId> found, Instant since) throws IOException {
    for (ObjectId oid : found) {
      if (isChanged(oid, since)) {
        files.markUnsynced(oid);
      }
    }
    files.forceNames();
  }

  private boolean isChanged(ObjectId oid, Instant since) throws IOException {
    Path file = files.file(oid);
    return Disk.exists(file) && !Files.getLastModifiedTime(file).toInstant().isBefore(since);
  }

  /** Nobody has named them in all this time. */
  private void removeUnnamed() {
    if (unnamed.isEmpty() || vdis.isBroken()) {
      return;
    }
    try {
      vdis.removeUnreferred(unnamed);
      files.forceNames();
    } catch (IOException e) {
      log.warn("{} objects that no VDI uses stay in {}", unnamed.size(), directory.root(), e);
    }
  }

  private StoreConfig config() {
    return config;
  }

  @Override
  public void format(long createTime, int copies, int blockSizeShift, int flags, String storeDriver)
      throws SheepException {
    if (!STORE_DRIVERS.contains(storeDriver)) {
      throw new SheepException(ResultCode.NO_STORE, "store '" + storeDriver + "'");
    }
    StoreConfig formatted =
        new StoreConfig(
            StoreConfig.Kind.ALONE,
            createTime,
            flags,
            copies == 0 ? options.defaultCopies() : copies,
            storeDriver,
            blockSizeShift == 0 ? options.defaultBlockSizeShift() : blockSizeShift);
    formatting.lock();
    try {
      config = StoreConfig.unformatted(formatted.copies(), formatted.blockSizeShift());
      directory.writeConfig(config);
      vdis.clear();
      files.clear();
      for (Path file : disk.list(directory.objects())) {
        disk.delete(file);
      }
      disk.forceDirectory(directory.objects());
      epochs.clear();
      epochs.write(new ClusterInfo.Epoch(1, options.clock().instant(), nodes()));
      directory.writeConfig(formatted);
      config = formatted;
    } catch (IOException e) {
      throw disk.failure("format of " + directory.root(), e);
    } finally {
      formatting.unlock();
    }
  }

  @Override
  public ResultCode state() {
    if (closed) {
      return ResultCode.SHUTDOWN;
    }
    return config.isFormatted() ? ResultCode.SUCCESS : ResultCode.WAIT_FOR_FORMAT;
  }

  void checkReady() throws SheepException {
    if (closed || !config.isFormatted()) {
      throw new SheepException(state(), "store " + directory.root());
    }
  }

  @Override
  public VdiSpec withDefaults(VdiSpec spec) throws SheepException {
    checkReady();
    StoreConfig now = config;
    int shift = spec.blockSizeShift() == 0 ? now.blockSizeShift() : spec.blockSizeShift();
    if (spec.sizeBytes() > VdiSpec.maxSizeBytes(shift)) {
      throw new SheepException(
          ResultCode.INVALID_PARMS,
          spec.sizeBytes() + " bytes in objects of " + (1L << shift) + " bytes");
    }
    int copies = spec.copies() == 0 ? now.copies() : spec.copies();
    return new VdiSpec(spec.sizeBytes(), copies, shift);
  }

  @Override
  public Path root() {
    return directory.root();
  }

  /** The objects, with what the server needs beyond the port. */
  @Override
  public LocalObjects objects() {
    return objects;
  }

  @Override
  public VdiDirectory vdis() {
    return ownVdis;
  }

  /** Changes of VDIs by id, for the server. Check {@link #state} first. */
  @Override
  public VdiStore vdiStore() {
    return vdis;
  }

  /** A session with locks of its own; closing it frees them and leaves the store open. */
  public Cluster openSession() {
    return new Session(this);
  }

  @Override
  public List<NodeInfo> nodes() throws SheepException {
    byte[] address = options.address().getAddress();
    Integer zone = options.zone();
    int ownZone =
        zone != null
            ? zone
            : ByteBuffer.wrap(Arrays.copyOfRange(address, address.length - 4, address.length))
                .order(ByteOrder.LITTLE_ENDIAN)
                .getInt();
    return List.of(
        new NodeInfo(
            options.address(), options.port(), VIRTUAL_NODES, ownZone, space().totalBytes()));
  }

  @Override
  public NodeInfo self() throws SheepException {
    return nodes().get(0);
  }

  /** A single node stays in the first epoch. */
  @Override
  public int epoch() {
    return createTime() == 0 ? 0 : 1;
  }

  /** The same for all VDIs. */
  @Override
  public long incarnation(VdiId vid) {
    return incarnation;
  }

  @Override
  public void releaseLeases(Object owner) {
    vdis.locks().releaseAll(owner);
  }

  @Override
  public Space space() throws SheepException {
    try {
      FileStore fileStore = Files.getFileStore(directory.objects());
      long total = Math.max(0, fileStore.getTotalSpace());
      long free = Math.max(0, fileStore.getUsableSpace());
      return new Space(total, Math.min(free, total));
    } catch (IOException e) {
      throw disk.failure("space of " + directory.root(), e);
    }
  }

  @Override
  public int flags() {
    return config.flags();
  }

  @Override
  public long createTime() {
    return config.createTime();
  }

  @Override
  public ClusterInfo info() throws SheepException {
    StoreConfig now = config;
    try {
      return new ClusterInfo(
          state(),
          now.isFormatted() ? InodeHeader.instant(now.createTime()) : null,
          now.copies(),
          now.blockSizeShift(),
          now.storeDriver(),
          now.flags(),
          false,
          now.isFormatted() ? epochs.read() : List.of());
    } catch (IOException e) {
      throw disk.failure("epochs of " + directory.root(), e);
    }
  }

  @Override
  public void close() throws IOException {
    formatting.lock();
    try {
      if (closed) {
        return;
      }
      closed = true;
      ownVdis.releaseLocks();
      removeUnnamed();
      files.close();
      if (files.isAllSynced() && !vdis.isBroken()) {
        runMark.clear(disk);
      }
    } finally {
      formatting.unlock();
      directory.close();
    }
  }

  /**
   * Makes everything durable. Called before {@link #close}, it spares the next start its check.
   *
   * @throws SheepException if something could not be made durable
   */
  public void flushAll() throws SheepException {
    files.flushAll();
  }

  private record Session(LocalSheep sheep, LocalVdis vdis) implements Cluster {

    Session(LocalSheep sheep) {
      this(sheep, new LocalVdis(sheep, sheep.vdis, sheep.objects, new Object()));
    }

    @Override
    public ObjectStore objects() {
      return sheep.objects;
    }

    @Override
    public List<NodeInfo> nodes() throws SheepException {
      return sheep.nodes();
    }

    @Override
    public Space space() throws SheepException {
      return sheep.space();
    }

    @Override
    public ClusterInfo info() throws SheepException {
      return sheep.info();
    }

    @Override
    public void close() {
      vdis.releaseLocks();
    }
  }
}
