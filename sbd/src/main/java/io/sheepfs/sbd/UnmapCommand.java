package io.sheepfs.sbd;

import io.sheepfs.sbd.map.Mapper;
import java.io.IOException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code sbd unmap}: takes a block device away. */
@Command(
    name = "unmap",
    aliases = "remove",
    mixinStandardHelpOptions = true,
    description = "Takes a device away, when all its data is safe in the cluster.",
    sortOptions = false,
    usageHelpAutoWidth = true)
final class UnmapCommand extends LocalDevices {

  @Parameters(
      arity = "0..1",
      paramLabel = "N|NAME",
      description = "The device's number or name, or the VDI[@TAG] that it shows.")
  private @Nullable String which;

  @Option(
      names = "--force",
      description =
          "Also if it is in use: its name goes at once, the rest when the last user closes it.")
  private boolean force;

  @Option(names = "--all", description = "Take all devices away.")
  private boolean all;

  @Override
  int run(Mapper mapper) throws IOException {
    if (all) {
      return mapper.unmapAll(force) ? Sbd.EXIT_OK : Sbd.EXIT_FAILED;
    }
    if (which == null) {
      throw new IllegalArgumentException("say which device, or --all");
    }
    mapper.unmap(which, force);
    return Sbd.EXIT_OK;
  }
}
