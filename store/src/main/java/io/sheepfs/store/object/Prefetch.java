package io.sheepfs.store.object;

import io.sheepfs.protocol.ObjectId;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Has the kernel read parts of objects before somebody wants them. The kernel reads ahead by
 * itself, but only to the end of a file, and an object is a small one.
 *
 * <p>A part is sent to the null device, which takes the pages as they are: nothing is copied, and
 * what is in memory already costs little. A part that was found there has a few of those that
 * follow left out.
 *
 * <p>Safe for any number of threads.
 */
final class Prefetch {

  private static final Logger log = LoggerFactory.getLogger(Prefetch.class);

  private static final Path NULL_DEVICE = Path.of("/dev/null");
  private static final int MOST_WAITING = 64;
  private static final long IDLE_SECONDS = 10;

  /** A range that took less for each MiB was in memory; no disk is as fast. */
  private static final long IN_MEMORY_NANOS_PER_MIB = 50_000;

  private static final int LEFT_OUT = 3;

  /** Sends a part of an object. */
  interface Parts {
    void send(ObjectId oid, long offset, long length, FileChannel target) throws IOException;
  }

  private final Parts parts;
  private final ThreadPoolExecutor worker;

  /** For the worker alone. */
  private @Nullable FileChannel nullDevice;

  /** How many parts to leave out; for the worker alone. */
  private int leaveOut;

  Prefetch(Parts parts) {
    this.parts = parts;
    this.worker =
        new ThreadPoolExecutor(
            1,
            1,
            IDLE_SECONDS,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(MOST_WAITING),
            work -> {
              Thread thread = new Thread(work, "prefetch");
              thread.setDaemon(true);
              return thread;
            },
            new ThreadPoolExecutor.DiscardPolicy());
    worker.allowCoreThreadTimeOut(true);
  }

  /** Asks for a part, and returns at once. */
  void expect(ObjectId oid, long offset, long length, BooleanSupplier wanted) {
    worker.execute(
        () -> {
          if (leaveOut > 0) {
            leaveOut--;
          } else if (wanted.getAsBoolean()) {
            fetch(oid, offset, length);
          }
        });
  }

  private void fetch(ObjectId oid, long offset, long length) {
    try {
      FileChannel target = nullDevice;
      if (target == null) {
        target = FileChannel.open(NULL_DEVICE, StandardOpenOption.WRITE);
        nullDevice = target;
      }
      long begin = System.nanoTime();
      parts.send(oid, offset, length, target);
      if (System.nanoTime() - begin < ((length * IN_MEMORY_NANOS_PER_MIB) >> 20)) {
        leaveOut = LEFT_OUT;
      }
    } catch (IOException e) {
      log.debug("object {} is not read ahead: {}", oid, e.toString());
    }
  }

  void close() {
    worker.getQueue().clear();
    worker.execute(
        () -> {
          FileChannel open = nullDevice;
          nullDevice = null;
          if (open != null) {
            try {
              open.close();
            } catch (IOException e) {
              log.debug("closing {}", NULL_DEVICE, e);
            }
          }
        });
    worker.shutdown();
  }
}
