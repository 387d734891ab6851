package io.sheepfs.store.object;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.store.object.Unsynced.FlushFailure;
import io.sheepfs.telemetry.FlushEvent;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The objects of a store: one sparse file each, named by the sixteen digits of the id. A file may
 * be shorter than its object; the rest reads as zeros. What the bytes mean, how long an object may
 * be and who may write it is up to the caller.
 *
 * <p>A file is made under a temporary name and renamed, so that a name always stands for a whole
 * object. Nothing is opened or closed per request while the file is in the cache of open ones.
 *
 * <p>An interrupted thread closes the channel that it uses, under the hands of all others. Each
 * operation takes that as a reason to open the file again and start over; the interrupt stays
 * pending for whoever waits for it.
 *
 * <p>Safe for any number of threads. Operations on different objects share no lock.
 */
public final class ObjectFiles implements NodeObjects {

  private static final String TEMPORARY_SUFFIX = ".tmp";
  private static final int NAME_LENGTH = 16;

  private final Path directory;
  private final Disk disk;
  private final OpenObjects open;
  private final NameSync names;
  private final Forces forces;
  private final Prefetch prefetch;
  private final Map<VdiId, Unsynced> unsynced = new ConcurrentHashMap<>();

  /** What tells the directory from another of that path; null where nothing does. */
  private final @Nullable Object key;

  /** Whether the files are the kernel's, which keeps what was read of them in memory. */
  private final boolean readsAhead;

  private final AtomicLong temporaries = new AtomicLong();

  /**
   * The objects in a directory.
   *
   * @param maxOpenFiles how many files are kept open
   */
  public ObjectFiles(Path directory, Disk disk, int maxOpenFiles) {
    this.directory = directory;
    this.disk = disk;
    this.key = keyOrNull();
    this.readsAhead = directory.getFileSystem() == FileSystems.getDefault();
    this.open = new OpenObjects(directory, disk, maxOpenFiles);
    this.names = new NameSync(directory, disk);
    this.forces = new Forces(oid -> onFile("flush of", oid, OpenObject::force));
    this.prefetch =
        new Prefetch(
            (oid, offset, length, target) ->
                onFile(
                    "read of", oid, object -> object.channel().transferTo(offset, length, target)));
  }

  private @Nullable Object keyOrNull() {
    try {
      return key();
    } catch (IOException e) {
      return null; // whoever uses it will be told
    }
  }

  /** Something done to an open file, which can be done again when the file was closed meanwhile. */
  private interface Operation {
    void run(OpenObject object) throws IOException;
  }

  /**
   * Fills {@code dst} from {@code offset} on.
   *
   * @throws SheepException {@link ResultCode#NO_OBJ}
   */
  @Override
  public void read(ObjectId oid, long offset, ByteBuffer dst) throws SheepException {
    int start = dst.position();
    onFile(
        "read of",
        oid,
        object -> {
          dst.position(start);
          object.read(offset, dst);
        });
  }

  @Override
  public void expect(ObjectId oid, long offset, long length, BooleanSupplier wanted) {
    if (readsAhead) {
      prefetch.expect(oid, offset, length, wanted);
    }
  }

  /**
   * Overwrites part of an object.
   *
   * @throws SheepException {@link ResultCode#NO_OBJ}
   */
  @Override
  public void write(ObjectId oid, long offset, ByteBuffer src, Durability durability)
      throws SheepException {
    int start = src.position();
    change(
        "write to",
        oid,
        durability,
        object -> {
          src.position(start);
          object.write(offset, src);
        });
  }

  /**
   * Makes a range read as zeros. The file gets shorter if the range reaches to {@code sizeBytes},
   * the size of the object.
   *
   * @throws SheepException {@link ResultCode#NO_OBJ}
   */
  @Override
  public void zero(ObjectId oid, long start, long end, long sizeBytes, Durability durability)
      throws SheepException {
    change(
        "discard in",
        oid,
        durability,
        object -> {
          if (end >= sizeBytes) {
            object.truncate(start);
          } else {
            object.zero(start, end);
          }
        });
  }

  private void change(String verb, ObjectId oid, Durability durability, Operation operation)
      throws SheepException {
    Unsynced state = unsynced(oid.vid());
    if (durability == Durability.STABLE) {
      onFile(verb, oid, operation);
      force(oid);
    } else {
      onFile(
          verb,
          oid,
          object -> {
            try {
              operation.run(object);
            } finally {
              state.mark(oid);
            }
            if (object.isDue()) {
              forces.early(oid, state);
            }
          });
    }
  }

  /**
   * Makes what was written to one object durable, and its name.
   *
   * @throws SheepException {@link ResultCode#NO_OBJ}
   */
  @Override
  public void force(ObjectId oid) throws SheepException {
    forces.one(oid, unsynced(oid.vid()));
    forceNames();
  }

  /** Makes all creations, replacements and removals durable. */
  @Override
  public void forceNames() throws SheepException {
    uninterrupted("flush of the object directory", names::force);
  }

  /**
   * Makes an object of {@code src} at {@code offset}. In place of another of that id it is durable
   * at once: that one may have been left by a client that died before an index named it, and must
   * not be found, after a power cut, by an index that names the new one.
   */
  @Override
  public void create(ObjectId oid, long offset, ByteBuffer src, Durability durability)
      throws SheepException {
    createFrom(oid, null, offset, src, durability);
  }

  /**
   * Makes an object of {@code src} at {@code offset}, and of the bytes of {@code source} elsewhere.
   *
   * @throws SheepException {@link ResultCode#NO_OBJ} if there is no {@code source}
   */
  @Override
  public void createCopy(
      ObjectId oid, ObjectId source, long offset, ByteBuffer src, Durability durability)
      throws SheepException {
    createFrom(oid, source, offset, src, durability);
  }

  private void createFrom(
      ObjectId oid, @Nullable ObjectId source, long offset, ByteBuffer src, Durability durability)
      throws SheepException {
    Path file = file(oid);
    boolean stable = durability == Durability.STABLE || exists(oid);
    int start = src.position();
    uninterrupted(
        "creation of object " + oid,
        () -> {
          src.position(start);
          Path temporary = temporaryFor(oid);
          FileChannel channel = disk.createNew(temporary);
          boolean done = false;
          try {
            fill(channel, temporary, source, offset, src);
            if (stable) {
              disk.force(channel, temporary);
            }
            install(oid, temporary, file, channel, stable ? 0 : src.position() - start);
            done = true;
          } finally {
            if (!done) {
              channel.close();
              disk.cleanUp(temporary);
            }
          }
        });
    if (stable) {
      forceNames();
    } else {
      Unsynced state = unsynced(oid.vid());
      state.mark(oid);
      if (src.position() - start >= Forces.EARLY_BYTES) {
        forces.early(oid, state);
      }
    }
  }

  private void install(
      ObjectId oid, Path temporary, Path file, FileChannel channel, int unforcedBytes)
      throws IOException {
    disk.rename(temporary, file);
    names.changed();
    open.put(oid, new OpenObject(file, channel, disk, unforcedBytes));
    unsynced(oid.vid()).failed.remove(oid);
  }

  private void fill(
      FileChannel channel, Path temporary, @Nullable ObjectId source, long offset, ByteBuffer src)
      throws IOException {
    if (source != null) {
      long end = offset + src.remaining();
      OpenObject original = acquire(source);
      try {
        long size = original.channel().size();
        disk.copy(original.channel(), channel, temporary, 0, Math.min(offset, size));
        if (end < size) {
          disk.copy(original.channel(), channel, temporary, end, size);
        }
      } finally {
        original.release();
      }
    }
    if (src.hasRemaining()) {
      disk.write(channel, temporary, offset, src);
    }
  }

  /** Removes an object; false if there was none. */
  @Override
  public boolean remove(ObjectId oid) throws SheepException {
    Path file = file(oid);
    try {
      boolean existed = disk.delete(file);
      open.forget(oid);
      if (existed) {
        names.changed();
      }
      Unsynced state = unsynced.get(oid.vid());
      if (state != null) {
        state.marked.remove(oid);
        state.failed.remove(oid);
      }
      return existed;
    } catch (IOException e) {
      throw disk.failure("removal of object " + oid, e);
    }
  }

  /** Where the files are. */
  public Path directory() {
    return directory;
  }

  /** A new name for a file that is to become {@code oid} later. */
  public Path temporaryFor(ObjectId oid) {
    return directory.resolve(oid + "." + temporaries.incrementAndGet() + TEMPORARY_SUFFIX);
  }

  @Override
  public Path file(ObjectId oid) {
    return directory.resolve(oid.toString());
  }

  /**
   * A file with the first {@code sizeBytes} of {@code source}, forced, that is to become {@code
   * oid}.
   *
   * @throws SheepException {@link ResultCode#NO_OBJ} if there is no {@code source}
   */
  public Path temporaryCopy(ObjectId oid, ObjectId source, long sizeBytes) throws SheepException {
    Path temporary = temporaryFor(oid);
    uninterrupted(
        "copy of object " + source,
        () -> {
          boolean done = false;
          try (FileChannel channel = disk.createNew(temporary)) {
            OpenObject original = acquire(source);
            try {
              long size = Math.min(sizeBytes, original.channel().size());
              disk.copy(original.channel(), channel, temporary, 0, size);
            } finally {
              original.release();
            }
            disk.force(channel, temporary);
            done = true;
          } finally {
            if (!done) {
              disk.cleanUp(temporary);
            }
          }
        });
    return temporary;
  }

  /** Tells that the file of an object was replaced by a forced one. */
  public void replacedFromOutside(ObjectId oid) {
    names.changed();
    open.forget(oid);
    unsynced(oid.vid()).failed.remove(oid);
  }

  /**
   * Whether there is such an object.
   *
   * @throws SheepException {@link ResultCode#EIO} if the disk does not say
   */
  @Override
  public boolean exists(ObjectId oid) throws SheepException {
    try {
      return Files.readAttributes(file(oid), BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
          .isRegularFile();
    } catch (NoSuchFileException e) {
      return false;
    } catch (IOException e) {
      throw disk.failure("look for object " + oid, e);
    }
  }

  /**
   * Looks whether the directory is the one that was opened: what is nowhere in it is not there.
   *
   * @throws SheepException {@link ResultCode#EIO} if it is not, as its disk is gone
   */
  void checkThere() throws SheepException {
    try {
      if (key != null && !key.equals(key())) {
        throw new SheepException(ResultCode.EIO, directory + " is not what it was");
      }
    } catch (IOException e) {
      throw new SheepException(ResultCode.EIO, directory + " is gone", e);
    }
  }

  private @Nullable Object key() throws IOException {
    return Files.readAttributes(directory, BasicFileAttributes.class).fileKey();
  }

  /**
   * The length of an object's file.
   *
   * @throws SheepException {@link ResultCode#NO_OBJ}
   */
  @Override
  public long storedBytes(ObjectId oid) throws SheepException {
    long[] size = new long[1];
    onFile("size of", oid, object -> size[0] = object.channel().size());
    return size[0];
  }

  /** The ids of all objects, in no order. */
  @Override
  public List<ObjectId> list() throws SheepException {
    List<ObjectId> oids = new ArrayList<>();
    try {
      for (Path file : disk.list(directory)) {
        ObjectId oid = oidOf(file);
        if (oid != null) {
          oids.add(oid);
        }
      }
    } catch (IOException e) {
      throw disk.failure("listing of objects", e);
    }
    return oids;
  }

  @Override
  public List<ObjectId> dataOf(VdiId vid) throws SheepException {
    List<ObjectId> oids = list();
    oids.removeIf(oid -> !oid.isData() || !oid.vid().equals(vid));
    return oids;
  }

  private static @Nullable ObjectId oidOf(Path file) {
    String name = String.valueOf(file.getFileName());
    if (name.length() != NAME_LENGTH) {
      return null;
    }
    try {
      long value = Long.parseUnsignedLong(name, 16);
      return ObjectId.isValid(value) ? new ObjectId(value) : null;
    } catch (NumberFormatException notAnObject) {
      return null;
    }
  }

  /** Removes what a crash left half made. Only before the first use. */
  public int removeTemporaries() throws SheepException {
    int count = 0;
    try {
      for (Path file : disk.list(directory)) {
        if (file.toString().endsWith(TEMPORARY_SUFFIX)) {
          disk.delete(file);
          count++;
        }
      }
    } catch (IOException e) {
      throw disk.failure("removal of temporary files", e);
    }
    return count;
  }

  /** Counts an object as written but not flushed: the process that wrote it died. */
  public void markUnsynced(ObjectId oid) {
    names.changed();
    unsynced(oid.vid()).mark(oid);
  }

  /** Whether everything is durable. */
  public boolean isAllSynced() {
    return !names.isPending() && unsynced.values().stream().allMatch(Unsynced::isEmpty);
  }

  @Override
  public void flushAll() throws SheepException {
    for (VdiId vid : List.copyOf(unsynced.keySet())) {
      flush(vid);
    }
    forceNames();
  }

  /**
   * Makes durable what was written to the objects of a VDI before the call: each object once, then
   * the names, then the inode.
   */
  @Override
  public void flush(VdiId vid) throws SheepException {
    Unsynced state = unsynced.get(vid);
    FlushFailure failure = null;
    FlushEvent event = FlushEvent.started();
    if (state == null) {
      forceNames();
    } else {
      failure = state.flush(() -> forceAll(vid, state));
    }
    event.ended("store", vid);
    if (failure != null) {
      throw disk.failure("flush of VDI " + vid + ", " + failure.what(), failure.cause());
    }
  }

  private @Nullable FlushFailure forceAll(VdiId vid, Unsynced state) {
    ObjectId inode = ObjectId.inode(vid);
    FlushFailure failure = null;
    for (ObjectId oid : state.failed) {
      failure = new FlushFailure("object " + oid, new IOException("lost by an earlier flush"));
    }
    List<ObjectId> marked = new ArrayList<>(state.marked);
    marked.remove(inode);
    failure = FlushFailure.first(failure, forces.marked(marked, state));
    try {
      forceNames();
    } catch (SheepException e) {
      failure = FlushFailure.first(failure, new FlushFailure("object directory", e));
    }
    if (failure == null && state.marked.contains(inode)) {
      failure = forces.marked(inode, state);
    }
    return failure;
  }

  @Override
  public void clear() {
    open.clear();
    unsynced.clear();
  }

  /** Closes the files. */
  public void close() {
    forces.close();
    prefetch.close();
    open.clear();
  }

  private Unsynced unsynced(VdiId vid) {
    Unsynced state = unsynced.get(vid);
    return state != null ? state : unsynced.computeIfAbsent(vid, any -> new Unsynced());
  }

  private OpenObject acquire(ObjectId oid) throws IOException {
    try {
      return open.acquire(oid);
    } catch (NoSuchFileException e) {
      throw new SheepException(ResultCode.NO_OBJ, "object " + oid, e);
    }
  }

  private void onFile(String verb, ObjectId oid, Operation operation) throws SheepException {
    boolean interrupted = false;
    try {
      while (true) {
        OpenObject object = acquire(oid);
        try {
          operation.run(object);
          return;
        } catch (ClosedChannelException e) {
          interrupted |= Thread.interrupted();
          open.forget(oid, object);
        } finally {
          object.release();
        }
      }
    } catch (IOException e) {
      throw disk.failure(verb + " object " + oid, e);
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private interface DiskWork {
    void run() throws IOException;
  }

  private void uninterrupted(String what, DiskWork work) throws SheepException {
    boolean interrupted = false;
    try {
      while (true) {
        try {
          work.run();
          return;
        } catch (ClosedChannelException e) {
          interrupted |= Thread.interrupted();
        }
      }
    } catch (FileAlreadyExistsException e) {
      throw new SheepException(ResultCode.SYSTEM_ERROR, what, e);
    } catch (IOException e) {
      throw disk.failure(what, e);
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
