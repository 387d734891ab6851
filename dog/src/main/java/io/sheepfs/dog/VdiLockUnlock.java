package io.sheepfs.dog;

import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiInfo;
import io.sheepfs.protocol.VdiStateRecord;
import java.io.IOException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code dog vdi lock unlock}. */
@Command(name = "unlock", description = "Frees a virtual disk of a lock that a client left behind.")
final class VdiLockUnlock extends DogCommand {

  @Mixin private final VdiArgument argument = new VdiArgument();

  VdiLockUnlock(Environment environment) {
    super(environment);
  }

  @Override
  ExitCode run(Session session) throws IOException, DogException {
    VdiReference reference = argument.parse();
    VdiInfo vdi;
    try {
      vdi = session.lookup(reference);
    } catch (SheepException e) {
      throw refused("Failed to find VDI " + argument.name(), e);
    }
    VdiStateRecord state = VdiLocks.read(session).get(vdi.vid());
    if (state == null) {
      throw DogException.failure(
          "VDI " + argument.name() + " (vid=" + vdi.vid() + ") is not locked");
    }
    try {
      VdiLocks.release(session, state);
    } catch (SheepException e) {
      if (e.result() == ResultCode.VDI_LOCKED) {
        throw new DogException(
            ExitCode.FAILURE,
            "The lock of VDI "
                + argument.name()
                + " belongs to a client that is alive, and ends with its connection: close the VDI"
                + " there, or end that client",
            e);
      }
      throw e;
    }
    return ExitCode.SUCCESS;
  }
}
