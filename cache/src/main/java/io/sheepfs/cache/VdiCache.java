package io.sheepfs.cache;

import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ObjectStore;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import java.io.IOException;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** What a cache knows of one VDI. Safe for any number of threads. */
final class VdiCache {

  final VdiId vid;
  final int blockSizeShift;

  /** What it counts to, with the other VDIs of its name. */
  final Share share;

  /** Told of each file of an object that is opened. */
  final OpenFiles files;

  /** The objects with dirty blocks; changed under the exclusive lock of the object. */
  final Set<CachedObject> dirty = ConcurrentHashMap.newKeySet();

  /** Set when the VDI has become a snapshot: writes go to the store, which refuses them. */
  volatile boolean frozen;

  /**
   * Set while what is dirty is handed over: whoever takes it may need room for it, and must not
   * wait for pushes of what he is just taking.
   */
  volatile boolean leaving;

  /** The objects made since the store flushed; changed under the exclusive lock of the object. */
  final Set<CachedObject> made = ConcurrentHashMap.newKeySet();

  /**
   * Objects that were made and of which not all is held here, as long as no index entry was written
   * since: that one must not be lost, since the store drops objects without.
   */
  final Set<Integer> unheld = ConcurrentHashMap.newKeySet();

  /** What is unstable in the inode. */
  final InodeWrites inode;

  /** Whether a flush in the background is under way or about to be. */
  final AtomicBoolean draining = new AtomicBoolean();

  /** How often the store was seen to lack what it had been given. */
  final AtomicLong losses = new AtomicLong();

  private @Nullable MapFile maps;

  VdiCache(VdiId vid, int blockSizeShift, Share share, OpenFiles files, @Nullable MapFile maps) {
    this.vid = vid;
    this.blockSizeShift = blockSizeShift;
    this.share = share;
    this.files = files;
    this.maps = maps;
    this.inode = new InodeWrites(ObjectId.inode(vid));
  }

  /** Whatever the store was given before this number changed may be lost, unless it flushed it. */
  long incarnation(ObjectStore store) {
    return store.losses(vid) + losses.get();
  }

  synchronized BlockMap allocate(CacheDisk disk, int index) throws IOException {
    if (maps == null) {
      maps = MapFile.create(disk, vid, blockSizeShift, share.name);
    }
    return maps.allocate(index);
  }

  synchronized void free(BlockMap map) {
    if (maps != null) {
      maps.free(map);
    }
  }

  void checkBounds(long offset, long length) throws SheepException {
    if (offset < 0 || length < 0 || length > (1L << blockSizeShift) - offset) {
      throw new SheepException(
          ResultCode.INVALID_PARMS, "use " + offset + "+" + length + " of an object of VDI " + vid);
    }
  }
}
