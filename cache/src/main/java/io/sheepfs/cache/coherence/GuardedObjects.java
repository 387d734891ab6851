package io.sheepfs.cache.coherence;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ObjectStore;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import java.nio.ByteBuffer;
import java.util.function.Predicate;

/**
 * What stands below the cache: lets data of a VDI out only while its lock is held. Dirty data of a
 * lock that was lost, or of a process that died, waits here until the lock is got again, or it is
 * known that somebody else wrote.
 */
record GuardedObjects(ObjectStore backing, Predicate<VdiId> held) implements ObjectStore {

  private void check(ObjectId oid) throws SheepException {
    if ((oid.isData() || oid.kind() == ObjectId.Kind.INODE) && !held.test(oid.vid())) {
      throw new SheepException(
          ResultCode.VDI_NOT_LOCKED, "write " + oid + ", whose VDI is not locked here");
    }
  }

  @Override
  public void read(ObjectId oid, long offset, ByteBuffer dst) throws SheepException {
    backing.read(oid, offset, dst);
  }

  @Override
  public void write(ObjectId oid, long offset, ByteBuffer src, Durability durability)
      throws SheepException {
    if (oid.isData() || durability == Durability.UNSTABLE) {
      check(oid); // what is unstable in an inode may be made again here, long after
    }
    backing.write(oid, offset, src, durability);
  }

  @Override
  public void create(ObjectId oid, long offset, ByteBuffer src, Durability durability)
      throws SheepException {
    check(oid);
    backing.create(oid, offset, src, durability);
  }

  @Override
  public void createCopy(
      ObjectId oid, ObjectId source, long offset, ByteBuffer src, Durability durability)
      throws SheepException {
    check(oid);
    backing.createCopy(oid, source, offset, src, durability);
  }

  @Override
  public void discard(ObjectId oid, long offset, long length, Durability durability)
      throws SheepException {
    check(oid);
    backing.discard(oid, offset, length, durability);
  }

  @Override
  public void remove(ObjectId oid) throws SheepException {
    check(oid);
    backing.remove(oid);
  }

  @Override
  public void flush(VdiId vid) throws SheepException {
    backing.flush(vid);
  }

  @Override
  public long losses(VdiId vid) {
    return backing.losses(vid);
  }
}
