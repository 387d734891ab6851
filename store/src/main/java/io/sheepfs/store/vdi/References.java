package io.sheepfs.store.vdi;

import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.store.object.StoredObjects;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Finds out which objects nobody refers to any more, and removes them.
 *
 * <p><b>The invariant.</b> The object of owner v at index i is needed while some inode that is not
 * a tombstone has v at i in its index. Nothing counts these references; they are looked up in the
 * indexes when one of them goes away. So there is no count that a crash could falsify.
 *
 * <p><b>Who can refer.</b> An inode gets v into its index in two ways: it is v itself, or its index
 * was copied from one that had v, its parent. So only v and its descendants have to be asked. The
 * tombstones among them refer to nothing, but hold the family together.
 *
 * <p><b>Why looking is enough.</b> A reference is first taken out of its index, then its family is
 * asked. If two let go of one object at the same time, the later one sees that both did; if both
 * see it, both remove it, which is as good as once. A new reference can only come from a copy of an
 * index that still has one (snapshot, clone). The copy is entered in the table, and a VDI turned
 * into a tombstone, only under {@link #lock}, which the one who asks holds from the first look
 * until the object is gone. So he sees the original alive, or its copy, or both. The owner itself
 * can put an object back at i after it had freed it there; it must wait until the write that freed
 * it has returned, which it does, since it is one writer and the removal is part of that write.
 *
 * <p><b>Crashes.</b> The index entry goes first and the object second, so that a crash leaves at
 * worst an object too many; the check after an unclean end finds it. After a power cut the order on
 * the disk could be the reverse. An own object of a working VDI may then be missing although its
 * index names it; the check clears such an entry, and zeros are what freeing was meant to give. In
 * every other case the index must be durable before {@link #release} is called.
 */
final class References {

  private final VdiTable table;
  private final StoredObjects files;
  private final InodeIndex index;
  private final ReentrantLock lock = new ReentrantLock();

  References(VdiTable table, StoredObjects files, InodeIndex index) {
    this.table = table;
    this.files = files;
    this.index = index;
  }

  /** Held by whoever changes which inodes there are. */
  ReentrantLock lock() {
    return lock;
  }

  /**
   * Tells that references are gone, and removes the objects that have none left.
   *
   * @param first the index of the first
   * @param owners the owners of the objects at {@code first} and after it; 0 where none is meant
   */
  void release(int first, int[] owners) throws SheepException {
    release(first, owners, false);
  }

  /** The same, but fails if an object cannot be removed before a node is back. */
  void releaseAtOnce(int first, int[] owners) throws SheepException {
    release(first, owners, true);
  }

  private void release(int first, int[] owners, boolean atOnce) throws SheepException {
    for (int done = 0; done < owners.length; done += InodeIndex.CHUNK_ENTRIES) {
      int end = Math.min(owners.length, done + InodeIndex.CHUNK_ENTRIES);
      releaseChunk(first + done, Arrays.copyOfRange(owners, done, end), atOnce);
    }
  }

  /** Fails if a change of an object would wait for a node; others wait for the lock here. */
  void checkReach(ObjectId oid) throws SheepException {
    if (!files.isWithinReach(oid)) {
      throw new SheepException(ResultCode.HALT, "no node that is there has " + oid + " for sure");
    }
  }

  private void releaseChunk(int first, int[] owners, boolean atOnce) throws SheepException {
    Set<Integer> distinct = new HashSet<>();
    for (int i = 0; i < owners.length; i++) {
      if (VdiId.isValid(owners[i])) {
        distinct.add(owners[i]);
      } else {
        owners[i] = 0; // none, or a damage of the index, which names nothing
      }
    }
    if (distinct.isEmpty() || table.isReferenceUnknown()) {
      return;
    }
    lock.lock();
    try {
      dropReferred(first, owners, distinct);
      for (int i = 0; i < owners.length; i++) {
        if (owners[i] != 0) {
          ObjectId oid = ObjectId.data(new VdiId(owners[i]), first + i);
          if (atOnce) {
            checkReach(oid);
          }
          files.remove(oid);
        }
      }
    } finally {
      lock.unlock();
    }
  }

  private void dropReferred(int first, int[] owners, Set<Integer> distinct) throws SheepException {
    Map<VdiId, int[]> indexes = new HashMap<>();
    for (int owner : distinct) {
      for (Vdi member : table.livingFamily(new VdiId(owner))) {
        int[] entries = indexes.get(member.vid());
        if (entries == null) {
          entries = index.read(member.inode(), first, owners.length);
          indexes.put(member.vid(), entries);
        }
        for (int i = 0; i < owners.length; i++) {
          if (owners[i] == owner && entries[i] == owner) {
            owners[i] = 0;
          }
        }
      }
    }
  }
}
