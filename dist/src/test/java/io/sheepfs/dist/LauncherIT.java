package io.sheepfs.dist;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The launchers as people start them: from anywhere, in the background, with mistakes. */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class LauncherIT {

  private static final String SHEEPFS = MountedStore.ROOT.resolve("bin/sheepfs").toString();

  @TempDir private Path folder;

  @Test
  void version_throughALinkWithoutEnvironment_isPrinted() throws Exception {
    Path link = Files.createSymbolicLink(folder.resolve("a link"), Path.of(SHEEPFS));
    String output = Shell.check("env", "-i", link.toString(), "--version");
    assertTrue(output.startsWith("sheepfs "), output);
    assertEquals(2, output.lines().count(), output);
  }

  /** The name is spelled in octal, since the locale of this test is not known either. */
  @Test
  void arguments_beyondAsciiWithoutALocale_areKept() throws Exception {
    Shell.sh(
        """
        name=$(printf 'gr\\303\\266\\303\\237e')
        for locale in LANG= LC_ALL=C LANG=POSIX; do
          said=$(env -i "$locale" "$1" vdi create disk "$name" 2>&1) && exit 1
          case $said in
            *"'$name'"*) ;;
            *) echo "$locale: $said"; exit 1 ;;
          esac
        done
        """,
        MountedStore.ROOT.resolve("bin/dog").toString());
  }

  @Test
  void usage_wrong_isExplainedWithExitCode1() throws Exception {
    Shell.Result unknown = Shell.run(SHEEPFS, "--no-such-option", folder.toString());
    assertEquals(1, unknown.exitCode(), unknown.output());
    assertTrue(unknown.output().contains("--help"), unknown.output());
    Shell.Result option = Shell.run(SHEEPFS, "-o", "bogus", folder.toString());
    assertEquals(1, option.exitCode(), option.output());
    assertTrue(option.output().contains("unknown mount option: bogus"), option.output());
  }

  @Test
  void noSheep_atTheAddress_namesBothWaysOn() throws Exception {
    Shell.Result result = Shell.run(SHEEPFS, "-p", "1", folder.toString());
    assertEquals(32, result.exitCode(), result.output());
    assertTrue(result.output().contains("no sheep answers at 127.0.0.1:1"), result.output());
    assertTrue(result.output().contains("sheep DIR"), result.output());
    assertTrue(result.output().contains("--store DIR"), result.output());
  }

  @Test
  void mountpoint_missingOrStoreInUseOrForeign_isRefused() throws Exception {
    String store = folder.resolve("store").toString();
    Shell.Result missing = Shell.run(SHEEPFS, "--store", store, folder.resolve("no").toString());
    assertEquals(32, missing.exitCode());
    assertTrue(missing.output().contains("mkdir -p"), missing.output());
    Files.writeString(Files.createDirectory(folder.resolve("foreign")).resolve("file"), "x");
    Path mountpoint = Files.createDirectory(folder.resolve("mountpoint"));
    Shell.Result foreign =
        Shell.run(SHEEPFS, "--store", folder.resolve("foreign").toString(), mountpoint.toString());
    assertEquals(32, foreign.exitCode(), foreign.output());
    try (MountedStore mounted = MountedStore.start(folder, "auto")) {
      Shell.Result inUse = Shell.run(SHEEPFS, "--store", store, mountpoint.toString());
      assertEquals(32, inUse.exitCode(), inUse.output());
      assertTrue(inUse.output().contains("in use"), inUse.output());
      Shell.Result twice =
          Shell.run(SHEEPFS, "--store", store + "2", mounted.mountpoint().toString());
      assertEquals(32, twice.exitCode(), twice.output());
      assertTrue(twice.output().contains("mounted already"), twice.output());
    }
  }

  @Test
  void background_returnsWhenMounted_andADeadMountIsReplaced() throws Exception {
    Path mountpoint = Files.createDirectory(folder.resolve("mnt"));
    try (MountedStore first = MountedStore.start(folder, "auto")) {
      Files.writeString(first.volume("disk"), "content");
      first.kill();
      try {
        Shell.Result again =
            Shell.run(
                SHEEPFS,
                "--log-file",
                folder.resolve("daemon.log").toString(),
                "--store",
                folder.resolve("store").toString(),
                mountpoint.toString());
        assertEquals(0, again.exitCode(), again.output());
        assertTrue(again.output().contains("dead mount"), again.output());
        assertEquals("content", Files.readString(mountpoint.resolve("volume/disk")));
        String status = Shell.check(SHEEPFS, "status", mountpoint.toString());
        String pid = status.replaceAll("(?s).*process ([0-9]+).*", "$1");
        String stat = Files.readString(Path.of("/proc", pid, "stat"));
        String session = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1)[3];
        assertEquals(pid, session, "a session of its own, so that a closed terminal ends nothing");
      } finally {
        Shell.check("umount", mountpoint.toString());
        // the store can be opened again when the process has ended
        Path log = folder.resolve("daemon.log");
        Shell.eventually("the process ended", () -> read(log).contains("unmounted"));
      }
    }
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (java.io.IOException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void makeRun_stopAndRunAgain_findsTheData() throws Exception {
    // a name that is neither one word nor, taken for a pattern, itself
    Path mountpoint = folder.resolve("m.t [a]+ $b");
    try {
      String first = make("run", mountpoint);
      assertTrue(first.contains(" demo"), first);
      Files.writeString(mountpoint.resolve("volume/mine"), "data");
      String already = make("run", mountpoint);
      assertTrue(already.contains("mounted already"), already);
      make("stop", mountpoint);
      make("run", mountpoint);
      assertEquals("data", Files.readString(mountpoint.resolve("volume/mine")));
    } finally {
      make("stop", mountpoint);
    }
    String again = make("stop", mountpoint);
    assertTrue(again.contains("is not mounted"), again);
  }

  @Test
  void makeStop_patternThatMatchesAMount_isNotThatMount() throws Exception {
    try (MountedStore mounted = MountedStore.start(folder, "auto")) {
      Path pattern = folder.resolve("m.t");
      assertTrue(mounted.mountpoint().toString().matches(pattern.toString()));
      String output = make("stop", pattern);
      assertTrue(output.contains(pattern + " is not mounted"), output);
    }
  }

  @Test
  void valueThatLooksLikeAnOption_isRefusedAndNotTakenForThatOption() throws Exception {
    for (String program : new String[] {"sheepfs", "sheep"}) {
      String launcher = MountedStore.ROOT.resolve("bin").resolve(program).toString();
      Shell.Result result = Shell.run(launcher, "--log-file", "-f", folder.toString());
      assertEquals(1, result.exitCode(), result.output());
      assertTrue(result.output().contains("--log-file"), result.output());
    }
  }

  private String make(String target, Path mountpoint) throws Exception {
    return Shell.sh(
        "make -s -C \"$1\" \"$2\" \"MNT=$3\" \"STORE=$4\" MVN=true",
        MountedStore.ROOT.toString(),
        target,
        mountpoint.toString().replace("$", "$$"),
        folder.resolve("store").toString());
  }

  @Test
  void user_otherThanRoot_mountsThroughFusermount() throws Exception {
    for (Path at = folder; at != null && !at.equals(Path.of("/tmp")); at = at.getParent()) {
      Files.setPosixFilePermissions(at, PosixFilePermissions.fromString("rwxr-xr-x"));
    }
    Path home = Files.createDirectory(folder.resolve("home"));
    Shell.check("chown", "nobody", home.toString());
    Shell.sh(
        """
        cd "$2"
        mkdir mnt && chown nobody mnt
        # udev opens the device to everybody; where no udev runs, this test does it for a while
        mode=$(stat -c %a /dev/fuse)
        chmod 666 /dev/fuse
        leave() {
          umount -l "$2/mnt" 2>/dev/null || true
          chmod "$mode" /dev/fuse
          # this user's sockets and the JVM's counters; both are empty once it has ended
          for i in $(seq 50); do
            rmdir /tmp/sheepfs-65534 /tmp/hsperfdata_nobody 2>/dev/null || true
            [ -d /tmp/sheepfs-65534 ] || [ -d /tmp/hsperfdata_nobody ] || break
            sleep 0.1
          done
        }
        trap 'leave "$@"' EXIT
        setpriv --reuid=65534 --regid=65534 --clear-groups env HOME="$2" \
          "$1" --log-file "$2/log" --store "$2/store" "$2/mnt"
        setpriv --reuid=65534 --regid=65534 --clear-groups /bin/sh -c \
          'echo content >mnt/volume/disk; cat mnt/volume/disk; ls -ln mnt/volume' >out
        grep -q content out
        grep -q ' 65534 ' out
        setpriv --reuid=65534 --regid=65534 --clear-groups fusermount3 -u "$2/mnt"
        for i in $(seq 100); do grep -q unmounted log && exit 0; sleep 0.1; done
        cat log
        exit 1
        """,
        SHEEPFS, home.toString());
  }
}
