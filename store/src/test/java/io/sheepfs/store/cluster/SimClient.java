package io.sheepfs.store.cluster;

import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RequestFields;
import io.sheepfs.protocol.RequestFlags;
import io.sheepfs.protocol.RequestHeader;
import io.sheepfs.protocol.ResponseHeader;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiNameRecord;
import io.sheepfs.store.sim.Sim;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A client that does one thing after the other to VDIs of its own, and knows what it has to find
 * there. When its sheep does not answer it goes to another, and says the same once more. Some have
 * a lease on what they change, and get another one before they say it again, as our mounts do.
 */
final class SimClient implements Runnable {

  static final int OBJECTS = 3;

  /** What the cluster is formatted for. */
  static final int MOST_COPIES = 3;

  /** How long the longest writes take when nothing is wrong. */
  private static final int WRITE_MICROS = 4_000;

  static final int[] PLACES = {0, 1024};
  private static final Duration PATIENCE = Duration.ofMinutes(5);

  private final SimWires wires;
  private final List<InetSocketAddress> nodes;
  private final String name;
  private final int operations;

  /** By which sheep know the holder of its leases; 0 if it takes none. */
  private final int holder = Sim.oneIn(2) ? 0 : 1 + Sim.random(1 << 30);

  private final List<Disk> disks = new ArrayList<>();
  private SimWires.@Nullable Pipe pipe;
  private int made;
  private boolean finished;
  private int acknowledged;
  private int losses;
  private BooleanSupplier isLossOpen = () -> false;

  /** What a write is under way to. */
  private @Nullable Disk writing;

  /** What happens in the middle of the next write or deletion. */
  private @Nullable Runnable trouble;

  /** A VDI. */
  static final class Disk {
    final VdiName name;
    final VdiId vid;

    /** The fewest that it ever had. */
    int copies;

    /** The cell that was used before. */
    int last;

    final TreeMap<Integer, Cell> cells = new TreeMap<>();
    final boolean[] made = new boolean[OBJECTS];
    final boolean[] maybeMade = new boolean[OBJECTS];

    /** Whether its end is certain. */
    boolean deleted;

    boolean maybeDeleted;

    /** Of the lease; 0 for none. */
    int generation;

    /** What the last answer said by which a client finds out that unflushed writes are lost. */
    long incarnation;

    /** Whether it was another one since the last flush. */
    boolean isToldOfLoss;

    Disk(VdiName name, VdiId vid, int copies) {
      this.name = name;
      this.vid = vid;
      this.copies = copies;
      for (int i = 0; i < OBJECTS * PLACES.length; i++) {
        cells.put(i, new Cell());
      }
    }

    /** The answer to an unstable write, or to a flush. */
    void heard(ResponseHeader answer) {
      long now = answer.obj().offset();
      isToldOfLoss |= incarnation != 0 && incarnation != now;
      incarnation = now;
    }
  }

  /** Eight bytes. */
  static final class Cell {
    /** What can be read there. */
    final Set<Long> possible = new TreeSet<>(Set.of(0L));

    /** What can be read there if nothing was lost that no flush has told of. */
    final Set<Long> kept = new TreeSet<>(Set.of(0L));

    /** What was acknowledged last. */
    long acknowledged;

    /** Whether something else was read. */
    boolean isLost;

    /** What a loss of power on all nodes may bring back, too. */
    final Set<Long> unflushed = new TreeSet<>(Set.of(0L));
  }

  /** An answer that says no. */
  static final class Refused extends Exception {
    private static final long serialVersionUID = 1;
    private final ResultCode result;

    Refused(ResultCode result, String what) {
      super(what + ": " + result);
      this.result = result;
    }
  }

  SimClient(SimWires wires, List<InetSocketAddress> nodes, String name, int operations) {
    this.wires = wires;
    this.nodes = List.copyOf(nodes);
    this.name = name;
    this.operations = operations;
  }

  boolean isFinished() {
    return finished;
  }

  int acknowledged() {
    return acknowledged;
  }

  List<Disk> disks() {
    return disks;
  }

  /** The VDI to whose last cell a write is under way; null if none is. */
  @Nullable Disk writing() {
    return writing;
  }

  /** How often unflushed writes were at risk. */
  int losses() {
    return losses;
  }

  /** Has something happen in the next write or deletion; it must not wait for anything. */
  void disturb(Runnable what) {
    trouble = what;
  }

  /** Whether what is read now may still be lost by what has happened before. */
  boolean mayYetLose() {
    return isLossOpen.getAsBoolean();
  }

  /**
   * So many nodes lost their power that what was not flushed may be lost with so many copies.
   *
   * @param isOpen whether it can still be read before it is lost
   */
  void unflushedIsAtRisk(int copies, BooleanSupplier isOpen) {
    losses++;
    isLossOpen = isOpen;
    for (Disk disk : disks) {
      if (disk.copies > copies) {
        continue;
      }
      disk.cells.values().forEach(cell -> cell.possible.addAll(cell.unflushed));
      for (int i = 0; i < OBJECTS; i++) {
        disk.maybeMade[i] |= disk.made[i];
        disk.made[i] = false;
      }
    }
  }

  @Override
  public void run() {
    for (int i = 0; i < operations; i++) {
      try {
        step();
      } catch (Refused e) {
        Sim.fail(new AssertionError(name + " is refused", e));
      }
      if (Sim.failure() != null) {
        break;
      }
      if (Sim.oneIn(5)) {
        roam();
      }
      Sim.sleep(Duration.ofMillis(Sim.oneIn(6) ? Sim.random(2_000) : Sim.random(50)));
    }
    try {
      for (Disk disk : disks) {
        readAll(disk);
      }
    } catch (Refused e) {
      Sim.fail(new AssertionError(name + " is refused", e));
    }
    finished = true;
  }

  private void step() throws Refused {
    List<Disk> living = disks.stream().filter(disk -> !disk.deleted && !disk.maybeDeleted).toList();
    if (living.isEmpty() || (living.size() < 2 && Sim.oneIn(8))) {
      make();
      return;
    }
    Disk disk = living.get(Sim.random(living.size()));
    switch (Sim.random(18)) {
      case 0, 1, 2, 3, 4, 5, 6, 7, 8 -> write(disk);
      case 9, 10, 11 -> read(disk, index(disk));
      case 12, 13 -> flush(disk);
      case 14 -> alterCopies(disk);
      case 15 -> switchRecovery(Sim.oneIn(2));
      case 16 -> delete(disk);
      default -> {
        if (Sim.oneIn(2)) {
          delete(disk);
        }
      }
    }
  }

  /** Which object is next: the same again, more often than another. */
  private static int index(Disk disk) {
    if (!Sim.oneIn(2)) {
      disk.last = Sim.random(OBJECTS * PLACES.length);
    }
    return disk.last / PLACES.length;
  }

  /** Goes on with another sheep; each has to know what was done with others. */
  private void roam() {
    SimWires.Pipe left = pipe;
    pipe = null;
    if (left != null) {
      left.close();
    }
  }

  // --- operations ---

  private void make() throws Refused {
    VdiName called = new VdiName(name + "-" + made++);
    int copies = 1 + Sim.random(3);
    ByteBuffer body = VdiNameRecord.of(called).encode();
    RequestFields fields = new RequestFields.Vdi(64 << 20, 0, copies, 0, 0, 0, 0, 0);
    try {
      ResponseHeader answer = call(Opcode.NEW_VDI, RequestFlags.WRITE, fields, body, null);
      disks.add(new Disk(called, new VdiId(answer.vdi().vdiId()), copies));
      Sim.trace("made " + called + " as " + answer.vdi().vdiId() + ", copies " + copies);
    } catch (Refused e) {
      if (e.result != ResultCode.VDI_EXIST) {
        throw e;
      }
      // a first attempt made it
      ByteBuffer again = VdiNameRecord.of(called, null).encode();
      ResponseHeader answer =
          call(Opcode.GET_VDI_INFO, RequestFlags.WRITE, RequestFields.Vdi.lookup(0), again, null);
      disks.add(new Disk(called, new VdiId(answer.vdi().vdiId()), copies));
      Sim.trace("found " + called + " as " + answer.vdi().vdiId() + ", copies " + copies);
    }
  }

  private void write(Disk disk) throws Refused {
    int index = index(disk);
    int place = disk.last % PLACES.length;
    Cell cell = disk.cells.get(index * PLACES.length + place);
    if (cell == null) {
      throw new IllegalStateException("no such cell");
    }
    long value =
        (++acknowledged << 8) + index * 2L + place + (name.hashCode() & 0xffL) * (1L << 40);
    boolean stable = Sim.oneIn(2);
    int lossesBefore = losses;
    int flags = RequestFlags.WRITE | (stable ? 0 : RequestFlags.CACHE);
    ObjectId oid = ObjectId.data(disk.vid, index);
    ByteBuffer body = ByteBuffer.allocate(Long.BYTES).putLong(0, value);
    RequestFields.Obj at = RequestFields.Obj.of(oid, PLACES[place]);
    cell.possible.add(value);
    cell.kept.add(value);
    cell.unflushed.add(value);
    writing = disk;
    disturbNow();
    try {
      if (disk.made[index]) {
        change(disk, Opcode.WRITE_OBJ, flags, at, body.duplicate());
      } else {
        make(disk, index, at, body, flags);
      }
    } catch (Refused e) {
      if (e.result != ResultCode.NO_OBJ || losses == lossesBefore) {
        throw e;
      }
      make(disk, index, at, body, flags); // it was lost with its machine meanwhile
    }
    writing = null;
    cell.possible.clear();
    cell.possible.add(value);
    cell.kept.clear();
    cell.kept.add(value);
    cell.isLost = false;
    cell.acknowledged = value;
    if (stable && losses == lossesBefore) {
      cell.unflushed.clear();
    }
    cell.unflushed.add(value);
    if (losses != lossesBefore) {
      cell.possible.addAll(cell.unflushed);
    }
    Sim.trace("wrote " + value + " to " + oid + " " + place + (stable ? " stable" : ""));
  }

  private void disturbNow() {
    Runnable next = trouble;
    if (next != null) {
      trouble = null;
      Sim.after(Duration.ofNanos(1_000L * Sim.random(WRITE_MICROS)), next);
    }
  }

  private void change(Disk disk, Opcode opcode, int flags, RequestFields.Obj at, ByteBuffer body)
      throws Refused {
    ResponseHeader answer =
        holder == 0
            ? call(opcode, flags, at, body, null)
            : changeUnderLease(disk, opcode, flags | RequestFlags.LEASE, at, body);
    if ((flags & RequestFlags.CACHE) != 0) {
      disk.heard(answer);
    }
  }

  /** What may have been done is done again under another lease, so that it cannot come later. */
  private ResponseHeader changeUnderLease(
      Disk disk, Opcode opcode, int flags, RequestFields.Obj at, ByteBuffer body) throws Refused {
    while (true) {
      if (disk.generation == 0) {
        lock(disk);
      }
      RequestFields under =
          new RequestFields.Obj(at.oid(), 0, 0, 0, 0, disk.generation, at.offset());
      try {
        ResponseHeader answer = attempt(opcode, flags, under, body, null);
        if (answer != null) {
          return answer;
        }
      } catch (Refused e) {
        if (e.result != ResultCode.VDI_NOT_LOCKED) {
          throw e;
        }
      }
      disk.generation = 0;
    }
  }

  private void lock(Disk disk) throws Refused {
    ByteBuffer body = VdiNameRecord.of(disk.name, null).encode();
    RequestFields fields = new RequestFields.Vdi(0, holder, 0, 0, 0, 0, 0, 0);
    int flags = RequestFlags.WRITE | RequestFlags.LEASE;
    disk.generation = call(Opcode.LOCK_VDI, flags, fields, body, null).vdi().attributeId();
  }

  /** The object, and then the entry that names it. */
  private void make(Disk disk, int index, RequestFields.Obj at, ByteBuffer body, int flags)
      throws Refused {
    int lossesBefore = losses;
    if (disk.maybeMade[index]) {
      // it may be there with other bytes: those are to be kept
      try {
        change(disk, Opcode.WRITE_OBJ, flags, at, body.duplicate());
      } catch (Refused e) {
        if (e.result != ResultCode.NO_OBJ) {
          throw e;
        }
        for (int i = 0; i < PLACES.length; i++) {
          Cell other = disk.cells.get(index * PLACES.length + i);
          if (other != null && !other.possible.contains(0L)) {
            throw new AssertionError(disk.name + " " + index + " is missing", e);
          }
        }
        change(disk, Opcode.CREATE_AND_WRITE_OBJ, flags, at, body.duplicate());
      }
    } else {
      change(disk, Opcode.CREATE_AND_WRITE_OBJ, flags, at, body);
    }
    disk.maybeMade[index] = true;
    ByteBuffer entry = ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    entry.putInt(0, disk.vid.value());
    RequestFields.Obj inIndex =
        RequestFields.Obj.of(ObjectId.inode(disk.vid), InodeLayout.indexOffset(index));
    change(disk, Opcode.WRITE_OBJ, flags, inIndex, entry);
    disk.made[index] = losses == lossesBefore;
  }

  private void readAll(Disk disk) throws Refused {
    for (int i = 0; i < OBJECTS && !disk.deleted && !disk.maybeDeleted; i++) {
      read(disk, i);
    }
  }

  /** What the places of an object hold; null if it is not there. */
  long @Nullable [] find(ObjectId oid) throws Refused {
    ByteBuffer bytes = ByteBuffer.allocate(2048);
    try {
      call(Opcode.READ_OBJ, 0, RequestFields.Obj.of(oid, 0), null, bytes);
    } catch (Refused e) {
      if (e.result == ResultCode.NO_OBJ) {
        return null;
      }
      throw e;
    }
    return Arrays.stream(PLACES).mapToLong(bytes::getLong).toArray();
  }

  private void read(Disk disk, int index) throws Refused {
    ObjectId oid = ObjectId.data(disk.vid, index);
    long[] there = find(oid);
    boolean isThere = there != null;
    for (int i = 0; i < PLACES.length; i++) {
      long found = there == null ? 0 : there[i];
      Cell cell = disk.cells.get(index * PLACES.length + i);
      if (cell != null && !cell.possible.contains(found)) {
        Sim.fail(
            new AssertionError(
                oid
                    + " "
                    + i
                    + " is "
                    + (isThere ? found : "missing")
                    + " and should be of "
                    + cell.possible));
      } else if (cell != null) {
        // what was read stays, but for a loss of power
        if (!mayYetLose()) {
          cell.possible.clear();
          cell.possible.add(found);
        }
        cell.isLost |= !cell.kept.contains(found);
        cell.kept.clear();
        cell.kept.add(found);
      }
    }
    Sim.trace("read " + oid);
  }

  private void flush(Disk disk) throws Refused {
    RequestFields inode = RequestFields.Obj.of(ObjectId.inode(disk.vid), 0);
    disk.heard(call(Opcode.FLUSH_VDI, 0, inode, null, null));
    boolean isWhole = !disk.isToldOfLoss;
    disk.isToldOfLoss = false;
    for (Cell cell : disk.cells.values()) {
      if (isWhole && cell.isLost) {
        Sim.fail(new AssertionError(disk.name + " has lost something, and its flush succeeds"));
      }
      if (isWhole) {
        cell.possible.retainAll(cell.kept);
      }
      cell.isLost = false;
      cell.kept.clear();
      cell.kept.addAll(cell.possible);
      cell.unflushed.clear();
      cell.unflushed.addAll(cell.possible);
    }
    Sim.trace("flushed " + disk.name);
  }

  private void switchRecovery(boolean on) throws Refused {
    Opcode opcode = on ? Opcode.ENABLE_RECOVER : Opcode.DISABLE_RECOVER;
    call(opcode, 0, new RequestFields.None(), null, null);
    Sim.trace("recovery is " + (on ? "let go" : "held back"));
  }

  /**
   * Does that again and again: as long as it is held back, nobody serves what only those have who
   * were away.
   */
  void letRecoveryGo(BooleanSupplier isOver) {
    try {
      while (!isOver.getAsBoolean()) {
        switchRecovery(true);
        Sim.sleep(Duration.ofSeconds(1));
      }
    } catch (Refused e) {
      Sim.fail(new AssertionError(name + " is refused", e));
    }
  }

  /**
   * Has the copies of an object compared.
   *
   * @return how many were replaced
   */
  int check(ObjectId oid) throws Refused {
    InetSocketAddress through = nodes.get(Sim.random(nodes.size()));
    RequestFields fields =
        new RequestFields.Forward(oid.value(), through.getAddress(), through.getPort());
    return call(Opcode.REPAIR_REPLICA, 0, fields, null, null).obj().copies();
  }

  /** How many there are at the end, the inode says. */
  private void alterCopies(Disk disk) throws Refused {
    int copies = 1 + Sim.random(3);
    disk.copies = Math.min(disk.copies, copies);
    RequestFields fields = new RequestFields.VdiChange(0, disk.vid.value(), copies, 0, 0, 22);
    call(Opcode.ALTER_VDI_COPY, 0, fields, null, null);
    Sim.trace(disk.name + " is to have " + copies + " copies");
  }

  private void delete(Disk disk) throws Refused {
    disk.maybeDeleted = true;
    ByteBuffer body = VdiNameRecord.of(disk.name, null).encode();
    Sim.trace("deletes " + disk.name);
    disturbNow();
    boolean done = false;
    while (!done) {
      try {
        if (holder != 0) {
          lock(disk); // over the connection that it is deleted over
        }
        call(Opcode.DEL_VDI, RequestFlags.WRITE, RequestFields.Vdi.lookup(0), body, null);
        done = true;
      } catch (Refused e) {
        done = e.result == ResultCode.NO_VDI; // an earlier attempt did it
        if (!done && (holder == 0 || e.result != ResultCode.VDI_LOCKED)) {
          throw e;
        }
      }
    }
    disk.deleted = true;
    Sim.trace("deleted " + disk.name);
  }

  // --- how it is asked ---

  private static boolean isPassing(ResultCode result) {
    return switch (result) {
      case NEW_NODE_VER, OLD_NODE_VER, STARTUP, WAIT_FOR_JOIN, SHUTDOWN, KILLED -> true;
      case WAIT_FOR_FORMAT, NETWORK_ERROR, HALT, AGAIN, EIO, SYSTEM_ERROR, CLUSTER_ERROR -> true;
      case NO_SPACE -> true; // there is room again later
      default -> false;
    };
  }

  private ResponseHeader call(
      Opcode opcode,
      int flags,
      RequestFields fields,
      @Nullable ByteBuffer body,
      @Nullable ByteBuffer target)
      throws Refused {
    while (true) {
      ResponseHeader answer = attempt(opcode, flags, fields, body, target);
      if (answer != null) {
        return answer;
      }
    }
  }

  /** Asks once; null, after a while, if it has to be asked again. */
  private @Nullable ResponseHeader attempt(
      Opcode opcode,
      int flags,
      RequestFields fields,
      @Nullable ByteBuffer body,
      @Nullable ByteBuffer target)
      throws Refused {
    long length = body != null ? body.remaining() : target != null ? target.remaining() : 0;
    RequestHeader header = RequestHeader.of(opcode, flags, length, fields);
    String what = opcode + " of " + name;
    try {
      SimWires.Pipe to = connected();
      ResponseHeader answer =
          to.exchange(
              header,
              body == null ? null : body.duplicate(),
              target == null ? null : target.clear(),
              PATIENCE);
      if (Sim.isVerbose()) {
        Sim.trace(header + " at " + to + ": " + answer);
      }
      if (answer.result() == ResultCode.SUCCESS) {
        return answer;
      }
      Sim.trace(what + ": " + answer.result());
      if (!isPassing(answer.result())) {
        throw new Refused(answer.result(), what);
      }
    } catch (IOException e) {
      Sim.trace(what + ": " + e.getMessage());
      SimWires.Pipe broken = pipe;
      pipe = null;
      if (broken != null) {
        broken.close();
      }
    }
    Sim.sleep(Duration.ofMillis(100 + Sim.random(400)));
    return null;
  }

  private SimWires.Pipe connected() throws IOException {
    SimWires.Pipe known = pipe;
    if (known == null || !known.isOpen()) {
      known = wires.connect(name, nodes.get(Sim.random(nodes.size())));
      known.keepWatch();
      pipe = known;
    }
    return known;
  }
}
