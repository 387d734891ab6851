package io.sheepfs.sbd;

import io.sheepfs.sbd.map.MapOptions;
import io.sheepfs.sbd.map.MapTable;
import io.sheepfs.sbd.map.Mapper;
import io.sheepfs.sbd.map.Target;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code sbd map}: makes block devices. */
@Command(
    name = "map",
    aliases = "add",
    mixinStandardHelpOptions = true,
    description = "Makes a block device of a VDI, or of a snapshot, and prints its name.",
    sortOptions = false,
    usageHelpAutoWidth = true)
final class MapCommand extends LocalDevices {

  @Parameters(index = "0", arity = "0..1", paramLabel = "HOST", description = "A sheep.")
  private @Nullable String host;

  @Parameters(index = "1", arity = "0..1", paramLabel = "PORT", description = "Its port.")
  private @Nullable Integer port;

  @Parameters(index = "2", arity = "0..1", paramLabel = "VDI[@TAG]", description = "What to map.")
  private @Nullable String name;

  @Option(
      names = {"-r", "--read-only"},
      description = "The device cannot be written, and the VDI is not locked.")
  private boolean readOnly;

  @Option(
      names = "--nbd",
      description =
          "Let the kernel's NBD client make the device, over several connections, instead of a"
              + " loop device. Needs the kernel's module nbd and the program nbd-client.")
  private boolean nbd;

  @Option(
      names = "--id",
      paramLabel = "N",
      description = "Make it /dev/sbdN (default: the lowest that is free).")
  private @Nullable Integer id;

  @Option(
      names = "--timeout",
      paramLabel = "SECONDS",
      defaultValue = "60",
      description =
          "How long I/O waits for a sheep that does not answer before it fails"
              + " (default: ${DEFAULT-VALUE}).")
  private int timeoutSeconds;

  @Option(names = "--all", description = "Map what the table says.")
  private boolean all;

  @Option(
      names = "--table",
      paramLabel = "FILE",
      defaultValue = "/etc/sheepfs/sbdtab",
      description = "The table (default: ${DEFAULT-VALUE}).")
  private Path table = Path.of("/etc/sheepfs/sbdtab");

  @Override
  int run(Mapper mapper) throws IOException {
    if (all) {
      return mapAll(mapper);
    }
    if (host == null || port == null || name == null) {
      throw new IllegalArgumentException("say HOST PORT VDI, or --all");
    }
    Target target = new Target(host, port, name);
    MapOptions options = new MapOptions(readOnly, id, Duration.ofSeconds(timeoutSeconds), nbd);
    System.out.println(mapper.map(target, options));
    return Sbd.EXIT_OK;
  }

  /** One that fails does not keep the others from being mapped. */
  private int mapAll(Mapper mapper) throws IOException {
    List<MapTable.Entry> entries = MapTable.read(table);
    int code = Sbd.EXIT_OK;
    for (MapTable.Entry entry : entries) {
      try {
        System.out.println(mapper.map(entry.target(), entry.options()));
      } catch (IOException e) {
        console.say(entry.target() + ": " + e.getMessage());
        code = Sbd.EXIT_FAILED;
      }
    }
    return code;
  }
}
