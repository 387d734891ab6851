package io.sheepfs.cache.coherence;

import io.sheepfs.cache.DirtyRuns;
import io.sheepfs.cache.ObjectCache;
import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ObjectStore;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Takes what was written to a VDI before it became a snapshot, and not pushed, into the working VDI
 * that goes on from there: copy on write, object before index.
 */
final class Successor implements DirtyRuns {

  private final ObjectStore backing;
  private final ObjectCache cache;
  private final VdiId vid;

  Successor(ObjectStore backing, ObjectCache cache, VdiId vid) {
    this.backing = backing;
    this.cache = cache;
    this.vid = vid;
  }

  @Override
  public void take(ObjectId source, long offset, ByteBuffer bytes) throws SheepException {
    ByteBuffer entry = ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    ObjectId inode = ObjectId.inode(vid);
    long entryOffset = InodeLayout.indexOffset(source.index());
    backing.read(inode, entryOffset, entry);
    ObjectId own = ObjectId.data(vid, source.index());
    int owner = entry.getInt(0);
    if (owner == vid.value()) {
      cache.write(own, offset, bytes, Durability.UNSTABLE);
    } else if (owner == source.vid().value()) {
      // as stable as any copy: were the entry to outlive it, flushed data would be lost with it
      backing.createCopy(own, source, offset, bytes, Durability.STABLE);
      entry.putInt(0, vid.value()).rewind();
      cache.write(inode, entryOffset, entry, Durability.UNSTABLE);
    }
    // any other entry: the object was freed after these bytes were written
  }
}
