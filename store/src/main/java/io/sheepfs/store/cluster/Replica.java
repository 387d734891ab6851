package io.sheepfs.store.cluster;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.store.object.NodeObjects;
import io.sheepfs.store.vdi.Headers;
import java.nio.ByteBuffer;
import java.time.InstantSource;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.jspecify.annotations.Nullable;

/**
 * The objects of one node of a cluster. Every operation is as of an epoch, and refused in any
 * other.
 *
 * <p><b>Phases.</b> Between two epochs the replica is closed: what was under way has ended, nothing
 * begins. Then it settles: it can be read and repaired, but not changed, while the members make
 * agree what the last epoch may have left half done. Then it is open.
 *
 * <p><b>Suspects.</b> A change has a number, and tells how far all earlier ones are finished on
 * every replica. The objects of the others are suspects: if the epoch ends now, perhaps not all
 * replicas have the change. After a crash of the process, the suspects are all objects that may
 * have been changed since it began.
 *
 * <p><b>Late changes.</b> The leader may try a change again under another number while the first
 * attempt is still on its way; that one, which may come after later changes of the object, is
 * refused, as its number is below one that the object has seen, or that is known to be finished.
 *
 * <p><b>Catching up.</b> An object in which this node is not right yet is fetched before it is
 * changed in part: {@link CatchUp}.
 *
 * <p><b>Locks.</b> An operation holds the gate for reading, and whoever goes from one phase to the
 * next holds it for writing: so nothing is under way then. Under the gate, what changes or fetches
 * an object holds its stripe, so that it is the only one; whoever reads does not. A stripe may be
 * held while another node is asked for the object. That one needs no stripe for its answer, but its
 * gate: so as soon as somebody waits to close a replica, nothing enters there or begins to copy.
 *
 * <p>Safe for any number of threads.
 */
public final class Replica {

  /** The most nodes that a cluster can have, as each has every inode. */
  static final int MAX_NODES = 8;

  private static final int STRIPES = 256;
  private static final int MANY_CHANGES = 1 << 16;

  private final NodeObjects files;
  private final CopyNumbers copies;
  private final ObjectDigests digests;
  private final Fetcher fetcher;
  private final CatchUp catchUp;
  private final ReentrantReadWriteLock gate = new ReentrantReadWriteLock(true);
  private final ReentrantLock[] stripes = new ReentrantLock[STRIPES];
  private final ConcurrentSkipListMap<Long, ObjectId> unfinished = new ConcurrentSkipListMap<>();
  private final Set<ObjectId> suspects = ConcurrentHashMap.newKeySet();

  /** What was taken from others in an epoch that is not open: others may not have it yet. */
  private final Set<ObjectId> repaired = ConcurrentHashMap.newKeySet();

  private final Map<ObjectId, Long> lastChanges = new ConcurrentHashMap<>();
  private final AtomicLong oldestUnfinished = new AtomicLong();
  private final Service service = new Service(System::nanoTime);

  private volatile @Nullable View view;
  private volatile boolean open;
  private volatile boolean closing;

  /** Bytes of an object that become zeros. */
  record Range(long start, long end, long sizeBytes) {}

  /** A change of one object's file. */
  public interface Change {
    /** Does it. */
    void run() throws SheepException;
  }

  /** What is done in an epoch, which does not end meanwhile. */
  private interface Work {
    void in(View now) throws SheepException;
  }

  Replica(NodeObjects files, PeerCalls peers, Headroom.Free free) {
    this.files = files;
    this.copies = new CopyNumbers(files, peers);
    this.digests = new ObjectDigests(files, InstantSource.system());
    Headroom headroom = new Headroom(free);
    this.fetcher = new Fetcher(files, peers, digests, headroom, () -> closing, copies::changed);
    this.catchUp = new CatchUp(files, copies, fetcher, headroom);
    for (int i = 0; i < STRIPES; i++) {
      stripes[i] = new ReentrantLock();
    }
  }

  NodeObjects files() {
    return files;
  }

  /** Whether objects here were read or changed for clients lately. */
  public boolean isServing() {
    return service.isBusy();
  }

  // --- phases, by the one thread that follows the epochs ---

  /** Ends all operations. What was unfinished becomes suspect. */
  void close() {
    closing = true;
    gate.writeLock().lock();
    try {
      open = false;
      view = null;
      suspects.addAll(unfinished.values());
      suspects.addAll(repaired);
      repaired.clear();
      unfinished.clear();
      lastChanges.clear();
      oldestUnfinished.set(0);
    } finally {
      closing = false;
      gate.writeLock().unlock();
    }
  }

  /** Begins an epoch, for reading and repairing. */
  void settle(View next) {
    gate.writeLock().lock();
    try {
      open = false;
      view = next;
      catchUp.begin(next);
    } finally {
      gate.writeLock().unlock();
    }
  }

  /** Everything may be changed from now on. */
  void open() {
    gate.writeLock().lock();
    try {
      repaired.clear(); // all have settled
      open = true;
    } finally {
      gate.writeLock().unlock();
    }
  }

  /** Counts objects as perhaps not the same on all replicas. */
  void suspect(List<ObjectId> oids) {
    suspects.addAll(oids);
  }

  Set<ObjectId> suspects() {
    return new HashSet<>(suspects);
  }

  void cleared(ObjectId oid) {
    suspects.remove(oid);
  }

  /** Forgets what was recovered: another incarnation begins, or objects go elsewhere. */
  void forgetRecovered() {
    catchUp.forgetAll();
  }

  /** Counts an object as not recovered. */
  void forget(ObjectId oid) {
    catchUp.forget(oid);
  }

  /** How many nodes should have an object, as {@link CopyNumbers} says. */
  int copiesOf(View now, ObjectId oid) throws SheepException {
    return copies.of(now, oid);
  }

  /** Whether an object may be dropped for that number: {@link CopyNumbers#isConfirmed}. */
  boolean isConfirmed(View now, ObjectId oid) throws SheepException {
    return copies.isConfirmed(now, oid);
  }

  /**
   * Does something to an object that nobody changes meanwhile, in whatever epoch and phase: it must
   * not change what can be read of it.
   */
  public void undisturbed(ObjectId oid, Change work) throws SheepException {
    gate.readLock().lock();
    try {
      alone(oid, work);
    } finally {
      gate.readLock().unlock();
    }
  }

  /** Removes everything: the cluster is formatted. */
  void clear() throws SheepException {
    gate.writeLock().lock();
    try {
      for (ObjectId oid : files.list()) {
        boolean unused = files.remove(oid);
      }
      files.forceNames();
      files.clear();
      digests.clear();
      copies.clear();
      catchUp.forgetAll();
      suspects.clear();
      repaired.clear();
    } finally {
      gate.writeLock().unlock();
    }
  }

  // --- operations ---

  /** The gate is held for reading when this returns. */
  private View enter(int epoch, boolean changes) throws SheepException {
    if (closing) {
      // who waits to close may wait for an operation here that waits for one over there: those
      // must not wait for each other
      throw new SheepException(ResultCode.NEW_NODE_VER, "epoch " + epoch + " ends here");
    }
    if (!gate.readLock().tryLock()) {
      gate.readLock().lock();
    }
    View now = view;
    ResultCode refusal = ResultCode.SUCCESS;
    if (now == null || now.number() < epoch) {
      refusal = ResultCode.NEW_NODE_VER;
    } else if (now.number() > epoch) {
      refusal = ResultCode.OLD_NODE_VER;
    } else if (changes && !open) {
      refusal = ResultCode.NEW_NODE_VER;
    }
    if (now == null || refusal != ResultCode.SUCCESS) {
      gate.readLock().unlock();
      throw new SheepException(refusal, "epoch " + epoch);
    }
    return now;
  }

  private void during(int epoch, boolean changes, Work work) throws SheepException {
    View now = enter(epoch, changes);
    try {
      work.in(now);
    } finally {
      gate.readLock().unlock();
    }
  }

  /** Under the gate: does something while nobody else does so to the object. */
  private void alone(ObjectId oid, Change work) throws SheepException {
    ReentrantLock stripe = stripes[Math.floorMod(oid.hashCode(), STRIPES)];
    stripe.lock();
    try {
      work.run();
    } finally {
      stripe.unlock();
    }
  }

  private void change(
      int epoch, long number, int distance, ObjectId oid, long bytes, boolean whole, Change change)
      throws SheepException {
    during(
        epoch,
        true,
        now -> {
          service.served();
          alone(
              oid,
              () -> {
                begin(number, number - Integer.toUnsignedLong(distance), oid);
                catchUp.change(now, oid, bytes, whole, change);
              });
        });
  }

  /** As {@link CatchUp#takeGaps}. */
  List<ObjectId> takeGaps(View as) throws SheepException {
    View unused = enter(as.number(), true);
    try {
      return catchUp.takeGaps();
    } finally {
      gate.readLock().unlock();
    }
  }

  /** Takes note of a change, or refuses one that is late. The stripe is locked. */
  private void begin(long number, long oldest, ObjectId oid) throws SheepException {
    long floor = oldestUnfinished.accumulateAndGet(oldest, Math::max);
    Long last = lastChanges.get(oid);
    if (number < floor || (last != null && number <= last)) {
      throw new SheepException(ResultCode.OLD_NODE_VER, "change " + number + " of " + oid);
    }
    lastChanges.put(oid, number);
    unfinished.put(number, oid);
    unfinished.headMap(floor).clear();
    if (lastChanges.size() > MANY_CHANGES) {
      lastChanges.values().removeIf(known -> known < floor);
    }
  }

  /**
   * Fills {@code dst}; for recovery also while the replica settles.
   *
   * @throws SheepException {@link ResultCode#NO_OBJ}, or that the epoch is another
   */
  public void read(int epoch, boolean recovery, ObjectId oid, long offset, ByteBuffer dst)
      throws SheepException {
    View unused = enter(epoch, !recovery);
    try {
      if (!recovery) {
        service.served();
      }
      files.read(oid, offset, dst);
    } finally {
      gate.readLock().unlock();
    }
  }

  /** How many bytes of an object are stored. */
  public long storedBytes(int epoch, boolean recovery, ObjectId oid) throws SheepException {
    View unused = enter(epoch, !recovery);
    try {
      return files.storedBytes(oid);
    } finally {
      gate.readLock().unlock();
    }
  }

  /**
   * Overwrites part of an object.
   *
   * @param number of the change, and {@code distance} from there to the oldest unfinished one
   */
  public void write(
      int epoch, long number, int distance, ObjectId oid, long offset, ByteBuffer src, Durability d)
      throws SheepException {
    int bytes = src.remaining();
    change(epoch, number, distance, oid, bytes, false, () -> files.write(oid, offset, src, d));
  }

  /** Makes an object, in place of any other of that id. */
  public void create(
      int epoch, long number, int distance, ObjectId oid, long offset, ByteBuffer src, Durability d)
      throws SheepException {
    int bytes = src.remaining();
    change(epoch, number, distance, oid, bytes, true, () -> files.create(oid, offset, src, d));
  }

  /** Zeroes from {@code start} to {@code end}. */
  public void zero(
      int epoch,
      long number,
      int distance,
      ObjectId oid,
      long start,
      long end,
      long sizeBytes,
      Durability d)
      throws SheepException {
    change(epoch, number, distance, oid, 0, false, () -> files.zero(oid, start, end, sizeBytes, d));
  }

  /** Removes an object; one that is not there is a success. */
  public void remove(int epoch, long number, int distance, ObjectId oid) throws SheepException {
    change(
        epoch,
        number,
        distance,
        oid,
        0,
        true,
        () -> {
          boolean unused = files.remove(oid);
        });
  }

  /** Makes durable what was written to the objects of a VDI here, each once. */
  public void flush(int epoch, VdiId vid) throws SheepException {
    during(epoch, true, now -> files.flush(vid));
  }

  /** Makes one object durable. */
  public void force(int epoch, ObjectId oid) throws SheepException {
    during(
        epoch,
        true,
        now -> {
          if (catchUp.isRight(now, oid)) {
            files.force(oid);
          }
        });
  }

  /** Makes creations and removals durable. */
  public void forceNames(int epoch) throws SheepException {
    during(epoch, true, now -> files.forceNames());
  }

  /** The ids of all objects here, ascending. */
  public List<ObjectId> list() throws SheepException {
    List<ObjectId> oids = files.list();
    oids.sort(null);
    return oids;
  }

  /** Whether there is an inode here that cannot be believed, as the disk has changed it. */
  boolean isDamaged(ObjectId inode) throws SheepException {
    return files.exists(inode) && Headers.sound(files, inode) == null;
  }

  /** The ids of the inodes here. */
  public List<ObjectId> inodes() throws SheepException {
    return files.list().stream().filter(oid -> oid.kind() == ObjectId.Kind.INODE).sorted().toList();
  }

  /** The ids of the data objects of a VDI here. */
  public List<ObjectId> dataOf(VdiId vid) throws SheepException {
    return files.dataOf(vid);
  }

  /** Whether there is an object here, in whatever state. */
  public boolean exists(ObjectId oid) throws SheepException {
    return files.exists(oid);
  }

  /**
   * Takes an object anew from a node whose copy is right.
   *
   * @throws SheepException if that fails; the old copy is still there then
   */
  public void repair(int epoch, ObjectId oid, NodeInfo source) throws SheepException {
    during(epoch, false, now -> alone(oid, () -> repair(now, oid, source)));
  }

  private void repair(View now, ObjectId oid, NodeInfo source) throws SheepException {
    if (!catchUp.has(now, oid)) {
      catchUp.forget(oid); // it will be fetched like all others
    } else if (!open) {
      repaired.add(oid);
      if (!fetcher.copy(now.number(), oid, List.of(source), false)) {
        throw CatchUp.damaged(oid);
      }
    } else {
      throw new SheepException(ResultCode.NO_SUPPORT, "repair while changes go on");
    }
  }

  /**
   * Takes an object anew from a node whose copy is right, while the leader lets nobody change it.
   *
   * @throws SheepException if that fails; the old copy is still there then
   */
  public void replace(int epoch, ObjectId oid, NodeInfo source) throws SheepException {
    during(
        epoch,
        true,
        now ->
            alone(
                oid,
                () -> {
                  catchUp.replace(now, oid, source);
                  digests.forget(oid);
                }));
  }

  /**
   * Fetches an object that is not recovered yet; nothing for one that is.
   *
   * @throws SheepException also {@link ResultCode#EIO}, if nobody has it as it was
   */
  void recover(View as, ObjectId oid) throws SheepException {
    during(
        as.number(),
        true,
        now ->
            alone(
                oid,
                () -> {
                  if (!catchUp.recover(now, oid)) {
                    throw CatchUp.damaged(oid);
                  }
                }));
  }

  /**
   * Removes an object that no authority has, or that is elsewhere, unless it was made meanwhile.
   */
  void drop(View as, ObjectId oid) throws SheepException {
    during(as.number(), true, now -> alone(oid, () -> catchUp.drop(now, oid)));
  }

  /**
   * The digest of an object, as {@link ObjectDigests} says.
   *
   * @throws SheepException {@link ResultCode#EIO} if the disk has changed it
   */
  public byte[] checkedDigest(int epoch, ObjectId oid) throws SheepException {
    View unused = enter(epoch, false);
    try {
      if (oid.kind() == ObjectId.Kind.INODE && Headers.sound(files, oid) == null) {
        throw new SheepException(ResultCode.EIO, "damaged inode " + oid);
      }
      return digests.checked(oid);
    } finally {
      gate.readLock().unlock();
    }
  }

  /** The same without that look. */
  public byte[] digest(int epoch, ObjectId oid) throws SheepException {
    View unused = enter(epoch, false);
    try {
      return digests.of(oid);
    } finally {
      gate.readLock().unlock();
    }
  }
}
