package io.sheepfs.cache;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.ObjectStore;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.telemetry.Stage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Hands dirty blocks to the store. Safe for any number of threads. */
final class Flusher {

  private static final Logger log = LoggerFactory.getLogger(Flusher.class);
  private static final int MAX_PUSH_BLOCKS = 256;

  /** For what is pushed: from the disk to the socket without a copy on the heap. */
  private static final BlockBuffers BUFFERS =
      new BlockBuffers(MAX_PUSH_BLOCKS * BlockMap.BLOCK_BYTES);

  private static final int MAX_ROUNDS = 4;

  private final ObjectStore backing;
  private final CacheDisk disk;
  private final Executor executor;
  private final int window;
  private final Counters counters;
  private final Restorer restorer;

  /** A piece of a flush that waits for the store. */
  private interface Task {
    void run() throws SheepException;
  }

  Flusher(ObjectStore backing, CacheIndex index, Executor executor, int window) {
    this.backing = backing;
    this.disk = index.disk;
    this.executor = executor;
    this.window = window;
    this.counters = index.counters;
    this.restorer = new Restorer(backing, index);
  }

  private long incarnation(VdiCache vdi) {
    return vdi.incarnation(backing);
  }

  /** Pushes what is dirty in a VDI now, unstable. Waits until it is done. */
  void pushAll(VdiCache vdi) throws SheepException {
    Queue<Task> queue = new ConcurrentLinkedQueue<>();
    for (CachedObject object : vdi.dirty) {
      collect(object, queue);
    }
    runAll(queue);
  }

  /** Runs tasks, as many at a time as the window lets. Waits until they are done. */
  private void runAll(Queue<Task> queue) throws SheepException {
    int count = queue.size();
    List<CompletableFuture<@Nullable SheepException>> workers = new ArrayList<>();
    for (int i = 1; i < Math.min(window, count); i++) {
      try {
        workers.add(CompletableFuture.supplyAsync(() -> work(queue), executor));
      } catch (RejectedExecutionException e) {
        break; // this thread does what the others would have
      }
    }
    SheepException failure = work(queue);
    for (CompletableFuture<@Nullable SheepException> worker : workers) {
      SheepException other = worker.join();
      failure = failure == null ? other : failure;
    }
    if (failure != null) {
      throw failure;
    }
  }

  private void collect(CachedObject object, Queue<Task> queue) {
    long stamp = object.lock.readLock();
    try {
      BlockMap map = object.map;
      int blocks = object.blocks();
      int from = map == null ? blocks : map.nextDirty(0, blocks);
      while (map != null && from < blocks) {
        int to = map.nextNotDirty(from, Math.min(blocks, from + MAX_PUSH_BLOCKS));
        int first = from;
        queue.add(() -> push(object, first, to, false));
        from = map.nextDirty(to, blocks);
      }
    } finally {
      object.lock.unlockRead(stamp);
    }
  }

  private static @Nullable SheepException work(Queue<Task> queue) {
    SheepException failure = null;
    for (Task task = queue.poll(); task != null; task = queue.poll()) {
      try {
        task.run();
      } catch (SheepException e) {
        failure = failure == null ? e : failure;
        if (Away.is(e)) {
          queue.clear(); // each of them would wait as long, and for nothing
        }
      }
    }
    return failure;
  }

  /**
   * Pushes the dirty blocks of a range that the store does not have yet. A block is never pushed
   * twice at the same time: the older content could arrive last.
   *
   * @param owner whether the caller made the object busy
   */
  void push(CachedObject object, int from, int to, boolean owner) throws SheepException {
    push(object, from, to, owner, Durability.UNSTABLE);
  }

  /** Pushes a block, if it is dirty, and makes it durable. The caller made the object busy. */
  void pushStable(CachedObject object, int block) throws SheepException {
    push(object, block, block + 1, true, Durability.STABLE);
  }

  private void push(CachedObject object, int from, int to, boolean owner, Durability durability)
      throws SheepException {
    boolean again = durability == Durability.STABLE;
    int block = from;
    SheepException failure = null;
    while (block < to) {
      long stamp = object.lock.writeLock();
      if (object.dead) {
        object.lock.unlockWrite(stamp);
        break;
      }
      object.pushingUnder(incarnation(object.vdi));
      BitSet inFlight = object.inFlight;
      while (block < to
          && (!object.isDirty(block)
              || (!again && object.current.get(block) && !inFlight.get(block)))) {
        block++;
      }
      if (block == to) {
        object.lock.unlockWrite(stamp);
        break;
      }
      if (inFlight.get(block) || (object.busy && !owner)) {
        long ticket = object.ended.ticket();
        object.lock.unlockWrite(stamp);
        object.ended.await(ticket);
        continue;
      }
      int end = block + 1;
      while (end < to && object.isDirty(end) && !object.current.get(end) && !inFlight.get(end)) {
        end++;
      }
      ByteBuffer bytes;
      try {
        bytes = readable(object, block, end);
      } catch (RuntimeException | Error e) {
        object.lock.unlockWrite(stamp);
        throw e;
      }
      end = block + (bytes.remaining() >>> BlockMap.BLOCK_SHIFT);
      inFlight.set(block, end);
      object.current.set(block, end);
      object.lock.unlockWrite(stamp);
      if (end == block) {
        failure = new SheepException(ResultCode.EIO, "push block " + block + " of " + object.oid);
        end++;
      } else {
        pushRun(object, block, end, bytes, durability);
        BUFFERS.give(bytes);
      }
      block = end;
    }
    if (failure != null) {
      throw failure;
    }
  }

  /** The dirty blocks that can be read, up to the first that cannot. Under the exclusive lock. */
  private ByteBuffer readable(CachedObject object, int from, int to) {
    int end = to;
    while (end > from) {
      ByteBuffer bytes = BUFFERS.take((end - from) << BlockMap.BLOCK_SHIFT);
      boolean done = false;
      try {
        object.prepare(disk);
        object.read(bytes, (long) from << BlockMap.BLOCK_SHIFT);
        done = true;
        return bytes.flip();
      } catch (DamagedBlock e) {
        log.error("{}, and was not flushed yet; it is not handed on", e.getMessage());
        counters.damaged.increment();
        end = e.block();
      } catch (IOException e) {
        log.error("cannot read dirty blocks of cached object {}", object.oid, e);
        counters.diskFailures.increment();
        end = end > from + 1 ? from + 1 : from;
      } finally {
        if (!done) {
          BUFFERS.give(bytes);
        }
      }
    }
    return ByteBuffer.allocate(0);
  }

  private void pushRun(
      CachedObject object, int from, int to, ByteBuffer bytes, Durability durability)
      throws SheepException {
    boolean done = false;
    long begin = Stage.begin();
    try {
      long offset = (long) from << BlockMap.BLOCK_SHIFT;
      counters.pushes.increment();
      counters.pushedBytes.add(bytes.remaining());
      try {
        backing.write(object.oid, offset, bytes, durability);
        done = true;
      } catch (SheepException e) {
        if (e.result() != ResultCode.NO_OBJ) {
          throw e;
        }
        if (restorer.missing(object) == Restorer.Missing.UNWANTED) {
          dropRun(object, from, to);
        } else {
          backing.write(object.oid, offset, bytes.rewind(), durability);
          done = true;
        }
      }
    } finally {
      long unused = Stage.CACHE_PUSH.end(begin);
      long again = object.lock.writeLock();
      object.inFlight.clear(from, to);
      if (!done) {
        object.current.clear(from, to);
        object.flushing.clear(from, to);
      }
      object.lock.unlockWrite(again);
      object.ended.give();
    }
  }

  /** The object was removed, and nobody is left to miss its bytes. */
  private static void dropRun(CachedObject object, int from, int to) {
    long stamp = object.lock.writeLock();
    object.known = false;
    object.setOrigin(null);
    object.drop(from, to);
    object.lock.unlockWrite(stamp);
  }

  /** One round of flush: push, flush the store, and only then call blocks clean. */
  void flush(VdiCache vdi) throws SheepException {
    for (int i = 0; i < MAX_ROUNDS; i++) {
      for (CachedObject object : vdi.dirty) {
        if (object.remake) {
          restorer.remake(object);
        }
      }
      long before = incarnation(vdi);
      makeAnew(vdi, before);
      for (CachedObject object : vdi.dirty) {
        long stamp = object.lock.writeLock();
        object.pushingUnder(before);
        object.lock.unlockWrite(stamp);
      }
      pushAll(vdi);
      if (incarnation(vdi) == before && flushPushed(vdi, before)) {
        return;
      }
      log.info("the store under VDI {} began anew; what it was given is pushed again", vdi.vid);
    }
    throw new SheepException(ResultCode.AGAIN, "flush VDI " + vdi.vid + ": its store restarts");
  }

  /** Makes all objects again whose making the store may have lost. */
  private void makeAnew(VdiCache vdi, long incarnation) throws SheepException {
    Queue<Task> queue = new ConcurrentLinkedQueue<>();
    for (CachedObject object : vdi.made) {
      if (object.madeUnder != incarnation) {
        queue.add(() -> restorer.makeAnew(object, incarnation));
      }
    }
    runAll(queue);
  }

  /** Flushes the store; false if it may have lost before what it was given. */
  private boolean flushPushed(VdiCache vdi, long before) throws SheepException {
    List<CachedObject> objects = List.copyOf(vdi.dirty);
    Map<CachedObject, Origin> made = new HashMap<>();
    for (CachedObject object : vdi.made) {
      Origin origin = object.origin;
      if (origin != null) {
        made.put(object, origin);
      }
    }
    for (CachedObject object : objects) {
      long stamp = object.lock.writeLock();
      object.proving = object.unproved && !object.busy;
      object.flushing.or(object.current);
      object.flushing.andNot(object.inFlight);
      object.lock.unlockWrite(stamp);
    }
    boolean done = false;
    boolean refused = false;
    try {
      vdi.inode.begin(backing, before);
      counters.flushes.increment();
      backing.flush(vdi.vid);
      done = incarnation(vdi) == before;
    } catch (SheepException e) {
      refused = e.result() == ResultCode.EIO;
      throw e;
    } finally {
      if (done) {
        // First, for one with an origin has all of its bytes dirty here, whenever we die.
        made.forEach(Flusher::settleOrigin);
      }
      for (CachedObject object : objects) {
        long stamp = object.lock.writeLock();
        object.remake |= refused && !object.flushing.isEmpty() && !object.unproved;
        settle(object, done);
        object.unproved &= !(done && object.proving);
        object.lock.unlockWrite(stamp);
        object.ended.give();
      }
      if (done) {
        vdi.inode.flushed();
      }
    }
    return done;
  }

  /** The object is in the store for good, if it is still the one that was made. */
  @SuppressWarnings("ReferenceEquality") // one that was made again in the same way is another
  private static void settleOrigin(CachedObject object, Origin made) {
    long stamp = object.lock.writeLock();
    if (object.origin == made) {
      object.setOrigin(null);
    }
    object.lock.unlockWrite(stamp);
  }

  private static void settle(CachedObject object, boolean done) {
    if (!done) {
      // What was handed over may be lost with the node that had it: it all goes again.
      object.flushing.clear();
      object.current.clear();
      return;
    }
    BitSet flushed = (BitSet) object.flushing.clone();
    for (int from = flushed.nextSetBit(0); from >= 0; ) {
      int to = flushed.nextClearBit(from);
      object.markClean(from, to);
      from = flushed.nextSetBit(to);
    }
    object.flushing.clear();
  }
}
