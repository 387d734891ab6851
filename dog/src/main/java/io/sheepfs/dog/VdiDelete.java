package io.sheepfs.dog;

import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.SnapshotSelector;
import java.io.IOException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * {@code dog vdi delete}. The original ends with 0 if there is nothing of that name; a script could
 * not tell a typing error from a deletion, so we end with {@link ExitCode#MISSING}.
 */
@Command(name = "delete", description = "Deletes a virtual disk, or one of its snapshots.")
final class VdiDelete extends DogCommand {

  @Mixin private final VdiArgument argument = new VdiArgument();

  @Mixin private final Reclamation reclamation = new Reclamation();

  @Option(
      names = {"-m", "--max-reclaim"},
      paramLabel = "COUNT",
      hidden = true,
      description = "refused: a deletion is never done by half")
  private @Nullable String most;

  VdiDelete(Environment environment) {
    super(environment);
  }

  @Override
  ExitCode run(Session session) throws IOException, DogException {
    VdiReference vdi = argument.parse();
    reclamation.check();
    if (most != null) {
      throw DogException.usage(
          "'-m' is not supported: a virtual disk is deleted as a whole, or not at all");
    }
    try {
      SnapshotSelector selector = vdi.snapshot();
      if (selector == null) {
        session.cluster().vdis().delete(vdi.name());
      } else {
        session.cluster().vdis().delete(vdi.name(), selector);
      }
      return ExitCode.SUCCESS;
    } catch (SheepException e) {
      switch (e.result()) {
        case NO_VDI, NO_TAG -> {
          String message = Session.cannotOpen(vdi, e).getMessage();
          throw new DogException(ExitCode.MISSING, String.valueOf(message), e);
        }
        case VDI_LOCKED -> throw DogException.locked(argument.name(), e);
        default -> throw refused("Failed to delete VDI " + vdi.name(), e);
      }
    }
  }
}
