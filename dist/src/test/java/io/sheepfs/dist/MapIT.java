package io.sheepfs.dist;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code sbd map} and its sisters, with file systems on the devices. */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class MapIT {

  private static final Path BIN = MountedStore.ROOT.resolve("bin");

  /** What a script knows: $sbd and $dog with all their addresses, $m to mount at. */
  private static final String PRELUDE =
      """
      bin=$1 folder=$2 port=$3
      sbd() { local verb=$1; shift; "$bin/sbd" "$verb" --run-dir "$folder/run" "$@"; }
      dog() { "$bin/dog" "$@" -p "$port"; }
      objects() { find "$folder/node/obj" -name '00*' | wc -l; }
      m=$folder/m
      mkdir -p "$m"
      """;

  @TempDir private Path folder;

  private int port;

  @SuppressWarnings("NullAway.Init")
  private Daemon sheep;

  @BeforeEach
  void startAndFormat() throws Exception {
    assumeTrue(Files.isWritable(Path.of("/dev/loop-control")), "no loop devices for us here");
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = free.getLocalPort();
    }
    sheep = startSheep();
    script("dog cluster format -c 1; dog vdi create disk 512M");
  }

  private Daemon startSheep() throws Exception {
    String store = folder.resolve("node").toString();
    return Daemon.start(folder, " serving ", "sheep", "-f", "-p", Integer.toString(port), store);
  }

  @AfterEach
  void stop() throws Exception {
    if (sheep == null) {
      return;
    }
    Shell.run("umount", "-l", folder.resolve("m").toString());
    String run = folder.resolve("run").toString();
    Shell.run(BIN.resolve("sbd").toString(), "unmap", "--run-dir", run, "--all", "--force");
    sheep.close();
  }

  private String script(String text) throws Exception {
    return Shell.sh(PRELUDE + text, BIN.toString(), folder.toString(), Integer.toString(port));
  }

  @Test
  void device_withAFileSystem_keepsItsDataAndGivesItsSpaceBack() throws Exception {
    script(
        """
        device=$(sbd map 127.0.0.1 "$port" disk)
        [ "$(sbd map 127.0.0.1 "$port" disk 2>"$folder/said")" = "$device" ]
        grep -q 'mapped already' "$folder/said"
        sbd list -r | grep -q "127.0.0.1:$port disk $device idle"
        [ "$(blockdev --getsize64 "$device")" = $((512 << 20)) ]
        losetup -n -O DIO "$(readlink -f "$device")" | grep -q 1

        mkfs.ext4 -q "$device"
        mount "$device" "$m"
        empty=$(objects)
        dd if=/dev/urandom of="$m/big" bs=1M count=64 status=none
        sync -f "$m"
        [ "$(objects)" -ge $((empty + 14)) ]
        rm "$m/big"
        sync -f "$m"
        fstrim "$m"
        [ "$(objects)" -le $((empty + 4)) ]

        head -c 3000000 /dev/urandom >"$m/file"
        cp "$m/file" "$folder/file"
        if sbd unmap disk 2>"$folder/said"; then exit 1; fi
        grep -q 'in use by a file system' "$folder/said"
        sbd status disk | grep -q 'state: used by a file system'
        umount "$m"
        dog vdi snapshot -s one disk
        sbd remove disk
        [ ! -e "$device" ]

        device=$(sbd add 127.0.0.1 "$port" disk@one --id 77)
        [ "$device" = /dev/sbd77 ]
        [ "$(blockdev --getro "$device")" = 1 ]
        mount -o ro "$device" "$m"
        cmp "$m/file" "$folder/file"
        sbd unmap 77 --force
        [ ! -e "$device" ]
        cmp "$m/file" "$folder/file"
        umount "$m"
        """);
  }

  @ParameterizedTest
  @ValueSource(strings = {"ext4", "xfs"})
  void everything_killed_isMappedAgain_andTheFileSystemIsClean(String kind) throws Exception {
    assumeTrue(
        Files.readString(Path.of("/proc/filesystems")).contains(kind), "no " + kind + " here");
    script(
        "kind="
            + kind
            + """

        device=$(sbd map 127.0.0.1 "$port" disk)
        mkfs.$kind -q "$device"
        mount "$device" "$m"
        head -c 3000000 /dev/urandom >"$m/file"
        cp "$m/file" "$folder/file"
        sync -f "$m"
        dd if=/dev/urandom of="$m/unsynced" bs=1M count=20 status=none
        """);
    sheep.kill();
    for (ProcessHandle mount : mounts()) {
      assertTrue(mount.destroyForcibly());
      mount.onExit().get(60, TimeUnit.SECONDS);
    }
    sheep = startSheep();
    script(
        "kind="
            + kind
            + """

        sbd list -r | grep -q ' dead$'
        umount -l "$m"
        device=$(sbd map 127.0.0.1 "$port" disk 2>"$folder/said")
        grep -q 'removing what is left' "$folder/said"
        [ $kind = xfs ] || e2fsck -p "$device" || [ $? = 1 ]
        mount "$device" "$m" # plays the log of XFS
        cmp "$m/file" "$folder/file"
        umount "$m"
        case $kind in
          ext4) e2fsck -fn "$device" ;;
          xfs) xfs_repair -n "$device" ;;
        esac
        sbd unmap disk
        """);
    assertEquals(0, mounts().length);
  }

  @Test
  void kernel_withoutNbd_isTold_andNothingIsLeft() throws Exception {
    boolean known =
        Files.isDirectory(Path.of("/sys/module/nbd"))
            || Shell.run("sh", "-c", "modprobe -n nbd").exitCode() == 0;
    assumeTrue(!known, "this kernel has nbd: scripts/test-nbd.sh is for it");
    script(
        """
        if sbd map --nbd 127.0.0.1 "$port" disk 2>"$folder/said"; then exit 1; fi
        grep -q 'this kernel has no nbd' "$folder/said"
        grep -q 'without --nbd' "$folder/said"
        [ -z "$(sbd list -r)" ]
        sbd map 127.0.0.1 "$port" disk
        sbd status disk | grep -q 'driver: loop'
        """);
  }

  private ProcessHandle[] mounts() {
    String run = folder.resolve("run").toString();
    return ProcessHandle.allProcesses()
        .filter(process -> commandLine(process).contains(run))
        .toArray(ProcessHandle[]::new);
  }

  private static String commandLine(ProcessHandle process) {
    try {
      return Files.readString(Path.of("/proc", Long.toString(process.pid()), "cmdline"));
    } catch (java.io.IOException ended) {
      return "";
    }
  }

  @Test
  void table_ofDevices_isMappedAndUnmapped_andWhatIsWrongIsTold() throws Exception {
    script(
        """
        dog vdi create other 8M
        dog vdi create third 8M
        dog vdi snapshot -s s third
        cat >"$folder/sbdtab" <<END
        # the devices of this machine
        127.0.0.1 $port disk     id=80
        127.0.0.1 $port nothing  id=81  # is not there
        127.0.0.1 $port other    ro,id=82,timeout=5
        127.0.0.1 $port third@s  id=83
        END
        if sbd map --all --table "$folder/sbdtab" >"$folder/devices" 2>"$folder/said"; then
          exit 1
        fi
        grep -q 'there is no nothing' "$folder/said"
        diff "$folder/devices" - <<END
        /dev/sbd80
        /dev/sbd82
        /dev/sbd83
        END
        if sbd map 127.0.0.1 "$port" nothing --id 80 2>"$folder/said"; then exit 1; fi
        grep -q 'taken' "$folder/said"
        if sbd map 127.0.0.1 1 disk 2>"$folder/said"; then exit 1; fi
        grep -q 'no sheep answers' "$folder/said"
        if sbd map 127.0.0.1 "$port" ../../etc 2>"$folder/said"; then exit 1; fi
        sbd unmap --all
        [ -z "$(sbd list -r)" ]
        if sbd unmap disk 2>"$folder/said"; then exit 1; fi
        grep -q 'is not mapped' "$folder/said"
        """);
  }

  @Test
  void partitions_whereTheKernelKnowsThem_haveNames() throws Exception {
    String config = Shell.run("sh", "-c", "zcat /proc/config.gz 2>/dev/null").output();
    boolean unknown = config.contains("# CONFIG_EFI_PARTITION is not set");
    assumeTrue(!unknown, "this kernel reads no partition tables");
    assumeTrue(
        Stream.of("/sbin/sfdisk", "/usr/sbin/sfdisk").anyMatch(p -> Files.exists(Path.of(p))));
    script(
        """
        device=$(sbd map 127.0.0.1 "$port" disk)
        printf 'label: gpt\\nsize=64M\\nsize=64M\\n' | sfdisk -q "$device"
        sbd unmap disk
        device=$(sbd map 127.0.0.1 "$port" disk)
        [ "$(blockdev --getsize64 "${device}p2")" = $((64 << 20)) ]
        sbd unmap disk
        [ ! -e "${device}p2" ]
        """);
  }
}
