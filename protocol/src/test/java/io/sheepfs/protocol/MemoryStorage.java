package io.sheepfs.protocol;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import org.jspecify.annotations.Nullable;

/**
 * The objects of a {@link MemoryCluster}: sparse, with what is stable kept apart from what is
 * current, so that a power cut can be played.
 */
final class MemoryStorage implements ObjectStore {

  private static final int PAGE_BYTES = 4096;

  /** One object. A page is never changed once it is in the array; null is a page of zeros. */
  private static final class Content {
    byte[] @Nullable [] pages;

    /** As of the last flush; null for an object that was never flushed. */
    byte @Nullable [] @Nullable [] stablePages;

    Content(long sizeBytes) {
      this.pages = new byte[(int) ((sizeBytes + PAGE_BYTES - 1) / PAGE_BYTES)][];
    }

    synchronized void read(long offset, ByteBuffer dst) {
      long at = offset;
      while (dst.hasRemaining()) {
        int inPage = (int) (at % PAGE_BYTES);
        int piece = Math.min(dst.remaining(), PAGE_BYTES - inPage);
        byte[] page = pages[(int) (at / PAGE_BYTES)];
        dst.put(page == null ? new byte[PAGE_BYTES] : page, inPage, piece);
        at += piece;
      }
    }

    synchronized void write(long offset, ByteBuffer src) {
      long at = offset;
      while (src.hasRemaining()) {
        int inPage = (int) (at % PAGE_BYTES);
        int piece = Math.min(src.remaining(), PAGE_BYTES - inPage);
        byte[] page = pages[(int) (at / PAGE_BYTES)];
        byte[] changed = page == null ? new byte[PAGE_BYTES] : page.clone();
        src.get(changed, inPage, piece);
        pages[(int) (at / PAGE_BYTES)] = changed;
        at += piece;
      }
    }

    synchronized void zero(long offset, long length) {
      long at = offset;
      long end = offset + length;
      while (at < end) {
        int inPage = (int) (at % PAGE_BYTES);
        int piece = (int) Math.min(end - at, PAGE_BYTES - inPage);
        if (piece == PAGE_BYTES) {
          pages[(int) (at / PAGE_BYTES)] = null;
        } else {
          write(at, ByteBuffer.allocate(piece));
        }
        at += piece;
      }
    }

    synchronized byte[] @Nullable [] copyPages() {
      return pages.clone();
    }

    synchronized void stabilize() {
      stablePages = pages.clone();
    }
  }

  private final ConcurrentMap<ObjectId, Content> objects = new ConcurrentHashMap<>();

  /** Removed since the last flush; a power cut may bring them back. */
  private final Map<ObjectId, Content> removed = new HashMap<>();

  private boolean keepsEverything = true;
  private volatile long powerCuts;

  /** From now on {@link #powerCut} can be played; before, nothing is remembered for it. */
  synchronized void rememberForPowerCut() {
    keepsEverything = false;
  }

  @Override
  public void read(ObjectId oid, long offset, ByteBuffer dst) throws SheepException {
    checkBounds(oid, offset, dst.remaining());
    existing(oid).read(offset, dst);
  }

  @Override
  public void write(ObjectId oid, long offset, ByteBuffer src, Durability durability)
      throws SheepException {
    checkBounds(oid, offset, src.remaining());
    checkNotSnapshot(oid);
    if (oid.kind() == ObjectId.Kind.INODE && touchesIndex(offset, src.remaining())) {
      writeIndex(oid, offset, src);
    } else {
      existing(oid).write(offset, src);
    }
    settle(oid, durability);
  }

  @Override
  public void create(ObjectId oid, long offset, ByteBuffer src, Durability durability)
      throws SheepException {
    checkBounds(oid, offset, src.remaining());
    checkNotSnapshot(oid);
    put(oid, new Content(sizeOf(oid)), offset, src, durability);
  }

  @Override
  public void createCopy(
      ObjectId oid, ObjectId source, long offset, ByteBuffer src, Durability durability)
      throws SheepException {
    checkBounds(oid, offset, src.remaining());
    checkNotSnapshot(oid);
    Content copy = new Content(sizeOf(oid));
    copy.pages = existing(source).copyPages();
    put(oid, copy, offset, src, durability);
  }

  private void put(ObjectId oid, Content made, long offset, ByteBuffer src, Durability durability) {
    made.write(offset, src);
    boolean another;
    synchronized (this) {
      forgetCurrent(oid);
      another = objects.put(oid, made) != null;
    }
    settle(oid, another ? Durability.STABLE : durability);
  }

  @Override
  public void discard(ObjectId oid, long offset, long length, Durability durability)
      throws SheepException {
    checkBounds(oid, offset, length);
    checkNotSnapshot(oid);
    Content content = objects.get(oid);
    if (content != null) {
      content.zero(offset, length);
      settle(oid, durability);
    }
  }

  @Override
  public void remove(ObjectId oid) {
    synchronized (this) {
      forgetCurrent(oid);
      objects.remove(oid);
    }
  }

  private void forgetCurrent(ObjectId oid) {
    Content content = objects.get(oid);
    if (content != null && content.stablePages != null && !keepsEverything) {
      removed.put(oid, content);
    }
  }

  @Override
  public void flush(VdiId vid) {
    synchronized (this) {
      removed.keySet().removeIf(oid -> oid.vid().equals(vid));
      if (!keepsEverything) {
        for (Map.Entry<ObjectId, Content> entry : objects.entrySet()) {
          if (entry.getKey().vid().equals(vid)) {
            entry.getValue().stabilize();
          }
        }
      }
    }
  }

  private void settle(ObjectId oid, Durability durability) {
    if (durability == Durability.STABLE && !keepsEverything) {
      Content content = objects.get(oid);
      if (content != null) {
        content.stabilize();
      }
    }
  }

  @Override
  public long losses(VdiId vid) {
    return powerCuts;
  }

  /** Writes an index and removes the objects to which that was the last reference. */
  private synchronized void writeIndex(ObjectId oid, long offset, ByteBuffer src)
      throws SheepException {
    Content inode = existing(oid);
    int from = (int) Math.max(0, (offset - InodeLayout.INDEX) / InodeLayout.INDEX_ENTRY_BYTES);
    long behind = Math.min(offset + src.remaining(), InodeLayout.REFERENCES) - InodeLayout.INDEX;
    int to = (int) ((behind + InodeLayout.INDEX_ENTRY_BYTES - 1) / InodeLayout.INDEX_ENTRY_BYTES);
    int[] before = entries(inode, from, to);
    inode.write(offset, src);
    int[] after = entries(inode, from, to);
    for (int i = from; i < to; i++) {
      int owner = before[i - from];
      if (owner != 0 && owner != after[i - from]) {
        removeIfUnreferenced(owner, i);
      }
    }
  }

  /** Removes an object that no inode names, if there is one. */
  synchronized void removeIfUnreferenced(int owner, int index) {
    for (InodeHeader header : inodes()) {
      if (!header.isDeleted() && entries(inode(header.vdiId()), index, index + 1)[0] == owner) {
        return;
      }
    }
    remove(ObjectId.data(new VdiId(owner), index));
  }

  /** The headers of all inodes, of deleted VDIs too. */
  List<InodeHeader> inodes() {
    List<InodeHeader> headers = new ArrayList<>();
    for (ObjectId oid : objects.keySet()) {
      if (oid.kind() == ObjectId.Kind.INODE) {
        headers.add(header(existingOrFail(oid)));
      }
    }
    headers.sort((a, b) -> Integer.compare(a.vdiId(), b.vdiId()));
    return headers;
  }

  @Nullable InodeHeader header(VdiId vid) {
    Content content = objects.get(ObjectId.inode(vid));
    return content == null ? null : header(content);
  }

  private static InodeHeader header(Content inode) {
    ByteBuffer bytes = ByteBuffer.allocate(InodeLayout.HEADER_BYTES);
    inode.read(0, bytes);
    return InodeHeader.decode(bytes.flip());
  }

  /** The index entries {@code [from, to)} of a VDI. */
  int[] entries(VdiId vid, int from, int to) {
    return entries(inode(vid.value()), from, to);
  }

  private static int[] entries(Content inode, int from, int to) {
    ByteBuffer bytes =
        ByteBuffer.allocate((to - from) * InodeLayout.INDEX_ENTRY_BYTES)
            .order(ByteOrder.LITTLE_ENDIAN);
    inode.read(InodeLayout.INDEX + (long) from * InodeLayout.INDEX_ENTRY_BYTES, bytes);
    int[] entries = new int[to - from];
    bytes.flip().asIntBuffer().get(entries);
    return entries;
  }

  private Content inode(int vid) {
    return existingOrFail(ObjectId.inode(new VdiId(vid)));
  }

  /** The ids of the data objects there are. */
  Set<ObjectId> dataObjects() {
    Set<ObjectId> ids = new HashSet<>(objects.keySet());
    ids.removeIf(oid -> !oid.isData());
    return ids;
  }

  /**
   * What a power cut leaves: of each page changed since it was stable, the old or the new, as
   * {@code random} says. Objects made or removed since are there or not. Then does what a sheep
   * does at its start: makes holes of index entries without an object, and removes objects without
   * an index entry.
   */
  synchronized void powerCut(Random random) {
    powerCuts++;
    objects.values().removeIf(made -> made.stablePages == null && random.nextBoolean());
    removed.forEach(
        (oid, content) -> {
          if (random.nextBoolean()) {
            objects.putIfAbsent(oid, content);
          }
        });
    removed.clear();
    objects.values().forEach(content -> tear(content, random));
    for (InodeHeader header : inodes()) {
      Content inode = inode(header.vdiId());
      int[] entries = entries(inode, 0, InodeLayout.INDEX_ENTRIES);
      for (int i = 0; i < entries.length; i++) {
        if (entries[i] != 0 && !objects.containsKey(ObjectId.data(new VdiId(entries[i]), i))) {
          inode.write(InodeLayout.indexOffset(i), ByteBuffer.allocate(4));
        }
      }
    }
    dataObjects().forEach(oid -> removeIfUnreferenced(oid.vid().value(), oid.index()));
    removed.clear();
    objects.values().forEach(Content::stabilize);
  }

  private static void tear(Content content, Random random) {
    byte @Nullable [] @Nullable [] stable = content.stablePages;
    for (int i = 0; i < content.pages.length; i++) {
      byte @Nullable [] before = stable == null ? null : stable[i];
      if (before != content.pages[i] && random.nextBoolean()) {
        content.pages[i] = before;
      }
    }
  }

  private static boolean touchesIndex(long offset, long length) {
    return offset < InodeLayout.REFERENCES && offset + length > InodeLayout.INDEX;
  }

  private void checkNotSnapshot(ObjectId oid) throws SheepException {
    if (oid.isData()) {
      InodeHeader header = header(oid.vid());
      if (header != null && header.isSnapshot()) {
        throw new SheepException(ResultCode.READONLY, "change object " + oid);
      }
    }
  }

  private long sizeOf(ObjectId oid) {
    if (oid.kind() == ObjectId.Kind.INODE) {
      return InodeLayout.SIZE_BYTES;
    }
    InodeHeader header = header(oid.vid());
    return 1L << (header == null ? VdiSpec.DEFAULT_BLOCK_SIZE_SHIFT : header.blockSizeShift());
  }

  private void checkBounds(ObjectId oid, long offset, long length) throws SheepException {
    if (offset < 0 || length < 0 || length > sizeOf(oid) - offset) {
      throw new SheepException(
          ResultCode.INVALID_PARMS, "use " + offset + "+" + length + " of object " + oid);
    }
  }

  private Content existing(ObjectId oid) throws SheepException {
    Content content = objects.get(oid);
    if (content == null) {
      throw new SheepException(ResultCode.NO_OBJ, "use object " + oid);
    }
    return content;
  }

  private Content existingOrFail(ObjectId oid) {
    Content content = objects.get(oid);
    if (content == null) {
      throw new IllegalStateException("no object " + oid);
    }
    return content;
  }
}
