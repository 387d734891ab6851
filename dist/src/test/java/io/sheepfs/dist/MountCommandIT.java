package io.sheepfs.dist;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** mount(8), umount(8), fstab(5), and the commands of sheepfs about mounts that run. */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class MountCommandIT {

  private static final String SHEEPFS = MountedStore.ROOT.resolve("bin/sheepfs").toString();

  @TempDir private Path folder;

  @SuppressWarnings("NullAway.Init")
  private MountHelpers helpers;

  @SuppressWarnings("NullAway.Init")
  private Path mnt;

  @SuppressWarnings("NullAway.Init")
  private Path store;

  @BeforeEach
  void installHelpers() throws IOException {
    helpers = MountHelpers.install();
    mnt = Files.createDirectory(folder.resolve("m t"));
    store = folder.resolve("store");
  }

  @AfterEach
  void removeHelpers() throws Exception {
    try {
      if (isMounted()) {
        Shell.run("umount", "-i", "-l", mnt.toString());
      }
    } finally {
      helpers.close();
    }
  }

  private boolean isMounted() throws IOException {
    String name = mnt.toString().replace(" ", "\\040");
    return Files.readString(Path.of("/proc/self/mounts")).contains(" " + name + " fuse.sheepfs");
  }

  private void mountStore(String options) throws Exception {
    Shell.check("mount", "-t", "sheepfs", "-o", options, store.toString(), mnt.toString());
  }

  /** Fails unless nobody has the store open: the process behind the mount must be gone. */
  private void assertStoreIsClosed() {
    assertFalse(Files.exists(store.resolve("running")), "the store was not closed cleanly");
  }

  @Test
  void fstabLine_mounts_andPlainUmountReturnsWhenAllIsSaved() throws Exception {
    Path fstab =
        Files.writeString(
            folder.resolve("fstab"),
            store
                + " "
                + mnt.toString().replace(" ", "\\040")
                + " sheepfs _netdev,noauto,nofail,user,exec,x-systemd.automount,"
                + "x-systemd.requires=a.service,X-mount.idmap,comment=mine,"
                + "allow_other,uid=12,gid=34,umask=027,pagecache=off 0 0\n");
    byte[] data = new byte[9 << 20];
    new Random(1).nextBytes(data);
    Shell.check("mount", "-T", fstab.toString(), mnt.toString());
    assertTrue(isMounted());
    Path disk = mnt.resolve("volume/disk");
    Files.write(disk, data);
    assertEquals("12:34:640", Shell.check("stat", "-c", "%u:%g:%a", disk.toString()).strip());
    Shell.check("umount", mnt.toString());
    assertFalse(isMounted());
    assertStoreIsClosed();
    mountStore("ro");
    assertArrayEquals(data, Files.readAllBytes(disk));
    assertEquals(1, Shell.run("touch", mnt.resolve("volume/new").toString()).exitCode());
    Shell.check("umount", mnt.toString());
    assertStoreIsClosed();
  }

  @Test
  void umount_ofABusyMount_leavesItWith32() throws Exception {
    mountStore("rw");
    Files.writeString(mnt.resolve("volume/disk"), "content");
    try (FileChannel open = FileChannel.open(mnt.resolve("volume/disk"), StandardOpenOption.READ)) {
      assertEquals(32, Shell.run("umount", mnt.toString()).exitCode());
      Shell.Result ours = Shell.run(SHEEPFS, "umount", "--no-flush", mnt.toString());
      assertEquals(32, ours.exitCode(), ours.output());
      assertTrue(open.isOpen() && isMounted());
    }
    Shell.Result some = Shell.run(SHEEPFS, "umount", mnt.toString(), folder.toString());
    assertEquals(64, some.exitCode(), some.output());
    assertFalse(isMounted());
    assertStoreIsClosed();
    assertEquals(32, Shell.run(SHEEPFS, "umount", mnt.toString()).exitCode());
    assertEquals(1, Shell.run(SHEEPFS, "umount").exitCode());
  }

  @Test
  void exitCodes_ofAMountThatFails_areThoseOfMount() throws Exception {
    String[] usage = {"mount", "-t", "sheepfs", "-o", "bogus", store.toString(), mnt.toString()};
    assertEquals(1, Shell.run(usage).exitCode());
    assertEquals(32, Shell.run("mount", "-t", "sheepfs", "127.0.0.1:1", mnt + "").exitCode());
    ProcessBuilder noPlace =
        new ProcessBuilder("mount", "-t", "sheepfs", store.toString(), mnt.toString());
    noPlace.environment().put("TMPDIR", folder.resolve("none").toString());
    assertEquals(2, Shell.run(noPlace).exitCode());
    Shell.check("mount", "-f", "-t", "sheepfs", store.toString(), mnt.toString());
    assertFalse(isMounted());
  }

  @Test
  void launcher_interruptedWhileItWaits_endsTheMountWith8() throws Exception {
    try (ServerSocket silent = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
      Process launcher =
          new ProcessBuilder(
                  SHEEPFS,
                  "--log-file",
                  folder.resolve("log").toString(),
                  "-p",
                  Integer.toString(silent.getLocalPort()),
                  mnt.toString())
              .inheritIO()
              .start();
      silent.accept().close(); // it waits for an answer now
      Shell.check("kill", "-TERM", Long.toString(launcher.pid()));
      assertTrue(launcher.waitFor(60, TimeUnit.SECONDS));
      assertEquals(8, launcher.exitValue());
    }
    assertFalse(isMounted());
  }

  @Test
  void clusterAway_flushAndUmountFailAndKeepTheMount_noFlushKeepsTheData() throws Exception {
    int port;
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = free.getLocalPort();
    }
    String number = Integer.toString(port);
    String[] sheep = {"-f", "-p", number, store.toString()};
    Daemon first = Daemon.start(folder, "serving", "sheep", sheep);
    try {
      String dog = MountedStore.ROOT.resolve("bin/dog").toString();
      Shell.check(dog, "cluster", "format", "-c", "1", "-p", number);
      String options = "timeout=3,cache-dirty-age=3600,cache-dir=" + folder.resolve("cache");
      Shell.check("mount", "-t", "sheepfs", "-o", options, "127.0.0.1:" + number, mnt.toString());
      Path disk = mnt.resolve("volume/disk");
      Files.write(disk, new byte[1 << 20]);
      String status = Shell.check(SHEEPFS, "status", mnt.toString());
      assertTrue(status.contains("dirty_bytes 0\n"), status);
      try (FileChannel open = FileChannel.open(disk, StandardOpenOption.WRITE)) {
        open.write(java.nio.ByteBuffer.wrap(new byte[] {1, 2, 3}));
        first.kill();
        Shell.Result flush = Shell.run(SHEEPFS, "flush", mnt.toString());
        assertEquals(2, flush.exitCode(), flush.output());
        Shell.Result umount = Shell.run(SHEEPFS, "umount", mnt.toString());
        assertEquals(2, umount.exitCode(), umount.output());
        assertTrue(umount.output().contains("still mounted"), umount.output());
        assertTrue(isMounted());
        String away = Shell.run(SHEEPFS, "status").output();
        assertTrue(away.contains("cluster no answer"), away);
      } catch (IOException closeCannotFlush) {
        assertTrue(isMounted(), closeCannotFlush.toString());
      }
      Shell.Result end = Shell.run(SHEEPFS, "umount", "--no-flush", mnt.toString());
      assertEquals(0, end.exitCode(), end.output());
      assertFalse(isMounted());
      try (Daemon again = Daemon.start(folder, "serving", "sheep", sheep)) {
        Shell.check("mount", "-t", "sheepfs", "-o", options, "127.0.0.1:" + number, mnt + "");
        byte[] data = Files.readAllBytes(disk);
        assertEquals(3, data[2], "what was not flushed was lost");
        Shell.check("umount", mnt.toString());
        again.terminate();
      }
    } finally {
      first.close();
    }
  }

  @Test
  void warm_returnsWhenTheDiskIsInTheCache() throws Exception {
    mountStore("rw");
    Shell.Result without = Shell.run(SHEEPFS, "warm", mnt.toString(), "disk");
    assertEquals(2, without.exitCode(), without.output());
    assertTrue(without.output().contains("no cache"), without.output());
    Shell.check("umount", mnt.toString());
    mountStore("cache-mode=writeback,cache-dir=" + folder.resolve("one"));
    Files.write(mnt.resolve("volume/disk"), new byte[6 << 20]);
    Shell.check("umount", mnt.toString());
    mountStore("cache-mode=writeback,cache-dir=" + folder.resolve("other"));
    String warmed = Shell.check(SHEEPFS, "warm", mnt.toString(), "disk");
    assertEquals("", warmed, "nobody watches");
    String told = Files.readString(mnt.resolve("config/objectcache"));
    assertTrue(told.matches("(?s).*\nwarm done ([1-9][0-9]*) \\1 disk\n.*"), told);
    Shell.Result unknown = Shell.run(SHEEPFS, "warm", mnt.toString(), "nothing");
    assertEquals(2, unknown.exitCode(), unknown.output());
    assertTrue(unknown.output().contains("No such file"), unknown.output());
    Shell.Result nowhere = Shell.run(SHEEPFS, "warm", folder.toString(), "disk");
    assertEquals(32, nowhere.exitCode(), nowhere.output());
    Shell.check("umount", mnt.toString());
  }

  @Test
  void deadMount_isShownAndUnmounted() throws Exception {
    mountStore("rw");
    String status = Shell.check(SHEEPFS, "status", mnt.toString());
    String pid = status.lines().filter(l -> l.startsWith("  process ")).findFirst().orElseThrow();
    Shell.check("kill", "-KILL", pid.substring("  process ".length()));
    Shell.eventually("it is dead", () -> !Files.exists(mnt.resolve("volume")));
    assertEquals(2, Shell.run(SHEEPFS, "status", mnt.toString()).exitCode());
    String doctor = Shell.run(SHEEPFS, "doctor").output();
    assertTrue(doctor.contains("is dead (Transport endpoint is not connected)"), doctor);
    Shell.check(SHEEPFS, "umount", mnt.toString());
    assertFalse(isMounted());
  }
}
