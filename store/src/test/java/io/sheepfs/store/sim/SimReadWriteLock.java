package io.sheepfs.store.sim;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.jspecify.annotations.Nullable;

/** A lock of a simulation that readers share. A writer who waits goes before new readers. */
public final class SimReadWriteLock extends ReentrantReadWriteLock {

  private static final long serialVersionUID = 1;

  private final transient Map<Sim.Task, Integer> readers = new HashMap<>();
  private final transient List<Sim.Task> waiting = new ArrayList<>();
  private transient Sim.@Nullable Task writer;
  private int writes;
  private int waitingWriters;
  private final transient Read read = new Read();
  private final transient Write write = new Write();

  /** Instead of that of {@link ReentrantReadWriteLock}. */
  public SimReadWriteLock() {}

  /** Likewise. */
  public SimReadWriteLock(boolean fair) {}

  @Override
  public ReadLock readLock() {
    return read;
  }

  @Override
  public WriteLock writeLock() {
    return write;
  }

  private void wakeAll() {
    waiting.forEach(Sim::wake);
    waiting.clear();
  }

  private void await(Sim.Task me) {
    waiting.add(me);
    Sim.blockUntil(Long.MAX_VALUE);
  }

  private final class Read extends ReadLock {
    private static final long serialVersionUID = 1;

    Read() {
      super(SimReadWriteLock.this);
    }

    private boolean mayRead(Sim.Task me, boolean barging) {
      boolean holds = readers.containsKey(me) || writer == me;
      return holds || (writer == null && (barging || waitingWriters == 0));
    }

    @Override
    public void lock() {
      Sim.point();
      Sim.Task me = Sim.running();
      while (!mayRead(me, false)) {
        await(me);
      }
      readers.merge(me, 1, Integer::sum);
    }

    /** Goes before a writer who waits, as the real one does. */
    @Override
    public boolean tryLock() {
      Sim.Task me = Sim.running();
      if (!mayRead(me, true)) {
        return false;
      }
      readers.merge(me, 1, Integer::sum);
      return true;
    }

    @Override
    public boolean tryLock(long time, TimeUnit unit) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void unlock() {
      Sim.Task me = Sim.running();
      if (!readers.containsKey(me)) {
        throw new IllegalMonitorStateException();
      }
      readers.computeIfPresent(me, (task, count) -> count == 1 ? null : count - 1);
      wakeAll();
    }
  }

  private final class Write extends WriteLock {
    private static final long serialVersionUID = 1;

    Write() {
      super(SimReadWriteLock.this);
    }

    @Override
    public void lock() {
      Sim.point();
      Sim.Task me = Sim.running();
      waitingWriters++;
      try {
        while (writer != me && (writer != null || !readers.isEmpty())) {
          await(me);
        }
      } finally {
        waitingWriters--;
      }
      writer = me;
      writes++;
    }

    @Override
    public boolean tryLock() {
      throw new UnsupportedOperationException();
    }

    @Override
    public void unlock() {
      if (writer != Sim.running()) {
        throw new IllegalMonitorStateException();
      }
      if (--writes == 0) {
        writer = null;
      }
      wakeAll();
    }
  }
}
