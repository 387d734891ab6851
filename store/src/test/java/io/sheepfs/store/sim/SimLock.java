package io.sheepfs.store.sim;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** A lock of a simulation. Who waits gets it in an order that the seed decides. */
public final class SimLock extends ReentrantLock {

  private static final long serialVersionUID = 1;

  private transient Sim.@Nullable Task owner;
  private int holds;
  private final transient List<Sim.Task> waiting = new ArrayList<>();

  /** Instead of that of {@link ReentrantLock}. */
  public SimLock() {}

  /** Likewise; no lock is fair here. */
  public SimLock(boolean fair) {}

  @Override
  public void lock() {
    Sim.point();
    Sim.Task me = Sim.running();
    while (owner != null && owner != me) {
      waiting.add(me);
      Sim.blockUntil(Long.MAX_VALUE);
    }
    owner = me;
    holds++;
  }

  @Override
  public boolean tryLock() {
    Sim.Task me = Sim.running();
    if (owner != null && owner != me) {
      return false;
    }
    owner = me;
    holds++;
    return true;
  }

  @Override
  public void unlock() {
    if (owner != Sim.running()) {
      throw new IllegalMonitorStateException();
    }
    if (--holds == 0) {
      owner = null;
      waiting.forEach(Sim::wake);
      waiting.clear();
    }
  }

  @Override
  public boolean isHeldByCurrentThread() {
    return owner == Sim.running();
  }

  @Override
  public boolean isLocked() {
    return owner != null;
  }

  @Override
  public void lockInterruptibly() {
    throw new UnsupportedOperationException();
  }

  @Override
  public boolean tryLock(long time, TimeUnit unit) {
    throw new UnsupportedOperationException();
  }

  @Override
  public Condition newCondition() {
    throw new UnsupportedOperationException();
  }
}
