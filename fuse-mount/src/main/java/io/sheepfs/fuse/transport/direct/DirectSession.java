package io.sheepfs.fuse.transport.direct;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.sheepfs.fuse.transport.MountSession;
import java.io.IOException;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The threads that serve one mount. Each takes a request, carries it out and answers it. There are
 * as many as requests under way, and at least one more that waits, up to a limit; who finds too
 * many waiting ends.
 */
final class DirectSession implements MountSession {

  private static final Logger log = LoggerFactory.getLogger(DirectSession.class);

  /** More than max_background of the handshake, so that a flush never keeps reads waiting. */
  private static final int MAX_WORKERS = 96;

  private static final int MAX_WAITING = 8;

  private final FuseDevice device;
  private final Dispatcher dispatcher;

  /** Workers that wait for a request, or are about to. */
  private final AtomicInteger waiting = new AtomicInteger();

  @GuardedBy("this")
  private int workers;

  @GuardedBy("this")
  private int started;

  @GuardedBy("this")
  private @Nullable IOException failure;

  DirectSession(FuseDevice device, Dispatcher dispatcher) {
    this.device = device;
    this.dispatcher = dispatcher;
  }

  synchronized void start() {
    if (workers == MAX_WORKERS) {
      return;
    }
    Message message = new Message();
    Thread thread = new Thread(() -> work(message), "fuse-" + ++started);
    thread.setDaemon(true);
    workers++;
    waiting.incrementAndGet();
    thread.start();
  }

  private void work(Message message) {
    int descriptor = device.cloneDescriptor();
    try {
      while (serveOne(message, descriptor)) {}
    } catch (IOException | RuntimeException e) {
      fail(e);
    } finally {
      device.closeClone(descriptor);
      message.free();
      ended();
    }
  }

  /** Returns whether this worker should go on; if not, it does not count as waiting any more. */
  private boolean serveOne(Message message, int descriptor) throws IOException {
    int received = message.receive(descriptor);
    if (received == FuseDevice.AGAIN) {
      return true;
    }
    int stillWaiting = waiting.decrementAndGet();
    if (received == FuseDevice.UNMOUNTED) {
      device.gone();
      return false;
    }
    if (stillWaiting == 0) {
      start();
    }
    dispatcher.handle(message, descriptor);
    if (waiting.incrementAndGet() <= MAX_WAITING) {
      return true;
    }
    waiting.decrementAndGet();
    return false;
  }

  /** Without a session that works, programs would hang: so the mount goes. */
  private void fail(Exception e) {
    log.error("The session at {} broke; unmounting", device.mountpoint(), e);
    synchronized (this) {
      if (failure == null) {
        failure = e instanceof IOException io ? io : new IOException(e);
      }
    }
    try {
      device.unmount();
    } catch (IOException unmountFailure) {
      log.error("Cannot unmount {}", device.mountpoint(), unmountFailure);
    }
  }

  private synchronized void ended() {
    workers--;
    if (workers == 0) {
      notifyAll();
    }
  }

  @Override
  public synchronized void awaitEnd() throws IOException, InterruptedException {
    while (workers > 0) {
      wait();
    }
    if (failure != null) {
      throw failure;
    }
  }

  @Override
  public void unmount() throws IOException {
    device.unmount();
  }
}
