package io.sheepfs.protocol;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The VDIs and locks of a {@link MemoryCluster}, shared by its sessions. */
final class MemoryVdis {

  private final MemoryStorage storage;
  private final int defaultShift;
  private final Map<VdiName, MemoryLock> locks = new HashMap<>();
  private long clockSeconds = 1_700_000_000;

  MemoryVdis(MemoryStorage storage, int defaultShift) {
    this.storage = storage;
    this.defaultShift = defaultShift;
  }

  synchronized List<VdiInfo> list() {
    List<VdiInfo> infos = new ArrayList<>();
    for (InodeHeader header : storage.inodes()) {
      if (!header.isDeleted()) {
        infos.add(header.toVdiInfo());
      }
    }
    return infos;
  }

  synchronized VdiInfo lookup(VdiName name) throws SheepException {
    VdiInfo working = working(name);
    if (working == null) {
      throw new SheepException(ResultCode.NO_VDI, "look up " + name);
    }
    return working;
  }

  private @Nullable VdiInfo working(VdiName name) {
    for (VdiInfo info : list()) {
      if (info.name().equals(name) && !info.isSnapshot()) {
        return info;
      }
    }
    return null;
  }

  synchronized VdiInfo lookup(VdiName name, SnapshotSelector selector) throws SheepException {
    boolean nameExists = false;
    for (VdiInfo info : list()) {
      if (info.name().equals(name)) {
        nameExists = true;
        if (info.isSnapshot() && matches(info, selector)) {
          return info;
        }
      }
    }
    throw new SheepException(
        nameExists ? ResultCode.NO_TAG : ResultCode.NO_VDI, "look up " + name + ":" + selector);
  }

  private static boolean matches(VdiInfo info, SnapshotSelector selector) {
    if (selector instanceof SnapshotSelector.ByTag byTag) {
      return byTag.tag().equals(info.tag());
    }
    return selector instanceof SnapshotSelector.ById byId && byId.snapshotId() == info.snapshotId();
  }

  synchronized VdiInfo create(VdiName name, VdiSpec spec) throws SheepException {
    refuseIfExists(name);
    int shift = spec.blockSizeShift() == 0 ? defaultShift : spec.blockSizeShift();
    if (spec.sizeBytes() > VdiSpec.maxSizeBytes(shift)) {
      throw new SheepException(ResultCode.INVALID_PARMS, "create " + name);
    }
    int generation = 1;
    for (VdiInfo info : list()) {
      if (info.name().equals(name)) {
        generation = Math.max(generation, info.snapshotId() + 1);
      }
    }
    return makeInode(
        new InodeHeader(
            name.toBytes(),
            new byte[0],
            now(),
            0,
            0,
            spec.sizeBytes(),
            0,
            0,
            0,
            spec.copies() == 0 ? 1 : spec.copies(),
            shift,
            generation,
            freeVid(name).value(),
            0,
            0),
        null);
  }

  synchronized VdiInfo snapshot(VdiName name, SnapshotTag tag) throws SheepException {
    VdiInfo base = lookup(name);
    for (VdiInfo info : list()) {
      if (info.name().equals(name) && info.isSnapshot() && tag.equals(info.tag())) {
        throw new SheepException(ResultCode.VDI_EXIST, "take snapshot " + name + ":" + tag);
      }
    }
    storage.flush(base.vid());
    InodeHeader header = header(base.vid());
    VdiInfo successor =
        makeInode(
            successor(header, header.name(), header.snapshotId() + 1, freeVid(name)), base.vid());
    writeHeader(
        new InodeHeader(
            header.name(),
            tag.toBytes(),
            header.createTime(),
            now(),
            0,
            header.vdiSize(),
            0,
            0,
            0,
            header.copies(),
            header.blockSizeShift(),
            header.snapshotId(),
            header.vdiId(),
            header.parentVdiId(),
            0));
    return successor;
  }

  synchronized VdiInfo cloneSnapshot(VdiId snapshot, VdiName name) throws SheepException {
    InodeHeader base = storage.header(snapshot);
    if (base == null || base.isDeleted()) {
      throw new SheepException(ResultCode.NO_BASE_VDI, "clone " + snapshot);
    }
    if (!base.isSnapshot()) {
      throw new SheepException(ResultCode.INVALID_PARMS, "clone " + snapshot + ", no snapshot");
    }
    refuseIfExists(name);
    return makeInode(successor(base, name.toBytes(), 1, freeVid(name)), snapshot);
  }

  private InodeHeader successor(InodeHeader base, byte[] name, int generation, VdiId vid) {
    return new InodeHeader(
        name,
        new byte[0],
        now(),
        0,
        0,
        base.vdiSize(),
        0,
        0,
        0,
        base.copies(),
        base.blockSizeShift(),
        generation,
        vid.value(),
        base.vdiId(),
        0);
  }

  synchronized VdiInfo resize(VdiName name, long sizeBytes) throws SheepException {
    VdiInfo info = lookup(name);
    if (sizeBytes < 0 || sizeBytes > VdiSpec.maxSizeBytes(info.blockSizeShift())) {
      throw new SheepException(ResultCode.INVALID_PARMS, "resize " + name + " to " + sizeBytes);
    }
    ObjectId inode = ObjectId.inode(info.vid());
    ByteBuffer size = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(0, sizeBytes);
    storage.write(inode, InodeLayout.VDI_SIZE, size, Durability.STABLE);
    int first = (int) ((sizeBytes + info.objectSizeBytes() - 1) >>> info.blockSizeShift());
    int cleared = info.objectCount() - first;
    if (cleared > 0) {
      ByteBuffer holes = ByteBuffer.allocate(cleared * InodeLayout.INDEX_ENTRY_BYTES);
      storage.write(inode, InodeLayout.indexOffset(first), holes, Durability.STABLE);
    }
    long tail = sizeBytes & (info.objectSizeBytes() - 1);
    if (sizeBytes < info.sizeBytes() && tail > 0) {
      zeroTail(info, first - 1, tail);
    }
    return header(info.vid()).toVdiInfo();
  }

  private void zeroTail(VdiInfo info, int index, long from) throws SheepException {
    int owner = storage.entries(info.vid(), index, index + 1)[0];
    if (owner == 0) {
      return;
    }
    ObjectId own = ObjectId.data(info.vid(), index);
    if (owner != info.vid().value()) {
      ObjectId source = ObjectId.data(new VdiId(owner), index);
      storage.createCopy(own, source, 0, ByteBuffer.allocate(0), Durability.STABLE);
    }
    storage.discard(own, from, info.objectSizeBytes() - from, Durability.STABLE);
    ByteBuffer entry = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN);
    storage.write(
        ObjectId.inode(info.vid()),
        InodeLayout.indexOffset(index),
        entry.putInt(0, info.vid().value()),
        Durability.STABLE);
  }

  synchronized void delete(VdiName name, MemoryCluster session) throws SheepException {
    VdiInfo info = lookup(name);
    MemoryLock lock = locks.get(name);
    if (lock != null && lock.session != session) {
      throw new SheepException(ResultCode.VDI_LOCKED, "delete " + name);
    }
    delete(info);
  }

  synchronized void delete(VdiName name, SnapshotSelector snapshot) throws SheepException {
    delete(lookup(name, snapshot));
  }

  private void delete(VdiInfo info) throws SheepException {
    ObjectId inode = ObjectId.inode(info.vid());
    storage.write(inode, 0, ByteBuffer.allocate(InodeLayout.NAME_BYTES), Durability.STABLE);
    int[] entries = storage.entries(info.vid(), 0, InodeLayout.INDEX_ENTRIES);
    int used = entries.length;
    while (used > 0 && entries[used - 1] == 0) {
      used--;
    }
    ByteBuffer holes = ByteBuffer.allocate(used * InodeLayout.INDEX_ENTRY_BYTES);
    storage.write(inode, InodeLayout.INDEX, holes, Durability.STABLE);
  }

  synchronized VdiLock lock(VdiName name, MemoryCluster session) throws SheepException {
    VdiInfo info = lookup(name);
    if (locks.containsKey(name)) {
      throw new SheepException(ResultCode.VDI_LOCKED, "lock " + name);
    }
    MemoryLock lock = new MemoryLock(info, session);
    locks.put(name, lock);
    return lock;
  }

  /** Takes the locks of a session away, as if its lease had run out. */
  synchronized void expire(MemoryCluster session) {
    for (MemoryLock lock : List.copyOf(locks.values())) {
      if (lock.session == session) {
        lock.release();
      }
    }
  }

  private final class MemoryLock implements VdiLock {
    final VdiInfo vdi;
    final MemoryCluster session;
    private volatile boolean held = true;

    MemoryLock(VdiInfo vdi, MemoryCluster session) {
      this.vdi = vdi;
      this.session = session;
    }

    @Override
    public VdiInfo vdi() {
      return vdi;
    }

    @Override
    public boolean isHeld() {
      return held;
    }

    @Override
    public void close() {
      synchronized (MemoryVdis.this) {
        release();
      }
    }

    void release() {
      held = false;
      locks.remove(vdi.name(), this);
    }
  }

  private void refuseIfExists(VdiName name) throws SheepException {
    if (working(name) != null) {
      throw new SheepException(ResultCode.VDI_EXIST, "create " + name);
    }
  }

  private VdiId freeVid(VdiName name) {
    VdiId vid = VdiId.hashOf(name);
    while (storage.header(vid) != null) {
      vid = vid.next();
    }
    return vid;
  }

  private InodeHeader header(VdiId vid) {
    InodeHeader header = storage.header(vid);
    if (header == null) {
      throw new IllegalStateException("no inode of " + vid);
    }
    return header;
  }

  /** Makes an inode with the index of {@code base}. */
  private VdiInfo makeInode(InodeHeader header, @Nullable VdiId base) throws SheepException {
    ObjectId oid = ObjectId.inode(new VdiId(header.vdiId()));
    if (base == null) {
      storage.create(oid, 0, header.encode(), Durability.STABLE);
    } else {
      storage.createCopy(oid, ObjectId.inode(base), 0, header.encode(), Durability.STABLE);
    }
    return header.toVdiInfo();
  }

  private void writeHeader(InodeHeader header) throws SheepException {
    ObjectId oid = ObjectId.inode(new VdiId(header.vdiId()));
    storage.write(oid, 0, header.encode(), Durability.STABLE);
  }

  private long now() {
    return InodeHeader.wireTime(Instant.ofEpochSecond(clockSeconds++));
  }
}
