package io.sheepfs.protocol.tls;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The {@link AllowList} in a file, as the file is now: a change counts within a second. While it
 * cannot be read, or has a line that is no rule, what it said before counts. Safe for any number of
 * threads.
 */
public final class AllowListFile {

  private static final Logger log = LoggerFactory.getLogger(AllowListFile.class);
  private static final long LOOK_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final Path file;
  private final LongSupplier nanoTime;
  private final ReentrantLock looking = new ReentrantLock();
  private volatile AllowList rules;
  private volatile long looked;
  private @Nullable Version version;

  /** What tells one content from another, without reading it. */
  private record Version(FileTime modified, long size, @Nullable Object inode) {
    static Version of(Path file) throws IOException {
      BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
      return new Version(attributes.lastModifiedTime(), attributes.size(), attributes.fileKey());
    }
  }

  /**
   * Reads it.
   *
   * @param nanoTime as {@link System#nanoTime}
   * @throws IOException if it cannot be read, or a line is no rule
   */
  AllowListFile(Path file, LongSupplier nanoTime) throws IOException {
    this.file = file;
    this.nanoTime = nanoTime;
    this.version = Version.of(file);
    this.rules = AllowList.read(file);
    this.looked = nanoTime.getAsLong();
  }

  /**
   * Reads it.
   *
   * @throws IOException if it cannot be read, or a line is no rule
   */
  public static AllowListFile open(Path file) throws IOException {
    return new AllowListFile(file, System::nanoTime);
  }

  /** What it says; the same object until it says something else. */
  public AllowList current() {
    if (nanoTime.getAsLong() - looked >= LOOK_NANOS && looking.tryLock()) {
      try {
        look();
      } finally {
        looked = nanoTime.getAsLong();
        looking.unlock();
      }
    }
    return rules;
  }

  private void look() {
    Version now = null;
    try {
      now = Version.of(file);
      if (!Objects.equals(now, version)) {
        rules = AllowList.read(file);
        log.info("{} has changed and counts from now on", file);
      }
    } catch (IOException e) {
      if (!Objects.equals(now, version)) {
        log.error("{}; what it said before goes on to count", e.toString());
      }
    }
    version = now;
  }
}
