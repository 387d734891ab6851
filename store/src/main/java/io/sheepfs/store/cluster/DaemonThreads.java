package io.sheepfs.store.cluster;

import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicInteger;

/** Makes threads that have a name, and keep no process alive. */
record DaemonThreads(String name, AtomicInteger made) implements ThreadFactory {

  DaemonThreads(String name) {
    this(name, new AtomicInteger());
  }

  @Override
  public Thread newThread(Runnable work) {
    Thread thread = new Thread(work, name + "-" + made.incrementAndGet());
    thread.setDaemon(true);
    return thread;
  }
}
