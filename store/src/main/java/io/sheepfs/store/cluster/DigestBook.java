package io.sheepfs.store.cluster;

import io.sheepfs.protocol.ObjectId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HexFormat;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The digests of objects as they were when they were read last. If the content of a file differs
 * now, and nobody has written to it since, its disk has changed it: that copy is damaged, whatever
 * others have. Without that, of two copies that differ nobody could tell which is right.
 *
 * <p>Kept in memory, for so many objects and no more; it begins empty with the process.
 *
 * <p>Safe for any number of threads.
 */
final class DigestBook {

  private static final int MAX_OBJECTS = 1 << 18;

  /** A file that was just written can be written again without another time. */
  private static final Duration TOO_FRESH = Duration.ofSeconds(2);

  private final Map<ObjectId, Entry> entries = new ConcurrentHashMap<>();
  private final InstantSource clock;

  /** When a file was written last, and its size. */
  record Stamp(Instant written, long sizeBytes) {}

  private record Entry(Stamp stamp, String digest) {}

  DigestBook(InstantSource clock) {
    this.clock = clock;
  }

  /** The stamp of a file; null if there is none, or if it says nothing. */
  @Nullable Stamp stamp(Path file) {
    try {
      BasicFileAttributes found = Files.readAttributes(file, BasicFileAttributes.class);
      Instant written = found.lastModifiedTime().toInstant();
      boolean isFresh = written.isAfter(clock.instant().minus(TOO_FRESH));
      return isFresh ? null : new Stamp(written, found.size());
    } catch (IOException e) {
      return null;
    }
  }

  /**
   * Takes note of a digest.
   *
   * @param before the file's stamp from before it was read, and {@code after} from then
   * @return false if the content has changed although nobody wrote
   */
  boolean agrees(ObjectId oid, @Nullable Stamp before, @Nullable Stamp after, byte[] digest) {
    if (before == null || !before.equals(after)) {
      entries.remove(oid);
      return true;
    }
    Entry known = entries.get(oid);
    if (known != null && known.stamp().equals(before)) {
      return known.digest().equals(HexFormat.of().formatHex(digest));
    }
    if (known != null || entries.size() < MAX_OBJECTS) {
      entries.put(oid, new Entry(before, HexFormat.of().formatHex(digest)));
    }
    return true;
  }

  /** The object was made anew. */
  void forget(ObjectId oid) {
    entries.remove(oid);
  }

  /** All objects are gone. */
  void clear() {
    entries.clear();
  }
}
