package io.sheepfs.dog;

import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.SnapshotSelector;
import io.sheepfs.protocol.VdiInfo;
import io.sheepfs.protocol.VdiName;
import java.io.IOException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * {@code dog vdi rollback}: the working VDI is deleted and made anew from the snapshot. The
 * protocol has no operation that does both.
 */
@Command(name = "rollback", description = "Goes back to a snapshot.")
final class VdiRollback extends DogCommand {

  @Option(
      names = {"-s", "--snapshot"},
      paramLabel = "SNAPSHOT",
      description = SNAPSHOT)
  private @Nullable String snapshot;

  @Option(
      names = {"-f", "--force"},
      description = FORCE)
  private boolean force;

  @Option(
      names = {"-r", "--raw"},
      description = RAW)
  private boolean raw;

  @Option(
      names = {"-v", "--verbose"},
      description = VERBOSE)
  private boolean verbose;

  @Mixin private final Reclamation reclamation = new Reclamation();

  @Parameters(paramLabel = "NAME")
  private String name = "";

  VdiRollback(Environment environment) {
    super(environment);
  }

  @Override
  ExitCode run(Session session) throws IOException, DogException {
    VdiName vdiName = name(name);
    SnapshotSelector selector = requiredSnapshot(snapshot);
    reclamation.check();
    VdiInfo base = session.find(new VdiReference(vdiName, selector));
    if (!force
        && !confirm(
            session,
            "This operation discards any changes made since the previous\n"
                + "snapshot was taken.  Continue?")) {
      return ExitCode.SUCCESS;
    }
    try {
      session.cluster().vdis().delete(vdiName);
    } catch (SheepException e) {
      if (e.result() == ResultCode.VDI_LOCKED) {
        throw DogException.locked(name, e);
      }
      // Without a working VDI there is nothing to discard: an earlier rollback got so far.
      if (e.result() != ResultCode.NO_VDI) {
        throw refused("Failed to roll VDI " + name + " back", e);
      }
    }
    VdiInfo restored;
    try {
      restored = session.cluster().vdis().cloneSnapshot(base.vid(), vdiName);
    } catch (SheepException e) {
      throw new DogException(
          ExitCode.of(e.result()),
          "Failed to roll VDI "
              + name
              + " back: "
              + e.result().text()
              + ". Its snapshot is untouched, but there is no working VDI now: repeat the command",
          e);
    }
    if (verbose) {
      session
          .out()
          .println(raw ? restored.vid() : "New VDI ID of rollbacked VDI: " + restored.vid());
    }
    return ExitCode.SUCCESS;
  }
}
