package io.sheepfs.cache.coherence;

import io.sheepfs.cache.CachedVdi;
import io.sheepfs.cache.ObjectCache;
import io.sheepfs.protocol.Cluster;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.SnapshotSelector;
import io.sheepfs.protocol.SnapshotTag;
import io.sheepfs.protocol.VdiDirectory;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiInfo;
import io.sheepfs.protocol.VdiLock;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiSpec;
import io.sheepfs.protocol.WriterHandover;
import io.sheepfs.protocol.WriterMark;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** The VDIs of a cluster with a cache in front: tells the cache what happens to them. */
final class CachedVdis implements VdiDirectory {

  private final Cluster cluster;
  private final VdiDirectory backing;
  private final ObjectCache cache;
  private final WriterRecords records;
  private final VdiStates states;
  private final Coherence coherence;
  private final Map<VdiName, HeldLock> locks = new ConcurrentHashMap<>();

  CachedVdis(
      Cluster cluster,
      ObjectCache cache,
      WriterRecords records,
      VdiStates states,
      Coherence coherence) {
    this.cluster = cluster;
    this.backing = cluster.vdis();
    this.cache = cache;
    this.records = records;
    this.states = states;
    this.coherence = coherence;
  }

  @Override
  public List<VdiInfo> list() throws SheepException {
    List<VdiInfo> list = backing.list();
    states.listed(list);
    return list;
  }

  /**
   * {@inheritDoc}
   *
   * <p>Whoever opens a VDI or snapshot finds it first, and must see what was closed before, also in
   * the snapshots that it was made from: they may have been written when we last looked.
   */
  @Override
  public VdiInfo lookup(VdiName name) throws SheepException {
    VdiInfo vdi = backing.lookup(name);
    states.found(vdi);
    return vdi;
  }

  @Override
  public VdiInfo lookup(VdiName name, SnapshotSelector snapshot) throws SheepException {
    VdiInfo vdi = backing.lookup(name, snapshot);
    states.found(vdi);
    return vdi;
  }

  @Override
  public VdiInfo create(VdiName name, VdiSpec spec) throws SheepException {
    return backing.create(name, spec);
  }

  @Override
  public VdiInfo snapshot(VdiName name, SnapshotTag tag) throws SheepException {
    VdiId before = backing.lookup(name).vid();
    HeldLock lock = locks.get(name);
    if (lock != null) {
      cache.flush(before);
    }
    VdiInfo working = backing.snapshot(name, tag);
    if (lock != null) {
      continueAs(before, working.vid());
    } else {
      states.expire(before);
    }
    return working;
  }

  @Override
  public VdiInfo cloneSnapshot(VdiId snapshot, VdiName name) throws SheepException {
    return backing.cloneSnapshot(snapshot, name);
  }

  @Override
  public VdiInfo resize(VdiName name, long sizeBytes) throws SheepException {
    VdiInfo vdi = backing.resize(name, sizeBytes);
    if (!states.isHeld(vdi.vid())) {
      states.expire(vdi.vid());
    }
    cache.purge(vdi.vid());
    return vdi;
  }

  @Override
  public void delete(VdiName name) throws SheepException {
    VdiId vid = backing.lookup(name).vid();
    backing.delete(name);
    gone(vid);
  }

  @Override
  public void delete(VdiName name, SnapshotSelector snapshot) throws SheepException {
    VdiId vid = backing.lookup(name, snapshot).vid();
    backing.delete(name, snapshot);
    gone(vid);
  }

  /**
   * Forgets what is cached of VDIs and snapshots that somebody else has deleted: nobody reads it
   * any more. What is dirty of them is left to whoever would push it.
   *
   * @throws SheepException if the cluster does not tell
   */
  void forgetDeleted() throws SheepException {
    for (CachedVdi cached : cache.vdis()) {
      VdiId vid = cached.vid();
      if (cached.dirtyObjects() == 0 && !states.isHeld(vid) && coherence.info(vid) == null) {
        gone(vid);
      }
    }
  }

  private void gone(VdiId vid) throws SheepException {
    cache.forget(vid);
    records.remove(vid);
    states.remove(vid);
  }

  @Override
  public @Nullable WriterMark lastWriter(VdiName name) throws SheepException {
    return backing.lastWriter(name);
  }

  @Override
  public VdiLock lock(VdiName name, @Nullable WriterHandover handover) throws SheepException {
    Taking taking = new Taking(handover);
    HeldLock lock = new HeldLock(backing.lock(name, taking));
    boolean done = false;
    try {
      locks.put(name, lock);
      lock.token = taking.token;
      VdiState state = states.of(lock.vdi().vid());
      settle(state, taking, lock);
      for (VdiId left : taking.leftovers) {
        moveDirty(left, lock.vdi().vid());
      }
      if (!taking.leftovers.isEmpty()) {
        cache.flush(lock.vdi().vid());
      } else if (coherence.isDirty(lock.vdi().vid())) {
        flushEarlier(lock.vdi());
      }
      done = true;
      return lock;
    } finally {
      if (!done) {
        lock.close();
      }
    }
  }

  /**
   * Pushes what an earlier holder of the lock left: whoever reads the index next must find the
   * objects there that were made, also if the store has lost their entries since.
   */
  private void flushEarlier(VdiInfo vdi) {
    try {
      cache.flush(vdi.vid());
    } catch (SheepException e) {
      CachedCluster.log.warn(
          "what was written to {} before is still in the cache: {}", vdi.name(), e.getMessage());
    }
  }

  /** Our mark is left: only its token counts from now on. */
  private void settle(VdiState state, Taking taking, HeldLock lock) {
    boolean cachable = taking.recorded;
    state.checking.lock();
    try {
      WriterRecord record = records.get(state.vid);
      if (cachable && record != null) {
        records.put(state.vid, record.withTokens(taking.token));
      }
    } catch (IOException e) {
      cachable = false;
    } finally {
      state.checking.unlock();
    }
    state.hold(lock, cachable);
  }

  /** What happens between getting the lock and leaving the mark. */
  private final class Taking implements WriterHandover {
    private final @Nullable WriterHandover other;

    /** Earlier ids of the VDI that have dirty data, from before a snapshot was taken elsewhere. */
    final List<VdiId> leftovers = new ArrayList<>();

    UUID token = UUID.randomUUID();
    boolean recorded;

    Taking(@Nullable WriterHandover other) {
      this.other = other;
    }

    @Override
    public UUID take(VdiInfo vdi, @Nullable WriterMark last) throws SheepException {
      if (other != null) {
        token = other.take(vdi, last);
      }
      for (CachedVdi cached : cache.vdis()) {
        if (cached.dirtyObjects() > 0 && !cached.vid().equals(vdi.vid())) {
          takeLeftover(cached.vid(), vdi.name(), last);
        }
      }
      VdiState state = states.of(vdi.vid());
      state.checking.lock();
      try {
        WriterRecord record = records.get(vdi.vid());
        boolean right = record != null && record.isOf(vdi) && record.accepts(last);
        if (!right) {
          coherence.dropStale(vdi.vid());
        }
        recorded = record(vdi.vid(), vdi, last, right);
        if (!recorded && right && coherence.isDirty(vdi.vid())) {
          throw new SheepException(
              ResultCode.EIO, "the cache cannot note who writes VDI " + vdi.name());
        }
      } finally {
        state.checking.unlock();
      }
      return token;
    }

    private void takeLeftover(VdiId vid, VdiName name, @Nullable WriterMark last)
        throws SheepException {
      WriterRecord record = records.get(vid);
      if (record == null || !record.name().equals(name)) {
        return;
      }
      if (record.accepts(last)) {
        try {
          records.put(vid, record.withTokens(tokens(last)));
        } catch (IOException e) {
          throw new SheepException(ResultCode.EIO, "the cache cannot note who writes " + name, e);
        }
        leftovers.add(vid);
      } else {
        coherence.dropStale(vid);
        records.remove(vid);
      }
    }

    private boolean record(VdiId vid, VdiInfo vdi, @Nullable WriterMark last, boolean right) {
      try {
        records.put(vid, WriterRecord.of(vdi, right ? tokens(last) : new UUID[] {token}));
        return true;
      } catch (IOException e) {
        CachedCluster.log.warn("VDI {} is not cached: {}", vdi.name(), e.toString());
        return false;
      }
    }

    private UUID[] tokens(@Nullable WriterMark last) {
      return last == null ? new UUID[] {token} : new UUID[] {last.token(), token};
    }
  }

  /**
   * The VDI {@code snapshot} has become one, and {@code successor} goes on from it, under the lock
   * that we hold. What is dirty belongs to the successor.
   */
  void continueAs(VdiId snapshot, VdiId successor) throws SheepException {
    VdiState before = states.of(snapshot);
    VdiInfo vdi = coherence.info(successor);
    HeldLock lock = vdi == null ? null : locks.get(vdi.name());
    if (lock == null || vdi == null || snapshot.equals(successor)) {
      return;
    }
    VdiState after = states.of(successor);
    boolean cachable = !before.uncachable;
    after.checking.lock();
    try {
      if (!after.isHeld()) {
        cache.purge(successor);
        records.put(successor, WriterRecord.of(vdi, lock.token));
      }
    } catch (IOException e) {
      cachable = false;
    } finally {
      after.checking.unlock();
    }
    after.hold(lock, cachable);
    cache.freeze(snapshot);
    moveDirty(snapshot, successor);
    before.letGo(lock);
    before.expire();
  }

  private void moveDirty(VdiId from, VdiId to) throws SheepException {
    Successor target = new Successor(cluster.objects(), cache, to);
    cache.handOver(from, target);
    states.expire(from);
  }

  /**
   * Pushes what an earlier process left, VDI by VDI, as their writer.
   *
   * @return the names of those that must wait, since somebody else is writing them, or the cluster
   *     does not answer
   */
  List<VdiName> pushLeftovers() throws SheepException {
    List<VdiName> names = new ArrayList<>();
    for (CachedVdi cached : cache.vdis()) {
      if (cached.dirtyObjects() == 0 || states.isHeld(cached.vid())) {
        continue;
      }
      WriterRecord record = records.get(cached.vid());
      if (record == null) {
        coherence.dropStale(cached.vid());
      } else if (!names.contains(record.name())) {
        names.add(record.name());
      }
    }
    List<VdiName> waiting = new ArrayList<>();
    for (VdiName name : names) {
      if (!pushLeftovers(name)) {
        waiting.add(name);
      }
    }
    return waiting;
  }

  private boolean pushLeftovers(VdiName name) throws SheepException {
    try {
      VdiLock lock = lock(name);
      try {
        cache.flush(lock.vdi().vid());
      } finally {
        lock.close();
      }
      CachedCluster.log.info("what was written to {} before is in the cluster now", name);
      return true;
    } catch (SheepException e) {
      if (e.result() == ResultCode.NO_VDI) {
        forgetDeleted(name);
        return true;
      }
      CachedCluster.log.warn(
          "what was written to {} before stays in the cache: {}", name, e.getMessage());
      return false;
    }
  }

  private void forgetDeleted(VdiName name) throws SheepException {
    for (Map.Entry<VdiId, WriterRecord> entry : records.all().entrySet()) {
      if (entry.getValue().name().equals(name) && coherence.isDirty(entry.getKey())) {
        coherence.dropStale(entry.getKey());
        records.remove(entry.getKey());
      }
    }
  }

  /** A lock that lets the cache take writes, as long as it is held. */
  private final class HeldLock implements VdiLock {
    private final VdiLock lock;
    private volatile UUID token = new UUID(0, 0);

    HeldLock(VdiLock lock) {
      this.lock = lock;
    }

    @Override
    public VdiInfo vdi() {
      return lock.vdi();
    }

    @Override
    public boolean isHeld() {
      return lock.isHeld();
    }

    @Override
    public void close() throws SheepException {
      locks.remove(vdi().name(), this);
      states.letGo(this);
      lock.close();
    }
  }
}
