package io.sheepfs.store.cluster;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.RequestFlags;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.Space;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.store.Reserve;
import io.sheepfs.store.object.NodeObjects;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.InstantSource;
import java.util.Arrays;
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
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

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
 * <p><b>Catching up.</b> While the node is SYNCING, or is not yet a place of an object, an object
 * counts as recovered once it was made, removed or fetched since; whoever wants to change another
 * one fetches it first. As every change since the epoch was opened comes here, too, a recovered
 * object stays right, as long as the node is a member, the rings are the same, and one of its
 * places is SYNCED.
 *
 * <p><b>Want of space.</b> A place that catches up does not refuse a change for which it has no
 * room: it is not right in the object before it has fetched it, and until then others are. So it
 * notes that the object is not recovered, and the change succeeds ({@link Gaps}). What such a place
 * takes leaves half of the disk's reserve for what frees space ({@link Room}).
 *
 * <p><b>Late changes.</b> The leader may try a change again under another number while the first
 * attempt is still on its way; that one, which may come after later changes of the object, is
 * refused, as its number is below one that the object has seen, or that is known to be finished.
 *
 * <p>Safe for any number of threads.
 */
public final class Replica {

  private static final Logger log = LoggerFactory.getLogger(Replica.class);

  /** The most nodes that a cluster can have, as each has every inode. */
  static final int MAX_NODES = 8;

  private static final int STRIPES = 256;
  private static final int CHUNK_BYTES = 1 << 18;
  private static final int MANY_CHANGES = 1 << 16;

  private final NodeObjects files;
  private final PeerCalls peers;
  private final ReentrantReadWriteLock gate = new ReentrantReadWriteLock(true);
  private final ReentrantLock[] stripes = new ReentrantLock[STRIPES];
  private final ConcurrentSkipListMap<Long, ObjectId> unfinished = new ConcurrentSkipListMap<>();
  private final Set<ObjectId> suspects = ConcurrentHashMap.newKeySet();

  /** What was taken from others in an epoch that is not open: others may not have it yet. */
  private final Set<ObjectId> repaired = ConcurrentHashMap.newKeySet();

  private final Map<VdiId, Integer> copies = new ConcurrentHashMap<>();
  private final Set<ObjectId> recovered = ConcurrentHashMap.newKeySet();
  private final Map<ObjectId, Long> lastChanges = new ConcurrentHashMap<>();
  private final AtomicLong oldestUnfinished = new AtomicLong();
  private final Gaps gaps = new Gaps();
  private final Free free;
  private final DigestBook book = new DigestBook(InstantSource.system());
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

  /** Tells the space of the disk. */
  interface Free {
    Space space() throws SheepException;
  }

  Replica(NodeObjects files, PeerCalls peers, Free free) {
    this.files = files;
    this.peers = peers;
    this.free = free;
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
      gaps.begin();
      recovered.removeIf(oid -> !hasSyncedPlace(next, oid));
    } finally {
      gate.writeLock().unlock();
    }
  }

  /**
   * Whether somebody has surely everything of an object. Without, the one who had it last may have
   * a change that did not get here, and whoever is not SYNCED has to ask it again when it is back.
   */
  private boolean hasSyncedPlace(View now, ObjectId oid) {
    boolean isEverywhere =
        oid.kind() == ObjectId.Kind.INODE || oid.kind() == ObjectId.Kind.ATTRIBUTE;
    Integer made = isEverywhere ? Integer.valueOf(MAX_NODES) : copies.get(oid.vid());
    boolean isAltered = now.epoch().copies().containsKey(oid.vid());
    return (made != null || isAltered)
        && now.authority(oid, made == null ? MAX_NODES : made).isSynced();
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
    recovered.clear();
  }

  /** Counts an object as not recovered. */
  void forget(ObjectId oid) {
    recovered.remove(oid);
  }

  /** Whether this node has an object, and every acknowledged change of it. */
  private boolean has(View now, ObjectId oid) throws SheepException {
    View.Peer self = now.self();
    if (self == null || !self.isSynced()) {
      return false;
    }
    return !now.isMoving() || now.isPlace(oid, copiesOf(now, oid));
  }

  /**
   * How many nodes should have an object: all that there can be for what describes VDIs, and for
   * data what the VDI was made with, if the epoch does not say that it was changed. What the inode
   * says counts only while it never was, and so never changes.
   */
  int copiesOf(View now, ObjectId oid) throws SheepException {
    if (oid.kind() == ObjectId.Kind.INODE || oid.kind() == ObjectId.Kind.ATTRIBUTE) {
      return MAX_NODES;
    }
    CopyNumber altered = now.epoch().copies().get(oid.vid());
    if (altered != null) {
      return altered.now();
    }
    Integer known = copies.get(oid.vid());
    if (known != null) {
      return known;
    }
    ByteBuffer one = ByteBuffer.allocate(1);
    try {
      files.read(ObjectId.inode(oid.vid()), InodeLayout.COPIES, one);
    } catch (SheepException e) {
      if (e.result() != ResultCode.NO_OBJ) {
        throw e;
      }
      readCopiesElsewhere(now, oid.vid(), one.clear());
    }
    int found = Byte.toUnsignedInt(one.get(0));
    if (found == 0) {
      return now.layout().copies();
    }
    copies.put(oid.vid(), found);
    return found;
  }

  /** For a VDI whose inode is not here yet; leaves a zero if nobody has it. */
  private void readCopiesElsewhere(View now, VdiId vid, ByteBuffer one) throws SheepException {
    View.Peer self = now.self();
    if (self == null || self.isSynced()) {
      return;
    }
    View.Peer source = now.authority(ObjectId.inode(vid), MAX_NODES);
    if (source.isSelf() || !source.isSynced()) {
      return;
    }
    try {
      int flags = RequestFlags.RECOVERY;
      ObjectId inode = ObjectId.inode(vid);
      peers.read(source.node(), now.number(), flags, inode, InodeLayout.COPIES, one);
    } catch (SheepException e) {
      if (e.result() != ResultCode.NO_OBJ) {
        throw e;
      }
      one.put(0, (byte) 0);
    } catch (IOException e) {
      throw new SheepException(ResultCode.NETWORK_ERROR, "copies of VDI " + vid, e);
    }
  }

  /**
   * Does something to an object that nobody changes meanwhile, in whatever epoch and phase: it must
   * not change what can be read of it.
   */
  public void undisturbed(ObjectId oid, Change work) throws SheepException {
    gate.readLock().lock();
    try {
      ReentrantLock stripe = stripe(oid);
      stripe.lock();
      try {
        work.run();
      } finally {
        stripe.unlock();
      }
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
      book.clear();
      copies.clear();
      recovered.clear();
      suspects.clear();
      repaired.clear();
    } finally {
      gate.writeLock().unlock();
    }
  }

  // --- operations ---

  /** The lock is held when this returns. */
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

  private ReentrantLock stripe(ObjectId oid) {
    return stripes[Math.floorMod(oid.hashCode(), STRIPES)];
  }

  private void change(
      int epoch, long number, int distance, ObjectId oid, long bytes, boolean whole, Change change)
      throws SheepException {
    View now = enter(epoch, true);
    try {
      service.served();
      ReentrantLock stripe = stripe(oid);
      stripe.lock();
      try {
        begin(number, number - Integer.toUnsignedLong(distance), oid);
        if (has(now, oid)) {
          change.run();
        } else {
          changeWhereThereIsRoom(now, oid, bytes, whole, change);
        }
      } finally {
        stripe.unlock();
      }
    } finally {
      gate.readLock().unlock();
    }
  }

  /** Here the object is not right yet. The stripe is locked. */
  private void changeWhereThereIsRoom(
      View now, ObjectId oid, long bytes, boolean whole, Change change) throws SheepException {
    unlessFull(
        oid,
        () -> {
          checkRoom(oid, bytes);
          if (!whole && !recovered.contains(oid)) {
            fetch(now, oid);
          }
          change.run();
          recovered.add(oid);
        });
  }

  /** Notes instead, if there is no room, that the object has to be fetched. */
  private void unlessFull(ObjectId oid, Change change) throws SheepException {
    try {
      change.run();
    } catch (SheepException e) {
      if (e.result() != ResultCode.NO_SPACE || !gaps.add(oid)) {
        throw e;
      }
      recovered.remove(oid);
    }
  }

  /** The rest of the reserve is for what frees space, and for what says that it is free. */
  private void checkRoom(ObjectId oid, long bytes) throws SheepException {
    if (bytes == 0 || !oid.isData()) {
      return;
    }
    Space space = free.space();
    if (space.freeBytes() - bytes < Reserve.bytes(space.totalBytes()) / 2) {
      throw new SheepException(ResultCode.NO_SPACE, bytes + " bytes of " + oid);
    }
  }

  /**
   * The objects that have to be fetched, since a change of them did not fit. If there are none,
   * whatever does not fit is refused from now on, until another epoch begins.
   */
  List<ObjectId> takeGaps(View as) throws SheepException {
    View unused = enter(as.number(), true);
    try {
      return gaps.take();
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
    View unused = enter(epoch, true);
    try {
      files.flush(vid);
    } finally {
      gate.readLock().unlock();
    }
  }

  /** Makes one object durable. */
  public void force(int epoch, ObjectId oid) throws SheepException {
    View now = enter(epoch, true);
    try {
      if (has(now, oid) || recovered.contains(oid)) {
        files.force(oid);
      }
    } finally {
      gate.readLock().unlock();
    }
  }

  /** Makes creations and removals durable. */
  public void forceNames(int epoch) throws SheepException {
    View unused = enter(epoch, true);
    try {
      files.forceNames();
    } finally {
      gate.readLock().unlock();
    }
  }

  /** The ids of all objects here, ascending. */
  public List<ObjectId> list() throws SheepException {
    List<ObjectId> oids = files.list();
    oids.sort(null);
    return oids;
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
    View now = enter(epoch, false);
    try {
      ReentrantLock stripe = stripe(oid);
      stripe.lock();
      try {
        if (!has(now, oid)) {
          recovered.remove(oid); // it will be fetched like all others
        } else if (!open) {
          repaired.add(oid);
          copy(now, oid, List.of(source));
        } else {
          throw new SheepException(ResultCode.NO_SUPPORT, "repair while changes go on");
        }
      } finally {
        stripe.unlock();
      }
    } finally {
      gate.readLock().unlock();
    }
  }

  /**
   * Takes an object anew from a node whose copy is right, while the leader lets nobody change it.
   *
   * @throws SheepException if that fails; the old copy is still there then
   */
  public void replace(int epoch, ObjectId oid, NodeInfo source) throws SheepException {
    View now = enter(epoch, true);
    try {
      ReentrantLock stripe = stripe(oid);
      stripe.lock();
      try {
        if (has(now, oid)) {
          take(now, oid, source, Durability.STABLE);
        } else if (recovered.contains(oid)) {
          unlessFull(oid, () -> take(now, oid, source, Durability.STABLE));
        }
        book.forget(oid);
      } finally {
        stripe.unlock();
      }
    } finally {
      gate.readLock().unlock();
    }
  }

  /** Fetches an object that is not recovered yet; nothing for one that is. */
  void recover(View as, ObjectId oid) throws SheepException {
    View now = enter(as.number(), true);
    try {
      ReentrantLock stripe = stripe(oid);
      stripe.lock();
      try {
        if (!recovered.contains(oid)) {
          fetch(now, oid);
        }
      } finally {
        stripe.unlock();
      }
    } finally {
      gate.readLock().unlock();
    }
  }

  /**
   * Removes an object that no authority has, or that is elsewhere, unless it was made meanwhile.
   */
  void drop(View as, ObjectId oid) throws SheepException {
    View now = enter(as.number(), true);
    try {
      ReentrantLock stripe = stripe(oid);
      stripe.lock();
      try {
        View.Peer self = now.self();
        boolean owned = self != null && self.isSynced() && now.isPlace(oid, copiesOf(now, oid));
        if (!owned && !recovered.contains(oid)) {
          boolean unused = files.remove(oid);
        }
      } finally {
        stripe.unlock();
      }
    } finally {
      gate.readLock().unlock();
    }
  }

  private void fetch(View now, ObjectId oid) throws SheepException {
    int made = copiesOf(now, oid);
    View.Peer source = now.authority(oid, made);
    if (source.isSelf()) {
      recovered.add(oid);
      return;
    }
    if (source.member().isGivenUp()) {
      recovered.add(oid); // what is here, or that there is nothing, is all that is left
      return;
    }
    if (!source.member().isPresent()) {
      throw new SheepException(ResultCode.HALT, "the node with the only copy of " + oid);
    }
    List<View.Peer> synced = now.places(oid, made).stream().filter(View.Peer::isSynced).toList();
    List<View.Peer> sources = synced.isEmpty() ? List.of(source) : synced;
    copy(now, oid, sources.stream().map(View.Peer::node).toList());
    recovered.add(oid);
  }

  /**
   * Makes the object here what it is at {@code sources}, or removes it if it is not there. They
   * should all have the same; where they do not, a disk has changed a copy, if it is not that a
   * change is under way. So what is here stays if one of them has it, too: else the damaged copy
   * would become what most have.
   */
  private void copy(View now, ObjectId oid, List<NodeInfo> sources) throws SheepException {
    if (closing) {
      throw new SheepException(ResultCode.OLD_NODE_VER, "the epoch ends");
    }
    byte[] own = files.exists(oid) ? digest(oid) : null;
    SheepException unreadable = null;
    NodeInfo other = null;
    for (NodeInfo source : sources) {
      try {
        if (own == null) {
          takeOrRemove(now, oid, source);
          return;
        }
        if (Arrays.equals(own, digestAt(source, now, oid))) {
          if (other != null) {
            log.warn(
                "{} at port {} differs from that here and at {}", oid, other.port(), source.port());
          }
          return;
        }
        other = other == null ? source : other;
      } catch (SheepException e) {
        if (e.result() != ResultCode.EIO) {
          throw e;
        }
        unreadable = e;
      }
    }
    if (other != null) {
      takeOrRemove(now, oid, other);
    } else if (unreadable != null) {
      throw unreadable;
    }
  }

  private void takeOrRemove(View now, ObjectId oid, NodeInfo source) throws SheepException {
    try {
      take(now, oid, source, Durability.UNSTABLE);
    } catch (SheepException e) {
      if (e.result() != ResultCode.NO_OBJ) {
        throw e;
      }
      boolean unused = files.remove(oid);
    }
  }

  /** The digest of another node's copy; null if it has none. */
  private byte @Nullable [] digestAt(NodeInfo source, View now, ObjectId oid)
      throws SheepException {
    try {
      return peers.digest(source, now.number(), oid);
    } catch (SheepException e) {
      if (e.result() == ResultCode.NO_OBJ) {
        return null;
      }
      throw e;
    } catch (IOException e) {
      throw new SheepException(ResultCode.NETWORK_ERROR, "digest of " + oid, e);
    }
  }

  private void take(View now, ObjectId oid, NodeInfo source, Durability durability)
      throws SheepException {
    try {
      int flags = RequestFlags.RECOVERY;
      int length = Math.toIntExact(peers.storedBytes(source, now.number(), flags, oid));
      if (!has(now, oid) && !files.exists(oid)) {
        checkRoom(oid, length);
      }
      ByteBuffer content = ByteBuffer.allocateDirect(length);
      if (length > 0) {
        peers.read(source, now.number(), flags, oid, 0, content);
      }
      files.create(oid, 0, content.flip(), durability);
    } catch (SheepException e) {
      throw e;
    } catch (IOException e) {
      throw new SheepException(ResultCode.NETWORK_ERROR, "copy of " + oid, e);
    }
  }

  /**
   * The digest of an object, the zeros at its end left out: SHA-1.
   *
   * @throws SheepException {@link ResultCode#EIO} if the disk has changed it
   */
  public byte[] checkedDigest(int epoch, ObjectId oid) throws SheepException {
    View unused = enter(epoch, false);
    try {
      if (!files.exists(oid)) { // its file may be open still, although it has no name any more
        throw new SheepException(ResultCode.NO_OBJ, "object " + oid);
      }
      DigestBook.Stamp before = book.stamp(files.file(oid));
      byte[] found = digest(oid);
      if (!book.agrees(oid, before, book.stamp(files.file(oid)), found)) {
        throw new SheepException(ResultCode.EIO, oid + " has changed although nobody wrote to it");
      }
      return found;
    } finally {
      gate.readLock().unlock();
    }
  }

  /** The digest of an object, the zeros at its end left out: SHA-1. */
  public byte[] digest(int epoch, ObjectId oid) throws SheepException {
    View unused = enter(epoch, false);
    try {
      return digest(oid);
    } finally {
      gate.readLock().unlock();
    }
  }

  private byte[] digest(ObjectId oid) throws SheepException {
    MessageDigest digest = sha1();
    long stored = files.storedBytes(oid);
    ByteBuffer chunk = ByteBuffer.allocate((int) Math.min(CHUNK_BYTES, stored));
    long zeros = 0;
    for (long at = 0; at < stored; at += CHUNK_BYTES) {
      chunk.clear().limit((int) Math.min(CHUNK_BYTES, stored - at));
      files.read(oid, at, chunk);
      int used = chunk.limit();
      while (used > 0 && chunk.get(used - 1) == 0) {
        used--;
      }
      if (used > 0) {
        updateZeros(digest, zeros);
        digest.update(chunk.array(), 0, used);
        zeros = 0;
      }
      zeros += chunk.limit() - used;
    }
    return digest.digest();
  }

  private static void updateZeros(MessageDigest digest, long count) {
    byte[] zeros = new byte[(int) Math.min(count, CHUNK_BYTES)];
    for (long left = count; left > 0; left -= zeros.length) {
      digest.update(zeros, 0, (int) Math.min(left, zeros.length));
    }
  }

  private static MessageDigest sha1() {
    try {
      return MessageDigest.getInstance("SHA-1");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-1", e);
    }
  }
}
