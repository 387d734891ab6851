package io.sheepfs.cache;

import io.sheepfs.protocol.ObjectId;
import java.io.IOException;

/** The file of an object holds other bytes for a block than were written there. */
final class DamagedBlock extends IOException {

  private static final long serialVersionUID = 1L;

  private final int block;

  DamagedBlock(ObjectId oid, int block) {
    super("block " + block + " of cached object " + oid + " is damaged");
    this.block = block;
  }

  int block() {
    return block;
  }
}
