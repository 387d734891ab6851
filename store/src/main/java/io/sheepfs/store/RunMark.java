package io.sheepfs.store;

import io.sheepfs.store.object.Disk;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;

/**
 * The file {@code running}: written when a store is opened, removed when it is closed with
 * everything on stable storage. A start that finds it knows that the last end was not a clean one,
 * and from the boot id in it whether the machine was up ever since.
 */
final class RunMark {

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
  private final Disk disk;
  private final String bootId;

  /**
   * The mark in {@code file}.
   *
   * @param bootId what identifies this run of the machine; empty if nothing does
   */
  RunMark(Path file, Disk disk, String bootId) {
    this.file = file;
    this.disk = disk;
    this.bootId = bootId;
  }

  /** The kernel's name for this run of the machine; empty where there is none. */
  static String currentBootId() {
    try {
      return Files.readString(Path.of("/proc/sys/kernel/random/boot_id")).strip();
    } catch (IOException noLinux) {
      return "";
    }
  }

  LastEnd lastEnd() throws IOException {
    if (!Disk.exists(file)) {
      return LastEnd.CLEAN;
    }
    String found = StandardCharsets.UTF_8.decode(disk.readAll(file)).toString().strip();
    return !bootId.isEmpty() && found.equals(bootId) ? LastEnd.PROCESS_DIED : LastEnd.MACHINE_DIED;
  }

  /** When the last run, which did not end cleanly, began. */
  Instant lastStart() throws IOException {
    return Files.getLastModifiedTime(file).toInstant();
  }

  void set() throws IOException {
    disk.replace(file, ByteBuffer.wrap((bootId + "\n").getBytes(StandardCharsets.UTF_8)));
  }

  void clear() throws IOException {
    disk.delete(file);
  }
}
