package io.sheepfs.dog;

import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.SnapshotSelector;
import io.sheepfs.protocol.VdiName;
import java.io.IOException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * {@code dog vdi delete}. The original ends with 0 if there is nothing of that name; a script could
 * not tell a typing error from a deletion, so we end with {@link ExitCode#MISSING}.
 */
@Command(name = "delete", description = "Deletes a virtual disk, or one of its snapshots.")
final class VdiDelete extends DogCommand {

  @Option(
      names = {"-s", "--snapshot"},
      paramLabel = "SNAPSHOT",
      description = SNAPSHOT)
  private @Nullable String snapshot;

  @Option(
      names = {"-B", "--nr-batched-reclamation"},
      paramLabel = "COUNT",
      hidden = true,
      description = "taken for the original's sake: the cluster frees objects as fast as it can")
  private @Nullable String batch;

  @Option(
      names = {"-I", "--reclamation-interval"},
      paramLabel = "SECONDS",
      hidden = true,
      description = "likewise")
  private @Nullable String interval;

  @Option(
      names = {"-m", "--max-reclaim"},
      paramLabel = "COUNT",
      hidden = true,
      description = "refused: a deletion is never done by half")
  private @Nullable String most;

  @Parameters(paramLabel = "NAME")
  private String name = "";

  VdiDelete(Environment environment) {
    super(environment);
  }

  @Override
  ExitCode run(Session session) throws IOException, DogException {
    VdiName vdiName = name(name);
    SnapshotSelector selector = snapshot(snapshot);
    checkReclamation(batch, interval);
    if (most != null) {
      throw DogException.usage(
          "'-m' is not supported: a virtual disk is deleted as a whole, or not at all");
    }
    try {
      if (selector == null) {
        session.cluster().vdis().delete(vdiName);
      } else {
        session.cluster().vdis().delete(vdiName, selector);
      }
      return ExitCode.SUCCESS;
    } catch (SheepException e) {
      switch (e.result()) {
        case NO_VDI, NO_TAG -> {
          String message = Session.cannotOpen(vdiName, selector, e).getMessage();
          throw new DogException(ExitCode.MISSING, String.valueOf(message), e);
        }
        case VDI_LOCKED -> throw locked(name, e);
        default -> throw refused("Failed to delete VDI " + name, e);
      }
    }
  }

  /** The options that slow the original's deletions down must make sense, and do nothing. */
  static void checkReclamation(@Nullable String batch, @Nullable String interval)
      throws DogException {
    if (batch != null) {
      number(batch, "number of batched reclamation", 1, Integer.MAX_VALUE);
    }
    if (interval != null) {
      number(interval, "interval of batched reclamation", 1, Integer.MAX_VALUE);
    }
  }

  /** The refusal to touch a VDI that somebody writes. */
  static DogException locked(String name, SheepException cause) {
    return new DogException(
        ExitCode.FAILURE,
        "VDI "
            + name
            + " is open for writing elsewhere, by a mount or a virtual machine: close it there, or"
            + " see who has it with 'dog vdi lock list'",
        cause);
  }
}
