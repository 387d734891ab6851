package io.sheepfs.cache;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.sheepfs.protocol.InodeHeader;
import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ObjectStore;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiInfo;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * Fetches a whole VDI into a cache, object by object and some of them at the same time; holes and
 * what is cached already are left out. Begins with {@link #run}; the other methods may be called
 * from any thread.
 */
public final class Warming {

  /** How far it is. */
  public enum State {
    /** Not done yet. */
    RUNNING,
    /** Everything is in the cache that was not thrown out again. */
    DONE,
    /** Somebody called {@link Warming#stop}. */
    STOPPED,
    /** The cache, or the quota of the VDI, has no room for more. */
    FULL,
    /** The VDI could not be read. */
    FAILED
  }

  /** Says whether an object may be cached now. */
  public interface Permission {
    /**
     * Whether it may.
     *
     * @throws SheepException if that cannot be found out
     */
    boolean of(ObjectId oid) throws SheepException;
  }

  private static final int PARALLEL = 8;
  private static final int PIECE_BYTES = 1 << 20;
  private static final int ENTRIES_AT_ONCE = 1 << 16;

  private record Piece(ObjectId oid, long offset, int length) {}

  private final ObjectStore backing;
  private final CacheIndex index;
  private final Reads reads;
  private final Executor executor;
  private final VdiId vid;
  private final Permission permission;
  private final long maxBytes;

  /** The objects to fetch, and how much of each. */
  private List<Piece> objects = List.of();

  @GuardedBy("this")
  private int nextObject;

  @GuardedBy("this")
  private long nextOffset;

  private volatile long totalBytes;
  private volatile State state = State.RUNNING;
  private volatile @Nullable SheepException failure;

  @GuardedBy("this")
  private long doneBytes;

  Warming(
      ObjectStore backing,
      CacheIndex index,
      Reads reads,
      Executor executor,
      VdiId vid,
      Permission permission,
      long maxBytes) {
    this.backing = backing;
    this.index = index;
    this.reads = reads;
    this.executor = executor;
    this.vid = vid;
    this.permission = permission;
    this.maxBytes = maxBytes;
  }

  /** How far it is. */
  public State state() {
    return state;
  }

  /** Why it failed; null if it did not. */
  public @Nullable SheepException failure() {
    return failure;
  }

  /** How much there is to have in the cache; 0 until that is known. */
  public long totalBytes() {
    return totalBytes;
  }

  /** How much of that was looked at, and fetched if need be. */
  public synchronized long doneBytes() {
    return doneBytes;
  }

  /** Ends it; what is on its way still comes. */
  public void stop() {
    end(State.STOPPED);
  }

  private synchronized void end(State why) {
    if (state == State.RUNNING) {
      state = why;
    }
  }

  /** Fetches, and returns when it is over. To be called once. */
  public void run() {
    try {
      objects = readObjects();
      totalBytes = objects.stream().mapToLong(Piece::length).sum();
      List<CompletableFuture<Void>> others = new ArrayList<>();
      for (int i = 1; i < PARALLEL && totalBytes > PIECE_BYTES; i++) {
        try {
          others.add(CompletableFuture.runAsync(this::work, executor));
        } catch (RejectedExecutionException e) {
          break; // this thread does what the others would have
        }
      }
      work();
      others.forEach(CompletableFuture::join);
    } catch (SheepException e) {
      failed(e);
    }
    end(State.DONE);
  }

  private void failed(SheepException e) {
    failure = e;
    end(State.FAILED);
  }

  private void work() {
    for (Piece piece = next(); piece != null; piece = next()) {
      try {
        if (!permission.of(piece.oid)) {
          end(State.STOPPED); // somebody else writes it now
        } else if (!index.mayKeep() || isFull(piece.oid)) {
          end(State.FULL);
        } else {
          reads.prefetch(piece.oid, piece.offset, piece.length);
          synchronized (this) {
            doneBytes += piece.length;
          }
        }
      } catch (SheepException e) {
        failed(e);
      }
    }
  }

  /** Whether more would only throw out what was fetched before. */
  private boolean isFull(ObjectId oid) {
    VdiCache vdi = index.get(oid.vid());
    long limit = vdi == null ? 0 : vdi.share.limitBlocks;
    return index.counters.validBlocks.sum() << BlockMap.BLOCK_SHIFT >= maxBytes
        || (vdi != null && limit > 0 && vdi.share.validBlocks.sum() >= limit);
  }

  private synchronized @Nullable Piece next() {
    if (state != State.RUNNING || nextObject == objects.size()) {
      return null;
    }
    Piece object = objects.get(nextObject);
    long offset = nextOffset;
    int length = (int) Math.min(PIECE_BYTES, object.length - offset);
    nextOffset += length;
    if (nextOffset == object.length) {
      nextOffset = 0;
      nextObject++;
    }
    return new Piece(object.oid, offset, length);
  }

  private List<Piece> readObjects() throws SheepException {
    ByteBuffer header = ByteBuffer.allocate(InodeLayout.HEADER_BYTES);
    ObjectId inode = ObjectId.inode(vid);
    backing.read(inode, 0, header);
    VdiInfo vdi = InodeHeader.decode(header.flip()).toVdiInfo();
    List<Piece> found = new ArrayList<>();
    int count = vdi.objectCount();
    for (int from = 0; from < count; from += ENTRIES_AT_ONCE) {
      int some = Math.min(ENTRIES_AT_ONCE, count - from);
      ByteBuffer entries = ByteBuffer.allocate(some * Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
      backing.read(inode, InodeLayout.indexOffset(from), entries);
      for (int i = 0; i < some; i++) {
        int owner = entries.getInt(i * Integer.BYTES);
        if (owner != 0) {
          long left = vdi.sizeBytes() - (from + i) * vdi.objectSizeBytes();
          int length = (int) Math.min(left, Math.min(vdi.objectSizeBytes(), 1 << 30));
          found.add(new Piece(ObjectId.data(new VdiId(owner), from + i), 0, length));
        }
      }
    }
    return found;
  }
}
