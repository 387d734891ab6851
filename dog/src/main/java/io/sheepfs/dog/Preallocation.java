package io.sheepfs.dog;

import io.sheepfs.protocol.VdiInfo;
import io.sheepfs.volume.Volume;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * Gives a volume objects of its own, by writing to the start of an object what is there already.
 */
final class Preallocation {

  private static final int TOUCHED_BYTES = 4096;

  private final Session session;
  private final Volume volume;
  private final VdiInfo vdi;

  Preallocation(Session session, Volume volume) {
    this.session = session;
    this.volume = volume;
    this.vdi = volume.info();
  }

  /** Allocates every object: holes, and those that are shared with a snapshot. */
  void allocateAll() throws IOException {
    ObjectMap map = ObjectMap.read(session.cluster().objects(), vdi);
    try (Progress progress = new Progress(session, vdi.name().value(), vdi.sizeBytes())) {
      ByteBuffer buffer = ByteBuffer.allocateDirect(TOUCHED_BYTES);
      for (int index = 0; index < vdi.objectCount(); index++) {
        if (map.owner(index) != vdi.vid().value()) {
          long offset = (long) index << vdi.blockSizeShift();
          volume.read(offset, buffer.clear());
          volume.write(offset, buffer.flip());
        }
        progress.advance(vdi.objectSizeBytes());
      }
    }
  }
}
