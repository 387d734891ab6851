package io.sheepfs.store.cluster;

import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.Space;
import io.sheepfs.store.Reserve;

/**
 * What a place that catches up leaves of its disk: half of the reserve, which is for what frees
 * space, and for what says that it is free ({@link Room}).
 *
 * <p>Safe for any number of threads.
 */
final class Headroom {

  private final Free free;

  /** Tells the space of the disk. */
  interface Free {
    Space space() throws SheepException;
  }

  Headroom(Free free) {
    this.free = free;
  }

  /**
   * Looks whether there is room for more of an object.
   *
   * @throws SheepException {@link ResultCode#NO_SPACE} if there is none
   */
  void check(ObjectId oid, long bytes) throws SheepException {
    if (bytes == 0 || !oid.isData()) {
      return;
    }
    Space space = free.space();
    if (space.freeBytes() - bytes < Reserve.bytes(space.totalBytes()) / 2) {
      throw new SheepException(ResultCode.NO_SPACE, bytes + " bytes of " + oid);
    }
  }
}
