package io.sheepfs.store;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.sheepfs.store.RunMark.LastEnd;
import io.sheepfs.store.object.Disk;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class RunMarkTest {

  private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");

  @TempDir private Path directory;

  private Instant now = START;
  private RunMark mark;
  private Disk disk;

  @BeforeEach
  void begin() throws IOException {
    reopen("boot");
    mark.set(disk);
    Files.setLastModifiedTime(directory.resolve("running"), FileTime.from(START));
    reopen("boot");
  }

  private LastEnd reopen(String bootId) throws IOException {
    mark = new RunMark(directory.resolve("running"), bootId, () -> now);
    disk = new Disk(directory, mark.watching((change, path) -> {}));
    return mark.lastEnd(disk);
  }

  private void change() throws IOException {
    disk.replace(directory.resolve("file"), ByteBuffer.allocate(1));
  }

  @Test
  void lastEnd_isToldFromTheBootId() throws IOException {
    assertEquals(LastEnd.PROCESS_DIED, reopen("boot"));
    assertEquals(LastEnd.MACHINE_DIED, reopen("another"));
    assertEquals(LastEnd.MACHINE_DIED, reopen(""));
    mark.clear(disk);
    change();
    assertEquals(LastEnd.CLEAN, reopen("boot"));
  }

  @Test
  void changedSince_clockGoesOn_isTheStart() throws IOException {
    for (Duration later : new Duration[] {Duration.ofMillis(-900), Duration.ofDays(400)}) {
      now = START.plus(later);
      change();
      assertEquals(START, mark.changedSince().plusSeconds(2));
    }
  }

  /** It goes back, and forward again before anybody looks: what was written then has old times. */
  @Test
  void changedSince_clockSetBackForAWhile_isBeforeAllFiles() throws IOException {
    now = START.minusSeconds(3600);
    change();
    now = START.plusSeconds(3600);
    change();
    assertEquals(LastEnd.PROCESS_DIED, reopen("boot"));
    assertEquals(Instant.EPOCH, mark.changedSince().plusSeconds(2));
    mark.set(disk);
    assertEquals(
        Files.getLastModifiedTime(directory.resolve("running")).toInstant(),
        mark.changedSince().plusSeconds(2));
  }
}
