package io.sheepfs.sbd;

import io.sheepfs.sbd.map.Device;
import io.sheepfs.sbd.map.Mapper;
import java.io.IOException;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code sbd list}: what is mapped. */
@Command(
    name = "list",
    mixinStandardHelpOptions = true,
    description = "Shows what is mapped.",
    sortOptions = false,
    usageHelpAutoWidth = true)
final class ListCommand extends LocalDevices {

  @Option(
      names = {"-r", "--raw"},
      description = "For programs: no header, single spaces.")
  private boolean raw;

  @Override
  int run(Mapper mapper) throws IOException {
    String format = raw ? "%s %s %s %s %s%n" : "%-3s %-24s %-24s %-11s %s%n";
    if (!raw) {
      System.out.printf(Locale.ROOT, format, "id", "cluster", "vdi", "device", "state");
    }
    for (Mapper.Status status : mapper.list()) {
      Device device = status.device();
      String state = status.state().name().toLowerCase(Locale.ROOT).replace('_', '-');
      System.out.printf(
          Locale.ROOT,
          format,
          device.id(),
          device.target().host() + ":" + device.target().port(),
          device.target().name(),
          status.link(),
          state);
    }
    return Sbd.EXIT_OK;
  }
}
