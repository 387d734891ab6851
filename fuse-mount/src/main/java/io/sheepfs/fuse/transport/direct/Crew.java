package io.sheepfs.fuse.transport.direct;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The threads that serve one source of requests. Each takes a request, carries it out and answers
 * it. There are as many as requests under way, and some more that wait, up to a limit; who finds
 * too many waiting ends.
 */
final class Crew {

  private static final Logger log = LoggerFactory.getLogger(Crew.class);

  /** Makes the message of a new worker, on the worker's own thread. */
  interface Source {
    Message open() throws IOException;
  }

  /**
   * How many workers there are.
   *
   * @param first at the start
   * @param most at any time
   * @param spare how many should wait at least, as long as there are not {@code most}
   * @param mostWaiting how many may wait; the others end
   */
  record Size(int first, int most, int spare, int mostWaiting) {}

  private final String name;
  private final Size size;
  private final Source source;
  private final Session session;

  /** Done when the source has opened for the first worker, or failed to. */
  private final CompletableFuture<@Nullable Void> begun = new CompletableFuture<>();

  /** Workers that wait for a request, or are about to. */
  private final AtomicInteger waiting = new AtomicInteger();

  @GuardedBy("this")
  private int workers;

  @GuardedBy("this")
  private int started;

  Crew(String name, Size size, Source source, Session session) {
    this.name = name;
    this.size = size;
    this.source = source;
    this.session = session;
  }

  /**
   * Hires the first workers.
   *
   * @throws IOException if the source opens for none; then the crew is nobody
   */
  void start() throws IOException {
    hire();
    try {
      begun.get();
    } catch (ExecutionException e) {
      throw new IOException(e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while " + name + " starts");
    }
    for (int i = 1; i < size.first(); i++) {
      hire();
    }
  }

  private synchronized void hire() {
    if (workers == size.most()) {
      return;
    }
    Thread thread = new Thread(this::work, name + "-" + ++started);
    thread.setDaemon(true);
    workers++;
    waiting.incrementAndGet();
    session.workerStarts();
    thread.start();
  }

  private void work() {
    try {
      Message message;
      try {
        message = source.open();
      } catch (IOException | RuntimeException e) {
        refused(e);
        return;
      }
      begun.complete(null);
      try {
        while (serveOne(message)) {}
      } finally {
        message.free();
      }
    } catch (IOException | RuntimeException e) {
      session.fail(e);
    } finally {
      synchronized (this) {
        workers--;
      }
      session.workerEnded();
    }
  }

  private void refused(Exception e) {
    int left = waiting.decrementAndGet();
    if (!begun.completeExceptionally(e)) {
      log.warn("{} goes on with {} idle workers: {}", name, left, e.toString());
    }
  }

  /** Returns whether this worker should go on; if not, it does not count as waiting any more. */
  private boolean serveOne(Message message) throws IOException {
    int received = message.receive();
    if (received == FuseDevice.AGAIN) {
      return true;
    }
    int stillWaiting = waiting.decrementAndGet();
    if (received == FuseDevice.UNMOUNTED) {
      session.gone();
      return false;
    }
    if (stillWaiting < size.spare()) {
      hire();
    }
    session.handle(message);
    if (waiting.incrementAndGet() <= size.mostWaiting()) {
      return true;
    }
    waiting.decrementAndGet();
    return false;
  }
}
