package io.sheepfs.fuse.transport.jnr;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.sheepfs.fuse.transport.Fusermount;
import io.sheepfs.fuse.transport.MountSession;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import jnr.ffi.Pointer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The threads that serve one mount. They are Java's own, so that a callback need not attach its
 * thread to the JVM first. Each takes a request and has libfuse carry it out. There are as many as
 * requests under way, and at least one more that waits, up to a limit; who finds too many waiting
 * ends. The last one to leave after the end of the mount frees what libfuse holds.
 */
final class JnrSession implements MountSession {

  private static final Logger log = LoggerFactory.getLogger(JnrSession.class);

  /** More than max_background of the mount, so that a flush never keeps reads waiting. */
  private static final int MAX_WORKERS = 96;

  private static final int MAX_WAITING = 8;

  private final LibFuse2 library;
  private final Path mountpoint;
  private final Pointer channel;
  private final Pointer fuse;
  private final Pointer session;
  private final Callbacks callbacks;
  private final AtomicBoolean unmounted = new AtomicBoolean();

  /** Workers that wait for a request, or are about to. */
  private final AtomicInteger waiting = new AtomicInteger();

  @GuardedBy("this")
  private int workers;

  @GuardedBy("this")
  private int started;

  @GuardedBy("this")
  private @Nullable IOException failure;

  JnrSession(
      LibFuse2 library, Path mountpoint, Pointer channel, Pointer fuse, Callbacks callbacks) {
    this.library = library;
    this.mountpoint = mountpoint;
    this.channel = channel;
    this.fuse = fuse;
    this.callbacks = callbacks;
    this.session = library.fuse_get_session(fuse);
  }

  /** Whether the calling thread is in the middle of an unlink. */
  static boolean isRemoving() {
    return Thread.currentThread() instanceof Worker worker && worker.request.isUnlink();
  }

  /**
   * Has the kernel accept the mount, and starts the first worker. The kernel's INIT is there as
   * soon as it is mounted, and nothing else comes before it is answered.
   */
  void start() throws IOException {
    Request first = new Request(library, channel);
    int length;
    try {
      do {
        length = first.receive();
      } while (length == Request.AGAIN);
      if (length > 0) {
        first.process(session, length);
      }
    } finally {
      first.free();
    }
    if (!callbacks.isInitialized() || library.fuse_session_exited(session) != 0) {
      close();
      throw new IOException("libfuse and the kernel did not agree on a protocol");
    }
    startWorker();
  }

  private synchronized void startWorker() {
    if (workers == MAX_WORKERS) {
      return;
    }
    Worker worker = new Worker(++started);
    workers++;
    waiting.incrementAndGet();
    worker.start();
  }

  private final class Worker extends Thread {

    private final Request request = new Request(library, channel);

    Worker(int number) {
      super("fuse-" + number);
      setDaemon(true);
    }

    @Override
    public void run() {
      try {
        while (serveOne(request)) {}
      } catch (IOException | RuntimeException e) {
        fail(e);
      } finally {
        request.free();
        ended();
      }
    }
  }

  /** Returns whether this worker should go on; if not, it does not count as waiting any more. */
  private boolean serveOne(Request request) throws IOException {
    int length = request.receive();
    if (length == Request.AGAIN) {
      return true;
    }
    int stillWaiting = waiting.decrementAndGet();
    if (length == Request.UNMOUNTED) {
      unmounted.set(true);
      return false;
    }
    if (stillWaiting == 0) {
      startWorker();
    }
    request.process(session, length);
    if (waiting.incrementAndGet() <= MAX_WAITING) {
      return true;
    }
    waiting.decrementAndGet();
    return false;
  }

  /** Without a session that works, programs would hang: so the mount goes. */
  private void fail(Exception e) {
    log.error("The session at {} broke; unmounting", mountpoint, e);
    synchronized (this) {
      if (failure == null) {
        failure = e instanceof IOException io ? io : new IOException(e);
      }
    }
    try {
      unmount();
    } catch (IOException unmountFailure) {
      log.error("Cannot unmount {}", mountpoint, unmountFailure);
    }
  }

  private synchronized void ended() {
    workers--;
    if (workers == 0) {
      close();
      notifyAll();
    }
  }

  /** Frees everything; libfuse unmounts if that has not happened yet. */
  private void close() {
    library.fuse_unmount(mountpoint.toString(), channel);
    library.fuse_destroy(fuse);
    callbacks.dispose();
  }

  @Override
  public String transport() {
    return "jnr";
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
    if (unmounted.compareAndSet(false, true)) {
      Fusermount.detach(mountpoint);
    }
  }
}
