package io.sheepfs.store.sim;

import org.jspecify.annotations.Nullable;

/** A thread of a simulation, where production code makes one. It is never started for real. */
public final class SimThread extends Thread {

  private final Runnable body;
  private Sim.@Nullable Task task;

  /** Instead of the constructor of {@link Thread}. */
  public SimThread(Runnable body) {
    this(body, "thread");
  }

  /** Likewise. */
  public SimThread(Runnable body, String name) {
    super(body, name);
    this.body = body;
  }

  @Override
  @SuppressWarnings("UnsynchronizedOverridesSynchronized") // one thread runs at a time
  public void start() {
    task = Sim.spawn(Sim.host(), getName(), body);
  }

  Sim.@Nullable Task task() {
    return task;
  }
}
