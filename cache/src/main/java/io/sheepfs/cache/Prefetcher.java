package io.sheepfs.cache;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.SheepException;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Fetches what will probably be read soon, a bounded number of pieces at a time. What comes while
 * too many wait is left out: it is read when somebody wants it. Safe for any number of threads.
 */
final class Prefetcher {

  /** Pieces on their way at the same time. */
  static final int PARALLEL = 16;

  private static final int MAX_WAITING = 64;
  private static final Logger log = LoggerFactory.getLogger(Prefetcher.class);

  private record Piece(ObjectId oid, long offset, long length, BooleanSupplier wanted) {}

  private final Reads reads;
  private final Executor executor;

  @GuardedBy("this")
  private final Queue<Piece> waiting = new ArrayDeque<>();

  @GuardedBy("this")
  private int working;

  Prefetcher(Reads reads, Executor executor) {
    this.reads = reads;
    this.executor = executor;
  }

  /** Fetches what is missing of a range, if it is still wanted when its turn comes. */
  void add(ObjectId oid, long offset, long length, BooleanSupplier wanted) {
    synchronized (this) {
      if (waiting.size() >= MAX_WAITING) {
        return;
      }
      waiting.add(new Piece(oid, offset, length, wanted));
      if (working >= PARALLEL) {
        return;
      }
      working++;
    }
    try {
      executor.execute(this::work);
    } catch (RejectedExecutionException e) {
      synchronized (this) {
        working--;
        waiting.clear();
      }
      log.debug("the cache is being closed", e);
    }
  }

  private void work() {
    boolean ended = false;
    try {
      for (Piece piece = next(); piece != null; piece = next()) {
        fetch(piece);
      }
      ended = true;
    } finally {
      if (!ended) {
        synchronized (this) {
          working--;
        }
      }
    }
  }

  private synchronized @Nullable Piece next() {
    Piece piece = waiting.poll();
    working -= piece == null ? 1 : 0;
    return piece;
  }

  private void fetch(Piece piece) {
    try {
      if (piece.wanted.getAsBoolean()) {
        reads.prefetch(piece.oid, piece.offset, piece.length);
      }
    } catch (SheepException e) {
      log.debug("{} is not fetched before it is read", piece.oid, e);
    }
  }
}
