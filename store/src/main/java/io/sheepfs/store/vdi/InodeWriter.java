package io.sheepfs.store.vdi;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.store.object.StoredObjects;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.locks.StampedLock;

/**
 * Takes the writes of clients to inodes. What falls into the header changes the table, what falls
 * into the index changes references. What falls into the original's reference counts is dropped:
 * they are the server's to keep, and this one keeps none.
 *
 * <p>An entry of the index can become 0 or the VDI's own id, nothing else. In a snapshot it can
 * only become 0, which is how clients of the original delete one.
 *
 * <p>Safe for any number of threads.
 */
public final class InodeWriter {

  private static final int[] NOTHING = {};

  private final VdiStore vdis;
  private final StoredObjects files;

  /** Writes to the inodes of {@code vdis}. */
  public InodeWriter(VdiStore vdis, StoredObjects files) {
    this.vdis = vdis;
    this.files = files;
  }

  /**
   * Writes {@code src}, which ends within the inode.
   *
   * @throws SheepException {@link ResultCode#NO_OBJ}, {@link ResultCode#INVALID_PARMS}, {@link
   *     ResultCode#READONLY} for a new reference in a snapshot
   */
  public void write(VdiId vid, long offset, ByteBuffer src, Durability durability)
      throws SheepException {
    long end = offset + src.remaining();
    if (offset < InodeLayout.HEADER_BYTES) {
      ByteBuffer part = part(src, offset, end, InodeLayout.HEADER_BYTES);
      vdis.writeHeader(vid, (int) offset, part, durability);
    }
    if (end > InodeLayout.INDEX && offset < InodeLayout.REFERENCES) {
      long start = Math.max(offset, InodeLayout.INDEX);
      writeIndex(vid, start, part(src, start, end, InodeLayout.REFERENCES), durability);
    }
    src.position(src.limit());
  }

  private static ByteBuffer part(ByteBuffer src, long start, long end, long limit) {
    int from = src.limit() - (int) (end - start);
    return src.slice(from, (int) (Math.min(end, limit) - start));
  }

  private void writeIndex(VdiId vid, long offset, ByteBuffer src, Durability durability)
      throws SheepException {
    long bytes = offset - InodeLayout.INDEX;
    if (bytes % InodeLayout.INDEX_ENTRY_BYTES != 0
        || src.remaining() % InodeLayout.INDEX_ENTRY_BYTES != 0) {
      throw refused(ResultCode.INVALID_PARMS, vid);
    }
    Vdi vdi = vdis.table().get(vid);
    if (vdi == null) {
      throw refused(ResultCode.NO_OBJ, vid);
    }
    StampedLock gate = vdi.gate();
    long stamp = gate.readLock();
    try {
      if (vdi.isDeleted()) {
        throw refused(ResultCode.NO_OBJ, vid);
      }
      if (vdis.isBroken()) {
        throw refused(ResultCode.EIO, vid);
      }
      change(vdi, (int) (bytes / InodeLayout.INDEX_ENTRY_BYTES), src, durability);
    } finally {
      gate.unlockRead(stamp);
    }
  }

  private void change(Vdi vdi, int first, ByteBuffer src, Durability durability)
      throws SheepException {
    int[] freed = freed(vdi, first, src);
    files.write(vdi.inode(), InodeLayout.indexOffset(first), src, durability);
    if (freed.length == 0) {
      return;
    }
    if (durability == Durability.UNSTABLE && mustBeDurable(vdi, freed)) {
      files.force(vdi.inode());
    }
    vdis.references().release(first, freed);
  }

  /**
   * The owners whose objects the write lets go of, by position; empty if there are none.
   *
   * <p>An entry that goes from another owner to this VDI is a copy on write. The copy stands for
   * data that may be durable, so it must be durable before the entry can be.
   */
  private int[] freed(Vdi vdi, int first, ByteBuffer src) throws SheepException {
    int count = src.remaining() / InodeLayout.INDEX_ENTRY_BYTES;
    int[] before = vdis.index().read(vdi.inode(), first, count);
    ByteBuffer entries = src.slice().order(ByteOrder.LITTLE_ENDIAN);
    int own = vdi.vid().value();
    boolean any = false;
    for (int i = 0; i < count; i++) {
      int after = entries.getInt(i * InodeLayout.INDEX_ENTRY_BYTES);
      if (after == before[i]) {
        before[i] = 0;
        continue;
      }
      if (after != 0 && after != own) {
        throw refused(ResultCode.INVALID_PARMS, vdi.vid());
      }
      if (after == own && vdi.isSnapshot()) {
        throw refused(ResultCode.READONLY, vdi.vid());
      }
      if (before[i] != 0) {
        any = true;
        if (after == own) {
          files.force(ObjectId.data(vdi.vid(), first + i));
        }
      }
    }
    return any ? before : NOTHING;
  }

  private static boolean mustBeDurable(Vdi vdi, int[] freed) {
    if (vdi.isSnapshot()) {
      return true;
    }
    for (int owner : freed) {
      if (owner != 0 && owner != vdi.vid().value()) {
        return true;
      }
    }
    return false;
  }

  private static SheepException refused(ResultCode why, VdiId vid) {
    return new SheepException(why, "write to the inode of VDI " + vid);
  }
}
