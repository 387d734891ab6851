package io.sheepfs.store.sim;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.StampedLock;

/** A stamped lock of a simulation; nothing optimistic ever succeeds. */
public final class SimStampedLock extends StampedLock {

  private static final long serialVersionUID = 1;
  private static final long READ = 1;
  private static final long WRITE = 2;

  private int readers;
  private boolean writing;
  private int waitingWriters;
  private final transient List<Sim.Task> waiting = new ArrayList<>();

  /** Instead of that of {@link StampedLock}. */
  public SimStampedLock() {}

  private void await() {
    waiting.add(Sim.running());
    Sim.blockUntil(Long.MAX_VALUE);
  }

  private void wakeAll() {
    waiting.forEach(Sim::wake);
    waiting.clear();
  }

  @Override
  public long readLock() {
    Sim.point();
    while (writing || waitingWriters > 0) {
      await();
    }
    readers++;
    return READ;
  }

  @Override
  public long writeLock() {
    Sim.point();
    waitingWriters++;
    try {
      while (writing || readers > 0) {
        await();
      }
    } finally {
      waitingWriters--;
    }
    writing = true;
    return WRITE;
  }

  @Override
  public long tryOptimisticRead() {
    return 0;
  }

  @Override
  public boolean validate(long stamp) {
    return false;
  }

  @Override
  public void unlockRead(long stamp) {
    if (stamp != READ || readers == 0) {
      throw new IllegalMonitorStateException();
    }
    readers--;
    wakeAll();
  }

  @Override
  public void unlockWrite(long stamp) {
    if (stamp != WRITE || !writing) {
      throw new IllegalMonitorStateException();
    }
    writing = false;
    wakeAll();
  }
}
