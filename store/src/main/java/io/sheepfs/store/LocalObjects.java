package io.sheepfs.store;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ObjectStore;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.store.object.StoredObjects;
import io.sheepfs.store.vdi.InodeWriter;
import io.sheepfs.store.vdi.Vdi;
import io.sheepfs.store.vdi.VdiStore;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.List;
import java.util.concurrent.locks.StampedLock;
import java.util.function.BooleanSupplier;
import java.util.function.IntSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The objects of a local store: the files, and the rules of what may be done to them.
 *
 * <p>Beyond the port: objects of VDIs that the store does not know are taken, with the default
 * object size; inodes come and go through {@link VdiStore} only, so creating, discarding or
 * removing one is {@link ResultCode#INVALID_PARMS}; a data object of a deleted VDI cannot be made
 * any more ({@link ResultCode#NO_VDI}).
 *
 * <p>Safe for any number of threads.
 */
public final class LocalObjects implements ObjectStore {

  /** Bytes of an attribute object. */
  public static final int ATTRIBUTE_BYTES = 66_320;

  private static final int BTREE_BYTES = 1 << 22;
  private static final int DIGEST_CHUNK_BYTES = 1 << 18;

  private final StoredObjects files;
  private final VdiStore vdis;
  private final InodeWriter inodes;
  private final Readiness readiness;
  private final IntSupplier defaultBlockSizeShift;

  /** Whether requests can be served. */
  public interface Readiness {
    /**
     * Returns if they can.
     *
     * @throws SheepException why not
     */
    void check() throws SheepException;
  }

  /**
   * The objects of a store.
   *
   * @param readiness asked before each request
   * @param defaultBlockSizeShift for objects of VDIs that the store does not know
   */
  public LocalObjects(
      StoredObjects files, VdiStore vdis, Readiness readiness, IntSupplier defaultBlockSizeShift) {
    this.files = files;
    this.vdis = vdis;
    this.inodes = new InodeWriter(vdis, files);
    this.readiness = readiness;
    this.defaultBlockSizeShift = defaultBlockSizeShift;
  }

  /** The size of an object: no byte of it lies behind. */
  public long sizeBytes(ObjectId oid) {
    return sizeBytes(oid, vdis.table().get(oid.vid()));
  }

  private long sizeBytes(ObjectId oid, @Nullable Vdi vdi) {
    return switch (oid.kind()) {
      case INODE -> InodeLayout.SIZE_BYTES;
      case ATTRIBUTE -> ATTRIBUTE_BYTES;
      case BTREE, LEDGER -> BTREE_BYTES;
      case DATA, VM_STATE -> {
        int shift = vdi == null ? 0 : vdi.header().blockSizeShift();
        yield 1L << (shift == 0 ? defaultBlockSizeShift.getAsInt() : shift);
      }
    };
  }

  private @Nullable Vdi check(ObjectId oid, long offset, long length) throws SheepException {
    readiness.check();
    Vdi vdi = vdis.table().get(oid.vid());
    if (offset < 0 || length < 0 || offset > sizeBytes(oid, vdi) - length) {
      throw refused(ResultCode.INVALID_PARMS, offset + "+" + length, oid);
    }
    if (oid.isData() && (oid.index() < 0 || oid.index() >= InodeLayout.INDEX_ENTRIES)) {
      throw refused(ResultCode.INVALID_PARMS, "index", oid);
    }
    return vdi;
  }

  private static SheepException refused(ResultCode why, String what, ObjectId oid) {
    return new SheepException(why, what + " of object " + oid);
  }

  @Override
  public void read(ObjectId oid, long offset, ByteBuffer dst) throws SheepException {
    check(oid, offset, dst.remaining());
    files.read(oid, offset, dst);
  }

  @Override
  public void expect(ObjectId oid, long offset, long length, BooleanSupplier wanted) {
    files.expect(oid, offset, length, wanted);
  }

  /** A change of an object that is not an inode. */
  private interface Change {
    void run() throws SheepException;
  }

  /** Lets a change through while the VDI is neither frozen nor deleted. */
  private void changing(@Nullable Vdi vdi, ObjectId oid, Change change) throws SheepException {
    if (vdi == null) {
      change.run();
      return;
    }
    StampedLock gate = vdi.gate();
    long stamp = gate.readLock();
    try {
      if (vdis.isBroken()) {
        throw refused(ResultCode.EIO, "change", oid);
      }
      if (oid.isData() && vdi.isSnapshot()) {
        // of a deleted one, too: its writer goes on with the VDI that followed it
        throw refused(ResultCode.READONLY, "change", oid);
      }
      if (oid.isData() && vdi.isDeleted()) {
        throw refused(ResultCode.NO_VDI, "change", oid);
      }
      change.run();
    } finally {
      gate.unlockRead(stamp);
    }
  }

  @Override
  public void write(ObjectId oid, long offset, ByteBuffer src, Durability durability)
      throws SheepException {
    Vdi vdi = check(oid, offset, src.remaining());
    if (oid.kind() == ObjectId.Kind.INODE) {
      inodes.write(oid.vid(), offset, src, durability);
    } else {
      changing(vdi, oid, () -> files.write(oid, offset, src, durability));
    }
  }

  @Override
  public void create(ObjectId oid, long offset, ByteBuffer src, Durability durability)
      throws SheepException {
    Vdi vdi = checkNotInode(oid, offset, src.remaining());
    changing(
        vdi,
        oid,
        () -> {
          checkNotDeleted(vdi, oid);
          files.create(oid, offset, src, durability);
        });
  }

  @Override
  public void createCopy(
      ObjectId oid, ObjectId source, long offset, ByteBuffer src, Durability durability)
      throws SheepException {
    Vdi vdi = checkNotInode(oid, offset, src.remaining());
    if (sizeBytes(source) != sizeBytes(oid, vdi)) {
      throw refused(ResultCode.INVALID_PARMS, "copy to " + oid, source);
    }
    changing(
        vdi,
        oid,
        () -> {
          checkNotDeleted(vdi, oid);
          files.createCopy(oid, source, offset, src, durability);
        });
  }

  private @Nullable Vdi checkNotInode(ObjectId oid, long offset, long length)
      throws SheepException {
    if (oid.kind() == ObjectId.Kind.INODE) {
      throw refused(ResultCode.INVALID_PARMS, "change", oid);
    }
    return check(oid, offset, length);
  }

  private static void checkNotDeleted(@Nullable Vdi vdi, ObjectId oid) throws SheepException {
    if (vdi != null && vdi.isDeleted() && oid.kind() != ObjectId.Kind.ATTRIBUTE) {
      throw refused(ResultCode.NO_VDI, "creation", oid);
    }
  }

  @Override
  public void discard(ObjectId oid, long offset, long length, Durability durability)
      throws SheepException {
    Vdi vdi = checkNotInode(oid, offset, length);
    changing(
        vdi,
        oid,
        () -> {
          try {
            files.zero(oid, offset, offset + length, sizeBytes(oid, vdi), durability);
          } catch (SheepException e) {
            if (e.result() != ResultCode.NO_OBJ) {
              throw e;
            }
          }
        });
  }

  @Override
  public void remove(ObjectId oid) throws SheepException {
    Vdi vdi = checkNotInode(oid, 0, 0);
    changing(vdi, oid, () -> files.remove(oid));
  }

  @Override
  public void flush(VdiId vid) throws SheepException {
    readiness.check();
    files.flush(vid);
  }

  /** Whether an object is there. */
  public boolean exists(ObjectId oid) throws SheepException {
    readiness.check();
    return files.exists(oid);
  }

  /** The ids of all objects, in the order of the wire: ascending as unsigned numbers. */
  public List<ObjectId> list() throws SheepException {
    readiness.check();
    List<ObjectId> oids = files.list();
    oids.sort(null);
    return oids;
  }

  /**
   * The SHA-1 digest of a whole object, the zeros behind the end of its file included.
   *
   * @throws SheepException {@link ResultCode#NO_OBJ}
   */
  public byte[] digest(ObjectId oid) throws SheepException {
    readiness.check();
    MessageDigest digest = sha1();
    ByteBuffer chunk = ByteBuffer.allocate(DIGEST_CHUNK_BYTES);
    long size = sizeBytes(oid);
    for (long at = 0; at < size; at += chunk.limit()) {
      chunk.clear().limit((int) Math.min(DIGEST_CHUNK_BYTES, size - at));
      files.read(oid, at, chunk);
      digest.update(chunk.flip());
    }
    return digest.digest();
  }

  private static MessageDigest sha1() {
    try {
      return MessageDigest.getInstance("SHA-1");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-1", e);
    }
  }
}
