package io.sheepfs.sbd;

import io.sheepfs.sbd.map.Mapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What the commands on the devices of this machine have in common. */
abstract class LocalDevices implements Callable<Integer> {

  private static final Path DEVICES = Path.of("/dev");

  @Option(
      names = "--run-dir",
      paramLabel = "DIR",
      defaultValue = "/run/sheepfs/sbd",
      description = "Where it is remembered what is mapped (default: ${DEFAULT-VALUE}).")
  private Path runDirectory = Path.of("/run/sheepfs/sbd");

  final Console console = Console.ofThisProcess();

  /** Does what the command says, and returns its exit code. */
  abstract int run(Mapper mapper) throws IOException;

  @Override
  public Integer call() {
    try {
      if (!Integer.valueOf(0).equals(Files.getAttribute(Path.of("/proc/self"), "unix:uid"))) {
        throw new IOException("block devices are root's: try again as root");
      }
      return run(
          new Mapper(runDirectory.toAbsolutePath().normalize(), DEVICES, programs(), console::say));
    } catch (IllegalArgumentException e) {
      console.say(e.getMessage() + "\nTry 'sbd --help'.");
      return Sbd.EXIT_USAGE;
    } catch (IOException e) {
      console.say(String.valueOf(e.getMessage()));
      return Sbd.EXIT_FAILED;
    }
  }

  /** Where our programs are, as the launcher tells. */
  private static @Nullable Path programs() {
    String bin = System.getenv("SBD_BIN");
    return bin == null ? null : Path.of(bin);
  }
}
