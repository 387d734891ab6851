package io.sheepfs.store.vdi;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.InodeHeader;
import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.store.object.StoredObjects;
import java.util.BitSet;
import java.util.Collection;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Removes the objects of VDIs of which only a tombstone is left.
 *
 * <p><b>The invariant.</b> A deletion is unfinished from its durable tombstone on, until its
 * objects are gone for good and the index, which lists them, is empty. What a failure or a crash
 * leaves unfinished is known here, and {@link #resume} goes on with it as often as it has to.
 *
 * <p><b>What no index lists.</b> An object may be where nobody looked when its VDI was deleted,
 * while a loss of power took the entry that named it. Nothing refers to an object of a tombstone
 * but an index of its living family, and no index gets an entry of it any more but by a copy of one
 * that has it. So whoever finds such an object can have it removed at any time: {@link
 * #removeLeft}.
 *
 * <p>Safe for any number of threads.
 */
public final class Deletions {

  private static final Logger log = LoggerFactory.getLogger(Deletions.class);

  private final StoredObjects files;
  private final VdiTable table;
  private final InodeIndex index;
  private final References references;
  private final Map<VdiId, Vdi> unfinished = new ConcurrentSkipListMap<>();

  /** Those of which a thread removes the objects just now. */
  private final Set<VdiId> underWay = ConcurrentHashMap.newKeySet();

  private volatile @Nullable Runnable resumer;

  Deletions(StoredObjects files, VdiTable table, InodeIndex index, References references) {
    this.files = files;
    this.table = table;
    this.index = index;
    this.references = references;
  }

  /**
   * Says that somebody resumes what fails, so that a deletion is done when its tombstone is
   * durable.
   *
   * @param told when there is something to resume; must not wait
   */
  public void resumedBy(Runnable told) {
    resumer = told;
  }

  /** Takes note of a tombstone that was found, if its objects may not be gone. */
  void found(Vdi vdi) throws SheepException {
    if (files.storedBytes(vdi.inode()) > InodeLayout.HEADER_BYTES) {
      unfinished.put(vdi.vid(), vdi);
    }
  }

  void clear() {
    unfinished.clear();
  }

  /** Whether the objects of all tombstones are gone, but for those that no index lists. */
  public boolean isDone() {
    return unfinished.isEmpty();
  }

  /**
   * Removes the objects of a VDI whose tombstone is durable.
   *
   * @throws SheepException if some are left, and nobody resumes that before the next start
   */
  void begin(Vdi vdi) throws SheepException {
    unfinished.put(vdi.vid(), vdi);
    if (table.isReferenceUnknown()) {
      log.warn("objects of the deleted VDI {} stay as long as an inode is damaged", vdi.vid());
      return;
    }
    try {
      complete(vdi);
    } catch (SheepException e) {
      Runnable told = resumer;
      if (told == null) {
        throw e;
      }
      log.warn("objects of the deleted VDI {} are removed later: {}", vdi.vid(), e.toString());
      told.run();
    }
  }

  /**
   * Goes on with each deletion that is unfinished; not as long as an inode is damaged.
   *
   * @throws SheepException if one of them still is; the others were tried, too
   */
  public void resume() throws SheepException {
    if (table.isReferenceUnknown()) {
      return;
    }
    SheepException last = null;
    for (Vdi vdi : unfinished.values()) {
      try {
        complete(vdi);
        log.info("completed the deletion of VDI {}", vdi.vid());
      } catch (SheepException e) {
        last = e;
      }
    }
    if (last != null) {
      throw last;
    }
  }

  private void complete(Vdi vdi) throws SheepException {
    if (!underWay.add(vdi.vid())) {
      throw new SheepException(ResultCode.AGAIN, "deletion of VDI " + vdi.vid() + " is under way");
    }
    try {
      removeObjects(vdi);
      unfinished.remove(vdi.vid());
    } finally {
      underWay.remove(vdi.vid());
    }
  }

  private void removeObjects(Vdi vdi) throws SheepException {
    int entries = index.storedEntries(vdi.inode());
    for (int first = 0; first < entries; first += InodeIndex.CHUNK_ENTRIES) {
      int count = Math.min(InodeIndex.CHUNK_ENTRIES, entries - first);
      references.releaseAtOnce(first, index.read(vdi.inode(), first, count));
    }
    // What was made for the index but never entered there: its writer died in between, or a
    // snapshot came in between and sent him to the next VDI. Nobody can make more of these; the
    // gate let the last creation finish before the tombstone was written.
    removeLeft(files.dataOf(vdi.vid()));
    InodeHeader header = vdi.header();
    long stateObjects = header.vmStateSize() >>> header.blockSizeShift();
    for (int i = 0; i <= stateObjects && header.vmStateSize() != 0; i++) {
      ObjectId state = ObjectId.of(ObjectId.Kind.VM_STATE, vdi.vid(), i);
      references.checkReach(state);
      files.remove(state);
    }
    // The index is the list of what is to be removed, so it goes when the rest is gone for good.
    files.forceNames();
    files.zero(
        vdi.inode(),
        InodeLayout.INDEX,
        InodeLayout.SIZE_BYTES,
        InodeLayout.SIZE_BYTES,
        Durability.STABLE);
  }

  /** Of some objects, removes the data of deleted VDIs to which nobody refers. */
  public void removeLeft(Collection<ObjectId> found) throws SheepException {
    Map<VdiId, BitSet> left = new TreeMap<>();
    for (ObjectId oid : found) {
      Vdi vdi = oid.isData() ? table.get(oid.vid()) : null;
      if (vdi != null && vdi.isDeleted()) {
        left.computeIfAbsent(oid.vid(), vid -> new BitSet()).set(oid.index());
      }
    }
    for (Map.Entry<VdiId, BitSet> of : left.entrySet()) {
      BitSet indexes = of.getValue();
      for (int first = indexes.nextSetBit(0); first >= 0; ) {
        int[] owners = new int[InodeIndex.CHUNK_ENTRIES];
        int end = first + owners.length;
        int next = first;
        for (; next >= 0 && next < end; next = indexes.nextSetBit(next + 1)) {
          owners[next - first] = of.getKey().value();
        }
        references.releaseAtOnce(first, owners);
        first = next;
      }
    }
  }
}
