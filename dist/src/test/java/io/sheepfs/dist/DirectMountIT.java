package io.sheepfs.dist;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The mount on the kernel's own protocol. */
class DirectMountIT extends MountContract {

  private static final int CACHED_BYTES = 64 << 10;

  DirectMountIT() {
    super("direct");
  }

  @Override
  int killRounds() {
    return 20;
  }

  @Test
  void abort_byTheAdministrator_savesAndLeavesNoDeadMount(@TempDir Path other) throws Exception {
    Path control = Files.createDirectory(other.resolve("control"));
    try (MountedStore mounted = MountedStore.start(other, "direct")) {
      Files.writeString(mounted.volume("disk"), "content");
      long device = (Long) Files.getAttribute(mounted.mountpoint(), "unix:dev");
      long minor = (device & 0xff) | (device >>> 12 & 0xfff00);
      Shell.check("mount", "-t", "fusectl", "none", control.toString());
      try {
        Files.writeString(control.resolve(minor + "/abort"), "1");
      } finally {
        Shell.check("umount", control.toString());
      }
      mounted.awaitEnd();
      assertTrue(mounted.log().contains("aborted"), mounted.log());
      assertTrue(Files.isReadable(mounted.mountpoint()), "the mountpoint is a directory again");
    }
  }

  @Test
  void pageCache_ofWhatNobodyElseCanChange_outlivesTheOpen(@TempDir Path other) throws Exception {
    try (MountedStore mounted = MountedStore.start(other, "direct")) {
      Path disk = mounted.volume("disk");
      Files.write(disk, new byte[CACHED_BYTES]);
      Shell.eventually(
          "it is read again without a request",
          () -> {
            long before = readsAfterReading(mounted, disk);
            return readsAfterReading(mounted, disk) == before;
          });
      Shell.sh(
          "printf %4096s x | dd of=\"$1\" bs=4096 oflag=direct conv=notrunc status=none",
          disk.toString());
      assertEquals((byte) 'x', Files.readAllBytes(disk)[4095], "a write past the page cache");
      mounted.unmount();
    }
  }

  private static long readsAfterReading(MountedStore mounted, Path disk) {
    try {
      assertEquals(CACHED_BYTES, Files.readAllBytes(disk).length);
      return mounted.counter("sheepfs_reads_total");
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void copy_ofASparseDisk_isDoneInTheMount_andStaysSparse(@TempDir Path other) throws Exception {
    try (MountedStore mounted = MountedStore.start(other, "direct")) {
      String disk = mounted.volume("disk").toString();
      Shell.sh(
          "truncate -s 40M \"$1\"; for at in 0 5 21; do head -c 3000000 /dev/urandom"
              + " | dd of=\"$1\" bs=1M seek=$at conv=notrunc iflag=fullblock status=none; done",
          disk);
      long objects = mounted.dataObjects();
      Shell.sh("cp --sparse=auto \"$1\" \"$1-copy\"; cmp \"$1\" \"$1-copy\"", disk);
      assertEquals(2 * objects, mounted.dataObjects());
      String born = Shell.check("stat", "-c", "%W", disk).strip();
      assertTrue(Long.parseLong(born) > 0, () -> "born at " + born);
      mounted.unmount();
    }
  }
}
