package io.sheepfs.cache;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ObjectStore;
import io.sheepfs.protocol.SheepException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * The unstable changes of one VDI's inode that the store has not flushed, so that they can be made
 * again if the store loses them: sizes and index entries, which are not blocks of the cache. In
 * memory only, for a process and the store's machine don't die at the same time.
 *
 * <p>Writes go on beside each other; making them again keeps them out, since an older content must
 * not arrive after a newer one. Safe for any number of threads.
 */
final class InodeWrites {

  private static final int PAGE_BYTES = 4096;

  /** What was written of a page. */
  private static final class Page {
    final byte[] bytes = new byte[PAGE_BYTES];
    final BitSet written = new BitSet();
  }

  private final ObjectId inode;
  private final ReadWriteLock sending = new ReentrantReadWriteLock();

  /** Written since the last flush began. */
  @GuardedBy("this")
  private Map<Integer, Page> recent = new TreeMap<>();

  /** To be covered by the flush under way, or left from one that failed. */
  @GuardedBy("this")
  private final Map<Integer, Page> older = new TreeMap<>();

  /** The lowest incarnation of the store under which any of it was sent. */
  @GuardedBy("this")
  private long sentUnder = Long.MAX_VALUE;

  InodeWrites(ObjectId inode) {
    this.inode = inode;
  }

  /**
   * Writes, and remembers it.
   *
   * @param incarnation of the store, from before the call
   */
  void write(
      ObjectStore store, long offset, ByteBuffer src, Durability durability, long incarnation)
      throws SheepException {
    sending.readLock().lock();
    try {
      ByteBuffer copy = src.duplicate();
      store.write(inode, offset, src, durability);
      remember(offset, copy, durability, incarnation);
    } finally {
      sending.readLock().unlock();
    }
  }

  private synchronized void remember(
      long offset, ByteBuffer bytes, Durability durability, long incarnation) {
    if (durability == Durability.STABLE && recent.isEmpty() && older.isEmpty()) {
      return; // else an older one of the same bytes could be made again after it
    }
    sentUnder = Math.min(sentUnder, incarnation);
    long at = offset;
    while (bytes.hasRemaining()) {
      int inPage = (int) (at % PAGE_BYTES);
      int piece = Math.min(bytes.remaining(), PAGE_BYTES - inPage);
      Page page = recent.computeIfAbsent((int) (at / PAGE_BYTES), number -> new Page());
      bytes.get(page.bytes, inPage, piece);
      page.written.set(inPage, inPage + piece);
      at += piece;
    }
  }

  /**
   * A flush begins. What was sent under an earlier incarnation than this one is sent again.
   *
   * @param incarnation of the store, from before the call
   */
  void begin(ObjectStore store, long incarnation) throws SheepException {
    sending.writeLock().lock();
    try {
      if (gather() < incarnation) {
        resend(store);
        sentAgain(incarnation);
      }
    } finally {
      sending.writeLock().unlock();
    }
  }

  private synchronized long gather() {
    for (Map.Entry<Integer, Page> entry : recent.entrySet()) {
      Page newer = entry.getValue();
      Page page = older.computeIfAbsent(entry.getKey(), number -> new Page());
      for (int from = newer.written.nextSetBit(0); from >= 0; ) {
        int to = newer.written.nextClearBit(from);
        System.arraycopy(newer.bytes, from, page.bytes, from, to - from);
        from = newer.written.nextSetBit(to);
      }
      page.written.or(newer.written);
    }
    recent = new TreeMap<>();
    return sentUnder;
  }

  private synchronized void sentAgain(long incarnation) {
    sentUnder = incarnation;
  }

  private synchronized void resend(ObjectStore store) throws SheepException {
    for (Map.Entry<Integer, Page> entry : older.entrySet()) {
      Page page = entry.getValue();
      for (int from = page.written.nextSetBit(0); from >= 0; ) {
        int to = page.written.nextClearBit(from);
        ByteBuffer bytes = ByteBuffer.wrap(page.bytes, from, to - from);
        store.write(inode, (long) entry.getKey() * PAGE_BYTES + from, bytes, Durability.UNSTABLE);
        from = page.written.nextSetBit(to);
      }
    }
  }

  /**
   * Writes the index entry of an object that was made again, unless it is there, or a later change
   * of it is remembered here.
   *
   * @param incarnation of the store, from before the call
   */
  void name(ObjectStore store, ObjectId object, long incarnation) throws SheepException {
    long offset = InodeLayout.indexOffset(object.index());
    int owner = object.vid().value();
    ByteBuffer entry = ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    sending.writeLock().lock();
    try {
      if (remembered(offset, owner) != owner) {
        return;
      }
      store.read(inode, offset, entry);
      if (entry.getInt(0) != owner) {
        entry.putInt(0, owner).rewind();
        store.write(inode, offset, entry.duplicate(), Durability.UNSTABLE);
        remember(offset, entry, Durability.UNSTABLE, incarnation);
      }
    } finally {
      sending.writeLock().unlock();
    }
  }

  private synchronized int remembered(long offset, int otherwise) {
    int inPage = (int) (offset % PAGE_BYTES);
    for (Map<Integer, Page> pages : List.of(recent, older)) {
      Page page = pages.get((int) (offset / PAGE_BYTES));
      if (page != null && page.written.get(inPage)) {
        return ByteBuffer.wrap(page.bytes).order(ByteOrder.LITTLE_ENDIAN).getInt(inPage);
      }
    }
    return otherwise;
  }

  /** The store flushed what was written before {@link #begin}. */
  synchronized void flushed() {
    older.clear();
    if (recent.isEmpty()) {
      sentUnder = Long.MAX_VALUE;
    }
  }

  /** What was written is not to be made again: it is not ours any more. */
  synchronized void forget() {
    older.clear();
    recent.clear();
    sentUnder = Long.MAX_VALUE;
  }
}
