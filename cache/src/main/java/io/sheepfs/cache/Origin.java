package io.sheepfs.cache;

import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.VdiId;
import org.jspecify.annotations.Nullable;

/**
 * How an object was made that the store has not flushed since: what it needs to be made again, were
 * the store to lose it, besides its dirty blocks.
 *
 * @param source whose bytes it has elsewhere, at the same index; null for zeros
 */
record Origin(@Nullable VdiId source) {

  private static final long OF_ZEROS = 1L << 32;
  private static final long OF_COPY = 2L << 32;

  /** As the map file has it; 0 for null. */
  static long toWord(@Nullable Origin origin) {
    if (origin == null) {
      return 0;
    }
    return origin.source == null ? OF_ZEROS : OF_COPY | origin.source.value();
  }

  /** What {@link #toWord} made; null for anything else. */
  static @Nullable Origin ofWord(long word) {
    if (word == OF_ZEROS) {
      return new Origin(null);
    }
    int vid = (int) word;
    return (word & ~0xFFFFFFL) == OF_COPY && vid != 0 ? new Origin(new VdiId(vid)) : null;
  }

  /** The object it was copied from; null for zeros. */
  @Nullable ObjectId sourceOf(ObjectId oid) {
    return source == null ? null : ObjectId.data(source, oid.index());
  }
}
