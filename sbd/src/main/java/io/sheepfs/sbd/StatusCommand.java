package io.sheepfs.sbd;

import io.sheepfs.sbd.map.Device;
import io.sheepfs.sbd.map.Mapper;
import java.io.IOException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code sbd status}: one device in detail. */
@Command(
    name = "status",
    mixinStandardHelpOptions = true,
    description = "Shows one device in detail.",
    sortOptions = false,
    usageHelpAutoWidth = true)
final class StatusCommand extends LocalDevices {

  @Parameters(paramLabel = "N|NAME", description = "As unmap takes it.")
  private String which = "";

  @Override
  int run(Mapper mapper) throws IOException {
    Mapper.Status status = mapper.status(which);
    Device device = status.device();
    System.out.println("device: " + status.link() + " (" + device.node() + ")");
    System.out.println("vdi: " + device.target());
    System.out.println("driver: " + device.driver());
    System.out.println("file: " + device.file());
    System.out.println("size: " + status.sizeBytes());
    System.out.println("read-only: " + (device.readOnly() ? "yes" : "no"));
    System.out.println(
        switch (status.state()) {
          case IDLE -> "state: idle";
          case IN_USE -> "state: used by " + String.join(", ", status.users());
          case DEAD -> "state: dead; the next 'sbd map' or 'sbd unmap' removes it";
        });
    return status.state() == Mapper.State.DEAD ? Sbd.EXIT_FAILED : Sbd.EXIT_OK;
  }
}
