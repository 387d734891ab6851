package io.sheepfs.store.server;

import io.netty.buffer.Unpooled;
import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.InodeHeader;
import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.NodeId;
import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RequestFields;
import io.sheepfs.protocol.RequestFlags;
import io.sheepfs.protocol.ResponseFields;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.SnapshotSelector;
import io.sheepfs.protocol.SnapshotTag;
import io.sheepfs.protocol.VdiBitmap;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiInfo;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiNameRecord;
import io.sheepfs.protocol.VdiSpec;
import io.sheepfs.protocol.VdiStateRecord;
import io.sheepfs.store.SheepNode;
import io.sheepfs.store.vdi.Vdi;
import io.sheepfs.store.vdi.VdiLocks;
import io.sheepfs.store.vdi.VdiStore;
import io.sheepfs.store.vdi.VdiTable;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The operations on VDIs, each named after its opcode. */
final class VdiHandlers {

  /** {@code SD_CLUSTER_FLAG_USE_LOCK}. */
  private static final int USE_LOCK = 0x0008;

  private final SheepNode sheep;
  private final int maxBlockSizeShift;

  /**
   * The operations on the VDIs of a node.
   *
   * @param maxBlockSizeShift of a new VDI: larger objects would not fit into a message
   */
  VdiHandlers(SheepNode sheep, int maxBlockSizeShift) {
    this.sheep = sheep;
    this.maxBlockSizeShift = maxBlockSizeShift;
  }

  private VdiStore store() throws SheepException {
    return sheep.vdiStore();
  }

  static String text(byte[] bytes) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      throw new IllegalArgumentException("a name is not UTF-8", e);
    }
  }

  /** What a request means by its name, tag and snapshot number. */
  private static VdiStore.Choice choice(Request request) {
    VdiNameRecord named = VdiNameRecord.decode(request.bytes());
    VdiName name = new VdiName(text(named.name()));
    byte[] tag = named.tag();
    return choice(name, tag == null ? "" : text(tag), request.header().vdi().snapshotId());
  }

  /** What is meant by a name, a tag and a number, of which the last two can be missing. */
  static VdiStore.Choice choice(VdiName name, String tag, int snapshotId) {
    SnapshotTag wanted = tag.isEmpty() ? null : new SnapshotTag(tag);
    return table -> find(table, name, wanted, snapshotId);
  }

  /** A snapshot is meant if its tag or its number is; without either, the working VDI. */
  private static Vdi find(VdiTable table, VdiName name, @Nullable SnapshotTag tag, int snapshotId)
      throws SheepException {
    if (tag != null) {
      SnapshotSelector byTag = new SnapshotSelector.ByTag(tag);
      Vdi tagged = table.snapshot(name, byTag);
      if (tagged != null || snapshotId == 0) {
        return tagged != null ? tagged : table.requireSnapshot(name, byTag);
      }
    }
    return snapshotId == 0
        ? table.requireWorking(name)
        : table.requireSnapshot(name, new SnapshotSelector.ById(snapshotId));
  }

  private static Answer answer(Vdi vdi) {
    return answer(ResultCode.SUCCESS, vdi);
  }

  private static Answer answer(ResultCode result, Vdi vdi) {
    return answer(result, vdi, 0);
  }

  private static Answer answer(ResultCode result, Vdi vdi, int generation) {
    InodeHeader header = vdi.header();
    return new Answer(
        result,
        new ResponseFields.Vdi(
            vdi.vid().value(), generation, header.copies(), header.blockSizeShift()),
        Unpooled.EMPTY_BUFFER);
  }

  /** The id by name, with tag or number of a snapshot; the rest is read from the inode. */
  Answer getVdiInfo(Request request) throws SheepException {
    return answer(choice(request).in(store().table()));
  }

  /**
   * Without a base: creates. With one and no snapshot number: clones. With a number: freezes the
   * working VDI of that name, under the tag that its inode carries already; what follows it goes on
   * from the base, which is that VDI for a snapshot, and an earlier one to go back there. Erasure
   * codes and hypervolumes are not supported.
   */
  Answer newVdi(Request request) throws SheepException {
    if (request.body().readableBytes() != VdiNameRecord.NAME_BYTES) {
      throw new SheepException(ResultCode.INVALID_PARMS, "NEW_VDI without a name");
    }
    VdiName name = new VdiName(text(VdiNameRecord.decode(request.bytes()).name()));
    RequestFields.Vdi fields = request.header().vdi();
    if (fields.copyPolicy() != 0 || fields.storePolicy() != 0) {
      throw new SheepException(ResultCode.NO_SUPPORT, "erasure code or hypervolume " + name);
    }
    if (fields.blockSizeShift() > maxBlockSizeShift) {
      throw new SheepException(
          ResultCode.INVALID_PARMS, name + " with a block size shift over " + maxBlockSizeShift);
    }
    if (fields.snapshotId() != 0) {
      return answer(nextGeneration(request, name, fields));
    }
    if (fields.baseVdiId() != 0) {
      return answer(store().cloneSnapshot(new VdiId(fields.baseVdiId()), name));
    }
    VdiSpec spec = new VdiSpec(fields.vdiSize(), fields.copies(), fields.blockSizeShift());
    return answer(store().create(name, sheep.withDefaults(spec)));
  }

  private Vdi nextGeneration(Request request, VdiName name, RequestFields.Vdi fields)
      throws SheepException {
    VdiId base = new VdiId(fields.baseVdiId());
    boolean goBack = !store().table().requireWorking(name).vid().equals(base);
    if (!goBack || request.header().has(RequestFlags.WORKING_BASE)) {
      VdiStore.Choice unchanged =
          table -> {
            Vdi working = table.requireWorking(name);
            if (!working.vid().equals(base)) {
              // somebody else was faster: what would be the snapshot is there already
              throw new SheepException(ResultCode.VDI_EXIST, "snapshot of an old " + name);
            }
            return working;
          };
      return store().snapshot(unchanged, null);
    }
    Vdi back = store().rollback(table -> table.requireWorking(name), base, request.connection());
    if (fields.vdiSize() != back.header().vdiSize()) {
      VdiInfo unused =
          store().resize(VdiStore.byId(back.vid()), fields.vdiSize(), request.connection());
    }
    return back;
  }

  /**
   * Removes the VDI with all its objects, whatever its index still has; the original leaves a
   * zombie then. A lease of somebody else protects it.
   */
  Answer delVdi(Request request) throws SheepException {
    VdiStore.Choice doomed = choice(request);
    VdiId[] vid = new VdiId[1];
    store()
        .delete(
            table -> {
              Vdi vdi = doomed.in(table);
              vid[0] = vdi.vid();
              return vdi;
            },
            request.connection());
    return Answer.fields(new ResponseFields.Vdi(vid[0].value(), 0, 0, 0));
  }

  /**
   * With the LEASE flag, the lock belongs to the connection and is always enforced. Without it, it
   * belongs to the node and only counts in a cluster that was formatted to use locks; but nobody
   * gets past a lease.
   */
  Answer lockVdi(Request request) throws SheepException {
    VdiStore.Choice wanted = choice(request);
    Vdi vdi = wanted.in(store().table());
    boolean leased = request.header().has(RequestFlags.LEASE);
    try {
      if (leased) {
        VdiLocks.Lock lock = lease(wanted, vdi.vid(), request);
        return answer(ResultCode.SUCCESS, wanted.in(store().table()), lock.generation());
      } else if ((sheep.flags() & USE_LOCK) != 0) {
        if (request.header().vdi().lockType() != 0) {
          throw new SheepException(ResultCode.NO_SUPPORT, "shared lock of " + vdi.vid());
        }
        VdiLocks.Lock unused = store().lock(wanted, this, false);
      } else {
        store().locks().checkNotLeasedElsewhere(vdi.vid(), this);
      }
    } catch (SheepException e) {
      if (e.result() == ResultCode.VDI_LOCKED) {
        return answer(ResultCode.VDI_LOCKED, vdi);
      }
      throw e;
    }
    return answer(wanted.in(store().table()));
  }

  /** Again a lease for whoever has one, by another connection: he may be the only one to know. */
  private VdiLocks.Lock lease(VdiStore.Choice wanted, VdiId vid, Request request)
      throws SheepException {
    VdiLocks locks = store().locks();
    boolean isFree = locks.awaitEnd(vid);
    try {
      int holder = request.header().vdi().baseVdiId();
      VdiLocks.Lock lock = store().lock(wanted, request.connection(), true, holder);
      if (!locks.awaitEnd(vid)) {
        throw new SheepException(ResultCode.AGAIN, "changes of VDI " + vid + " are under way");
      }
      return lock;
    } catch (SheepException e) {
      if (!isFree && e.result() == ResultCode.VDI_LOCKED && locks.holder(vid) == null) {
        throw new SheepException(ResultCode.AGAIN, "VDI " + vid + " is just being given back", e);
      }
      throw e;
    }
  }

  /**
   * Succeeds whether it was locked or not, but for a lease of somebody else: that stays. With the
   * LEASE flag, that of the connection ends, whatever id snapshots have given its VDI since.
   */
  Answer releaseVdi(Request request) throws SheepException {
    if (request.header().has(RequestFlags.LEASE)) {
      store().locks().releaseAll(request.connection());
    } else {
      VdiId vid = new VdiId(request.header().vdi().baseVdiId());
      store().locks().release(vid, request.connection());
    }
    return Answer.SUCCESS;
  }

  /** The ids that were ever given out. */
  Answer readVdis(Request request) throws SheepException {
    return bitmap(request, store().table().idsInUse());
  }

  /** The ids among them whose VDI was deleted. */
  Answer readDelVdis(Request request) throws SheepException {
    return bitmap(request, store().table().deletedIds());
  }

  private static Answer bitmap(Request request, byte[] bits) throws SheepException {
    if (request.header().answerLimit() != VdiBitmap.SIZE_BYTES) {
      throw new SheepException(ResultCode.INVALID_PARMS, "a bitmap of another size");
    }
    return Answer.body(ByteBuffer.wrap(bits));
  }

  /** How each VDI is stored and who has it locked, tombstones too. */
  Answer getVdiCopies(Request request) throws SheepException {
    List<Vdi> vdis = new ArrayList<>(store().table().all());
    if ((long) vdis.size() * VdiStateRecord.SIZE_BYTES > request.header().answerLimit()) {
      return Answer.of(ResultCode.BUFFER_SMALL);
    }
    vdis.sort(Comparator.comparing(Vdi::vid));
    NodeInfo self = sheep.self();
    List<VdiStateRecord> states = new ArrayList<>(vdis.size());
    for (Vdi vdi : vdis) {
      states.add(state(vdi, self));
    }
    return Answer.body(VdiStateRecord.encodeAll(states, Opcode.INTERNAL_VERSION));
  }

  private VdiStateRecord state(Vdi vdi, NodeInfo self) throws SheepException {
    InodeHeader header = vdi.header();
    boolean locked = store().locks().holder(vdi.vid()) != null;
    NodeId owner = locked ? new NodeId(self.address(), self.port()) : new NodeId(anyAddress(), 0);
    return new VdiStateRecord(
        vdi.vid().value(),
        header.copies(),
        vdi.isSnapshot(),
        vdi.isDeleted(),
        header.copyPolicy(),
        header.blockSizeShift(),
        header.parentVdiId(),
        locked ? VdiStateRecord.LOCKED : VdiStateRecord.UNLOCKED,
        owner,
        List.of());
  }

  private static InetAddress anyAddress() {
    try {
      return InetAddress.getByAddress(new byte[16]);
    } catch (java.net.UnknownHostException e) {
      throw new IllegalStateException("16 bytes are always an address", e);
    }
  }

  /** Changes how many replicas the VDI is said to have. */
  Answer alterVdiCopy(Request request) throws SheepException {
    RequestFields.VdiChange change = request.header().vdiChange();
    if (change.copyPolicy() != 0 || change.copies() == 0) {
      throw new SheepException(ResultCode.INVALID_PARMS, "copies of a VDI");
    }
    ByteBuffer copies = ByteBuffer.wrap(new byte[] {(byte) change.copies()});
    ObjectId inode = ObjectId.inode(new VdiId(change.newVid()));
    sheep.objects().write(inode, InodeLayout.COPIES, copies, Durability.STABLE);
    return Answer.SUCCESS;
  }
}
