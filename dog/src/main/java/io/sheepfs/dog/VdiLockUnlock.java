package io.sheepfs.dog;

import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.SnapshotSelector;
import io.sheepfs.protocol.VdiInfo;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiStateRecord;
import java.io.IOException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code dog vdi lock unlock}. */
@Command(
    name = "unlock",
    description = "Takes the lock of a virtual disk from whoever has it, alive or not.")
final class VdiLockUnlock extends DogCommand {

  @Option(
      names = {"-s", "--snapshot"},
      paramLabel = "SNAPSHOT",
      description = SNAPSHOT)
  private @Nullable String snapshot;

  @Parameters(paramLabel = "NAME")
  private String name = "";

  VdiLockUnlock(Environment environment) {
    super(environment);
  }

  @Override
  ExitCode run(Session session) throws IOException, DogException {
    VdiName vdiName = name(name);
    SnapshotSelector selector = snapshot(snapshot);
    VdiInfo vdi;
    try {
      vdi =
          selector == null
              ? session.cluster().vdis().lookup(vdiName)
              : session.cluster().vdis().lookup(vdiName, selector);
    } catch (SheepException e) {
      throw refused("Failed to find VDI " + name, e);
    }
    VdiStateRecord state = VdiLocks.read(session).get(vdi.vid());
    if (state == null) {
      throw DogException.failure("VDI " + name + " (vid=" + vdi.vid() + ") is not locked");
    }
    VdiLocks.release(session, state);
    return ExitCode.SUCCESS;
  }
}
