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
import java.util.HashSet;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiConsumer;
import java.util.function.BooleanSupplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * The objects of a node on one disk or several. Each object is on one of them.
 *
 * <p>A new object goes to its home, which follows from its id and the disks, in proportion to their
 * weights (rendezvous hashing): a disk that is added becomes the home of its share, and of nothing
 * else. Where an object is that is there already, is found by looking: at its home first, then
 * elsewhere. So nothing moves when disks are added or change their sizes. If its home is full, a
 * new object goes to the next disk in its order.
 *
 * <p><b>A disk that leaves</b> has no weight, and its objects are moved one by one. A moved object
 * is on its new disk, durably, before it is removed from the old one, so that whoever looks finds
 * it; who looked on the new disk too early and on the old one too late sees from a count that there
 * was a move in between, and looks again.
 *
 * <p><b>A disk that fails</b> must not make its objects look as if they were not there. An object
 * that is on no disk is said to be nowhere only if all disks are there, and could be looked at.
 *
 * <p>Two changes of one object at a time are the caller's to prevent, if one of them makes, removes
 * or moves it. Else safe for any number of threads.
 */
public final class DiskSet implements NodeObjects {

  private volatile List<Part> parts;
  private final AtomicLong moves = new AtomicLong();
  private volatile BiConsumer<Part, SheepException> onFailure = (part, failure) -> {};

  /**
   * A disk.
   *
   * @param key tells it from all others, for ever
   * @param weight its share of new objects; 0 for none
   */
  public record Part(long key, double weight, ObjectFiles files) {

    Part weighing(double newWeight) {
      return new Part(key, newWeight, files);
    }
  }

  /** The objects on some disks, at least one of which has a weight. */
  public DiskSet(List<Part> parts) {
    this.parts = checked(parts);
  }

  /** Those without a weight last, as less and less is there. */
  private static List<Part> checked(List<Part> parts) {
    List<Part> sorted = new ArrayList<>(parts);
    sorted.sort(Comparator.comparing((Part part) -> part.weight() == 0));
    if (sorted.isEmpty() || sorted.get(0).weight() <= 0) {
      throw new IllegalArgumentException("no disk for new objects");
    }
    return List.copyOf(sorted);
  }

  /** Has {@code told} called when a disk does not do what it is asked. */
  public void onFailure(BiConsumer<Part, SheepException> told) {
    onFailure = told;
  }

  // --- the disks; one caller at a time ---

  /** Adds a disk. */
  public void add(Part part) {
    change(
        all -> {
          List<Part> more = new ArrayList<>(all);
          more.add(part);
          return more;
        });
  }

  /**
   * Gives a disk another share of new objects.
   *
   * @throws IllegalArgumentException if none would have any
   */
  public void weigh(long key, double weight) {
    change(all -> all.stream().map(p -> p.key() == key ? p.weighing(weight) : p).toList());
  }

  /** Forgets a disk, with all that is on it. The caller closes it. */
  public void drop(long key) {
    change(all -> all.stream().filter(part -> part.key() != key).toList());
  }

  private void change(UnaryOperator<List<Part>> change) {
    parts = checked(change.apply(parts));
    moves.incrementAndGet();
  }

  /** The disks. */
  public List<Part> parts() {
    return parts;
  }

  /** The objects on one of the disks. */
  public List<ObjectId> list(long key) throws SheepException {
    for (Part part : parts) {
      if (part.key() == key) {
        return part.files().list();
      }
    }
    return List.of();
  }

  /**
   * Moves an object from a disk without weight to another, and is durable on return. What belongs
   * to an inode is flushed before it: an index that is durable names nothing that is not.
   *
   * @throws SheepException {@link ResultCode#NO_SPACE} if no other disk takes it; it is still where
   *     it was then
   */
  public void move(ObjectId oid, long key) throws SheepException {
    List<Part> all = parts;
    Part from = all.stream().filter(part -> part.key() == key).findFirst().orElse(null);
    if (from == null || from.weight() > 0) {
      throw new IllegalArgumentException("disk " + key + " does not leave");
    }
    if (!looked(from, oid)) {
      return;
    }
    boolean isElsewhere = false;
    for (Part part : all) {
      isElsewhere |= part.key() != key && looked(part, oid); // moved, but not removed
    }
    if (!isElsewhere) {
      if (oid.kind() == ObjectId.Kind.INODE) {
        flush(oid.vid());
      }
      ByteBuffer content =
          ByteBuffer.allocateDirect(Math.toIntExact(from.files().storedBytes(oid)));
      from.files().read(oid, 0, content);
      create(all, null, oid, 0, content.flip(), Durability.STABLE);
    }
    moves.incrementAndGet();
    boolean unused = from.files().remove(oid);
  }

  // --- where an object is ---

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

  private static Part home(List<Part> all, ObjectId oid) {
    Part best = all.get(0);
    double most = -1;
    for (Part part : all) {
      double claim = claim(part, oid);
      if (claim > most) {
        most = claim;
        best = part;
      }
    }
    return best;
  }

  /** Where an object is; its home if it is nowhere. The only disk is not looked at. */
  private Part at(ObjectId oid) throws SheepException {
    List<Part> all = parts;
    if (all.size() == 1) {
      return all.get(0);
    }
    Part found = find(oid);
    return found == null ? home(all, oid) : found;
  }

  /** Where an object is; null only if it was nowhere at some moment of the call. */
  private @Nullable Part find(ObjectId oid) throws SheepException {
    while (true) {
      long movesBefore = moves.get();
      List<Part> all = parts;
      Part found = find(all, home(all, oid), oid);
      if (found != null) {
        return found;
      }
      if (moves.get() == movesBefore) {
        if (all.size() > 1) {
          for (Part part : all) {
            checkThere(part);
          }
        }
        return null;
      }
    }
  }

  private @Nullable Part find(List<Part> all, Part home, ObjectId oid) throws SheepException {
    SheepException failure = null;
    for (int i = -1; i < all.size(); i++) {
      Part part = i < 0 ? home : all.get(i);
      try {
        if ((i < 0 || part.key() != home.key()) && looked(part, oid)) {
          return part;
        }
      } catch (SheepException e) {
        failure = e;
      }
    }
    if (failure != null) {
      throw failure;
    }
    return null;
  }

  private boolean looked(Part part, ObjectId oid) throws SheepException {
    try {
      return part.files().exists(oid);
    } catch (SheepException e) {
      throw noted(part, e);
    }
  }

  private void checkThere(Part part) throws SheepException {
    try {
      part.files().checkThere();
    } catch (SheepException e) {
      throw noted(part, e);
    }
  }

  private SheepException noted(Part part, SheepException e) {
    if (e.result() == ResultCode.EIO) {
      onFailure.accept(part, e);
    }
    return e;
  }

  /** Something to do with an object on its disk. */
  private interface Use<T> {
    T on(ObjectFiles files) throws SheepException;
  }

  private <T> T use(ObjectId oid, Use<T> use) throws SheepException {
    Part part = at(oid);
    while (true) {
      try {
        return use.on(part.files());
      } catch (SheepException e) {
        Part now = e.result() == ResultCode.NO_OBJ ? movedFrom(part, oid) : null;
        if (now == null) {
          throw noted(part, e);
        }
        part = now;
      }
    }
  }

  /** Where an object is that was not where it had been found; null if it is nowhere. */
  private @Nullable Part movedFrom(Part part, ObjectId oid) throws SheepException {
    List<Part> all = parts;
    return all.size() == 1 && all.get(0).key() == part.key() ? null : find(oid);
  }

  /** Something to do with a disk. */
  private interface Duty {
    void on(ObjectFiles files) throws SheepException;
  }

  private void onPart(Part part, Duty duty) throws SheepException {
    try {
      duty.on(part.files());
    } catch (SheepException e) {
      throw noted(part, e);
    }
  }

  private void run(ObjectId oid, Duty duty) throws SheepException {
    boolean unused =
        use(
            oid,
            files -> {
              duty.on(files);
              return true;
            });
  }

  // --- NodeObjects ---

  @Override
  public void read(ObjectId oid, long offset, ByteBuffer dst) throws SheepException {
    run(oid, files -> files.read(oid, offset, dst));
  }

  @Override
  public void expect(ObjectId oid, long offset, long length, BooleanSupplier wanted) {
    try {
      run(oid, files -> files.expect(oid, offset, length, wanted));
    } catch (SheepException e) {
      // a hint; who reads will be told
    }
  }

  @Override
  public void write(ObjectId oid, long offset, ByteBuffer src, Durability durability)
      throws SheepException {
    run(oid, files -> files.write(oid, offset, src, durability));
  }

  @Override
  public void zero(ObjectId oid, long start, long end, long sizeBytes, Durability durability)
      throws SheepException {
    run(oid, files -> files.zero(oid, start, end, sizeBytes, durability));
  }

  @Override
  public void force(ObjectId oid) throws SheepException {
    run(oid, files -> files.force(oid));
  }

  @Override
  public void forceNames() throws SheepException {
    for (Part part : parts) {
      onPart(part, ObjectFiles::forceNames);
    }
  }

  @Override
  public void create(ObjectId oid, long offset, ByteBuffer src, Durability durability)
      throws SheepException {
    List<Part> all = parts;
    Part where = at(oid);
    Part there = all.size() == 1 || looked(where, oid) ? where : null;
    create(all, there, oid, offset, src, durability);
  }

  /**
   * Makes an object.
   *
   * @param there where one of that id is
   */
  private void create(
      List<Part> all,
      @Nullable Part there,
      ObjectId oid,
      long offset,
      ByteBuffer src,
      Durability durability)
      throws SheepException {
    int start = src.position();
    List<Part> order = new ArrayList<>();
    if (there != null) {
      order.add(there);
    } else {
      order.addAll(all);
      order.removeIf(part -> part.weight() == 0);
      order.sort(Comparator.comparingDouble((Part part) -> claim(part, oid)).reversed());
    }
    SheepException full = null;
    for (Part part : order) {
      try {
        part.files().create(oid, offset, src.position(start), durability);
        return;
      } catch (SheepException e) {
        if (e.result() != ResultCode.NO_SPACE) {
          throw noted(part, e);
        }
        full = e;
      }
    }
    throw full == null ? new SheepException(ResultCode.NO_SPACE, "object " + oid) : full;
  }

  @Override
  public void createCopy(
      ObjectId oid, ObjectId source, long offset, ByteBuffer src, Durability durability) {
    throw new UnsupportedOperationException("the leader of a cluster makes copies");
  }

  /** From wherever it is: a disk that leaves may still have what was moved. */
  @Override
  public boolean remove(ObjectId oid) throws SheepException {
    List<Part> all = parts;
    boolean existed = false;
    for (Part part : all) {
      if (all.size() == 1 || looked(part, oid)) {
        try {
          existed |= part.files().remove(oid);
        } catch (SheepException e) {
          throw noted(part, e);
        }
      }
    }
    return existed;
  }

  @Override
  public boolean exists(ObjectId oid) throws SheepException {
    return find(oid) != null; // not at() and then a look: it may be moved in between
  }

  @Override
  public long storedBytes(ObjectId oid) throws SheepException {
    return use(oid, files -> files.storedBytes(oid));
  }

  /** Of the objects of all disks, each once. */
  @Override
  public List<ObjectId> list() throws SheepException {
    return all(ObjectFiles::list);
  }

  @Override
  public List<ObjectId> dataOf(VdiId vid) throws SheepException {
    return all(files -> files.dataOf(vid));
  }

  private List<ObjectId> all(Use<List<ObjectId>> lists) throws SheepException {
    List<Part> now = parts;
    List<ObjectId> all = new ArrayList<>();
    for (int i = now.size() - 1; i >= 0; i--) { // what is moved meanwhile must not be missed
      Part part = now.get(i);
      try {
        all.addAll(lists.on(part.files()));
      } catch (SheepException e) {
        throw noted(part, e);
      }
    }
    boolean isAnyLeaving = now.get(now.size() - 1).weight() == 0;
    return isAnyLeaving ? new ArrayList<>(new HashSet<>(all)) : all;
  }

  /** The disk with the inode last: an index that is durable names nothing that is not. */
  @Override
  public void flush(VdiId vid) throws SheepException {
    Part last = at(ObjectId.inode(vid));
    for (Part part : parts) {
      if (part.files() != last.files()) {
        onPart(part, files -> files.flush(vid));
      }
    }
    onPart(last, files -> files.flush(vid));
  }

  @Override
  public void flushAll() throws SheepException {
    for (Part part : parts) {
      onPart(part, ObjectFiles::flushAll);
    }
  }

  @Override
  public void clear() {
    parts.forEach(part -> part.files().clear());
  }

  @Override
  public Path file(ObjectId oid) throws SheepException {
    return at(oid).files().file(oid);
  }

  /** Removes what a crash left half made. Only before the first use. */
  public void removeTemporaries() throws SheepException {
    for (Part part : parts) {
      int unused = part.files().removeTemporaries();
    }
  }

  /** Counts an object as written but not flushed: the process that wrote it died. */
  public void markUnsynced(ObjectId oid) throws SheepException {
    at(oid).files().markUnsynced(oid);
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
