package io.sheepfs.cache;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * The file that holds the cached blocks of one object, each at its own offset. What was written
 * survives the death of the process; what was forced survives a power cut. Safe for any number of
 * threads.
 */
interface ObjectFile extends Closeable {

  /**
   * Fills {@code dst}.
   *
   * @throws IOException also if the file ends before
   */
  void read(ByteBuffer dst, long position) throws IOException;

  /** Writes all of {@code src}. When it throws, a part from the start may have been written. */
  void write(ByteBuffer src, long position) throws IOException;

  /** Puts all that was written on stable storage. */
  void force() throws IOException;
}
