package io.sheepfs.store.vdi;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.store.object.StoredObjects;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Compares indexes and objects after an unclean end.
 *
 * <p>An object that no living inode refers to is a leak: the crash came between the object and its
 * index entry, in one order or the other. It is removed, unless its VDI is unknown, which no crash
 * explains; then somebody should look before anything is destroyed.
 *
 * <p>An entry whose object is missing was never flushed if it is an own entry of a working VDI: the
 * flush forces objects before the index, a snapshot is flushed when it is taken, and a copy on
 * write is forced before its entry is made. After a power cut such an entry is cleared and reads as
 * a hole again. Any other missing object is damage, and stays visible as an I/O error.
 */
public final class StoreCheck {

  private static final Logger log = LoggerFactory.getLogger(StoreCheck.class);

  private final VdiStore vdis;
  private final StoredObjects files;

  /** The check of a store that serves nobody yet. */
  public StoreCheck(VdiStore vdis, StoredObjects files) {
    this.vdis = vdis;
    this.files = files;
  }

  /**
   * What was found.
   *
   * @param leaked objects removed
   * @param young objects that nothing names, and that were left for a client that may be about to
   * @param cleared index entries made holes
   * @param missing objects that should be there
   */
  public record Result(int leaked, List<ObjectId> young, int cleared, int missing) {}

  /** Tells an object that was changed in the run that did not end cleanly. */
  public interface Youth {
    /** Whether it was. */
    boolean isYoung(ObjectId oid) throws IOException;
  }

  /**
   * Checks and repairs. A client makes an object first, and its index entry then; if it was between
   * the two when this store died, it goes on with the entry now. So a young object of a working VDI
   * stays, though nothing names it.
   *
   * @param objects the ids of all objects
   * @param unflushedMayBeLost whether the machine died, and not only the process
   */
  public Result run(List<ObjectId> objects, boolean unflushedMayBeLost, Youth youth)
      throws IOException {
    long[] data =
        objects.stream().filter(ObjectId::isData).mapToLong(ObjectId::value).sorted().toArray();
    BitSet referred = new BitSet(data.length);
    int cleared = 0;
    int missing = 0;
    for (Vdi vdi : vdis.table().all()) {
      if (!vdi.isDeleted()) {
        int lost = markReferred(vdi, data, referred, unflushedMayBeLost);
        if (unflushedMayBeLost && !vdi.isSnapshot()) {
          cleared += lost;
        } else {
          missing += lost;
        }
      }
    }
    List<ObjectId> young = new ArrayList<>();
    int leaked = vdis.table().isReferenceUnknown() ? 0 : removeLeaks(data, referred, youth, young);
    if (leaked + cleared > 0) {
      log.info("removed {} leaked objects; {} index entries were never flushed", leaked, cleared);
    }
    if (missing > 0) {
      log.error("{} objects are missing; reading them fails", missing);
    }
    return new Result(leaked, young, cleared, missing);
  }

  private int markReferred(Vdi vdi, long[] data, BitSet referred, boolean unflushedMayBeLost)
      throws SheepException {
    int lost = 0;
    boolean changed = false;
    int entries = vdis.index().storedEntries(vdi.inode());
    for (int first = 0; first < entries; first += InodeIndex.CHUNK_ENTRIES) {
      int count = Math.min(InodeIndex.CHUNK_ENTRIES, entries - first);
      int[] owners = vdis.index().read(vdi.inode(), first, count);
      for (int i = 0; i < count; i++) {
        if (owners[i] == 0) {
          continue;
        }
        int position = Arrays.binarySearch(data, (long) owners[i] << 32 | (first + i));
        if (position >= 0) {
          referred.set(position);
          continue;
        }
        lost++;
        if (unflushedMayBeLost && !vdi.isSnapshot() && owners[i] == vdi.vid().value()) {
          clear(vdi, first + i);
          changed = true;
        } else {
          log.error("object {} of VDI {} is missing at {}", owners[i], vdi.vid(), first + i);
        }
      }
    }
    if (changed) {
      files.force(vdi.inode());
    }
    return lost;
  }

  private void clear(Vdi vdi, int index) throws SheepException {
    ByteBuffer hole = ByteBuffer.allocate(InodeLayout.INDEX_ENTRY_BYTES);
    files.write(vdi.inode(), InodeLayout.indexOffset(index), hole, Durability.UNSTABLE);
  }

  private int removeLeaks(long[] data, BitSet referred, Youth youth, List<ObjectId> young)
      throws IOException {
    int leaked = 0;
    int unknown = 0;
    for (int i = referred.nextClearBit(0); i < data.length; i = referred.nextClearBit(i + 1)) {
      ObjectId oid = new ObjectId(data[i]);
      Vdi vdi = vdis.table().get(oid.vid());
      if (vdi == null) {
        unknown++;
      } else if (!vdi.isDeleted() && !vdi.isSnapshot() && youth.isYoung(oid)) {
        young.add(oid);
      } else {
        files.remove(oid);
        leaked++;
      }
    }
    if (unknown > 0) {
      log.warn("{} objects belong to VDIs that have no inode; they were left alone", unknown);
    }
    return leaked;
  }
}
