package io.sheepfs.store;

import io.sheepfs.store.object.Disk;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The file {@code running}: written when a store is opened, removed when it is closed with
 * everything on stable storage. A start that finds it knows that the last end was not a clean one,
 * and from the boot id in it whether the machine was up ever since.
 *
 * <p>Its time tells which files the run has changed: those that are not older. That is true as long
 * as nobody sets the clock back. So the clock is looked at before each change; when it is behind
 * the mark, the mark becomes older than all files.
 *
 * <p>Safe for any number of threads.
 */
final class RunMark {

  private static final Logger log = LoggerFactory.getLogger(RunMark.class);

  /** What a file's time may lag behind: the file systems keep the time of the last tick. */
  private static final Duration FILE_TIME_SLACK = Duration.ofSeconds(2);

  /** A clock that is behind by less does no harm, for the slack is more. */
  private static final long TOLERANCE_MILLIS = 1000;

  private static final long NOT_WATCHED = Long.MIN_VALUE;

  /** How the last run of a store ended. */
  enum LastEnd {
    /** Everything was on stable storage. */
    CLEAN,
    /** The process died; the machine did not, so what was written is there. */
    PROCESS_DIED,
    /** The machine was started anew since; what was not flushed may be gone. */
    MACHINE_DIED
  }

  private final Path file;
  private final String bootId;
  private final InstantSource clock;

  /** Until when the clock must not be set back, in milliseconds. */
  private volatile long earliestMillis = NOT_WATCHED;

  /**
   * The mark in {@code file}.
   *
   * @param bootId what identifies this run of the machine; empty if nothing does
   * @param clock the one that gives files their times
   */
  RunMark(Path file, String bootId, InstantSource clock) {
    this.file = file;
    this.bootId = bootId;
    this.clock = clock;
  }

  /** The kernel's name for this run of the machine; empty where there is none. */
  static String currentBootId() {
    try {
      return Files.readString(Path.of("/proc/sys/kernel/random/boot_id")).strip();
    } catch (IOException noLinux) {
      return "";
    }
  }

  /** What a disk has to call before each change, which looks at the clock and calls another. */
  Disk.ChangeListener watching(Disk.ChangeListener next) {
    return (change, path) -> {
      if (clock.millis() < earliestMillis) {
        distrustClock();
      }
      next.beforeChange(change, path);
    };
  }

  private synchronized void distrustClock() throws IOException {
    if (earliestMillis == NOT_WATCHED) {
      return;
    }
    Files.setLastModifiedTime(file, FileTime.fromMillis(0));
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.force(true);
    }
    earliestMillis = NOT_WATCHED;
    log.warn(
        "the clock was set back to {}; should this process not end cleanly, the next one will take"
            + " all objects for changed",
        clock.instant());
  }

  /** How the last run ended. */
  LastEnd lastEnd(Disk disk) throws IOException {
    if (!Disk.exists(file)) {
      return LastEnd.CLEAN;
    }
    watchClock();
    String found = StandardCharsets.UTF_8.decode(disk.readAll(file)).toString().strip();
    return !bootId.isEmpty() && found.equals(bootId) ? LastEnd.PROCESS_DIED : LastEnd.MACHINE_DIED;
  }

  /** What the last run, which did not end cleanly, has changed is not older than this. */
  Instant changedSince() throws IOException {
    return Files.getLastModifiedTime(file).toInstant().minus(FILE_TIME_SLACK);
  }

  void set(Disk disk) throws IOException {
    disk.replace(file, ByteBuffer.wrap((bootId + "\n").getBytes(StandardCharsets.UTF_8)));
    watchClock();
  }

  private void watchClock() throws IOException {
    earliestMillis = Files.getLastModifiedTime(file).toMillis() - TOLERANCE_MILLIS;
  }

  void clear(Disk disk) throws IOException {
    disk.delete(file);
    earliestMillis = NOT_WATCHED;
  }
}
