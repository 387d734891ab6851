package io.sheepfs.store.vdi;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.InodeHeader;
import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.store.object.StoredObjects;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Inode headers: which come out of one another, and which can be believed. */
public final class Headers {

  private static final Logger log = LoggerFactory.getLogger(Headers.class);

  private static final byte[] NONE = {};

  private Headers() {}

  /** A working VDI with the content of {@code base}, its parent. */
  static InodeHeader cloned(
      InodeHeader base, VdiName name, VdiId vid, int snapshotId, long createTime) {
    return new InodeHeader(
        name.toBytes(),
        NONE,
        createTime,
        0,
        0,
        base.vdiSize(),
        0,
        base.copyPolicy(),
        base.storePolicy(),
        base.copies(),
        base.blockSizeShift(),
        snapshotId,
        vid.value(),
        base.vdiId(),
        base.btreeCounter());
  }

  /** {@code old} as a snapshot. */
  static InodeHeader frozen(InodeHeader old, byte[] tag, long snapshotTime) {
    return with(old, old.name(), tag, snapshotTime, old.vdiSize());
  }

  /** {@code old} without its name. */
  static InodeHeader tombstone(InodeHeader old) {
    return with(old, NONE, old.tag(), old.snapshotTime(), old.vdiSize());
  }

  /** {@code old} with another size. */
  static InodeHeader resized(InodeHeader old, long vdiSize) {
    return with(old, old.name(), old.tag(), old.snapshotTime(), vdiSize);
  }

  private static InodeHeader with(
      InodeHeader old, byte[] name, byte[] tag, long snapshotTime, long vdiSize) {
    return new InodeHeader(
        name,
        tag,
        old.createTime(),
        snapshotTime,
        old.vmClockNanos(),
        vdiSize,
        old.vmStateSize(),
        old.copyPolicy(),
        old.storePolicy(),
        old.copies(),
        old.blockSizeShift(),
        old.snapshotId(),
        old.vdiId(),
        old.parentVdiId(),
        old.btreeCounter());
  }

  /** Whether a header makes sense. */
  static boolean isPossible(InodeHeader header) {
    try {
      return header.toVdiInfo().vid().value() == header.vdiId();
    } catch (IllegalArgumentException impossible) {
      return false;
    }
  }

  /**
   * What stands where the name of a deleted VDI was: an end of text, which is what tells clients,
   * and a word, so that zeros are no deletion.
   */
  static ByteBuffer epitaph() {
    return ByteBuffer.allocate(InodeLayout.NAME_BYTES)
        .put(1, "deleted".getBytes(StandardCharsets.US_ASCII));
  }

  /**
   * The header of an inode that is here; null if it cannot be believed.
   *
   * @throws SheepException {@link ResultCode#NO_OBJ}
   */
  public static @Nullable InodeHeader sound(StoredObjects files, ObjectId inode)
      throws SheepException {
    ByteBuffer bytes = ByteBuffer.allocate(InodeLayout.HEADER_BYTES);
    files.read(inode, 0, bytes);
    return sound(inode.vid(), bytes.flip());
  }

  /**
   * The header of an inode; null if its file begins with what cannot be meant. A disk may have
   * changed it, and then its VDI is neither what it seems to be nor deleted.
   *
   * @param bytes of the header
   */
  public static @Nullable InodeHeader sound(VdiId vid, ByteBuffer bytes) {
    InodeHeader header = InodeHeader.decode(bytes.duplicate());
    boolean isSound =
        header.isDeleted()
            ? isTombstone(vid, header) && nameOf(bytes).equals(epitaph())
            : header.vdiId() == vid.value() && isPossible(header);
    return isSound ? header : null;
  }

  private static boolean isTombstone(VdiId vid, InodeHeader header) {
    try {
      header.checkShape();
    } catch (IllegalArgumentException impossible) {
      return false;
    }
    return header.isDeleted() && header.vdiId() == vid.value();
  }

  private static ByteBuffer nameOf(ByteBuffer bytes) {
    return bytes.slice(bytes.position() + InodeLayout.NAME, InodeLayout.NAME_BYTES);
  }

  /**
   * Writes the word into the tombstones of a version that left it out; durable on return. What
   * cannot be read is left to whoever reads it next.
   */
  public static void engrave(StoredObjects files) throws SheepException {
    for (ObjectId oid : files.list()) {
      if (oid.kind() == ObjectId.Kind.INODE && isWithoutWord(files, oid)) {
        if (files.storedBytes(oid) > InodeLayout.HEADER_BYTES) {
          log.warn("VDI {} is deleted, as an older version left it; it is completed", oid.vid());
        }
        files.write(oid, InodeLayout.NAME, epitaph(), Durability.STABLE);
      }
    }
  }

  private static boolean isWithoutWord(StoredObjects files, ObjectId inode) throws SheepException {
    ByteBuffer bytes = ByteBuffer.allocate(InodeLayout.HEADER_BYTES);
    try {
      files.read(inode, 0, bytes);
    } catch (SheepException e) {
      if (e.result() != ResultCode.EIO) {
        throw e;
      }
      log.warn("the inode {} cannot be read: {}", inode, e.getMessage());
      return false;
    }
    return isTombstone(inode.vid(), InodeHeader.decode(bytes.flip().duplicate()))
        && !nameOf(bytes).equals(epitaph());
  }

  /** Whether two headers differ at most in what clients may change. */
  static boolean sameIdentity(InodeHeader one, InodeHeader other) {
    return Arrays.equals(one.name(), other.name())
        && (!one.isSnapshot() || Arrays.equals(one.tag(), other.tag()))
        && one.createTime() == other.createTime()
        && one.snapshotTime() == other.snapshotTime()
        && one.copyPolicy() == other.copyPolicy()
        && one.storePolicy() == other.storePolicy()
        && one.blockSizeShift() == other.blockSizeShift()
        && one.snapshotId() == other.snapshotId()
        && one.vdiId() == other.vdiId()
        && one.parentVdiId() == other.parentVdiId();
  }
}
