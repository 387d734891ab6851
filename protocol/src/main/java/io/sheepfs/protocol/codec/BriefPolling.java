package io.sheepfs.protocol.codec;

import io.netty.channel.IoHandlerFactory;
import io.netty.channel.SelectStrategy;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.util.IntSupplier;
import io.netty.util.concurrent.SingleThreadEventExecutor;
import java.time.Duration;
import java.util.function.BooleanSupplier;

/**
 * Lets an event loop look for more to do for a moment before it sleeps. A client that sends its
 * next request as soon as it has an answer then neither waits for a thread to wake up nor has to
 * wake one. Where clients take longer than the moment, the loop soon stops looking, and tries again
 * now and then; QEMU's I/O threads do alike.
 *
 * <p>Confined to its event loop, but for {@link #epoll}.
 */
final class BriefPolling implements SelectStrategy {

  /** So many looks in vain are forgiven after as many that found something. */
  private static final int MOST_CREDIT = 16;

  private static final int SLEEPS_BETWEEN_TRIES = 64;

  private final long momentNanos;
  private final BooleanSupplier tasks;
  private int credit;
  private int sleeps;

  /**
   * @param moment how long to look
   * @param tasks whether another thread has given the loop something to do
   */
  BriefPolling(Duration moment, BooleanSupplier tasks) {
    this.momentNanos = moment.toNanos();
    this.tasks = tasks;
  }

  /** Event loops on epoll that look for {@code moment}. */
  static IoHandlerFactory epoll(Duration moment) {
    return loop -> {
      SingleThreadEventExecutor executor = (SingleThreadEventExecutor) loop;
      return EpollIoHandler.newFactory(
              0, () -> new BriefPolling(moment, () -> executor.pendingTasks() > 0))
          .newHandler(loop);
    };
  }

  @Override
  public int calculateStrategy(IntSupplier selectNow, boolean hasTasks) throws Exception {
    if (hasTasks) {
      return selectNow.get();
    }
    if (sleeps > 0) {
      sleeps--;
      return SELECT;
    }
    long start = System.nanoTime();
    do {
      int ready = selectNow.get();
      if (ready > 0 || tasks.getAsBoolean()) {
        credit = Math.min(credit + 1, MOST_CREDIT);
        return ready;
      }
      Thread.onSpinWait();
    } while (System.nanoTime() - start < momentNanos);
    if (credit > 0) {
      credit--;
    } else {
      sleeps = SLEEPS_BETWEEN_TRIES;
    }
    return SELECT;
  }
}
