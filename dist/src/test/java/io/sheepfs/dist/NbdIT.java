package io.sheepfs.dist;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The programs that people use with NBD, against {@code sbd serve}. */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class NbdIT {

  private static final int MEBIBYTE = 1 << 20;
  private static final String SBD = MountedStore.ROOT.resolve("bin/sbd").toString();
  private static final String DOG = MountedStore.ROOT.resolve("bin/dog").toString();

  @TempDir private Path folder;

  private final Deque<AutoCloseable> cleanup = new ArrayDeque<>();
  private int sheepPort;

  @AfterEach
  void stop() throws Exception {
    while (!cleanup.isEmpty()) {
      cleanup.pop().close();
    }
  }

  private Daemon start(String ready, String program, String... arguments) throws Exception {
    Daemon daemon = Daemon.start(folder, ready, program, arguments);
    cleanup.push(daemon);
    return daemon;
  }

  /** Serves the store of this test. */
  private Daemon serve(String... options) throws Exception {
    String store = folder.resolve("store").toString();
    return start(" serving ", "sbd", concat(options, "serve", "-f", "--store", store));
  }

  private static String[] concat(String[] last, String... first) {
    return Stream.concat(Stream.of(first), Stream.of(last)).toArray(String[]::new);
  }

  private String socket() {
    return folder.resolve("nbd.sock").toString();
  }

  private String uri(String export) {
    return "nbd+unix:///" + export + "?socket=" + socket();
  }

  /** Makes a VDI in the store of this test. */
  private void create(String name, long sizeBytes) throws Exception {
    try (MountedStore mounted = MountedStore.start(folder, "auto")) {
      try (RandomAccessFile file = new RandomAccessFile(mounted.volume(name).toFile(), "rw")) {
        file.setLength(sizeBytes);
      }
      mounted.unmount();
    }
  }

  private Path randomFile(String name, int size, long seed) throws IOException {
    byte[] bytes = new byte[size];
    new Random(seed).nextBytes(bytes);
    return Files.write(folder.resolve(name), bytes);
  }

  @Test
  void programs_readWriteAndMap_whatTheMountShows() throws Exception {
    create("disk", 64L * MEBIBYTE);
    Path image = folder.resolve("image");
    Shell.sh(
        """
        truncate -s 64M "$1"
        dd if="$2" of="$1" bs=1M seek=5 conv=notrunc status=none
        dd if="$2" of="$1" bs=1M seek=41 conv=notrunc status=none
        """,
        image.toString(),
        randomFile("data", 6 * MEBIBYTE, 1).toString());
    Daemon server = serve("--unix", socket());
    String info = Shell.check("nbdinfo", "--json", uri("disk"));
    assertTrue(info.contains("\"export-size\": " + 64 * MEBIBYTE), info);
    assertTrue(info.contains("\"can_multi_conn\": true"), info);
    assertTrue(info.contains("\"can_fast_zero\": true"), info);
    assertTrue(
        Shell.check("nbdinfo", "--list", "nbd+unix:///?socket=" + socket()).contains("disk"));

    Shell.check(
        "qemu-img", "convert", "-n", "-f", "raw", "-O", "raw", image.toString(), uri("disk"));
    Shell.check("qemu-img", "compare", "-f", "raw", "-F", "raw", image.toString(), uri("disk"));
    String map = Shell.check("qemu-img", "map", "-f", "raw", "--output=json", uri("disk"));
    Path copy = folder.resolve("copy");
    Shell.check("nbdcopy", "--connections=8", "--requests=32", uri("disk"), copy.toString());
    assertEquals(-1, Files.mismatch(image, copy));
    Shell.check("nbdcopy", "--connections=8", "--flush", image.toString(), uri("disk"));
    Shell.check("qemu-img", "compare", "-f", "raw", "-F", "raw", image.toString(), uri("disk"));
    server.terminate();

    try (MountedStore mounted = MountedStore.start(folder, "auto")) {
      assertEquals(-1, Files.mismatch(image, mounted.volume("disk")));
      String file = mounted.volume("disk").toString();
      assertEquals(map, Shell.check("qemu-img", "map", "-f", "raw", "--output=json", file));
      mounted.unmount();
    }
  }

  @Test
  void qemuIoAndFio_withEveryCommand_verify() throws Exception {
    create("disk", 64L * MEBIBYTE);
    Daemon server = serve("--unix", socket());
    Shell.sh(
        """
        qemu-io -f raw -t none \
          -c 'write -P 17 0 9M' -c 'write -P 34 8191 3' -c 'flush' \
          -c 'read -P 17 0 8191' -c 'read -P 34 8191 3' -c 'read -P 17 8194 1M' \
          -c 'write -f -P 51 20M 64k' -c 'discard 0 4M' -c 'read -P 0 0 4M' \
          -c 'write -z -u 4M 4M' -c 'read -P 0 4M 4M' -c 'write -z 20M 32k' \
          -c 'read -P 0 20M 32k' -c 'read -P 51 20512k 32k' -c 'aio_write -P 9 30M 1M' \
          -c 'aio_write -P 10 31M 1M' -c 'aio_flush' -c 'read -P 10 31M 1M' \
          "$1" >"$2/out" 2>&1 || { cat "$2/out"; exit 1; }
        if grep -iE 'failed|error|mismatch' "$2/out"; then cat "$2/out"; exit 1; fi
        """,
        uri("disk"),
        folder.toString());
    Shell.check(
        "fio",
        "--name=verify",
        "--ioengine=nbd",
        "--uri=" + uri("disk"),
        "--rw=randwrite",
        "--bsrange=512-64k",
        "--blockalign=512",
        "--size=16m",
        "--offset_increment=16m",
        "--numjobs=4",
        "--iodepth=16",
        "--verify=crc32c",
        "--fsync=64",
        "--randrepeat=1",
        "--aux-path=" + folder,
        "--verify_state_save=0");
    Shell.check("qemu-img", "bench", "-f", "raw", "-w", "-c", "2000", "-d", "32", uri("disk"));
    server.terminate();
  }

  @Test
  void flushedData_survivesKill() throws Exception {
    create("disk", 32L * MEBIBYTE);
    for (int round = 1; round <= 3; round++) {
      try (Daemon server = serve("--unix", socket());
          QemuIo flushed = new QemuIo(folder, "-f", "raw", "-t", "none", uri("disk"))) {
        flushed.run("write -P " + round + " 0 9M");
        assertTrue(!flushed.run("flush").contains("failed"));
        flushed.begin("write -P 99 16M 16M"); // whatever becomes of this one
        server.kill();
      }
    }
    Daemon server = serve("--unix", socket());
    String read = Shell.check("qemu-io", "-r", "-f", "raw", "-c", "read -P 3 0 9M", uri("disk"));
    assertTrue(!read.contains("failed") && read.contains("9 MiB"), read);
    server.terminate();
  }

  private Daemon startSheep() throws Exception {
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      sheepPort = free.getLocalPort();
    }
    Daemon sheep = sheep();
    dog("cluster", "format", "-c", "1");
    return sheep;
  }

  private Daemon sheep() throws Exception {
    String store = folder.resolve("node").toString();
    return start(" serving ", "sheep", "-f", "-p", Integer.toString(sheepPort), store);
  }

  private String dog(String... arguments) throws Exception {
    String[] address = {"-a", "127.0.0.1", "-p", Integer.toString(sheepPort)};
    return Shell.check(concat(concat(address, arguments), DOG));
  }

  private Daemon serveSheep(String... options) throws Exception {
    String port = Integer.toString(sheepPort);
    String[] command = {"serve", "-f", "-p", port, "--unix", socket()};
    return start(" serving ", "sbd", concat(options, command));
  }

  @Test
  void mountAndNbd_onOneSheep_haveOneWriterAndOneContent() throws Exception {
    startSheep();
    dog("vdi", "create", "disk", "32M");
    serveSheep();
    Path mountpoint = Files.createDirectory(folder.resolve("mnt"));
    start(
        " mounted at ", "sheepfs", "-f", "-p", Integer.toString(sheepPort), mountpoint.toString());
    cleanup.push(() -> Shell.run("umount", "-l", mountpoint.toString()));
    String file = mountpoint.resolve("volume/disk").toString();
    try (QemuIo writer = new QemuIo(folder, "-f", "raw", "-t", "none", uri("disk"))) {
      writer.run("write -P 7 1M 5M");
      writer.run("flush");
      Shell.Result refused = Shell.run("/bin/sh", "-c", "echo x >>" + file);
      assertNotEquals(0, refused.exitCode());
      assertTrue(refused.output().contains("busy"), refused.output());
      dog("vdi", "snapshot", "-s", "live", "disk");
      writer.run("write -P 8 1M 5M");
      writer.run("flush");
    }
    byte[] expected = new byte[5 * MEBIBYTE];
    java.util.Arrays.fill(expected, (byte) 8);
    try (RandomAccessFile disk = new RandomAccessFile(file, "r")) {
      byte[] content = new byte[expected.length];
      disk.seek(MEBIBYTE);
      disk.readFully(content);
      assertArrayEquals(expected, content);
    }
    String old =
        Shell.check("qemu-io", "-r", "-f", "raw", "-c", "read -P 7 1M 5M", uri("disk@live"));
    assertTrue(!old.contains("failed"), old);
    // the last client's leaving is not waited for by it, so the lock goes a little later
    Shell.eventually("the mount can write", () -> appends(file));
    assertEquals(32L * MEBIBYTE + 2, Files.size(Path.of(file)));
    try (RandomAccessFile held = new RandomAccessFile(file, "rw")) {
      held.write(1);
      Shell.Result refused = Shell.run("nbdinfo", "--size", uri("disk"));
      assertNotEquals(0, refused.exitCode(), refused.output());
    }
  }

  private static boolean appends(String file) {
    try {
      return Shell.run("/bin/sh", "-c", "echo x >>" + file).exitCode() == 0;
    } catch (IOException | InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void sheepGone_ioWaits_thenGoesOnOrFails() throws Exception {
    Daemon first = startSheep();
    Daemon again;
    dog("vdi", "create", "disk", "32M");
    Daemon patient = serveSheep();
    try (QemuIo writer = new QemuIo(folder, "-f", "raw", "-t", "none", uri("disk"))) {
      writer.run("write -P 1 0 1M");
      first.kill();
      int waiting = writer.begin("write -P 2 0 1M");
      again = sheep();
      String written = writer.finish(waiting);
      assertTrue(written.contains("wrote"), written);
      assertTrue(writer.run("read -P 2 0 1M").contains("read 1048576"));
    }
    patient.terminate();
    serveSheep("--timeout", "2");
    try (QemuIo reader = new QemuIo(folder, "-r", "-f", "raw", uri("disk"))) {
      again.kill();
      String failed = reader.run("read 0 1M");
      assertTrue(failed.contains("Input/output error"), failed);
    }
  }

  /** The folder of a server and a client, both called localhost. */
  private Path certificates() throws Exception {
    Path authority = folder.resolve("authority");
    Shell.check(DOG, "tls", "init", authority.toString());
    Shell.check(DOG, "tls", "issue", authority.toString(), "localhost", "localhost", "127.0.0.1");
    return authority.resolve("localhost");
  }

  @Test
  void server_withTls_speaksNothingElse() throws Exception {
    create("disk", MEBIBYTE);
    Path pki = certificates();
    Daemon server = serve("--listen", "127.0.0.1:0", "--tls", pki.toString());
    String log = server.log();
    String port = log.replaceAll("(?s).* on port ([0-9]+).*", "$1");
    String secret = "nbds://localhost:" + port + "/disk?tls-certificates=" + pki;
    assertEquals("" + MEBIBYTE, Shell.check("nbdinfo", "--size", secret).trim());
    Path data = randomFile("data", MEBIBYTE, 5);
    Shell.check("nbdcopy", data.toString(), secret);
    Path copy = folder.resolve("copy");
    Shell.check("nbdcopy", secret, copy.toString());
    assertEquals(-1, Files.mismatch(data, copy));
    Shell.Result clear = Shell.run("nbdinfo", "--size", "nbd://localhost:" + port + "/disk");
    assertNotEquals(0, clear.exitCode(), clear.output());
    Files.move(pki.resolve("client-cert.pem"), pki.resolve("no-cert.pem"));
    Files.move(pki.resolve("client-key.pem"), pki.resolve("no-key.pem"));
    Shell.Result stranger = Shell.run("nbdinfo", "--size", secret);
    assertNotEquals(0, stranger.exitCode(), stranger.output());
    server.terminate();
  }

  @Test
  void server_thatAllows_givesEachCertificateItsOwn() throws Exception {
    create("disk", MEBIBYTE);
    create("scratch", MEBIBYTE);
    create("secret", MEBIBYTE);
    Path pki = certificates();
    Path rules = folder.resolve("allow");
    Files.writeString(rules, "localhost ro disk\nlocalhost rw scratch\n");
    Daemon server =
        serve("--listen", "127.0.0.1:0", "--tls", pki.toString(), "--allow", rules.toString());
    String port = server.log().replaceAll("(?s).* on port ([0-9]+).*", "$1");
    String at = "nbds://localhost:" + port + "/%s?tls-certificates=" + pki;

    String list = Shell.check("nbdinfo", "--list", at.formatted(""));
    assertTrue(list.contains("export=\"disk\""), list);
    assertTrue(list.contains("export=\"scratch\""), list);
    assertFalse(list.contains("secret"), list);
    Shell.Result secret = Shell.run("nbdinfo", "--size", at.formatted("secret"));
    assertNotEquals(0, secret.exitCode(), secret.output());

    Path data = randomFile("data", MEBIBYTE, 6);
    Shell.check("nbdcopy", data.toString(), at.formatted("scratch"));
    assertNotEquals(0, Shell.run("nbdcopy", data.toString(), at.formatted("disk")).exitCode());
    Path copy = folder.resolve("copy");
    Shell.check("nbdcopy", at.formatted("scratch"), copy.toString());
    assertEquals(-1, Files.mismatch(data, copy));
    Shell.check("nbdcopy", at.formatted("disk"), copy.toString());
    server.terminate();
  }

  @Test
  void addresses_openOrTakenOrDead_areToldApart() throws Exception {
    create("disk", MEBIBYTE);
    String store = folder.resolve("store").toString();
    Shell.Result open = Shell.run(SBD, "serve", "--store", store, "--listen", "0.0.0.0:0");
    assertEquals(2, open.exitCode(), open.output());
    assertTrue(open.output().contains("--tls DIR"), open.output());
    Daemon first = serve("--unix", socket());
    String other = folder.resolve("other").toString();
    Shell.Result taken = Shell.run(SBD, "serve", "--store", other, "--unix", socket());
    assertEquals(2, taken.exitCode(), taken.output());
    assertTrue(taken.output().contains("already"), taken.output());
    first.kill();
    assertTrue(Files.exists(Path.of(socket())));
    Daemon second = serve("--unix", socket(), "--default", "disk");
    assertEquals("" + MEBIBYTE, Shell.check("nbdinfo", "--size", uri("")).trim());
    second.terminate();
    assertTrue(!Files.exists(Path.of(socket())));
    Shell.Result usage = Shell.run(SBD, "serve", "--no-such-option");
    assertEquals(1, usage.exitCode(), usage.output());
  }
}
