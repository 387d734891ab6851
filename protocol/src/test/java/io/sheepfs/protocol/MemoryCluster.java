package io.sheepfs.protocol;

import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A whole cluster in memory, for tests. It keeps the promises of the ports, counts calls, and lets
 * a {@link Fault} fail or delay any of them. Several sessions can share the data, as several
 * clients do.
 */
public final class MemoryCluster implements Cluster {

  /** What a client asks. */
  public enum Operation {
    READ,
    WRITE,
    CREATE,
    CREATE_COPY,
    DISCARD,
    REMOVE,
    FLUSH,
    LIST,
    LOOKUP,
    CREATE_VDI,
    SNAPSHOT,
    CLONE,
    RESIZE,
    DELETE,
    LOCK,
    LAST_WRITER
  }

  /**
   * One call.
   *
   * @param oid the object it is about; null for a call of the VDI directory
   * @param number 1 for the first call of the session, or since {@link #resetCalls}
   */
  public record Call(Operation operation, @Nullable ObjectId oid, long number) {
    /** Whether it is about an inode. */
    public boolean isInode() {
      return oid != null && oid.kind() == ObjectId.Kind.INODE;
    }
  }

  /** Gets in the way of calls. Called from the caller's thread. */
  public interface Fault {
    /** Called before anything has happened; throws to make the call fail without an effect. */
    void before(Call call) throws SheepException;

    /** Called when the work is done; throws to keep the success from the caller. */
    default void after(Call call) throws SheepException {}

    /** Nothing gets in the way. */
    static Fault none() {
      return call -> {};
    }

    /** Fails some calls, without an effect. */
    static Fault failing(Predicate<Call> which, ResultCode result) {
      return call -> {
        if (which.test(call)) {
          throw new SheepException(result, "injected into " + call);
        }
      };
    }

    /** Carries out some calls, but loses the answer. */
    static Fault losingAnswers(Predicate<Call> which) {
      return new Fault() {
        @Override
        public void before(Call call) {}

        @Override
        public void after(Call call) throws SheepException {
          if (which.test(call)) {
            throw new OutcomeUnknownException("injected after " + call, new Exception("lost"));
          }
        }
      };
    }

    /** Loses some calls, so that nobody knows that they had no effect. */
    static Fault losingRequests(Predicate<Call> which) {
      return call -> {
        if (which.test(call)) {
          throw new OutcomeUnknownException("injected before " + call, new Exception("lost"));
        }
      };
    }
  }

  private final MemoryStorage storage;
  private final MemoryVdis table;
  private final WriterMarks marks;
  private final ObjectStore objects = new CountedObjects();
  private final VdiDirectory vdis = new CountedVdis();
  private final AtomicLong allCalls = new AtomicLong();
  private final Map<Operation, AtomicLong> calls = new EnumMap<>(Operation.class);
  private volatile Fault fault = Fault.none();

  /** An empty cluster with objects of 4 MiB. */
  public MemoryCluster() {
    this(VdiSpec.DEFAULT_BLOCK_SIZE_SHIFT);
  }

  /** An empty cluster with objects of {@code 1 << blockSizeShift} bytes by default. */
  public MemoryCluster(int blockSizeShift) {
    this.storage = new MemoryStorage();
    this.table = new MemoryVdis(storage, blockSizeShift);
    this.marks = new WriterMarks(storage);
    makeCounters();
  }

  private MemoryCluster(MemoryStorage storage, MemoryVdis table) {
    this.storage = storage;
    this.table = table;
    this.marks = new WriterMarks(storage);
    makeCounters();
  }

  private void makeCounters() {
    for (Operation operation : Operation.values()) {
      calls.put(operation, new AtomicLong());
    }
  }

  private AtomicLong counter(Operation operation) {
    return Objects.requireNonNull(calls.get(operation));
  }

  /** Another client of the same cluster, with locks, counters and faults of its own. */
  public MemoryCluster newSession() {
    return new MemoryCluster(storage, table);
  }

  /** Installs a fault for this session, in place of the last. */
  public void setFault(Fault newFault) {
    fault = newFault;
  }

  /** All calls so far. */
  public long calls() {
    return allCalls.get();
  }

  /** The calls of one operation so far. */
  public long calls(Operation operation) {
    return counter(operation).get();
  }

  /** Counts from 0 again. */
  public void resetCalls() {
    allCalls.set(0);
    calls.values().forEach(counter -> counter.set(0));
  }

  /** The data objects there are, of all VDIs. */
  public Set<ObjectId> dataObjects() {
    return storage.dataObjects();
  }

  /** The index entries {@code [from, to)} of an inode. */
  public int[] indexEntries(VdiId vid, int from, int to) {
    return storage.entries(vid, from, to);
  }

  /** Takes the lock as a sheep does it, who does not leave marks. */
  public VdiLock lockOnly(VdiName name) throws SheepException {
    return table.lock(name, this);
  }

  /** Takes this session's locks away, as if its lease had run out. */
  public void loseLocks() {
    table.expire(this);
  }

  /** From now on, remembers what is stable, for {@link #powerCut}. To be called while empty. */
  public MemoryCluster rememberForPowerCut() {
    storage.rememberForPowerCut();
    return this;
  }

  /**
   * Loses a random part of what was not flushed. Nobody may be using the cluster. All locks of this
   * session are gone.
   */
  public void powerCut(Random random) {
    loseLocks();
    storage.powerCut(random);
  }

  @Override
  public ObjectStore objects() {
    return objects;
  }

  @Override
  public VdiDirectory vdis() {
    return vdis;
  }

  @Override
  public List<NodeInfo> nodes() {
    return List.of(new NodeInfo(InetAddress.getLoopbackAddress(), 7000, 128, 1, 1L << 40));
  }

  @Override
  public Space space() {
    return new Space(1L << 40, (1L << 40) - ((long) dataObjects().size() << 22));
  }

  @Override
  public ClusterInfo info() {
    return new ClusterInfo(
        ResultCode.SUCCESS,
        null,
        1,
        VdiSpec.DEFAULT_BLOCK_SIZE_SHIFT,
        "memory",
        0,
        false,
        List.of());
  }

  @Override
  public void close() {
    loseLocks();
  }

  private interface Work<T> {
    T run() throws SheepException;
  }

  private <T> T call(Operation operation, @Nullable ObjectId oid, Work<T> work)
      throws SheepException {
    counter(operation).incrementAndGet();
    Call call = new Call(operation, oid, allCalls.incrementAndGet());
    Fault current = fault;
    current.before(call);
    T result = work.run();
    current.after(call);
    return result;
  }

  private interface Action {
    void run() throws SheepException;
  }

  private void run(Operation operation, @Nullable ObjectId oid, Action action)
      throws SheepException {
    call(
        operation,
        oid,
        () -> {
          action.run();
          return operation;
        });
  }

  /** How often a session knows that a VDI has lost something: what a flush tells, and no other. */
  private record Heard(long cuts, long losses) {
    Heard at(long now) {
      return new Heard(now, now == cuts ? losses : losses + 1);
    }
  }

  private final class CountedObjects implements ObjectStore {
    private final Map<VdiId, Heard> heard = new ConcurrentHashMap<>();

    @Override
    public void read(ObjectId oid, long offset, ByteBuffer dst) throws SheepException {
      run(Operation.READ, oid, () -> storage.read(oid, offset, dst));
    }

    @Override
    public void write(ObjectId oid, long offset, ByteBuffer src, Durability durability)
        throws SheepException {
      run(Operation.WRITE, oid, () -> storage.write(oid, offset, src, durability));
    }

    @Override
    public void create(ObjectId oid, long offset, ByteBuffer src, Durability durability)
        throws SheepException {
      run(Operation.CREATE, oid, () -> storage.create(oid, offset, src, durability));
    }

    @Override
    public void createCopy(
        ObjectId oid, ObjectId source, long offset, ByteBuffer src, Durability durability)
        throws SheepException {
      run(
          Operation.CREATE_COPY,
          oid,
          () -> storage.createCopy(oid, source, offset, src, durability));
    }

    @Override
    public void discard(ObjectId oid, long offset, long length, Durability durability)
        throws SheepException {
      run(Operation.DISCARD, oid, () -> storage.discard(oid, offset, length, durability));
    }

    @Override
    public void remove(ObjectId oid) throws SheepException {
      run(Operation.REMOVE, oid, () -> storage.remove(oid));
    }

    @Override
    public void flush(VdiId vid) throws SheepException {
      run(Operation.FLUSH, ObjectId.inode(vid), () -> storage.flush(vid));
      heard(vid);
    }

    private void heard(VdiId vid) {
      long cuts = storage.losses(vid);
      heard.merge(vid, new Heard(cuts, 0), (before, first) -> before.at(cuts));
    }

    @Override
    public long losses(VdiId vid) {
      return heard.computeIfAbsent(vid, first -> new Heard(storage.losses(vid), 0)).losses();
    }

    @Override
    public void continueAs(VdiId snapshot, VdiId successor) throws SheepException {
      flush(snapshot);
      heard.put(successor, new Heard(storage.losses(successor), losses(snapshot)));
    }
  }

  private final class CountedVdis implements VdiDirectory {
    @Override
    public List<VdiInfo> list() throws SheepException {
      return call(Operation.LIST, null, table::list);
    }

    @Override
    public VdiInfo lookup(VdiName name) throws SheepException {
      return call(Operation.LOOKUP, null, () -> table.lookup(name));
    }

    @Override
    public VdiInfo lookup(VdiName name, SnapshotSelector snapshot) throws SheepException {
      return call(Operation.LOOKUP, null, () -> table.lookup(name, snapshot));
    }

    @Override
    public VdiInfo create(VdiName name, VdiSpec spec) throws SheepException {
      return call(Operation.CREATE_VDI, null, () -> table.create(name, spec));
    }

    @Override
    public VdiInfo snapshot(VdiName name, SnapshotTag tag) throws SheepException {
      return call(Operation.SNAPSHOT, null, () -> table.snapshot(name, tag));
    }

    @Override
    public VdiInfo cloneSnapshot(VdiId snapshot, VdiName name) throws SheepException {
      return call(Operation.CLONE, null, () -> table.cloneSnapshot(snapshot, name));
    }

    @Override
    public VdiInfo resize(VdiName name, long sizeBytes) throws SheepException {
      return call(Operation.RESIZE, null, () -> table.resize(name, sizeBytes));
    }

    @Override
    public void delete(VdiName name) throws SheepException {
      run(
          Operation.DELETE,
          null,
          () -> {
            table.delete(name, MemoryCluster.this);
            marks.remove(name);
          });
    }

    @Override
    public void delete(VdiName name, SnapshotSelector snapshot) throws SheepException {
      run(Operation.DELETE, null, () -> table.delete(name, snapshot));
    }

    @Override
    public VdiLock lock(VdiName name, @Nullable WriterHandover handover) throws SheepException {
      return call(
          Operation.LOCK, null, () -> marks.hold(table.lock(name, MemoryCluster.this), handover));
    }

    @Override
    public @Nullable WriterMark lastWriter(VdiName name) throws SheepException {
      return call(Operation.LAST_WRITER, null, () -> Optional.ofNullable(marks.read(name)))
          .orElse(null);
    }
  }
}
