package io.sheepfs.fuse;

import io.sheepfs.fuse.control.MountTable;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code sheepfs doctor}: what a mount needs of this machine, and how to mend what is not so. */
@Command(
    name = "sheepfs doctor",
    mixinStandardHelpOptions = true,
    usageHelpAutoWidth = true,
    description = "Checks what a mount needs of this machine, and says how to mend it.",
    footer = {"", "Exit codes: 0 a mount should work, 1 wrong usage, 32 something is in the way."})
final class DoctorCommand implements Callable<Integer> {

  private static final int CONNECT_MILLIS = 3000;
  private static final long ENOUGH_FILES = 4096;
  private static final long ENOUGH_BYTES = 1L << 30;

  private final PrintStream out;
  private final Path root;
  private int bad;

  @Option(
      names = {"-a", "--address"},
      paramLabel = "HOST",
      description = "Check that a sheep answers there, too.")
  private @Nullable String address;

  private int port = 7000;

  @Option(
      names = "--cache-dir",
      paramLabel = "DIR",
      defaultValue = "/var/cache/sheepfs",
      description = "Where the cache will be (default: ${DEFAULT-VALUE}).")
  private Path cacheDirectory = Path.of("/var/cache/sheepfs");

  @Spec private @Nullable CommandSpec spec;

  DoctorCommand(PrintStream out) {
    this(out, Path.of("/"));
  }

  /**
   * A doctor for another machine.
   *
   * @param root where its root directory is seen
   */
  DoctorCommand(PrintStream out, Path root) {
    this.out = out;
    this.root = root;
  }

  @Option(
      names = {"-p", "--port"},
      paramLabel = "PORT",
      defaultValue = "7000",
      description = "Its port (default: ${DEFAULT-VALUE}).")
  void port(int number) {
    if (number < 1 || number > 65535) {
      throw new ParameterException(
          Objects.requireNonNull(spec).commandLine(), "not a port: " + number);
    }
    port = number;
  }

  @Override
  public Integer call() throws IOException {
    boolean isRoot =
        Integer.valueOf(0).equals(Files.getAttribute(Path.of("/proc/self"), "unix:uid"));
    good("Java " + Runtime.version());
    checkKernel();
    checkDevice(isRoot);
    checkFusermount(isRoot);
    checkHelper();
    checkLimits();
    checkCache();
    checkDeadMounts();
    if (address != null) {
      checkSheep(address);
    }
    out.println(bad == 0 ? "A mount should work." : bad + " in the way of a mount.");
    return bad == 0 ? AdminCommand.EXIT_OK : AdminCommand.EXIT_FAILED;
  }

  private void good(String what) {
    out.println("ok    " + what);
  }

  private void note(String what, String mend) {
    out.println("note  " + what + "\n        " + mend);
  }

  private void bad(String what, String mend) {
    bad++;
    out.println("BAD   " + what + "\n        " + mend);
  }

  private String read(String path) {
    try {
      return Files.readString(root.resolve(path)).strip();
    } catch (IOException e) {
      return "";
    }
  }

  private void checkKernel() {
    String release = read("proc/sys/kernel/osrelease");
    String[] numbers = release.split("[^0-9]+", 3);
    int major = numbers[0].isEmpty() ? 0 : Integer.parseInt(numbers[0]);
    int minor = numbers.length < 2 || numbers[1].isEmpty() ? 0 : Integer.parseInt(numbers[1]);
    // FUSE protocol 7.31, which the transport 'direct' speaks, came with 5.4
    if (major > 5 || (major == 5 && minor >= 4)) {
      good("kernel " + release);
    } else {
      bad("kernel '" + release + "' is older than 5.4", "use a newer one, or --transport jnr");
    }
    if (read("proc/filesystems").lines().noneMatch(line -> line.strip().endsWith("fuse"))) {
      bad(
          "the kernel has no FUSE",
          "modprobe fuse; for each boot: echo fuse >/etc/modules-load.d/fuse.conf");
    }
  }

  private void checkDevice(boolean isRoot) {
    Path device = root.resolve("dev/fuse");
    if (!Files.exists(device)) {
      bad("there is no /dev/fuse", "modprobe fuse; in a container: docker run --device /dev/fuse");
      return;
    }
    try {
      FileChannel.open(device, StandardOpenOption.READ, StandardOpenOption.WRITE).close();
      good("/dev/fuse can be opened");
    } catch (IOException e) {
      bad(
          "/dev/fuse cannot be opened: " + e.getMessage(),
          isRoot
              ? "in a container: docker run --device /dev/fuse --cap-add SYS_ADMIN"
              : "as root: chmod 666 /dev/fuse (udev does it where it runs)");
    }
  }

  private void checkFusermount(boolean isRoot) throws IOException {
    for (String place : new String[] {"usr/bin/fusermount3", "bin/fusermount3"}) {
      Path program = root.resolve(place);
      if (Files.isExecutable(program)) {
        boolean setuid = ((Integer) Files.getAttribute(program, "unix:mode") & 04000) != 0;
        if (setuid || isRoot) {
          good("fusermount3");
        } else {
          bad("fusermount3 is not setuid root", "as root: chmod u+s /" + place);
        }
        checkAllowOther(isRoot);
        return;
      }
    }
    if (isRoot) {
      note("there is no fusermount3", "only root can mount; for all: apt-get install fuse3");
    } else {
      bad("there is no fusermount3", "as root: apt-get install fuse3");
    }
  }

  private void checkAllowOther(boolean isRoot) {
    boolean allowed =
        read("etc/fuse.conf").lines().anyMatch(l -> l.strip().equals("user_allow_other"));
    if (!allowed && !isRoot) {
      note("allow_other is for root only", "as root: echo user_allow_other >>/etc/fuse.conf");
    }
  }

  private void checkHelper() {
    boolean found =
        Stream.of("sbin/mount.sheepfs", "usr/sbin/mount.sheepfs")
            .anyMatch(place -> Files.isExecutable(root.resolve(place)));
    if (found) {
      good("mount -t sheepfs and /etc/fstab");
    } else {
      note(
          "mount -t sheepfs and /etc/fstab lines do not work: no /sbin/mount.sheepfs",
          "install the package, or link /sbin/mount.sheepfs and /sbin/umount.fuse.sheepfs to bin/");
    }
  }

  private void checkLimits() {
    for (String line : (Iterable<String>) read("proc/self/limits").lines()::iterator) {
      if (line.startsWith("Max open files")) {
        String limit = line.substring("Max open files".length()).strip().split("\\s+", 2)[0];
        if (limit.equals("unlimited") || Long.parseLong(limit) >= ENOUGH_FILES) {
          good("up to " + limit + " open files");
        } else {
          note(
              "only " + limit + " open files are allowed",
              "ulimit -n 65536; in a unit: LimitNOFILE=65536");
        }
      }
    }
  }

  private void checkCache() {
    Path existing = root.resolve(Path.of("/").relativize(cacheDirectory.toAbsolutePath()));
    while (!Files.exists(existing) && existing.getParent() != null) {
      existing = existing.getParent();
    }
    try {
      long free = Files.getFileStore(existing).getUsableSpace();
      if (!Files.isWritable(existing)) {
        note(
            "the cache directory " + cacheDirectory + " cannot be written by you",
            "mount with --cache-dir DIR, or do without: --cache-mode off");
      } else if (free < ENOUGH_BYTES) {
        note(
            "only " + (free >> 20) + " MiB are free for the cache in " + cacheDirectory,
            "free some, or mount with --cache-dir DIR; the mount works, but caches little");
      } else {
        good((free >> 30) + " GiB free for the cache in " + cacheDirectory);
      }
    } catch (IOException e) {
      bad("the disk of " + existing + " cannot be asked: " + e.getMessage(), "check it: dmesg");
    }
  }

  private void checkDeadMounts() throws IOException {
    for (MountTable.Entry mount : MountTable.read()) {
      if (mount.type().equals(MountTable.TYPE)) {
        try {
          Files.readAttributes(mount.mountpoint(), "size");
        } catch (IOException e) {
          if (String.valueOf(e.getMessage()).contains("endpoint is not connected")) {
            note(
                mount.mountpoint() + " is dead (Transport endpoint is not connected)",
                "sheepfs umount " + mount.mountpoint() + "; or mount it again");
          }
        }
      }
    }
  }

  private void checkSheep(String host) {
    try (Socket socket = new Socket()) {
      socket.connect(new InetSocketAddress(host, port), CONNECT_MILLIS);
      good("something listens at " + host + ":" + port);
    } catch (IOException e) {
      bad(
          "nothing answers at " + host + ":" + port + ": " + e.getMessage(),
          "start a sheep there; check its -b address and the firewall: ss -ltn");
    }
  }
}
