package io.sheepfs.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletionException;

/**
 * A cache over a store in memory, used as a mount uses it, and beside it what each block may read
 * as. There are two working VDIs: one from which snapshots are taken, and a clone of one of them.
 * Every write has a number of its own, so foreign or stale content shows.
 */
final class CacheModel {

  static final int UNIT = BlockMap.BLOCK_BYTES / 2;
  static final int UNITS = SimVdi.BLOCKS * 2;
  private static final int MAX_SNAPSHOTS = 3;

  /** The process is dead. */
  private static final class Killed extends Error {
    private static final long serialVersionUID = 1;

    Killed() {
      super("killed", null, false, false);
    }
  }

  /** A change, which the process may not survive. */
  interface Step {
    void run() throws SheepException;
  }

  private final SimStore store = new SimStore();
  private final SimDisk disk = new SimDisk();
  private final Random random;
  private final List<SimVdi> working = new ArrayList<>();
  private final List<SimVdi> snapshots = new ArrayList<>();
  private final ByteBuffer buffer =
      ByteBuffer.allocate(UNITS * UNIT).order(ByteOrder.LITTLE_ENDIAN);
  private int lastValue;

  /** The store has changes, not flushed, that nobody could make again. */
  private boolean loose;

  /** The store has lost what the cache holds. */
  private boolean lost;

  /** The cache's disk failed, and the cache may not have noticed yet that it works again. */
  private boolean degraded;

  /** How often something happened in the middle of something else. */
  private int inner;

  /** Throws {@link Killed} if the process is dead. */
  private Runnable killed = () -> {};

  private long nanos;
  private ObjectCache cache;

  CacheModel(Random random) throws IOException {
    this.random = random;
    this.cache = open();
    SimVdi base = new SimVdi(store.make());
    working.add(base);
    for (int object = 0; object < SimVdi.OBJECTS; object++) {
      cache.create(oid(base, object), 0, ByteBuffer.allocate(0), Durability.UNSTABLE);
      setOwner(base, object, base.vid.value());
    }
    flush(0);
  }

  /** Adds the clone; from here on both VDIs have their objects from a snapshot. */
  CacheModel withClone() throws IOException {
    write(0, 0, 0, UNITS);
    snapshot(false);
    working.add(new SimVdi(store.successor(snapshots.get(0).vid), snapshots.get(0)));
    return this;
  }

  private ObjectCache open() throws IOException {
    CacheOptions options =
        new CacheOptions(
            CacheMode.WRITEBACK,
            6 * BlockMap.BLOCK_BYTES,
            0,
            1 << 20,
            Duration.ofSeconds(2),
            Duration.ofSeconds(4),
            BlockMap.BLOCK_BYTES * 2,
            4);
    return new ObjectCache(store, disk, "sim", options, Runnable::run, () -> nanos);
  }

  private static ObjectId oid(SimVdi vdi, int object) {
    return ObjectId.data(vdi.vid, object);
  }

  private static ObjectId source(SimVdi vdi, int object) {
    return ObjectId.data(new VdiId(vdi.owner[object]), object);
  }

  private void setOwner(SimVdi vdi, int object, int owner) throws SheepException {
    ByteBuffer entry = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(0, owner);
    cache.write(
        ObjectId.inode(vdi.vid), InodeLayout.indexOffset(object), entry, Durability.UNSTABLE);
    vdi.owner[object] = owner;
  }

  private SimVdi vdi(int number) {
    return working.get(number % working.size());
  }

  /** Writes units; makes the object, or copies it, if it is not the VDI's own. */
  void write(int number, int object, int from, int to) throws SheepException {
    SimVdi vdi = vdi(number);
    int value = ++lastValue;
    ByteBuffer bytes = ByteBuffer.allocate((to - from) * UNIT).order(ByteOrder.LITTLE_ENDIAN);
    while (bytes.hasRemaining()) {
      bytes.putInt(value);
    }
    vdi.change(object, from, to, value);
    put(vdi, object, (long) from * UNIT, bytes.flip());
    commit(vdi);
  }

  /** A change is done, unless the process died during it. */
  private void commit(SimVdi vdi) {
    killed.run();
    vdi.commit();
  }

  private void put(SimVdi vdi, int object, long offset, ByteBuffer bytes) throws SheepException {
    ObjectId own = oid(vdi, object);
    if (vdi.owner[object] == vdi.vid.value()) {
      cache.write(own, offset, bytes, Durability.UNSTABLE);
      return;
    }
    if (vdi.owner[object] == 0) {
      cache.create(own, offset, bytes, Durability.UNSTABLE);
    } else {
      cache.createCopy(own, source(vdi, object), offset, bytes, Durability.STABLE);
    }
    setOwner(vdi, object, vdi.vid.value());
  }

  void discard(int number, int object, int from, int to) throws SheepException {
    SimVdi vdi = vdi(number);
    if (vdi.owner[object] == 0) {
      return;
    }
    vdi.change(object, from, to, 0);
    if (vdi.owner[object] != vdi.vid.value()) {
      put(vdi, object, 0, ByteBuffer.allocate(0));
    }
    long length = (long) (to - from) * UNIT;
    cache.discard(oid(vdi, object), (long) from * UNIT, length, Durability.UNSTABLE);
    commit(vdi);
  }

  /** Makes a hole of an object. */
  void delete(int number, int object) throws SheepException {
    SimVdi vdi = vdi(number);
    boolean own = vdi.owner[object] == vdi.vid.value();
    vdi.change(object, 0, UNITS, 0);
    loose = true;
    setOwner(vdi, object, 0);
    if (own) {
      cache.remove(oid(vdi, object));
      assertMissing(oid(vdi, object));
    }
    commit(vdi);
  }

  void read(int number, int object, int from, int to) throws SheepException {
    read(vdi(number), object, from, to);
  }

  private void read(SimVdi vdi, int object, int from, int to) throws SheepException {
    buffer.clear().limit((to - from) * UNIT);
    int before = inner;
    if (vdi.owner[object] == 0) {
      return;
    }
    cache.read(source(vdi, object), (long) from * UNIT, buffer);
    for (int unit = from; unit < to && before == inner; unit++) {
      int value = value((unit - from) * UNIT);
      if (value != vdi.unit(object, unit)) {
        throw new AssertionError(
            "unit " + unit + " reads as " + value + ": " + vdi.describe(object, unit / 2));
      }
    }
  }

  private void assertMissing(ObjectId oid) {
    try {
      cache.read(oid, 0, buffer);
      throw new AssertionError("a deleted object was read");
    } catch (SheepException e) {
      assertEquals(ResultCode.NO_OBJ, e.result());
    }
  }

  /** The number that a unit of the buffer is filled with. */
  private int value(int at) {
    byte[] bytes = buffer.array();
    int torn =
        ByteBuffer.wrap(bytes, at, UNIT - 4).mismatch(ByteBuffer.wrap(bytes, at + 4, UNIT - 4));
    if (torn >= 0) {
      throw new AssertionError("a unit is torn at byte " + torn);
    }
    return buffer.getInt(at);
  }

  void flush(int number) throws SheepException {
    SimVdi vdi = vdi(number);
    int[] sizes = vdi.beginFlush();
    cache.flush(vdi.vid);
    killed.run();
    vdi.flushed(sizes);
  }

  private void flushAll() throws SheepException {
    for (int i = 0; i < working.size(); i++) {
      flush(i);
    }
    loose = false;
    lost = false;
  }

  /** A flush that the store refuses, at its pushes or at its end. */
  void failFlush(int number, boolean atTheEnd, ResultCode how) {
    SimStore.Operation which = atTheEnd ? SimStore.Operation.FLUSH : SimStore.Operation.WRITE;
    store.setFault(
        (operation, oid) -> {
          if (operation == which) {
            throw new SheepException(how, "injected");
          }
        });
    try {
      flush(number); // may succeed if all had been pushed before; then it must be durable
      assertTrue(!atTheEnd, "a flush succeeded that the store refused");
    } catch (SheepException e) {
      assertEquals(how, e.result());
    } finally {
      store.clearFault();
    }
  }

  /** In the middle of the flush of one VDI, whole blocks are written, or the cache is purged. */
  void flushAndMeanwhile(int number, int object, int from, int to) throws SheepException {
    SimStore.Operation at =
        random.nextBoolean() ? SimStore.Operation.WRITE : SimStore.Operation.FLUSH;
    meanwhile(at, number, object, from, to, () -> flush(number));
  }

  /** In the middle of a read that fetches, whole blocks are written, or the cache is purged. */
  void readAndMeanwhile(int number, int object, int from, int to) throws SheepException {
    meanwhile(
        SimStore.Operation.READ, number, object, from, to, () -> read(number, object, 0, UNITS));
  }

  private void meanwhile(
      SimStore.Operation at, int number, int object, int from, int to, Step outer)
      throws SheepException {
    int[] countdown = {at == SimStore.Operation.FLUSH ? 0 : random.nextInt(3)};
    // One that waits for what it is in the middle of would wait for ever.
    boolean held = !degraded && vdi(number).owner[object] == vdi(number).vid.value();
    boolean write = held && random.nextInt(4) > 0;
    store.setFault(
        (operation, oid) -> {
          if (operation == at
              && (oid.isData() || at == SimStore.Operation.FLUSH)
              && countdown[0]-- == 0) {
            inner++;
            if (write) {
              write(number, object, from & -2, (to + 1) & -2);
            } else {
              cache.purge(oid.vid());
            }
          }
        });
    try {
      outer.run();
    } finally {
      store.clearFault();
    }
  }

  /**
   * Takes a snapshot, and goes on from it.
   *
   * @param elsewhere whether somebody else takes it, so that what is dirty here follows later
   */
  void snapshot(boolean elsewhere) throws SheepException {
    if (lost) {
      flushAll();
    }
    SimVdi vdi = working.get(0);
    if (!elsewhere) {
      flush(0);
    }
    VdiId before = vdi.vid;
    SimVdi snapshot = new SimVdi(before, vdi);
    vdi.vid = store.snapshot(before);
    cache.freeze(before);
    cache.handOver(before, (oid, offset, bytes) -> follow(vdi, oid, offset, bytes));
    cache.purge(before);
    for (int object = 0; object < SimVdi.OBJECTS; object++) {
      snapshot.owner[object] = store.owner(before, object);
      vdi.owner[object] = store.owner(vdi.vid, object);
    }
    look(snapshot, !elsewhere);
    snapshot.flushed(snapshot.beginFlush());
    snapshots.add(snapshot);
    if (snapshots.size() > MAX_SNAPSHOTS) {
      SimVdi gone = snapshots.remove(random.nextInt(MAX_SNAPSHOTS));
      store.delete(gone.vid);
      cache.forget(gone.vid);
    }
  }

  /** As the mount does it when it finds that a VDI has become a snapshot. */
  private void follow(SimVdi vdi, ObjectId from, long offset, ByteBuffer bytes)
      throws SheepException {
    int object = from.index();
    vdi.owner[object] = store.owner(vdi.vid, object);
    if (vdi.owner[object] == vdi.vid.value()) {
      cache.write(oid(vdi, object), offset, bytes, Durability.UNSTABLE);
    } else if (vdi.owner[object] == from.vid().value()) {
      store.createCopy(oid(vdi, object), from, offset, bytes, Durability.STABLE);
      setOwner(vdi, object, vdi.vid.value());
    }
  }

  /** Deletes the clone, and makes another one. */
  void cloneAgain() throws SheepException {
    SimVdi gone = working.get(1);
    store.delete(gone.vid);
    cache.forget(gone.vid);
    SimVdi snapshot = snapshots.get(random.nextInt(snapshots.size()));
    working.set(1, new SimVdi(store.successor(snapshot.vid), snapshot));
  }

  /** kill -9: nothing that was written is lost. */
  void crash() throws IOException {
    crashDuring(() -> {}, false);
  }

  /** kill -9 in the middle of a change: of each block the old or the new is there, and stays. */
  void crashDuring(Step step, boolean powerCut) throws IOException {
    boolean during = killDuring(step);
    if (powerCut) {
      disk.reboot(random);
      loose = true;
    }
    cache = open();
    // The first that a mount does is to push what an earlier process left. It may die in that, too,
    // and the machine of the store as well.
    while ((during || lost) && !powerCut && random.nextInt(3) == 0) {
      if (!loose && random.nextInt(4) == 0) {
        store.powerCut(random);
        lost = true;
      }
      during |= killDuring(this::flushAll);
      cache = open();
    }
    if ((during || lost) && !powerCut) {
      flushAll();
    }
    lost = false;
    lookAll(!powerCut);
  }

  /** Runs a change, and kills the process in the middle of it; false if that came to its end. */
  private boolean killDuring(Step step) throws IOException {
    int[] countdown = {random.nextInt(random.nextBoolean() ? 6 : 30)};
    SimDisk.Image[] image = new SimDisk.Image[1];
    Runnable perhaps =
        () -> {
          if (countdown[0]-- <= 0 && image[0] == null) {
            image[0] = disk.image();
          }
        };
    killed =
        () -> {
          if (image[0] != null) {
            throw new Killed();
          }
        };
    Runnable perhapsNow =
        () -> {
          perhaps.run();
          killed.run();
        };
    store.setFault((operation, oid) -> perhapsNow.run());
    disk.setBeforeWrite(perhapsNow);
    disk.setBeforeStore(perhaps); // what dies there notices it later
    try {
      step.run();
    } catch (Killed | CompletionException e) {
      if (image[0] == null) {
        throw e;
      }
    } finally {
      store.clearFault();
      disk.setBeforeWrite(null);
      disk.setBeforeStore(null);
      killed = () -> {};
    }
    if (image[0] == null) {
      return false;
    }
    disk.restore(image[0]); // the dead do not clean up
    return true;
  }

  void closeAndReboot() throws IOException {
    cache.close();
    disk.reboot(random);
    cache = open();
  }

  /** A power cut: each block is now one of what it was since it was durable. */
  void reboot() throws IOException {
    disk.reboot(random);
    cache = open();
    loose = true;
    lost = false;
    lookAll(false);
  }

  private void lookAll(boolean lostNothing) throws SheepException {
    for (SimVdi vdi : working) {
      for (int object = 0; object < SimVdi.OBJECTS; object++) {
        vdi.owner[object] = store.owner(vdi.vid, object);
      }
      look(vdi, lostNothing);
    }
  }

  /** Reads all of a VDI, which is that from now on. */
  private void look(SimVdi vdi, boolean lostNothing) throws SheepException {
    for (int object = 0; object < SimVdi.OBJECTS; object++) {
      buffer.clear();
      if (vdi.owner[object] == 0) {
        Arrays.fill(buffer.array(), (byte) 0);
      } else {
        cache.read(source(vdi, object), 0, buffer);
      }
      for (int block = 0; block < SimVdi.BLOCKS; block++) {
        long state = SimVdi.state(value(block * 2 * UNIT), value((block * 2 + 1) * UNIT));
        boolean right =
            lostNothing
                ? vdi.isNowOrNext(object, block, state)
                : vdi.isPossible(object, block, state);
        if (!right) {
          throw new AssertionError(state + " is not of " + vdi.describe(object, block));
        }
        vdi.pin(object, block, state);
      }
    }
  }

  /** The machine under the store loses what it had not flushed, and is back at once. */
  void losePushes() throws SheepException {
    if (loose) {
      flushAll(); // nobody holds what was deleted, or was lost here, but not yet there
    }
    store.powerCut(random);
    lost = true;
  }

  void reclaim() {
    working.forEach(vdi -> cache.purge(vdi.vid));
    snapshots.forEach(vdi -> cache.purge(vdi.vid));
  }

  /** Time passes, and maintenance with it. */
  void pass(long seconds) {
    nanos += seconds * 1_000_000_000L;
    cache.maintain();
    degraded = false;
  }

  void setDiskFailing(boolean fails) {
    disk.setFailing(fails);
    degraded = true;
  }

  void check() throws SheepException {
    cache.assertInvariants();
    for (SimVdi vdi : working) {
      for (int object = 0; object < SimVdi.OBJECTS; object++) {
        read(vdi, object, 0, UNITS);
      }
    }
    if (!snapshots.isEmpty()) {
      SimVdi snapshot = snapshots.get(random.nextInt(snapshots.size()));
      read(snapshot, random.nextInt(SimVdi.OBJECTS), 0, UNITS);
    }
    cache.assertInvariants();
  }
}
