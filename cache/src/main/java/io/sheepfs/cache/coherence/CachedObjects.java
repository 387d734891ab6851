package io.sheepfs.cache.coherence;

import io.sheepfs.cache.ObjectCache;
import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ObjectStore;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import java.nio.ByteBuffer;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Sends each request to the cache, or past it, as {@link Coherence} says. */
final class CachedObjects implements ObjectStore {

  private static final Logger log = LoggerFactory.getLogger(CachedObjects.class);

  private final ObjectStore backing;
  private final ObjectCache cache;
  private final Coherence coherence;
  private final CachedVdis vdis;

  CachedObjects(ObjectStore backing, ObjectCache cache, Coherence coherence, CachedVdis vdis) {
    this.backing = backing;
    this.cache = cache;
    this.coherence = coherence;
    this.vdis = vdis;
  }

  /** The cache passes on what is no data, and learns from inodes which objects go away. */
  private boolean throughCache(ObjectId oid) {
    return !oid.isData() || coherence.mayWrite(oid.vid());
  }

  @Override
  public void read(ObjectId oid, long offset, ByteBuffer dst) throws SheepException {
    if (oid.isData() && coherence.mayRead(oid)) {
      cache.read(oid, offset, dst);
    } else {
      backing.read(oid, offset, dst);
    }
  }

  @Override
  public void expect(ObjectId oid, long offset, long length, BooleanSupplier wanted) {
    if (oid.isData()) {
      cache.expect(oid, offset, length, () -> wanted.getAsBoolean() && isCachable(oid));
    }
  }

  private boolean isCachable(ObjectId oid) {
    try {
      return coherence.mayRead(oid);
    } catch (SheepException e) {
      log.debug("cannot tell whether {} may be cached", oid, e);
      return false;
    }
  }

  @Override
  public void write(ObjectId oid, long offset, ByteBuffer src, Durability durability)
      throws SheepException {
    if (oid.kind() == ObjectId.Kind.INODE && !coherence.mayWrite(oid.vid())) {
      ByteBuffer copy = src.duplicate();
      backing.write(oid, offset, src, durability);
      cache.inodeWritten(oid, offset, copy);
    } else if (throughCache(oid)) {
      cache.write(oid, offset, src, durability);
    } else {
      coherence.changedPast(oid);
      backing.write(oid, offset, src, durability);
    }
  }

  @Override
  public void create(ObjectId oid, long offset, ByteBuffer src, Durability durability)
      throws SheepException {
    if (throughCache(oid)) {
      cache.create(oid, offset, src, durability);
    } else {
      coherence.changedPast(oid);
      backing.create(oid, offset, src, durability);
    }
  }

  @Override
  public void createCopy(
      ObjectId oid, ObjectId source, long offset, ByteBuffer src, Durability durability)
      throws SheepException {
    if (throughCache(oid)) {
      cache.createCopy(oid, source, offset, src, durability);
    } else {
      coherence.changedPast(oid);
      backing.createCopy(oid, source, offset, src, durability);
    }
  }

  @Override
  public void discard(ObjectId oid, long offset, long length, Durability durability)
      throws SheepException {
    if (throughCache(oid)) {
      cache.discard(oid, offset, length, durability);
    } else {
      coherence.changedPast(oid);
      backing.discard(oid, offset, length, durability);
    }
  }

  @Override
  public void remove(ObjectId oid) throws SheepException {
    if (throughCache(oid)) {
      cache.remove(oid);
    } else {
      coherence.changedPast(oid);
      backing.remove(oid);
    }
  }

  @Override
  public void flush(VdiId vid) throws SheepException {
    cache.flush(vid);
  }

  @Override
  public long losses(VdiId vid) {
    return coherence.mayWrite(vid) ? cache.losses(vid) : backing.losses(vid);
  }

  @Override
  public void continueAs(VdiId snapshot, VdiId successor) throws SheepException {
    backing.continueAs(snapshot, successor);
    vdis.continueAs(snapshot, successor);
  }
}
