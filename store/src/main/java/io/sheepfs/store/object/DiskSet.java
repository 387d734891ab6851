package io.sheepfs.store.object;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.BooleanSupplier;

/**
 * The objects of a node on one disk or several. Each object is on one of them.
 *
 * <p>A new object goes to its home, which follows from its id and the disks, in proportion to their
 * weights (rendezvous hashing): a disk that is added becomes the home of its share, and of nothing
 * else. Where an object is that is there already, is found by looking: at its home first, then
 * elsewhere. So nothing moves when disks are added or change their sizes. If its home is full, a
 * new object goes to the next disk in its order.
 *
 * <p>Two changes of one object at a time are the caller's to prevent, if one of them makes or
 * removes it. Else safe for any number of threads.
 */
public final class DiskSet implements NodeObjects {

  private final List<Part> parts;

  /**
   * A disk.
   *
   * @param key tells it from all others, for ever
   * @param weight its share of new objects; 0 for none
   */
  public record Part(long key, double weight, ObjectFiles files) {}

  /** The objects on some disks, at least one of which has a weight. */
  public DiskSet(List<Part> parts) {
    this.parts = List.copyOf(parts);
    if (parts.stream().noneMatch(part -> part.weight() > 0)) {
      throw new IllegalArgumentException("no disk for new objects");
    }
  }

  /** A well mixed number, uniform over all longs: the finalizer of SplitMix64. */
  private static long mix(long value) {
    long mixed = (value ^ value >>> 30) * 0xBF58476D1CE4E5B9L;
    mixed = (mixed ^ mixed >>> 27) * 0x94D049BB133111EBL;
    return mixed ^ mixed >>> 31;
  }

  /** How much a disk wants an object: whoever does most gets it. */
  private static double claim(Part part, ObjectId oid) {
    long hash = mix(mix(oid.value()) + part.key());
    double uniform = ((hash >>> 11) + 0.5) / (1L << 53); // never 0 nor 1
    return part.weight() / -Math.log(uniform);
  }

  private ObjectFiles home(ObjectId oid) {
    Part best = parts.get(0);
    double most = -1;
    for (Part part : parts) {
      double claim = claim(part, oid);
      if (claim > most) {
        most = claim;
        best = part;
      }
    }
    return best.files();
  }

  /** Where an object is; its home if it is nowhere. */
  private ObjectFiles at(ObjectId oid) {
    if (parts.size() == 1) {
      return parts.get(0).files();
    }
    ObjectFiles home = home(oid);
    if (home.exists(oid)) {
      return home;
    }
    for (Part part : parts) {
      if (part.files() != home && part.files().exists(oid)) {
        return part.files();
      }
    }
    return home;
  }

  @Override
  public void read(ObjectId oid, long offset, ByteBuffer dst) throws SheepException {
    at(oid).read(oid, offset, dst);
  }

  @Override
  public void expect(ObjectId oid, long offset, long length, BooleanSupplier wanted) {
    at(oid).expect(oid, offset, length, wanted);
  }

  @Override
  public void write(ObjectId oid, long offset, ByteBuffer src, Durability durability)
      throws SheepException {
    at(oid).write(oid, offset, src, durability);
  }

  @Override
  public void zero(ObjectId oid, long start, long end, long sizeBytes, Durability durability)
      throws SheepException {
    at(oid).zero(oid, start, end, sizeBytes, durability);
  }

  @Override
  public void force(ObjectId oid) throws SheepException {
    at(oid).force(oid);
  }

  @Override
  public void forceNames() throws SheepException {
    for (Part part : parts) {
      part.files().forceNames();
    }
  }

  @Override
  public void create(ObjectId oid, long offset, ByteBuffer src, Durability durability)
      throws SheepException {
    int start = src.position();
    ObjectFiles first = at(oid);
    try {
      first.create(oid, offset, src, durability);
    } catch (SheepException full) {
      if (full.result() != ResultCode.NO_SPACE || first.exists(oid)) {
        throw full;
      }
      createElsewhere(oid, offset, src.position(start), durability, full);
    }
  }

  private void createElsewhere(
      ObjectId oid, long offset, ByteBuffer src, Durability durability, SheepException full)
      throws SheepException {
    int start = src.position();
    SheepException last = full;
    ObjectFiles home = home(oid);
    List<Part> others = new ArrayList<>(parts);
    others.removeIf(part -> part.files() == home || part.weight() == 0);
    others.sort(Comparator.comparingDouble((Part part) -> claim(part, oid)).reversed());
    for (Part other : others) {
      try {
        other.files().create(oid, offset, src.position(start), durability);
        return;
      } catch (SheepException e) {
        if (e.result() != ResultCode.NO_SPACE) {
          throw e;
        }
        last = e;
      }
    }
    throw last;
  }

  @Override
  public void createCopy(
      ObjectId oid, ObjectId source, long offset, ByteBuffer src, Durability durability) {
    throw new UnsupportedOperationException("the leader of a cluster makes copies");
  }

  @Override
  public boolean remove(ObjectId oid) throws SheepException {
    return at(oid).remove(oid);
  }

  @Override
  public boolean exists(ObjectId oid) {
    return at(oid).exists(oid);
  }

  @Override
  public long storedBytes(ObjectId oid) throws SheepException {
    return at(oid).storedBytes(oid);
  }

  @Override
  public List<ObjectId> list() throws SheepException {
    List<ObjectId> all = new ArrayList<>();
    for (Part part : parts) {
      all.addAll(part.files().list());
    }
    return all;
  }

  @Override
  public List<ObjectId> dataOf(VdiId vid) throws SheepException {
    List<ObjectId> all = new ArrayList<>();
    for (Part part : parts) {
      all.addAll(part.files().dataOf(vid));
    }
    return all;
  }

  /** The disk with the inode last: an index that is durable names nothing that is not. */
  @Override
  public void flush(VdiId vid) throws SheepException {
    ObjectFiles last = at(ObjectId.inode(vid));
    for (Part part : parts) {
      if (part.files() != last) {
        part.files().flush(vid);
      }
    }
    last.flush(vid);
  }

  @Override
  public void flushAll() throws SheepException {
    for (Part part : parts) {
      part.files().flushAll();
    }
  }

  @Override
  public void clear() {
    parts.forEach(part -> part.files().clear());
  }

  @Override
  public Path file(ObjectId oid) {
    return at(oid).file(oid);
  }

  /** Removes what a crash left half made. Only before the first use. */
  public void removeTemporaries() throws SheepException {
    for (Part part : parts) {
      int unused = part.files().removeTemporaries();
    }
  }

  /** Counts an object as written but not flushed: the process that wrote it died. */
  public void markUnsynced(ObjectId oid) {
    at(oid).markUnsynced(oid);
  }

  /** Whether everything is durable. */
  public boolean isAllSynced() {
    return parts.stream().allMatch(part -> part.files().isAllSynced());
  }

  /** Closes the files. */
  public void close() {
    parts.forEach(part -> part.files().close());
  }
}
