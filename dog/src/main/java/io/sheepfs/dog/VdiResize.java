package io.sheepfs.dog;

import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiInfo;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiSpec;
import io.sheepfs.volume.Access;
import io.sheepfs.volume.Volume;
import java.io.IOException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * {@code dog vdi resize}. The original cannot shrink; we can, but only when told twice, since a
 * missing digit would cost the data behind the new end.
 */
@Command(name = "resize", description = "Changes the size of a virtual disk.")
final class VdiResize extends DogCommand {

  @Option(
      names = {"-f", "--force"},
      description = "shrink, and lose what is behind the new end")
  private boolean force;

  @Parameters(index = "0", paramLabel = "NAME")
  private String name = "";

  @Parameters(
      index = "1",
      paramLabel = "SIZE",
      description = "bytes, or with the suffix K, M, G, T or P")
  private String size = "";

  VdiResize(Environment environment) {
    super(environment);
  }

  @Override
  ExitCode run(Session session) throws IOException, DogException {
    VdiName vdiName = name(name);
    long sizeBytes = ByteSize.parse(size);
    VdiInfo vdi = session.find(vdiName);
    long max = VdiSpec.maxSizeBytes(vdi.blockSizeShift());
    if (sizeBytes > max) {
      throw DogException.usage(
          "New VDI size is too large. This volume's max size is " + max + " bytes");
    }
    if (sizeBytes < vdi.sizeBytes() && !force) {
      throw DogException.usage(
          "VDI "
              + name
              + " has "
              + vdi.sizeBytes()
              + " bytes. To shrink it, and lose what is behind the new end, use '-f'");
    }
    try (Volume volume = Volume.open(session.cluster(), vdiName, Access.READ_WRITE)) {
      volume.resize(sizeBytes);
      volume.flush();
    } catch (SheepException e) {
      throw e.result() == ResultCode.VDI_LOCKED
          ? DogException.locked(name, e)
          : refused("Failed to resize VDI " + name, e);
    }
    return ExitCode.SUCCESS;
  }
}
