package io.sheepfs.dist;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * {@code make cluster} and {@code make cluster-stop}: ZooKeeper and three sheep on this machine.
 */
@Timeout(value = 60, unit = TimeUnit.MINUTES)
class MakeClusterIT {

  private static final int PORTS = 4;

  @TempDir private Path folder;

  /** The first of some ports in a row that nobody uses, below those that the kernel gives out. */
  private static int freePorts() throws IOException {
    Random random = new Random();
    for (int attempt = 0; attempt < 1000; attempt++) {
      int first = 12_000 + random.nextInt(18_000);
      if (areFree(first)) {
        return first;
      }
    }
    throw new IOException("no free ports");
  }

  private static boolean areFree(int first) throws IOException {
    List<ServerSocket> held = new ArrayList<>();
    try {
      for (int i = 0; i < PORTS; i++) {
        held.add(new ServerSocket(first + i, 1, InetAddress.getLoopbackAddress()));
      }
      return true;
    } catch (IOException taken) {
      return false;
    } finally {
      for (ServerSocket socket : held) {
        socket.close();
      }
    }
  }

  private Shell.Result make(String target, int port) throws Exception {
    return Shell.run(
        new ProcessBuilder(
            "make",
            "-s",
            "-C",
            MountedStore.ROOT.toString(),
            target,
            "MVN=true",
            "PORT=" + port,
            "MNT=" + folder.resolve("m n"),
            "STORE=" + folder.resolve("s t")),
        Duration.ofMinutes(20));
  }

  private String pid(String part) throws IOException {
    return Files.readString(folder.resolve("s t/run").resolve(part + ".pid")).strip();
  }

  @Test
  void cluster_startedUsedOneSheepLostAndStopped_leavesTheDataAndNothingElse() throws Exception {
    int port = freePorts();
    Path mountpoint = folder.resolve("m n");
    byte[] content = new byte[5_000_000];
    new Random(1).nextBytes(content);
    try {
      Shell.Result first = make("cluster", port);
      assertEquals(0, first.exitCode(), first.output());
      assertTrue(first.output().contains("make cluster-stop"), first.output());
      Files.write(mountpoint.resolve("volume/disk"), content);
      trimsOnEveryNode(port);
      Shell.check("kill", "-9", pid("sheep2"));
      // the lost one still counts as there, and cannot tell its space
      Shell.check("stat", "-f", mountpoint.toString());
      assertArrayEquals(content, Files.readAllBytes(mountpoint.resolve("volume/disk")));
      Shell.Result half = make("cluster", port);
      assertEquals(2, half.exitCode(), half.output());
      assertTrue(half.output().contains("there runs: zookeeper sheep1 sheep3"), half.output());
    } finally {
      Shell.Result stopped = make("cluster-stop", port);
      assertEquals(0, stopped.exitCode(), stopped.output());
    }
    assertTrue(areFree(port));
    assertFalse(Files.exists(folder.resolve("s t/run")));
    Shell.Result again = make("cluster-stop", port);
    assertTrue(again.output().contains("No cluster runs"), again.output());
  }

  /** What a file system on a device frees is gone from the disks of all nodes. */
  private void trimsOnEveryNode(int port) throws Exception {
    if (!Files.isWritable(Path.of("/dev/loop-control"))) {
      return; // MapIT tells that it was left out
    }
    Shell.sh(
        """
        bin=$1 folder=$2 port=$3
        sbd() { local verb=$1; shift; "$bin/sbd" "$verb" --run-dir "$folder/run" "$@"; }
        objects() { for n in 1 2 3; do find "$folder/s t/sheep$n/obj" -name '00*' | wc -l; done; }
        all() { # OPERATOR NUMBER: true of each node
          local count
          for count in $(objects); do
            [ "$count" "$1" "$2" ] || { echo "objects: $(objects | tr '\\n' ' '), not $1 $2"; return 1; }
          done
        }
        m=$folder/device
        mkdir "$m"
        "$bin/dog" vdi create trimmed 512M -p "$port"
        device=$(sbd map 127.0.0.1 "$port" trimmed)
        trap 'umount "$m" 2>/dev/null || true; sbd unmap trimmed' EXIT
        mkfs.ext4 -q -b 4096 -E lazy_itable_init=0,lazy_journal_init=0 "$device"
        mount "$device" "$m"
        sync -f "$m"
        empty=$(objects | sort -n | tail -n 1)
        dd if=/dev/urandom of="$m/big" bs=1M count=64 status=none
        sync -f "$m"
        all -ge $((empty + 14))
        rm "$m/big"
        sync -f "$m"
        fstrim "$m"
        all -le $((empty + 4))
        """,
        MountedStore.ROOT.resolve("bin").toString(),
        folder.toString(),
        Integer.toString(port));
  }

  @Test
  void cluster_portTaken_saysSoAndLeavesNothing() throws Exception {
    int port = freePorts();
    try (ServerSocket taken = new ServerSocket(port + 1, 1, InetAddress.getLoopbackAddress())) {
      Shell.Result refused = make("cluster", port);
      assertEquals(2, refused.exitCode(), refused.output());
      assertTrue(
          refused.output().contains("Port " + taken.getLocalPort() + " is busy"), refused.output());
    }
    assertFalse(Files.exists(folder.resolve("s t")));
    assertFalse(Files.exists(folder.resolve("m n")));
  }
}
