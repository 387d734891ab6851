package io.sheepfs.fuse.transport.direct;

import io.sheepfs.fuse.transport.LibC;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The queues of FUSE over io_uring: one for each processor, whose requests it takes. Each worker of
 * a queue has an entry and a ring of its own, so that one that waits, for a disk or a peer, holds
 * up nobody else; and it runs on that processor, next to who asked.
 */
final class Rings {

  private static final Logger log = LoggerFactory.getLogger(Rings.class);

  private static final Path ENABLED = Path.of("/sys/module/fuse/parameters/enable_uring");
  private static final Path POSSIBLE = Path.of("/sys/devices/system/cpu/possible");

  /** How many workers all queues together may have, unless there are very many queues. */
  private static final int MOST_WORKERS = 96;

  private static final int FIRST_WORKERS = 4;
  private static final int SPARE_WORKERS = 2;

  private Rings() {}

  /** Why there can be none here; null if nothing is known that speaks against them. */
  static @Nullable String impediment() {
    try {
      if (!Files.exists(ENABLED)) {
        return "this kernel has no FUSE over io_uring (Linux 6.14 has)";
      }
      if (!Files.readString(ENABLED).startsWith("Y")) {
        return "it is switched off (echo Y >" + ENABLED + ")";
      }
      new IoUring().close();
      return null;
    } catch (IOException e) {
      return String.valueOf(e.getMessage());
    }
  }

  /**
   * Has a session served by rings. The kernel uses them from when each queue has an entry, and
   * sends nothing before.
   *
   * @throws IOException if it does not take them; then the session is of no use any more
   */
  static void serve(Session session, FuseDevice device) throws IOException {
    int queues = possibleProcessors();
    int most = Math.max(FIRST_WORKERS, MOST_WORKERS / queues);
    Crew.Size size =
        new Crew.Size(
            Math.min(FIRST_WORKERS, most / SPARE_WORKERS), most, SPARE_WORKERS, Integer.MAX_VALUE);
    for (int queue = 0; queue < queues; queue++) {
      int processor = queue;
      session.add(
          new Crew(
              "fuse-ring-" + processor,
              size,
              () -> {
                bind(processor);
                return RingMessage.register(device.descriptor(), processor);
              },
              session));
    }
    log.debug("{} queues of FUSE over io_uring, up to {} workers each", queues, most);
  }

  /** Where that is not allowed, a worker runs where it may: slower, but right. */
  private static void bind(int processor) {
    byte[] mask = new byte[(processor / Long.SIZE + 1) * Long.BYTES];
    mask[processor / Byte.SIZE] = (byte) (1 << processor % Byte.SIZE);
    LibC.INSTANCE.sched_setaffinity(0, mask.length, mask);
  }

  /** The kernel wants an entry for each processor that could ever be there. */
  private static int possibleProcessors() throws IOException {
    String ranges = Files.readString(POSSIBLE).strip();
    return Integer.parseInt(
            ranges.substring(Math.max(ranges.lastIndexOf('-'), ranges.lastIndexOf(',')) + 1))
        + 1;
  }
}
