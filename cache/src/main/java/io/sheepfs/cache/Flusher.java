package io.sheepfs.cache;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ObjectStore;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
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

  private final ObjectStore backing;
  private final CacheDisk disk;
  private final Executor executor;
  private final int window;
  private final Counters counters;

  private record Push(CachedObject object, int from, int to) {}

  Flusher(ObjectStore backing, CacheDisk disk, Executor executor, int window, Counters counters) {
    this.backing = backing;
    this.disk = disk;
    this.executor = executor;
    this.window = window;
    this.counters = counters;
  }

  /** Pushes what is dirty in a VDI now, unstable. Waits until it is done. */
  void pushAll(VdiCache vdi) throws SheepException {
    Queue<Push> queue = new ConcurrentLinkedQueue<>();
    int count = 0;
    for (CachedObject object : vdi.dirty) {
      count += collect(object, queue);
    }
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

  private static int collect(CachedObject object, Queue<Push> queue) {
    int count = 0;
    long stamp = object.lock.readLock();
    try {
      BlockMap map = object.map;
      int blocks = object.blocks();
      int from = map == null ? blocks : map.nextDirty(0, blocks);
      while (map != null && from < blocks) {
        int to = map.nextNotDirty(from, Math.min(blocks, from + MAX_PUSH_BLOCKS));
        queue.add(new Push(object, from, to));
        count++;
        from = map.nextDirty(to, blocks);
      }
    } finally {
      object.lock.unlockRead(stamp);
    }
    return count;
  }

  private @Nullable SheepException work(Queue<Push> queue) {
    SheepException failure = null;
    for (Push push = queue.poll(); push != null; push = queue.poll()) {
      try {
        push(push.object(), push.from(), push.to(), false);
      } catch (SheepException e) {
        failure = failure == null ? e : failure;
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
    int block = from;
    SheepException failure = null;
    while (block < to) {
      long stamp = object.lock.writeLock();
      if (object.dead) {
        object.lock.unlockWrite(stamp);
        break;
      }
      BitSet inFlight = object.inFlight;
      while (block < to
          && (!object.isDirty(block) || (object.current.get(block) && !inFlight.get(block)))) {
        block++;
      }
      if (block == to) {
        object.lock.unlockWrite(stamp);
        break;
      }
      if (inFlight.get(block) || (object.busy && !owner)) {
        long ticket = object.ticket();
        object.lock.unlockWrite(stamp);
        object.await(ticket);
        continue;
      }
      int end = block + 1;
      while (end < to && object.isDirty(end) && !object.current.get(end) && !inFlight.get(end)) {
        end++;
      }
      ByteBuffer bytes = readable(object, block, end);
      end = block + (bytes.remaining() >>> BlockMap.BLOCK_SHIFT);
      inFlight.set(block, end);
      object.current.set(block, end);
      object.lock.unlockWrite(stamp);
      if (end == block) {
        failure = new SheepException(ResultCode.EIO, "push block " + block + " of " + object.oid);
        end++;
      } else {
        pushRun(object, block, end, bytes);
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
      ByteBuffer bytes = ByteBuffer.allocate((end - from) << BlockMap.BLOCK_SHIFT);
      try {
        object.prepare(disk);
        object.read(bytes, (long) from << BlockMap.BLOCK_SHIFT);
        return bytes.flip();
      } catch (DamagedBlock e) {
        log.error("{}, and was not flushed yet; it is not handed on", e.getMessage());
        counters.damaged.increment();
        end = e.block();
      } catch (IOException e) {
        log.error("cannot read dirty blocks of cached object {}", object.oid, e);
        counters.diskFailures.increment();
        end = end > from + 1 ? from + 1 : from;
      }
    }
    return ByteBuffer.allocate(0);
  }

  private void pushRun(CachedObject object, int from, int to, ByteBuffer bytes)
      throws SheepException {
    boolean done = false;
    try {
      counters.pushes.increment();
      counters.pushedBytes.add(bytes.remaining());
      try {
        backing.write(object.oid, (long) from << BlockMap.BLOCK_SHIFT, bytes, Durability.UNSTABLE);
        done = true;
      } catch (SheepException e) {
        if (e.result() != ResultCode.NO_OBJ || isReferenced(object.oid)) {
          throw e;
        }
        dropRun(object, from, to);
      }
    } finally {
      long again = object.lock.writeLock();
      object.inFlight.clear(from, to);
      if (!done) {
        object.current.clear(from, to);
        object.flushing.clear(from, to);
      }
      object.lock.unlockWrite(again);
      object.signal();
    }
  }

  /** The object was removed, and nobody is left to miss its bytes. */
  private static void dropRun(CachedObject object, int from, int to) {
    long stamp = object.lock.writeLock();
    object.known = false;
    object.drop(from, to);
    object.lock.unlockWrite(stamp);
  }

  /** Whether the inode of an object's VDI names it. A missing object is damage then. */
  private boolean isReferenced(ObjectId oid) throws SheepException {
    ByteBuffer entry = ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    ByteBuffer name = ByteBuffer.allocate(1);
    ObjectId inode = ObjectId.inode(oid.vid());
    try {
      backing.read(inode, InodeLayout.NAME, name);
      backing.read(inode, InodeLayout.indexOffset(oid.index()), entry);
    } catch (SheepException e) {
      if (e.result() == ResultCode.NO_OBJ) {
        return false;
      }
      throw e;
    }
    return name.get(0) != 0 && entry.getInt(0) == oid.vid().value();
  }

  /** One round of flush: push, flush the store, and only then call blocks clean. */
  void flush(VdiCache vdi) throws SheepException {
    pushAll(vdi);
    List<CachedObject> objects = List.copyOf(vdi.dirty);
    for (CachedObject object : objects) {
      long stamp = object.lock.writeLock();
      object.flushing.or(object.current);
      object.flushing.andNot(object.inFlight);
      object.lock.unlockWrite(stamp);
    }
    boolean done = false;
    try {
      counters.flushes.increment();
      backing.flush(vdi.vid);
      done = true;
    } finally {
      for (CachedObject object : objects) {
        long stamp = object.lock.writeLock();
        settle(object, done);
        object.lock.unlockWrite(stamp);
        object.signal();
      }
    }
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
