package io.sheepfs.dog;

import io.sheepfs.protocol.Cluster;
import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.InodeHeader;
import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RequestFields;
import io.sheepfs.protocol.RequestFlags;
import io.sheepfs.protocol.RequestHeader;
import io.sheepfs.protocol.ResponseFields;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.SnapshotSelector;
import io.sheepfs.protocol.SnapshotTag;
import io.sheepfs.protocol.VdiDirectory;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiInfo;
import io.sheepfs.protocol.VdiLock;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiSpec;
import io.sheepfs.protocol.WriterHandover;
import io.sheepfs.protocol.WriterMark;
import io.sheepfs.protocol.WriterMarks;
import io.sheepfs.volume.Access;
import io.sheepfs.volume.Volume;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The VDIs, through a connection. */
final class TcpVdis implements VdiDirectory {

  private static final Logger LOG = LoggerFactory.getLogger(TcpVdis.class);
  private static final int BITMAP_BYTES = (VdiId.MAX + 1) / Byte.SIZE;

  private final Cluster cluster;
  private final Sheep sheep;

  TcpVdis(Cluster cluster, Sheep sheep) {
    this.cluster = cluster;
    this.sheep = sheep;
  }

  @Override
  public List<VdiInfo> list() throws SheepException {
    BitSet vids = bitmap(Opcode.READ_VDIS);
    vids.clear(0);
    vids.andNot(bitmap(Opcode.READ_DEL_VDIS));
    List<VdiInfo> vdis = new ArrayList<>();
    for (int vid = vids.nextSetBit(0); vid >= 0; vid = vids.nextSetBit(vid + 1)) {
      try {
        InodeHeader header = header(new VdiId(vid));
        if (!header.isDeleted()) {
          addPossible(vdis, header);
        }
      } catch (SheepException e) {
        if (e.result() != ResultCode.NO_OBJ) {
          throw e;
        }
      }
    }
    return vdis;
  }

  /** Adds a VDI, unless its name cannot be a file's, or it is of a kind that we do not have. */
  private static void addPossible(List<VdiInfo> vdis, InodeHeader header) {
    try {
      vdis.add(header.toVdiInfo());
    } catch (IllegalArgumentException e) {
      LOG.warn("VDI {} left out: {}", Integer.toHexString(header.vdiId()), e.getMessage());
    }
  }

  /** A bitmap of ids; empty from a sheep that does not keep it. */
  private BitSet bitmap(Opcode opcode) throws SheepException {
    Reply reply = sheep.call(RequestHeader.of(opcode, 0, BITMAP_BYTES, new RequestFields.None()));
    return opcode == Opcode.READ_DEL_VDIS && reply.result() == ResultCode.INVALID_PARMS
        ? new BitSet()
        : BitSet.valueOf(reply.orThrow("list the VDIs").body());
  }

  private InodeHeader header(VdiId vid) throws SheepException {
    ByteBuffer bytes = ByteBuffer.allocate(InodeLayout.HEADER_BYTES);
    cluster.objects().read(ObjectId.inode(vid), 0, bytes);
    return InodeHeader.decode(bytes.flip());
  }

  private VdiInfo info(VdiId vid) throws SheepException {
    try {
      return header(vid).toVdiInfo();
    } catch (IllegalArgumentException e) {
      throw new SheepException(ResultCode.NO_SUPPORT, "open VDI " + vid, e);
    }
  }

  @Override
  public VdiInfo lookup(VdiName name) throws SheepException {
    return info(find(Opcode.GET_VDI_INFO, 0, name, null));
  }

  @Override
  public VdiInfo lookup(VdiName name, SnapshotSelector snapshot) throws SheepException {
    VdiInfo vdi = info(find(Opcode.GET_VDI_INFO, 0, name, snapshot));
    if (!vdi.isSnapshot()) {
      // The number of the working VDI is no snapshot's yet.
      throw new SheepException(ResultCode.NO_TAG, "look up snapshot " + snapshot + " of " + name);
    }
    return vdi;
  }

  private VdiId find(Opcode opcode, int flags, VdiName name, @Nullable SnapshotSelector snapshot)
      throws SheepException {
    ResponseFields.Vdi answer =
        send(opcode, flags, name, snapshot).orThrow("open VDI '" + name + "'").header().vdi();
    return new VdiId(answer.vdiId());
  }

  private Reply send(Opcode opcode, int flags, VdiName name, @Nullable SnapshotSelector snapshot)
      throws SheepException {
    ByteBuffer body = ByteBuffer.allocate(InodeLayout.NAME_BYTES + InodeLayout.TAG_BYTES);
    body.put(0, name.toBytes());
    int id = 0;
    if (snapshot instanceof SnapshotSelector.ByTag byTag) {
      body.put(InodeLayout.NAME_BYTES, byTag.tag().toBytes());
    } else if (snapshot instanceof SnapshotSelector.ById byId) {
      id = byId.snapshotId();
    }
    return sheep.call(
        RequestHeader.of(
            opcode, flags | RequestFlags.WRITE, body.remaining(), RequestFields.Vdi.lookup(id)),
        body);
  }

  @Override
  public VdiInfo create(VdiName name, VdiSpec spec) throws SheepException {
    int copies = spec.copies();
    int shift = spec.blockSizeShift();
    if (copies == 0 || shift == 0) {
      Reply reply =
          sheep.call(RequestHeader.of(Opcode.GET_CLUSTER_DEFAULT, 0, 0, new RequestFields.None()));
      if (reply.result() == ResultCode.SUCCESS) {
        copies = copies == 0 ? reply.header().clusterDefault().copies() : copies;
        shift = shift == 0 ? reply.header().clusterDefault().blockSizeShift() : shift;
      }
    }
    return newVdi(
        name, new RequestFields.Vdi(spec.sizeBytes(), 0, copies, 0, 0, shift, 0, 0), "create");
  }

  private VdiInfo newVdi(VdiName name, RequestFields.Vdi fields, String verb)
      throws SheepException {
    ByteBuffer body = ByteBuffer.allocate(InodeLayout.NAME_BYTES);
    body.put(0, name.toBytes());
    return info(
        new VdiId(
            sheep
                .call(
                    RequestHeader.of(Opcode.NEW_VDI, RequestFlags.WRITE, body.remaining(), fields),
                    body)
                .orThrow(verb + " VDI '" + name + "'")
                .header()
                .vdi()
                .vdiId()));
  }

  @Override
  public VdiInfo snapshot(VdiName name, SnapshotTag tag) throws SheepException {
    Reply taken = send(Opcode.GET_VDI_INFO, 0, name, new SnapshotSelector.ByTag(tag));
    if (taken.result() == ResultCode.SUCCESS) {
      throw new SheepException(ResultCode.VDI_EXIST, "take snapshot '" + tag + "' of " + name);
    }
    if (taken.result() != ResultCode.NO_TAG) {
      taken.orThrow("take snapshot '" + tag + "' of " + name);
    }
    VdiInfo vdi = lookup(name);
    cluster.objects().flush(vdi.vid());
    ByteBuffer tagBytes = ByteBuffer.allocate(InodeLayout.TAG_BYTES);
    tagBytes.put(0, tag.toBytes());
    cluster
        .objects()
        .write(ObjectId.inode(vdi.vid()), InodeLayout.TAG, tagBytes, Durability.STABLE);
    return newVdi(name, based(vdi, 1), "take a snapshot of");
  }

  @Override
  public VdiInfo cloneSnapshot(VdiId snapshot, VdiName name) throws SheepException {
    VdiInfo base = info(snapshot);
    if (!base.isSnapshot()) {
      throw new SheepException(ResultCode.INVALID_PARMS, "clone VDI " + snapshot);
    }
    return newVdi(name, based(base, 0), "clone a snapshot to");
  }

  private static RequestFields.Vdi based(VdiInfo base, int snapshotId) {
    return new RequestFields.Vdi(
        base.sizeBytes(),
        base.vid().value(),
        base.copies(),
        0,
        0,
        base.blockSizeShift(),
        snapshotId,
        0);
  }

  @Override
  public VdiInfo resize(VdiName name, long sizeBytes) throws SheepException {
    try (Volume volume = Volume.open(cluster, name, Access.READ_WRITE)) {
      volume.resize(sizeBytes);
      volume.flush();
      return volume.info();
    } catch (SheepException e) {
      throw e;
    } catch (IOException e) {
      throw new SheepException(ResultCode.INVALID_PARMS, "resize VDI '" + name + "'", e);
    }
  }

  /** The lock comes first: what a mount has open must not lose its objects before it is refused. */
  @Override
  public void delete(VdiName name) throws SheepException {
    try (VdiLock lock = lock(name)) {
      delete(name, null, lock.vdi());
    }
  }

  @Override
  public void delete(VdiName name, SnapshotSelector snapshot) throws SheepException {
    delete(name, snapshot, lookup(name, snapshot));
  }

  /** The original's order: first the client clears the index, which frees the objects. */
  private void delete(VdiName name, @Nullable SnapshotSelector snapshot, VdiInfo vdi)
      throws SheepException {
    ObjectMap map = ObjectMap.read(cluster.objects(), vdi);
    int step = 1 << 18;
    for (int start = 0; start < map.size(); start += step) {
      int end = Math.min(start + step, map.size());
      if (map.isUsed(start, end)) {
        ByteBuffer zeros = ByteBuffer.allocate((end - start) * InodeLayout.INDEX_ENTRY_BYTES);
        cluster
            .objects()
            .write(
                ObjectId.inode(vdi.vid()),
                InodeLayout.indexOffset(start),
                zeros,
                Durability.STABLE);
      }
    }
    send(Opcode.DEL_VDI, 0, name, snapshot).orThrow("delete VDI '" + name + "'");
  }

  @Override
  public @Nullable WriterMark lastWriter(VdiName name) throws SheepException {
    return new WriterMarks(cluster.objects()).read(name);
  }

  @Override
  public VdiLock lock(VdiName name, @Nullable WriterHandover handover) throws SheepException {
    return new WriterMarks(cluster.objects()).hold(lockOnly(name), handover);
  }

  private VdiLock lockOnly(VdiName name) throws SheepException {
    VdiId vid = find(Opcode.LOCK_VDI, RequestFlags.LEASE, name, null);
    VdiInfo vdi;
    try {
      vdi = info(vid);
    } catch (SheepException e) {
      release(vid);
      throw e;
    }
    return new Lock(vdi);
  }

  private void release(VdiId vid) throws SheepException {
    sheep.call(
        RequestHeader.of(
            Opcode.RELEASE_VDI, 0, 0, new RequestFields.Vdi(0, vid.value(), 0, 0, 0, 0, 0, 0)));
  }

  private final class Lock implements VdiLock {

    private final VdiInfo vdi;
    private boolean held = true;

    Lock(VdiInfo vdi) {
      this.vdi = vdi;
    }

    @Override
    public VdiInfo vdi() {
      return vdi;
    }

    /** The lock lives as long as the connection, and so does the command. */
    @Override
    public boolean isHeld() {
      return held;
    }

    @Override
    public void close() throws SheepException {
      if (held) {
        held = false;
        release(vdi.vid());
      }
    }
  }
}
