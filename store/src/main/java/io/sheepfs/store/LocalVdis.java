package io.sheepfs.store;

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
import io.sheepfs.protocol.WriterMarks;
import io.sheepfs.store.vdi.Vdi;
import io.sheepfs.store.vdi.VdiLocks;
import io.sheepfs.store.vdi.VdiStore;
import io.sheepfs.store.vdi.VdiTable;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The VDIs of a local store as one session sees them: its locks are its own. */
final class LocalVdis implements VdiDirectory {

  private final LocalSheep sheep;
  private final VdiStore store;
  private final Object session;
  private final WriterMarks marks;

  LocalVdis(LocalSheep sheep, VdiStore store, LocalObjects objects, Object session) {
    this.sheep = sheep;
    this.store = store;
    this.session = session;
    this.marks = new WriterMarks(objects);
  }

  private VdiTable table() throws SheepException {
    sheep.checkReady();
    return store.table();
  }

  private VdiStore.Choice working(VdiName name) throws SheepException {
    sheep.checkReady();
    return table -> table.requireWorking(name);
  }

  private static VdiInfo info(Vdi vdi) throws SheepException {
    VdiInfo info = vdi.info();
    if (info == null) {
      throw new SheepException(ResultCode.NO_VDI, "VDI " + vdi.vid());
    }
    return info;
  }

  @Override
  public List<VdiInfo> list() throws SheepException {
    return table().list();
  }

  @Override
  public VdiInfo lookup(VdiName name) throws SheepException {
    VdiInfo vdi;
    do {
      vdi = info(table().requireWorking(name));
    } while (vdi.isSnapshot()); // since it was found: now its successor will be
    return vdi;
  }

  @Override
  public VdiInfo lookup(VdiName name, SnapshotSelector snapshot) throws SheepException {
    return info(table().requireSnapshot(name, snapshot));
  }

  @Override
  public VdiInfo create(VdiName name, VdiSpec spec) throws SheepException {
    return info(store.create(name, sheep.withDefaults(spec)));
  }

  @Override
  public VdiInfo snapshot(VdiName name, SnapshotTag tag) throws SheepException {
    return info(store.snapshot(working(name), tag));
  }

  @Override
  public VdiInfo cloneSnapshot(VdiId snapshot, VdiName name) throws SheepException {
    sheep.checkReady();
    return info(store.cloneSnapshot(snapshot, name));
  }

  @Override
  public VdiInfo resize(VdiName name, long sizeBytes) throws SheepException {
    return store.resize(working(name), sizeBytes, session);
  }

  @Override
  public void delete(VdiName name) throws SheepException {
    store.delete(working(name), session);
    marks.remove(name);
  }

  @Override
  public void delete(VdiName name, SnapshotSelector snapshot) throws SheepException {
    sheep.checkReady();
    store.delete(table -> table.requireSnapshot(name, snapshot), session);
  }

  @Override
  public VdiLock lock(VdiName name, @Nullable WriterHandover handover) throws SheepException {
    return marks.hold(lockOnly(name), handover);
  }

  @Override
  public @Nullable WriterMark lastWriter(VdiName name) throws SheepException {
    sheep.checkReady();
    return marks.read(name);
  }

  private VdiLock lockOnly(VdiName name) throws SheepException {
    VdiLocks.Lock lock = store.lock(working(name), session, true);
    boolean done = false;
    try {
      LocalVdiLock held = new LocalVdiLock(lookup(name), store.locks(), lock);
      done = true;
      return held;
    } finally {
      if (!done) {
        store.locks().release(lock);
      }
    }
  }

  /** Ends the locks of the session. */
  void releaseLocks() {
    store.locks().releaseAll(session);
  }

  private record LocalVdiLock(VdiInfo vdi, VdiLocks locks, VdiLocks.Lock lock) implements VdiLock {
    @Override
    public boolean isHeld() {
      return locks.isHeld(lock);
    }

    @Override
    public void close() {
      locks.release(lock);
    }
  }
}
