package io.sheepfs.protocol.client;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.InodeHeader;
import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RequestFields;
import io.sheepfs.protocol.RequestFlags;
import io.sheepfs.protocol.ResponseHeader;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.SnapshotSelector;
import io.sheepfs.protocol.SnapshotTag;
import io.sheepfs.protocol.VdiBitmap;
import io.sheepfs.protocol.VdiDirectory;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiInfo;
import io.sheepfs.protocol.VdiLock;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiNameRecord;
import io.sheepfs.protocol.VdiSpec;
import io.sheepfs.protocol.WriterHandover;
import io.sheepfs.protocol.WriterMark;
import io.sheepfs.protocol.WriterMarks;
import io.sheepfs.protocol.client.SheepClient.Repeat;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The VDIs of a cluster over the network. What the protocol leaves to clients (the tag before a
 * snapshot, the emptied index before a deletion) happens here, in an order that a crash at any
 * point leaves whole.
 */
final class RemoteVdiDirectory implements VdiDirectory, AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(RemoteVdiDirectory.class);

  private final SheepClient client;
  private final RemoteObjectStore objects;
  private final WriterMarks marks;
  private final Map<VdiName, RemoteLock> locks = new ConcurrentHashMap<>();
  private final ScheduledExecutorService timer =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            Thread thread = new Thread(task, "sheep-relock");
            thread.setDaemon(true);
            return thread;
          });

  RemoteVdiDirectory(SheepClient client, RemoteObjectStore objects) {
    this.client = client;
    this.objects = objects;
    this.marks = new WriterMarks(objects);
  }

  @Override
  public List<VdiInfo> list() throws SheepException {
    VdiBitmap vids = bitmap(Opcode.READ_VDIS).without(bitmap(Opcode.READ_DEL_VDIS));
    List<VdiInfo> list = new ArrayList<>();
    for (VdiId vid : vids.vids().toList()) {
      try {
        InodeHeader header = header(vid);
        if (!header.isDeleted()) {
          list.add(header.toVdiInfo());
        }
      } catch (IllegalArgumentException e) {
        log.warn("VDI {} is left out of the list: {}", vid, e.getMessage());
      } catch (SheepException e) {
        if (e.result() != ResultCode.NO_OBJ) {
          throw e;
        }
      }
    }
    return list;
  }

  private VdiBitmap bitmap(Opcode opcode) throws SheepException {
    ByteBuffer body = ByteBuffer.allocate(VdiBitmap.SIZE_BYTES);
    ResponseHeader answer =
        client.call(opcode, 0, new RequestFields.None(), null, body, Repeat.ALWAYS);
    if (opcode == Opcode.READ_DEL_VDIS && answer.result() != ResultCode.SUCCESS) {
      return VdiBitmap.of(Stream.empty()); // release 0.9 does not have it
    }
    check(answer, "list the VDIs");
    if (body.hasRemaining()) {
      throw new SheepException(ResultCode.SYSTEM_ERROR, "the list of VDIs is cut off");
    }
    return VdiBitmap.decode(body.flip());
  }

  @Override
  public VdiInfo lookup(VdiName name) throws SheepException {
    return info(find(name, null, 0), name);
  }

  @Override
  public VdiInfo lookup(VdiName name, SnapshotSelector snapshot) throws SheepException {
    int vid;
    if (snapshot instanceof SnapshotSelector.ByTag byTag) {
      vid = find(name, byTag.tag(), 0);
    } else {
      vid = find(name, null, ((SnapshotSelector.ById) snapshot).snapshotId());
    }
    return info(vid, name);
  }

  private int find(VdiName name, @Nullable SnapshotTag tag, int snapshotId) throws SheepException {
    ResponseHeader answer =
        client.call(
            Opcode.GET_VDI_INFO,
            0,
            RequestFields.Vdi.lookup(snapshotId),
            VdiNameRecord.of(name, tag).encode(),
            null,
            Repeat.ALWAYS);
    check(answer, "look up " + name + (tag == null ? "" : " " + tag));
    return answer.vdi().vdiId();
  }

  private VdiInfo info(int vid, VdiName name) throws SheepException {
    try {
      InodeHeader header = header(new VdiId(vid));
      if (header.isDeleted()) {
        throw new SheepException(ResultCode.NO_VDI, "look up " + name);
      }
      VdiInfo info = header.toVdiInfo();
      objects.learn(info.vid(), info.blockSizeShift());
      RemoteLock lock = locks.get(name);
      if (lock != null && !info.isSnapshot()) {
        objects.writeUnder(info.vid(), lock);
      }
      return info;
    } catch (IllegalArgumentException e) {
      throw new SheepException(ResultCode.VDI_READ, "read the inode of " + name, e);
    }
  }

  private InodeHeader header(VdiId vid) throws SheepException {
    ByteBuffer bytes = ByteBuffer.allocate(InodeLayout.HEADER_BYTES);
    objects.read(ObjectId.inode(vid), 0, bytes);
    return InodeHeader.decode(bytes.flip());
  }

  @Override
  public VdiInfo create(VdiName name, VdiSpec spec) throws SheepException {
    int shift = spec.blockSizeShift() == 0 ? defaultShift() : spec.blockSizeShift();
    checkSize(name, spec.sizeBytes(), shift);
    return newVdi(
        name,
        new RequestFields.Vdi(
            spec.sizeBytes(), 0, spec.copies(), 0, 0, spec.blockSizeShift(), 0, 0));
  }

  private int defaultShift() throws SheepException {
    ResponseHeader answer =
        client.call(
            Opcode.GET_CLUSTER_DEFAULT, 0, new RequestFields.None(), null, null, Repeat.ALWAYS);
    int shift = answer.clusterDefault().blockSizeShift();
    return answer.result() == ResultCode.SUCCESS && shift != 0
        ? shift
        : VdiSpec.DEFAULT_BLOCK_SIZE_SHIFT;
  }

  private static void checkSize(VdiName name, long sizeBytes, int shift) throws SheepException {
    if (sizeBytes < 0 || sizeBytes > VdiSpec.maxSizeBytes(shift)) {
      throw new SheepException(
          ResultCode.INVALID_PARMS, "give " + name + " " + sizeBytes + " bytes");
    }
  }

  private VdiInfo newVdi(VdiName name, RequestFields.Vdi fields) throws SheepException {
    ResponseHeader answer =
        client.call(
            Opcode.NEW_VDI,
            RequestFlags.WORKING_BASE,
            fields,
            VdiNameRecord.of(name).encode(),
            null,
            Repeat.IF_NOT_SENT);
    check(answer, "create " + name);
    return info(answer.vdi().vdiId(), name);
  }

  @Override
  public VdiInfo snapshot(VdiName name, SnapshotTag tag) throws SheepException {
    VdiInfo working = lookup(name);
    try {
      find(name, tag, 0);
      throw new SheepException(ResultCode.VDI_EXIST, "snapshot " + name + " as " + tag);
    } catch (SheepException e) {
      if (e.result() != ResultCode.NO_TAG) {
        throw e;
      }
    }
    objects.flush(working.vid());
    ByteBuffer padded = ByteBuffer.allocate(InodeLayout.TAG_BYTES).put(0, tag.toBytes());
    objects.write(ObjectId.inode(working.vid()), InodeLayout.TAG, padded, Durability.STABLE);
    return newVdi(
        name,
        new RequestFields.Vdi(
            working.sizeBytes(),
            working.vid().value(),
            working.copies(),
            0,
            0,
            working.blockSizeShift(),
            1,
            0));
  }

  @Override
  public VdiInfo cloneSnapshot(VdiId snapshot, VdiName name) throws SheepException {
    InodeHeader base;
    try {
      base = header(snapshot);
    } catch (SheepException e) {
      throw e.result() == ResultCode.NO_OBJ
          ? new SheepException(ResultCode.NO_BASE_VDI, "clone " + snapshot, e)
          : e;
    }
    if (base.isDeleted()) {
      throw new SheepException(ResultCode.NO_BASE_VDI, "clone " + snapshot);
    }
    if (!base.isSnapshot()) {
      throw new SheepException(
          ResultCode.INVALID_PARMS, "clone " + snapshot + ", which is no snapshot");
    }
    return newVdi(
        name,
        new RequestFields.Vdi(
            base.vdiSize(), snapshot.value(), base.copies(), 0, 0, base.blockSizeShift(), 0, 0));
  }

  @Override
  public VdiInfo resize(VdiName name, long sizeBytes) throws SheepException {
    checkSize(name, sizeBytes, lookup(name).blockSizeShift());
    if (locks.containsKey(name)) {
      return resizeLocked(name, sizeBytes);
    }
    VdiLock lock = lock(name);
    try {
      return resizeLocked(name, sizeBytes);
    } finally {
      lock.close();
    }
  }

  private VdiInfo resizeLocked(VdiName name, long sizeBytes) throws SheepException {
    VdiInfo vdi = lookup(name);
    if (sizeBytes < vdi.sizeBytes()) {
      RemoteIndex index = new RemoteIndex(objects, vdi);
      index.zeroTail(sizeBytes);
      index.clearFrom((int) ((sizeBytes + vdi.objectSizeBytes() - 1) >>> vdi.blockSizeShift()));
    }
    ByteBuffer size = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    size.putLong(0, sizeBytes);
    objects.write(ObjectId.inode(vdi.vid()), InodeLayout.VDI_SIZE, size, Durability.STABLE);
    return info(vdi.vid().value(), name);
  }

  /**
   * {@inheritDoc}
   *
   * <p>The index is emptied first, as the original wants it, and before that the lock is taken: a
   * VDI that is not ours to delete must not lose its data.
   */
  @Override
  public void delete(VdiName name) throws SheepException {
    RemoteLock held = locks.get(name);
    if (held != null) {
      deleteLocked(name, held);
      return;
    }
    try (RemoteLock lock = lockOnly(name)) {
      deleteLocked(name, lock);
    }
  }

  private void deleteLocked(VdiName name, RemoteLock lock) throws SheepException {
    marks.remove(name);
    new RemoteIndex(objects, lookup(name)).clearFrom(0);
    ResponseHeader answer =
        lock.call(
            Opcode.DEL_VDI, RequestFields.Vdi.lookup(0), VdiNameRecord.of(name, null).encode());
    check(answer, "delete " + name);
  }

  @Override
  public void delete(VdiName name, SnapshotSelector snapshot) throws SheepException {
    VdiInfo vdi = lookup(name, snapshot);
    new RemoteIndex(objects, vdi).clearFrom(0);
    ResponseHeader answer =
        client.call(
            Opcode.DEL_VDI,
            0,
            RequestFields.Vdi.lookup(vdi.snapshotId()),
            VdiNameRecord.of(name, null).encode(),
            null,
            Repeat.IF_NOT_SENT);
    check(answer, "delete " + name + " " + snapshot);
  }

  @Override
  public VdiLock lock(VdiName name, @Nullable WriterHandover handover) throws SheepException {
    RemoteLock lock = lockOnly(name);
    if (handover == null) {
      return marks.hold(lock, null);
    }
    return marks.hold(
        lock,
        (vdi, last) -> {
          UUID token = handover.take(vdi, last);
          lock.expectMark(token);
          return token;
        });
  }

  private RemoteLock lockOnly(VdiName name) throws SheepException {
    RemoteLock lock = new RemoteLock(client, timer, marks, name, held -> unlock(name, held));
    if (locks.putIfAbsent(name, lock) != null) {
      throw new SheepException(ResultCode.VDI_LOCKED, "lock " + name);
    }
    try {
      lock.setVdi(info(lock.acquire().value(), name));
      return lock;
    } catch (SheepException e) {
      lock.close();
      throw e;
    }
  }

  private void unlock(VdiName name, RemoteLock lock) {
    locks.remove(name, lock);
    objects.forget(lock);
  }

  @Override
  public @Nullable WriterMark lastWriter(VdiName name) throws SheepException {
    return marks.read(name);
  }

  private static void check(ResponseHeader answer, String what) throws SheepException {
    if (answer.result() != ResultCode.SUCCESS) {
      throw new SheepException(answer.result(), what);
    }
  }

  /** Lets all locks go. */
  @Override
  public void close() {
    List.copyOf(locks.values()).forEach(RemoteLock::close);
    timer.shutdownNow();
  }
}
