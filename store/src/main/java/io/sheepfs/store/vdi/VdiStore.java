package io.sheepfs.store.vdi;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.InodeHeader;
import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.SnapshotSelector;
import io.sheepfs.protocol.SnapshotTag;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiInfo;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiSpec;
import io.sheepfs.store.object.Journal;
import io.sheepfs.store.object.StoredObjects;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Carries out changes of VDIs on the disk, one after the other, each durable and as a whole.
 *
 * <p>A change of one inode is one forced sector, or one new file. A change of several files goes
 * through {@link InodeChanges}. A deletion is done when its tombstone is durable: the inode without
 * its name, but with its index, by which the removal of the objects is resumed after a crash.
 *
 * <p>Locks are taken in this order: the one of changes, the gate of a VDI, the one of {@link
 * References}, those inside {@link StoredObjects}.
 *
 * <p>Safe for any number of threads.
 */
public final class VdiStore {

  private static final Logger log = LoggerFactory.getLogger(VdiStore.class);

  private static final String NOTHING_REMOVED =
      "no object of any VDI is removed until it is right and the store is opened again";

  private final StoredObjects files;
  private final InodeChanges journal;
  private final InstantSource clock;
  private final VdiTable table = new VdiTable();
  private final VdiLocks locks = new VdiLocks();
  private final InodeIndex index;
  private final References references;
  private final Deletions deletions;
  private final boolean clientsSetCopies;
  private final ReentrantLock changes = new ReentrantLock();

  /**
   * The VDIs among {@code files}; {@link #load} comes first.
   *
   * @param clientsSetCopies whether the number of copies in an inode is what a client writes there;
   *     else its writes leave that as it is
   */
  public VdiStore(
      StoredObjects files, InodeChanges journal, InstantSource clock, boolean clientsSetCopies) {
    this.clientsSetCopies = clientsSetCopies;
    this.files = files;
    this.journal = journal;
    this.clock = clock;
    this.index = new InodeIndex(files);
    this.references = new References(table, files, index);
    this.deletions = new Deletions(files, table, index, references);
  }

  /** Chooses the VDI that a change is about, while no other change can happen. */
  public interface Choice {
    /**
     * Looks it up.
     *
     * @throws SheepException if there is none
     */
    Vdi in(VdiTable table) throws SheepException;
  }

  /** The VDI or snapshot with an id; {@link ResultCode#NO_VDI} if there is none. */
  public static Choice byId(VdiId vid) {
    return table -> {
      table.checkNotDamaged(vid);
      Vdi vdi = table.get(vid);
      if (vdi == null || vdi.isDeleted()) {
        throw new SheepException(ResultCode.NO_VDI, "VDI " + vid);
      }
      return vdi;
    };
  }

  /** What VDIs there are. */
  public VdiTable table() {
    return table;
  }

  /** Who may write them. */
  public VdiLocks locks() {
    return locks;
  }

  References references() {
    return references;
  }

  InodeIndex index() {
    return index;
  }

  /** Removes those of some objects of working VDIs that no index names. */
  public void removeUnreferred(List<ObjectId> objects) throws SheepException {
    for (ObjectId oid : objects) {
      references.release(oid.index(), new int[] {oid.vid().value()});
    }
  }

  /** Whether a change got stuck half way, so that nothing may be written any more. */
  public boolean isBroken() {
    return journal.isBroken();
  }

  /** Puts an object right that this disk has changed or lost, if there is another copy. */
  public interface Mender {
    /** Whether the object is another now. */
    boolean mend(ObjectId oid) throws SheepException;
  }

  /**
   * Fills the table from the headers of the inodes. No inode is ever removed, so one that another
   * says to be made from, and that is not there, is lost.
   */
  public void load(List<ObjectId> objects, Mender mender) throws SheepException {
    Set<VdiId> vids = new TreeSet<>();
    for (ObjectId oid : objects) {
      if (oid.kind() == ObjectId.Kind.INODE && oid.index() == 0) {
        vids.add(oid.vid());
      }
    }
    fill(vids, mender);
    boolean isMended = false;
    Set<VdiId> strangers = table.strangers();
    for (VdiId vid : strangers) {
      isMended |= mender.mend(ObjectId.inode(vid));
    }
    if (isMended) {
      table.clear();
      deletions.clear();
      vids.addAll(strangers);
      fill(vids, inode -> false);
      strangers = table.strangers();
    }
    if (!strangers.isEmpty()) {
      log.error(
          "the inodes of {} are damaged or lost: one was made from another, which is no snapshot;"
              + " {}",
          strangers,
          NOTHING_REMOVED);
      table.distrust(strangers);
    }
  }

  private void fill(Set<VdiId> vids, Mender mender) throws SheepException {
    for (VdiId vid : vids) {
      load(ObjectId.inode(vid), mender);
    }
  }

  private void load(ObjectId inode, Mender mender) throws SheepException {
    InodeHeader header = soundHeader(inode);
    if (header == null && mender.mend(inode)) {
      header = soundHeader(inode);
    }
    if (header == null) {
      log.error("the inode {} is damaged or lost: its VDI is left out; {}", inode, NOTHING_REMOVED);
      table.addDamaged(inode.vid());
      return;
    }
    Vdi vdi = new Vdi(inode.vid(), header);
    table.add(vdi);
    if (vdi.isDeleted()) {
      deletions.found(vdi);
    }
  }

  private @Nullable InodeHeader soundHeader(ObjectId inode) throws SheepException {
    try {
      return Headers.sound(files, inode);
    } catch (SheepException e) {
      if (e.result() == ResultCode.NO_OBJ) {
        return null;
      }
      throw e;
    }
  }

  /** The deletions that are not finished. */
  public Deletions deletions() {
    return deletions;
  }

  /** Forgets all VDIs; their objects are gone. */
  public void clear() {
    changes.lock();
    try {
      table.clear();
      locks.clear();
      deletions.clear();
    } finally {
      changes.unlock();
    }
  }

  /**
   * Makes an empty VDI.
   *
   * @param spec with copies and block size shift filled in
   * @throws SheepException {@link ResultCode#VDI_EXIST}, {@link ResultCode#FULL_VDI}
   */
  public Vdi create(VdiName name, VdiSpec spec) throws SheepException {
    changes.lock();
    try {
      checkFree(name);
      VdiId vid = table.freeId(name);
      InodeHeader header =
          new InodeHeader(
              name.toBytes(),
              new byte[0],
              now(),
              0,
              0,
              spec.sizeBytes(),
              0,
              0,
              0,
              spec.copies(),
              spec.blockSizeShift(),
              table.nextSnapshotId(name),
              vid.value(),
              0,
              0);
      return make(vid, header, null);
    } finally {
      changes.unlock();
    }
  }

  private void checkFree(VdiName name) throws SheepException {
    table.checkNoneDamaged(name);
    if (table.working(name) != null) {
      throw new SheepException(ResultCode.VDI_EXIST, "VDI '" + name + "'");
    }
  }

  private long now() {
    return InodeHeader.wireTime(clock.instant());
  }

  private Vdi make(VdiId vid, InodeHeader header, @Nullable Vdi base) throws SheepException {
    checkNotBroken();
    ObjectId inode = ObjectId.inode(vid);
    boolean done = false;
    try {
      if (base == null) {
        files.create(inode, 0, header.encode(), Durability.STABLE);
      } else {
        Path temporary = journal.stageInode(inode, header, base.inode());
        journal.install(temporary, inode);
      }
      done = true;
    } finally {
      if (!done) {
        removeQuietly(inode);
      }
    }
    Vdi vdi = new Vdi(vid, header);
    references.lock().lock();
    try {
      table.add(vdi);
    } finally {
      references.lock().unlock();
    }
    return vdi;
  }

  private void checkNotBroken() throws SheepException {
    if (isBroken()) {
      throw new SheepException(ResultCode.EIO, "an earlier change could not be completed");
    }
  }

  private void removeQuietly(ObjectId oid) {
    try {
      files.remove(oid);
    } catch (SheepException e) {
      log.warn("inode {} is left behind: {}", oid, e.toString());
    }
  }

  /**
   * Freezes a working VDI and goes on with a new one in its place.
   *
   * @param tag null takes the tag that stands in the inode already
   * @return the new working VDI
   * @throws SheepException {@link ResultCode#NO_VDI}, {@link ResultCode#INVALID_PARMS} if it is a
   *     snapshot, {@link ResultCode#VDI_EXIST} if the tag is taken
   */
  public Vdi snapshot(Choice working, @Nullable SnapshotTag tag) throws SheepException {
    changes.lock();
    try {
      Vdi base = working.in(table);
      VdiName name = base.name();
      if (base.isSnapshot() || name == null) {
        throw new SheepException(ResultCode.INVALID_PARMS, "snapshot of VDI " + base.vid());
      }
      byte[] tagBytes = tag != null ? tag.toBytes() : base.header().tag();
      if (tag != null && table.snapshot(name, new SnapshotSelector.ByTag(tag)) != null) {
        throw new SheepException(ResultCode.VDI_EXIST, "snapshot '" + tag + "'");
      }
      files.flush(base.vid()); // most of it while others can still write
      long stamp = base.gate().writeLock();
      try {
        files.flush(base.vid());
        return freeze(base, tagBytes, base, name);
      } finally {
        base.gate().unlockWrite(stamp);
      }
    } finally {
      changes.unlock();
    }
  }

  /**
   * Freezes a working VDI and goes on from a snapshot, where it was before.
   *
   * @param snapshot the snapshot to go back to; of any VDI
   * @param owner who asks
   * @return the new working VDI
   * @throws SheepException {@link ResultCode#NO_VDI}; {@link ResultCode#NO_BASE_VDI}, {@link
   *     ResultCode#INVALID_PARMS} if {@code snapshot} is none, {@link ResultCode#VDI_LOCKED} if
   *     somebody else holds a lease on the working VDI
   */
  public Vdi rollback(Choice working, VdiId snapshot, Object owner) throws SheepException {
    changes.lock();
    try {
      Vdi current = working.in(table);
      VdiName name = current.name();
      Vdi base = require(snapshot, ResultCode.NO_BASE_VDI);
      if (current.isSnapshot() || name == null || !base.isSnapshot()) {
        throw new SheepException(
            ResultCode.INVALID_PARMS, "going back from VDI " + current.vid() + " to " + snapshot);
      }
      locks.checkNotLeasedElsewhere(current.vid(), owner);
      long baseStamp = base.gate().writeLock();
      long stamp = current.gate().writeLock();
      try {
        files.flush(current.vid());
        return freeze(current, current.header().tag(), base, name);
      } finally {
        current.gate().unlockWrite(stamp);
        base.gate().unlockWrite(baseStamp);
      }
    } finally {
      changes.unlock();
    }
  }

  /** Freezes {@code current}; a VDI with the content of {@code base} takes its place. */
  private Vdi freeze(Vdi current, byte[] tag, Vdi base, VdiName name) throws SheepException {
    VdiId vid = table.freeId(name);
    long now = now();
    InodeHeader old = current.header();
    InodeHeader next = Headers.cloned(base.header(), name, vid, old.snapshotId() + 1, now);
    InodeHeader frozen = Headers.frozen(old, tag, now);
    Path temporary = journal.stageInode(ObjectId.inode(vid), next, base.inode());
    byte[] patch = new byte[InodeLayout.VM_CLOCK_NANOS - InodeLayout.TAG];
    frozen.encode().get(InodeLayout.TAG, patch);
    boolean done = false;
    try {
      journal.commit(
          List.of(
              new Journal.Rename(ObjectId.inode(vid), temporary),
              new Journal.Patch(current.inode(), InodeLayout.TAG, patch)));
      done = true;
    } finally {
      if (!done) {
        deleteUnlessBroken(temporary);
      }
    }
    Vdi vdi = new Vdi(vid, next);
    references.lock().lock();
    try {
      table.succeed(current, frozen, vdi);
    } finally {
      references.lock().unlock();
    }
    locks.moved(current.vid(), vid);
    return vdi;
  }

  private void deleteUnlessBroken(Path temporary) {
    if (!journal.isBroken()) {
      journal.discard(temporary);
    }
  }

  private Vdi require(VdiId vid, ResultCode otherwise) throws SheepException {
    table.checkNotDamaged(vid);
    Vdi vdi = table.get(vid);
    if (vdi == null || vdi.isDeleted()) {
      throw new SheepException(otherwise, "VDI " + vid);
    }
    return vdi;
  }

  /**
   * Makes a VDI that starts with the content of a snapshot.
   *
   * @throws SheepException {@link ResultCode#NO_BASE_VDI}, {@link ResultCode#INVALID_PARMS} if it
   *     is no snapshot, {@link ResultCode#VDI_EXIST}
   */
  public Vdi cloneSnapshot(VdiId snapshot, VdiName name) throws SheepException {
    changes.lock();
    try {
      Vdi base = require(snapshot, ResultCode.NO_BASE_VDI);
      if (!base.isSnapshot()) {
        throw new SheepException(ResultCode.INVALID_PARMS, "clone of VDI " + snapshot);
      }
      checkFree(name);
      VdiId vid = table.freeId(name);
      long stamp = base.gate().writeLock();
      try {
        InodeHeader header =
            Headers.cloned(base.header(), name, vid, table.nextSnapshotId(name), now());
        return make(vid, header, base);
      } finally {
        base.gate().unlockWrite(stamp);
      }
    } finally {
      changes.unlock();
    }
  }

  /**
   * Deletes a VDI or snapshot with every object that nothing else refers to.
   *
   * @param owner who asks
   * @throws SheepException {@link ResultCode#NO_VDI}, {@link ResultCode#VDI_LOCKED} if somebody
   *     else holds a lease on it
   */
  public void delete(Choice doomed, Object owner) throws SheepException {
    Vdi vdi;
    changes.lock();
    try {
      vdi = doomed.in(table);
      locks.checkNotLeasedElsewhere(vdi.vid(), owner);
      checkNotBroken();
      long stamp = vdi.gate().writeLock();
      try {
        bury(vdi);
      } finally {
        vdi.gate().unlockWrite(stamp);
      }
    } finally {
      changes.unlock();
    }
    deletions.begin(vdi);
  }

  private void bury(Vdi vdi) throws SheepException {
    InodeHeader tombstone = Headers.tombstone(vdi.header());
    references.lock().lock();
    try {
      boolean done = false;
      try {
        files.write(vdi.inode(), InodeLayout.NAME, Headers.epitaph(), Durability.STABLE);
        done = true;
      } finally {
        if (!done) {
          restoreName(vdi);
        }
      }
      table.update(vdi, tombstone);
    } finally {
      references.lock().unlock();
    }
  }

  private void restoreName(Vdi vdi) {
    try {
      ByteBuffer name = vdi.header().encode().limit(InodeLayout.NAME_BYTES);
      files.write(vdi.inode(), InodeLayout.NAME, name, Durability.UNSTABLE);
    } catch (SheepException e) {
      log.error(
          "VDI {} is neither deleted nor kept; a restart decides: {}", vdi.vid(), e.toString());
    }
  }

  /**
   * Changes the size of a working VDI.
   *
   * @param owner who asks
   * @throws SheepException {@link ResultCode#INVALID_PARMS} for an impossible size, {@link
   *     ResultCode#VDI_LOCKED} if somebody else holds a lease on it
   */
  public VdiInfo resize(Choice working, long sizeBytes, Object owner) throws SheepException {
    changes.lock();
    try {
      Vdi vdi = working.in(table);
      VdiId vid = vdi.vid();
      VdiInfo info = vdi.info();
      if (info == null
          || info.isSnapshot()
          || sizeBytes < 0
          || sizeBytes > VdiSpec.maxSizeBytes(info.blockSizeShift())) {
        throw new SheepException(
            ResultCode.INVALID_PARMS, "resize of VDI " + vid + " to " + sizeBytes + " bytes");
      }
      locks.checkNotLeasedElsewhere(vid, owner);
      long stamp = vdi.gate().writeLock();
      try {
        return sizeBytes >= info.sizeBytes() ? grow(vdi, sizeBytes) : shrink(vdi, info, sizeBytes);
      } finally {
        vdi.gate().unlockWrite(stamp);
      }
    } finally {
      changes.unlock();
    }
  }

  private VdiInfo grow(Vdi vdi, long sizeBytes) throws SheepException {
    journal.commit(List.of(sizePatch(vdi, sizeBytes)));
    return resized(vdi, sizeBytes);
  }

  private static Journal.Step sizePatch(Vdi vdi, long sizeBytes) {
    byte[] bytes = new byte[Long.BYTES];
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putLong(sizeBytes);
    return new Journal.Patch(vdi.inode(), InodeLayout.VDI_SIZE, bytes);
  }

  private VdiInfo resized(Vdi vdi, long sizeBytes) {
    table.update(vdi, Headers.resized(vdi.header(), sizeBytes));
    VdiInfo info = vdi.info();
    if (info == null) {
      throw new IllegalStateException("a checked size became impossible: " + sizeBytes);
    }
    return info;
  }

  private VdiInfo shrink(Vdi vdi, VdiInfo info, long sizeBytes) throws SheepException {
    int kept = (int) ((sizeBytes + info.objectSizeBytes() - 1) >>> info.blockSizeShift());
    int tail = (int) (sizeBytes & (info.objectSizeBytes() - 1));
    int end = Math.max(kept, index.storedEntries(vdi.inode()));
    int[] freed = kept == end ? new int[0] : index.read(vdi.inode(), kept, end - kept);
    List<Journal.Step> steps = new ArrayList<>();
    int[] replaced = new int[1];
    Path copy = null;
    if (tail != 0) {
      int owner = index.read(vdi.inode(), kept - 1, 1)[0];
      if (owner != 0 && !VdiId.isValid(owner)) {
        throw new SheepException(
            ResultCode.EIO, "the index of VDI " + vdi.vid() + " is damaged at " + (kept - 1));
      }
      ObjectId own = ObjectId.data(vdi.vid(), kept - 1);
      if (owner == vdi.vid().value()) {
        steps.add(new Journal.Truncate(own, tail));
      } else if (owner != 0) {
        replaced[0] = owner;
        copy = journal.stagePrefix(own, ObjectId.data(new VdiId(owner), kept - 1), tail);
        steps.add(new Journal.Rename(own, copy));
        steps.add(ownershipPatch(vdi, kept - 1));
      }
    }
    // what lies behind the index is zero too, so the file can end where the index does
    int indexEnd = InodeLayout.INDEX + kept * InodeLayout.INDEX_ENTRY_BYTES;
    steps.add(new Journal.Truncate(vdi.inode(), indexEnd));
    steps.add(sizePatch(vdi, sizeBytes));
    boolean done = false;
    try {
      journal.commit(steps);
      done = true;
    } finally {
      if (!done && copy != null) {
        deleteUnlessBroken(copy);
      }
    }
    VdiInfo changed = resized(vdi, sizeBytes);
    if (Arrays.stream(replaced).anyMatch(owner -> owner != 0)) {
      references.release(kept - 1, replaced);
    }
    references.release(kept, freed);
    return changed;
  }

  private static Journal.Step ownershipPatch(Vdi vdi, int objectIndex) {
    byte[] bytes = new byte[InodeLayout.INDEX_ENTRY_BYTES];
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putInt(vdi.vid().value());
    return new Journal.Patch(vdi.inode(), InodeLayout.indexOffset(objectIndex), bytes);
  }

  /**
   * Takes the lock of a VDI.
   *
   * @param owner who asks
   * @param leased whether it lives only as long as its owner, and nobody else can release it
   * @throws SheepException {@link ResultCode#VDI_LOCKED} if anybody has it, even {@code owner}
   */
  public VdiLocks.Lock lock(Choice working, Object owner, boolean leased) throws SheepException {
    return lock(working, owner, leased, 0);
  }

  /** The same; {@code holder} as in {@link VdiLocks#acquire(VdiId, Object, boolean, int)}. */
  public VdiLocks.Lock lock(Choice working, Object owner, boolean leased, int holder)
      throws SheepException {
    changes.lock();
    try {
      return locks.acquire(working.in(table).vid(), owner, leased, holder);
    } finally {
      changes.unlock();
    }
  }

  /**
   * Writes to the header of an inode. What tells one VDI from another cannot be changed that way.
   *
   * @throws SheepException {@link ResultCode#INVALID_PARMS} if it would be
   */
  void writeHeader(VdiId vid, int offset, ByteBuffer src, Durability durability)
      throws SheepException {
    changes.lock();
    try {
      Vdi vdi = require(vid, ResultCode.NO_OBJ);
      checkNotBroken();
      int length = src.remaining();
      ByteBuffer bytes = vdi.header().encode();
      bytes.put(offset, src, src.position(), length);
      if (!clientsSetCopies) {
        bytes.put(InodeLayout.COPIES, (byte) vdi.header().copies());
      }
      InodeHeader changed = InodeHeader.decode(bytes.clear());
      if (!Headers.sameIdentity(vdi.header(), changed) || !Headers.isPossible(changed)) {
        throw new SheepException(ResultCode.INVALID_PARMS, "header of VDI " + vid);
      }
      files.write(vdi.inode(), offset, bytes.slice(offset, length), durability);
      table.update(vdi, changed);
    } finally {
      changes.unlock();
    }
  }

  /**
   * Notes how many copies a VDI has, for whoever reads its inode. Durable on return.
   *
   * @throws SheepException {@link ResultCode#NO_VDI}
   */
  public void setCopies(VdiId vid, int copies) throws SheepException {
    changes.lock();
    try {
      Vdi vdi = require(vid, ResultCode.NO_VDI);
      checkNotBroken();
      ByteBuffer bytes = vdi.header().encode();
      bytes.put(InodeLayout.COPIES, (byte) copies);
      InodeHeader changed = InodeHeader.decode(bytes.clear());
      files.write(
          vdi.inode(), InodeLayout.COPIES, bytes.slice(InodeLayout.COPIES, 1), Durability.STABLE);
      table.update(vdi, changed);
    } finally {
      changes.unlock();
    }
  }
}
