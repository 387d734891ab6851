package io.sheepfs.protocol;

import static io.sheepfs.protocol.HeaderUnion.at;

import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The part of a request's header that depends on the opcode. Each variant checks what it is made of
 * and throws {@link IllegalArgumentException}. Ids and epochs are unsigned 32-bit numbers in an
 * {@code int}; object ids are raw, since peers send 0 for none.
 */
public sealed interface RequestFields {

  /** The bytes. */
  HeaderUnion encode();

  /** No fields: all zeros. */
  record None() implements RequestFields {
    @Override
    public HeaderUnion encode() {
      return HeaderUnion.EMPTY;
    }
  }

  /**
   * A request about an object, or a part of it.
   *
   * @param oid the object
   * @param cowOid with {@link RequestFlags#COW}: what to copy from; else 0
   * @param copies replicas; 0 for what the VDI has
   * @param copyPolicy 0 for replication
   * @param ecIndex between peers: which replica this is
   * @param targetEpoch between peers: the epoch to look in
   * @param offset bytes
   */
  record Obj(
      long oid, long cowOid, int copies, int copyPolicy, int ecIndex, int targetEpoch, long offset)
      implements RequestFields {

    public Obj {
      Unsigned.checkU8("copies", copies);
      Unsigned.checkU8("copy_policy", copyPolicy);
      Unsigned.checkU8("ec_index", ecIndex);
      Unsigned.checkU32("offset", offset);
    }

    /** A whole object, or its range from {@code offset} on. */
    public static Obj of(ObjectId oid, long offset) {
      return new Obj(oid.value(), 0, 0, 0, 0, 0, offset);
    }

    /**
     * The object.
     *
     * @throws IllegalArgumentException if the id is none
     */
    public ObjectId objectId() {
      return new ObjectId(oid);
    }

    /**
     * The object to copy from.
     *
     * @throws IllegalArgumentException if the id is none
     */
    public ObjectId cowObjectId() {
      return new ObjectId(cowOid);
    }

    @Override
    public HeaderUnion encode() {
      return new HeaderUnion(
          oid,
          cowOid,
          at(HeaderLayout.OBJ_COPIES, copies)
              | at(HeaderLayout.OBJ_COPY_POLICY, copyPolicy)
              | at(HeaderLayout.OBJ_EC_INDEX, ecIndex)
              | at(HeaderLayout.OBJ_TARGET_EPOCH, targetEpoch),
          offset);
    }

    static Obj decode(HeaderUnion union) {
      return new Obj(
          union.u64(HeaderLayout.OBJ_OID),
          union.u64(HeaderLayout.OBJ_COW_OID),
          union.u8(HeaderLayout.OBJ_COPIES),
          union.u8(HeaderLayout.OBJ_COPY_POLICY),
          union.u8(HeaderLayout.OBJ_EC_INDEX),
          union.u32(HeaderLayout.OBJ_TARGET_EPOCH),
          union.u64(HeaderLayout.OBJ_OFFSET));
    }
  }

  /**
   * A request about a VDI.
   *
   * @param vdiSize bytes
   * @param baseVdiId what to snapshot, clone or release; 0 for none
   * @param copies replicas; 0 for the cluster's default
   * @param copyPolicy 0 for replication
   * @param storePolicy 0 for an index in the inode
   * @param blockSizeShift 0 for the cluster's default
   * @param snapshotId the number of a snapshot; in NEW_VDI: not 0 for taking one
   * @param lockType 0 for one owner, 1 for a shared lock
   */
  record Vdi(
      long vdiSize,
      int baseVdiId,
      int copies,
      int copyPolicy,
      int storePolicy,
      int blockSizeShift,
      int snapshotId,
      int lockType)
      implements RequestFields {

    public Vdi {
      Unsigned.checkU8("copies", copies);
      Unsigned.checkU8("copy_policy", copyPolicy);
      Unsigned.checkU8("store_policy", storePolicy);
      Unsigned.checkU8("block_size_shift", blockSizeShift);
    }

    /** A look-up, by name and perhaps snapshot. */
    public static Vdi lookup(int snapshotId) {
      return new Vdi(0, 0, 0, 0, 0, 0, snapshotId, 0);
    }

    @Override
    public HeaderUnion encode() {
      return new HeaderUnion(
          vdiSize,
          at(HeaderLayout.VDI_BASE, Integer.toUnsignedLong(baseVdiId))
              | at(HeaderLayout.VDI_COPIES, copies)
              | at(HeaderLayout.VDI_COPY_POLICY, copyPolicy)
              | at(HeaderLayout.VDI_STORE_POLICY, storePolicy)
              | at(HeaderLayout.VDI_BLOCK_SIZE_SHIFT, blockSizeShift),
          at(HeaderLayout.VDI_SNAPSHOT_ID, Integer.toUnsignedLong(snapshotId))
              | at(HeaderLayout.VDI_LOCK_TYPE, lockType),
          0);
    }

    static Vdi decode(HeaderUnion union) {
      return new Vdi(
          union.u64(HeaderLayout.VDI_SIZE),
          union.u32(HeaderLayout.VDI_BASE),
          union.u8(HeaderLayout.VDI_COPIES),
          union.u8(HeaderLayout.VDI_COPY_POLICY),
          union.u8(HeaderLayout.VDI_STORE_POLICY),
          union.u8(HeaderLayout.VDI_BLOCK_SIZE_SHIFT),
          union.u32(HeaderLayout.VDI_SNAPSHOT_ID),
          union.u32(HeaderLayout.VDI_LOCK_TYPE));
    }
  }

  /**
   * A request about the cluster.
   *
   * @param createTime seconds in the high half, nanoseconds in the low one
   * @param flags the {@code SD_CLUSTER_FLAG_*} bits
   * @param nodes STAT_CLUSTER: room for nodes in each record
   */
  record ClusterWide(
      long oid,
      long createTime,
      int copies,
      int copyPolicy,
      int flags,
      int tag,
      int nodes,
      int blockSizeShift)
      implements RequestFields {

    public ClusterWide {
      Unsigned.checkU8("copies", copies);
      Unsigned.checkU8("copy_policy", copyPolicy);
      Unsigned.checkU16("flags", flags);
      Unsigned.checkU8("block_size_shift", blockSizeShift);
    }

    @Override
    public HeaderUnion encode() {
      return new HeaderUnion(
          oid,
          createTime,
          at(HeaderLayout.CLUSTER_COPIES, copies)
              | at(HeaderLayout.CLUSTER_COPY_POLICY, copyPolicy)
              | at(HeaderLayout.CLUSTER_FLAGS, flags)
              | at(HeaderLayout.CLUSTER_TAG, tag),
          at(HeaderLayout.CLUSTER_NODES, Integer.toUnsignedLong(nodes))
              | at(HeaderLayout.CLUSTER_BLOCK_SIZE_SHIFT, blockSizeShift));
    }

    static ClusterWide decode(HeaderUnion union) {
      return new ClusterWide(
          union.u64(HeaderLayout.CLUSTER_OID),
          union.u64(HeaderLayout.CLUSTER_CREATE_TIME),
          union.u8(HeaderLayout.CLUSTER_COPIES),
          union.u8(HeaderLayout.CLUSTER_COPY_POLICY),
          union.u16(HeaderLayout.CLUSTER_FLAGS),
          union.u32(HeaderLayout.CLUSTER_TAG),
          union.u32(HeaderLayout.CLUSTER_NODES),
          union.u8(HeaderLayout.CLUSTER_BLOCK_SIZE_SHIFT));
    }
  }

  /** NOTIFY_VDI_ADD and ALTER_VDI_COPY: how a VDI is stored from now on. */
  record VdiChange(
      int oldVid, int newVid, int copies, int setBitmap, int copyPolicy, int blockSizeShift)
      implements RequestFields {

    public VdiChange {
      Unsigned.checkU8("copies", copies);
      Unsigned.checkU8("set_bitmap", setBitmap);
      Unsigned.checkU8("copy_policy", copyPolicy);
      Unsigned.checkU8("block_size_shift", blockSizeShift);
    }

    @Override
    public HeaderUnion encode() {
      return new HeaderUnion(
          at(HeaderLayout.STATE_OLD_VID, Integer.toUnsignedLong(oldVid))
              | at(HeaderLayout.STATE_NEW_VID, newVid),
          at(HeaderLayout.STATE_COPIES, copies)
              | at(HeaderLayout.STATE_SET_BITMAP, setBitmap)
              | at(HeaderLayout.STATE_COPY_POLICY, copyPolicy)
              | at(HeaderLayout.STATE_BLOCK_SIZE_SHIFT, blockSizeShift),
          0,
          0);
    }

    static VdiChange decode(HeaderUnion union) {
      return new VdiChange(
          union.u32(HeaderLayout.STATE_OLD_VID),
          union.u32(HeaderLayout.STATE_NEW_VID),
          union.u8(HeaderLayout.STATE_COPIES),
          union.u8(HeaderLayout.STATE_SET_BITMAP),
          union.u8(HeaderLayout.STATE_COPY_POLICY),
          union.u8(HeaderLayout.STATE_BLOCK_SIZE_SHIFT));
    }
  }

  /** DECREF_OBJ: takes one reference of a generation back and adds {@code count} to the next. */
  record Reference(long ledgerOid, int generation, int count) implements RequestFields {
    @Override
    public HeaderUnion encode() {
      return new HeaderUnion(
          ledgerOid,
          at(HeaderLayout.REFERENCE_GENERATION, Integer.toUnsignedLong(generation))
              | at(HeaderLayout.REFERENCE_COUNT, count),
          0,
          0);
    }

    static Reference decode(HeaderUnion union) {
      return new Reference(
          union.u64(HeaderLayout.REFERENCE_OID),
          union.u32(HeaderLayout.REFERENCE_GENERATION),
          union.u32(HeaderLayout.REFERENCE_COUNT));
    }
  }

  /** REPAIR_REPLICA: fetch {@code oid} from the sheep at an address. */
  record Forward(long oid, InetAddress address, int port) implements RequestFields {
    public Forward {
      Unsigned.checkU16("port", port);
    }

    @Override
    public HeaderUnion encode() {
      ByteBuffer raw = ByteBuffer.wrap(WireAddress.encode(address)).order(ByteOrder.LITTLE_ENDIAN);
      return new HeaderUnion(
          oid, raw.getLong(), raw.getLong(), at(HeaderLayout.FORWARD_PORT, port));
    }

    static Forward decode(HeaderUnion union) {
      ByteBuffer raw = ByteBuffer.allocate(WireAddress.BYTES).order(ByteOrder.LITTLE_ENDIAN);
      raw.putLong(union.u64(HeaderLayout.FORWARD_ADDRESS));
      raw.putLong(union.u64(HeaderLayout.FORWARD_ADDRESS + Long.BYTES));
      return new Forward(
          union.u64(HeaderLayout.FORWARD_OID),
          WireAddress.decode(raw.array()),
          union.u16(HeaderLayout.FORWARD_PORT));
    }
  }

  /** VDI_STATE_CHECKPOINT_CTL: fetch, or drop, the lock state of a VDI as of an epoch. */
  record Checkpoint(int get, int targetEpoch, int vid) implements RequestFields {
    @Override
    public HeaderUnion encode() {
      return new HeaderUnion(
          at(HeaderLayout.CHECKPOINT_GET, Integer.toUnsignedLong(get))
              | at(HeaderLayout.CHECKPOINT_TARGET_EPOCH, targetEpoch),
          at(HeaderLayout.CHECKPOINT_VID, Integer.toUnsignedLong(vid)),
          0,
          0);
    }

    static Checkpoint decode(HeaderUnion union) {
      return new Checkpoint(
          union.u32(HeaderLayout.CHECKPOINT_GET),
          union.u32(HeaderLayout.CHECKPOINT_TARGET_EPOCH),
          union.u32(HeaderLayout.CHECKPOINT_VID));
    }
  }

  /** INODE_COHERENCE: an iSCSI target changed, or re-read, the inode of a VDI. */
  record Coherence(int vid, int validate) implements RequestFields {
    @Override
    public HeaderUnion encode() {
      return new HeaderUnion(
          at(HeaderLayout.COHERENCE_VID, Integer.toUnsignedLong(vid))
              | at(HeaderLayout.COHERENCE_VALIDATE, validate),
          0,
          0,
          0);
    }

    static Coherence decode(HeaderUnion union) {
      return new Coherence(
          union.u32(HeaderLayout.COHERENCE_VID), union.u32(HeaderLayout.COHERENCE_VALIDATE));
    }
  }
}
