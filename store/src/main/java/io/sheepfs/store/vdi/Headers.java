package io.sheepfs.store.vdi;

import io.sheepfs.protocol.InodeHeader;
import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiName;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** The inode headers that come out of one another. */
final class Headers {

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
   * Whether an inode's file begins with what can be meant. A disk may have changed it, and then its
   * VDI is neither what it seems to be nor deleted.
   *
   * @param bytes of the header
   * @param storedBytes the length of the file
   */
  static boolean isSound(VdiId vid, ByteBuffer bytes, long storedBytes) {
    InodeHeader header = InodeHeader.decode(bytes.duplicate());
    if (header.vdiId() != vid.value()) {
      return false;
    }
    if (!header.isDeleted()) {
      return isPossible(header);
    }
    try {
      header.checkShape();
    } catch (IllegalArgumentException impossible) {
      return false;
    }
    // older versions wrote no word; what they left can be trusted if nothing depends on it
    ByteBuffer name = bytes.slice(bytes.position() + InodeLayout.NAME, InodeLayout.NAME_BYTES);
    return name.equals(epitaph()) || storedBytes <= InodeLayout.HEADER_BYTES;
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
