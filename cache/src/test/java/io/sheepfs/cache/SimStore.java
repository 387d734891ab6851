package io.sheepfs.cache;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ObjectStore;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A store of tiny VDIs in memory, made for many short lives: objects of 1 MiB of which only the
 * first {@link #BLOCKS} blocks may hold anything, inodes of {@link #OBJECTS} index entries. What is
 * stable is kept apart from what is current, so that a power cut can be played. Not for many
 * threads.
 */
final class SimStore implements ObjectStore {

  static final int OBJECTS = 2;
  static final int BLOCKS = 4;

  /** What the store is asked. */
  enum Operation {
    READ,
    WRITE,
    CREATE,
    DISCARD,
    REMOVE,
    FLUSH
  }

  /** Gets in the way of a call, before it has happened. */
  interface Fault {
    void before(Operation operation, ObjectId oid) throws SheepException;
  }

  private static final int SHIFT = 20;
  private static final int BLOCK_BYTES = BlockMap.BLOCK_BYTES;
  private static final int INODE_BYTES = InodeLayout.INDEX + OBJECTS * Integer.BYTES;
  private static final byte[] ZEROS = new byte[BLOCK_BYTES];

  /** A page is never changed once it is in the array. */
  private static final class Content {
    byte[][] pages = {ZEROS, ZEROS, ZEROS, ZEROS};

    /** As of the last flush; null for an object that was never flushed. */
    byte @Nullable [] @Nullable [] stable;
  }

  private static final class Inode {
    final ByteBuffer now = ByteBuffer.allocate(INODE_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    final int[] stable = new int[OBJECTS];

    int entry(int index) {
      return now.getInt(InodeLayout.indexOffset(index));
    }

    boolean isSnapshot() {
      return now.getLong(InodeLayout.SNAPSHOT_TIME) != 0;
    }

    boolean isDeleted() {
      return now.get(InodeLayout.NAME) == 0;
    }

    void stabilize() {
      for (int i = 0; i < OBJECTS; i++) {
        stable[i] = entry(i);
      }
    }
  }

  private final Map<VdiId, Inode> inodes = new HashMap<>();
  private final Map<ObjectId, Content> objects = new HashMap<>();

  /** Removed since the last flush; a power cut may bring them back. */
  private final Map<ObjectId, Content> removed = new HashMap<>();

  private Fault fault = (operation, oid) -> {};
  private int lastVid;
  private long losses;

  void setFault(Fault newFault) {
    fault = newFault;
  }

  void clearFault() {
    fault = (operation, oid) -> {};
  }

  /** A new, empty VDI. */
  VdiId make() {
    return add(new Inode());
  }

  private VdiId add(Inode inode) {
    VdiId vid = new VdiId(++lastVid);
    inode.now.put(InodeLayout.NAME, (byte) 'x').put(InodeLayout.BLOCK_SIZE_SHIFT, (byte) SHIFT);
    inode.now.putInt(InodeLayout.VDI_ID, vid.value());
    inode.stabilize();
    inodes.put(vid, inode);
    return vid;
  }

  /** Makes a snapshot of a working VDI, as it is here; returns the VDI that goes on from it. */
  VdiId snapshot(VdiId vid) {
    flushNow(vid);
    VdiId next = successor(vid);
    inode(vid).now.putLong(InodeLayout.SNAPSHOT_TIME, 1);
    return next;
  }

  /** A new VDI with the objects of another. */
  VdiId successor(VdiId vid) {
    Inode made = new Inode();
    for (int i = 0; i < OBJECTS; i++) {
      made.now.putInt(InodeLayout.indexOffset(i), inode(vid).entry(i));
    }
    return add(made);
  }

  void delete(VdiId vid) {
    // What copies were made of is removed only when nothing can lead back to it.
    inodes.values().forEach(Inode::stabilize);
    Inode inode = inode(vid);
    inode.now.put(InodeLayout.NAME, (byte) 0);
    for (int i = 0; i < OBJECTS; i++) {
      int owner = inode.entry(i);
      inode.now.putInt(InodeLayout.indexOffset(i), 0);
      removeIfUnreferenced(owner, i);
    }
    inode.stabilize();
  }

  /** Whose an object of a VDI is; 0 for a hole. */
  int owner(VdiId vid, int index) {
    return inode(vid).entry(index);
  }

  private Inode inode(VdiId vid) {
    Inode inode = inodes.get(vid);
    if (inode == null) {
      throw new IllegalStateException("no VDI " + vid);
    }
    return inode;
  }

  @Override
  public void read(ObjectId oid, long offset, ByteBuffer dst) throws SheepException {
    fault.before(Operation.READ, oid);
    if (!oid.isData()) {
      Inode inode = inodes.get(oid.vid());
      if (inode == null) {
        throw new SheepException(ResultCode.NO_OBJ, "read " + oid);
      }
      dst.put(inode.now.array(), (int) offset, dst.remaining());
      return;
    }
    byte[][] pages = existing(oid).pages;
    for (long at = offset; dst.hasRemaining(); ) {
      int page = (int) (at / BLOCK_BYTES);
      int inPage = (int) (at % BLOCK_BYTES);
      int piece = Math.min(dst.remaining(), BLOCK_BYTES - inPage);
      dst.put(page < BLOCKS ? pages[page] : ZEROS, inPage, piece);
      at += piece;
    }
  }

  @Override
  public void write(ObjectId oid, long offset, ByteBuffer src, Durability durability)
      throws SheepException {
    fault.before(Operation.WRITE, oid);
    if (oid.isData()) {
      refuseSnapshot(oid);
      Content content = existing(oid);
      put(content, offset, src);
      settle(content, durability);
    } else {
      writeIndex(inode(oid.vid()), offset, src, durability);
    }
  }

  private static void put(Content content, long offset, ByteBuffer src) {
    byte[][] pages = content.pages.clone();
    for (long at = offset; src.hasRemaining(); ) {
      int page = (int) (at / BLOCK_BYTES);
      int inPage = (int) (at % BLOCK_BYTES);
      int piece = Math.min(src.remaining(), BLOCK_BYTES - inPage);
      if (page < BLOCKS) {
        byte[] changed = pages[page].clone();
        src.get(changed, inPage, piece);
        pages[page] = changed;
      } else {
        ByteBuffer rest = src.slice().limit(piece);
        if (rest.mismatch(ByteBuffer.wrap(ZEROS, 0, piece)) >= 0) {
          throw new AssertionError("bytes that nobody wrote, in block " + page);
        }
        src.position(src.position() + piece);
      }
      at += piece;
    }
    content.pages = pages;
  }

  private void writeIndex(Inode inode, long offset, ByteBuffer src, Durability durability) {
    int[] before = new int[OBJECTS];
    boolean stable = durability == Durability.STABLE;
    for (int i = 0; i < OBJECTS; i++) {
      before[i] = inode.entry(i);
    }
    inode.now.put((int) offset, src, src.position(), src.remaining());
    src.position(src.limit());
    int own = inode.now.getInt(InodeLayout.VDI_ID);
    for (int i = 0; i < OBJECTS; i++) {
      stable |= before[i] != 0 && before[i] != own && before[i] != inode.entry(i);
    }
    if (stable) {
      inode.stabilize(); // before what others made goes, nothing may lead back to it
    }
    for (int i = 0; i < OBJECTS; i++) {
      if (before[i] != inode.entry(i)) {
        removeIfUnreferenced(before[i], i);
      }
    }
  }

  private void removeIfUnreferenced(int owner, int index) {
    for (Inode inode : inodes.values()) {
      if (owner == 0 || (inode.entry(index) == owner && !inode.isDeleted())) {
        return;
      }
    }
    removeNow(ObjectId.data(new VdiId(owner), index));
  }

  private void removeNow(ObjectId oid) {
    Content content = objects.remove(oid);
    if (content != null && content.stable != null) {
      removed.put(oid, content);
    }
  }

  @Override
  public void create(ObjectId oid, long offset, ByteBuffer src, Durability durability)
      throws SheepException {
    fault.before(Operation.CREATE, oid);
    refuseSnapshot(oid);
    replace(oid, new Content(), offset, src, durability);
  }

  @Override
  public void createCopy(
      ObjectId oid, ObjectId source, long offset, ByteBuffer src, Durability durability)
      throws SheepException {
    fault.before(Operation.CREATE, oid);
    refuseSnapshot(oid);
    Content copy = new Content();
    copy.pages = existing(source).pages;
    replace(oid, copy, offset, src, durability);
  }

  private void replace(
      ObjectId oid, Content made, long offset, ByteBuffer src, Durability durability) {
    put(made, offset, src);
    boolean another = objects.containsKey(oid); // whose name a power cut must not give it
    removeNow(oid);
    objects.put(oid, made);
    settle(made, another ? Durability.STABLE : durability);
  }

  @Override
  public void discard(ObjectId oid, long offset, long length, Durability durability)
      throws SheepException {
    fault.before(Operation.DISCARD, oid);
    refuseSnapshot(oid);
    Content content = objects.get(oid);
    if (content != null) {
      put(content, offset, ByteBuffer.allocate((int) length));
      settle(content, durability);
    }
  }

  @Override
  public void remove(ObjectId oid) throws SheepException {
    fault.before(Operation.REMOVE, oid);
    removeNow(oid);
  }

  @Override
  public void flush(VdiId vid) throws SheepException {
    fault.before(Operation.FLUSH, ObjectId.inode(vid));
    flushNow(vid);
  }

  @Override
  public long losses(VdiId vid) {
    return losses;
  }

  private void flushNow(VdiId vid) {
    removed.keySet().removeIf(oid -> oid.vid().equals(vid));
    inode(vid).stabilize();
    for (int i = 0; i < OBJECTS; i++) {
      Content content = objects.get(ObjectId.data(vid, i));
      if (content != null) {
        content.stable = content.pages;
      }
    }
  }

  private static void settle(Content content, Durability durability) {
    if (durability == Durability.STABLE) {
      content.stable = content.pages;
    }
  }

  /**
   * What a power cut leaves: of each page and index entry changed since it was stable, the old or
   * the new. Objects made or removed since are there or not. Then does what a sheep does at its
   * start: makes holes of index entries without an object, removes objects without an entry.
   */
  void powerCut(Random random) {
    losses++;
    objects.values().removeIf(made -> made.stable == null && random.nextBoolean());
    removed.forEach(
        (oid, content) -> {
          if (random.nextBoolean()) {
            objects.putIfAbsent(oid, content);
          }
        });
    objects.values().forEach(content -> tear(content, random));
    for (Inode inode : inodes.values()) {
      for (int i = 0; i < OBJECTS; i++) {
        if (inode.stable[i] != inode.entry(i) && random.nextBoolean()) {
          inode.now.putInt(InodeLayout.indexOffset(i), inode.stable[i]);
        }
        int owner = inode.entry(i);
        if (owner != 0 && !objects.containsKey(ObjectId.data(new VdiId(owner), i))) {
          inode.now.putInt(InodeLayout.indexOffset(i), 0);
        }
      }
      inode.stabilize();
    }
    Set<ObjectId> all = new HashSet<>(objects.keySet());
    all.forEach(oid -> removeIfUnreferenced(oid.vid().value(), oid.index()));
    removed.clear();
    objects.values().forEach(content -> content.stable = content.pages);
  }

  private static void tear(Content content, Random random) {
    byte[][] pages = content.pages.clone();
    for (int i = 0; i < BLOCKS; i++) {
      byte[] before = content.stable == null ? ZEROS : content.stable[i];
      if (before != pages[i] && random.nextBoolean()) {
        pages[i] = before;
      }
    }
    content.pages = pages;
  }

  private void refuseSnapshot(ObjectId oid) throws SheepException {
    Inode inode = inodes.get(oid.vid());
    if (inode != null && inode.isSnapshot()) {
      throw new SheepException(ResultCode.READONLY, "change object " + oid);
    }
  }

  private Content existing(ObjectId oid) throws SheepException {
    Content content = objects.get(oid);
    if (content == null) {
      throw new SheepException(ResultCode.NO_OBJ, "use object " + oid);
    }
    return content;
  }
}
