package io.sheepfs.fuse;

import io.sheepfs.protocol.Cluster;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.volume.Access;
import io.sheepfs.volume.Volume;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Reads VDIs from end to end, which fills the cache; holes are skipped. */
final class Warming {

  private static final Logger log = LoggerFactory.getLogger(Warming.class);
  private static final int STEP_BYTES = 1 << 20;

  private Warming() {}

  /** Begins, in the background; what cannot be read is logged. */
  static void start(Cluster cluster, List<VdiName> names) {
    if (names.isEmpty()) {
      return;
    }
    Thread thread = new Thread(() -> names.forEach(name -> warm(cluster, name)), "warming");
    thread.setDaemon(true);
    thread.start();
  }

  private static void warm(Cluster cluster, VdiName name) {
    try (Volume volume = Volume.open(cluster, name, Access.READ_ONLY)) {
      ByteBuffer bytes = ByteBuffer.allocate(STEP_BYTES);
      long count = 0;
      long at = volume.nextData(0);
      while (at >= 0) {
        count += volume.read(at, bytes.clear());
        at = volume.nextData((at & -STEP_BYTES) + STEP_BYTES);
      }
      log.info("read {} of {} into the cache", FlushProgress.text(count), name);
    } catch (IOException e) {
      log.warn("cannot read {} into the cache: {}", name, e.getMessage());
    }
  }
}
