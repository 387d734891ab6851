package io.sheepfs.dog;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RequestFields;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiInfo;
import io.sheepfs.protocol.VdiName;
import java.io.IOException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code dog vdi alter-copy}. */
@Command(name = "alter-copy", description = "Sets how many replicas a virtual disk has.")
final class VdiAlterCopy extends DogCommand {

  @Option(
      names = {"-c", "--copies"},
      paramLabel = "COPIES",
      description = "1 to 8 (default: 3)")
  private @Nullable String copies;

  @Option(
      names = {"-f", "--force"},
      description = FORCE)
  private boolean force;

  @Parameters(paramLabel = "NAME")
  private String name = "";

  VdiAlterCopy(Environment environment) {
    super(environment);
  }

  @Override
  ExitCode run(Session session) throws IOException, DogException {
    VdiName vdiName = name(name);
    int wanted = Copies.parse(session, copies, "vdi");
    if (!force && !Copies.confirmed(session, wanted)) {
      return ExitCode.SUCCESS;
    }
    VdiInfo vdi = session.find(vdiName);
    if (vdi.copies() == wanted) {
      throw DogException.failure(
          name + "'s redundancy level is already set to " + wanted + ", nothing changed.");
    }
    if (isFamily(session, vdi)) {
      throw DogException.failure(
          "Only standalone vdi supports changing redundancy level. Please clone "
              + name
              + " with -n (--no-share) option first.");
    }
    if (!force
        && !confirm(
            session,
            "Caution! Changing VDI's redundancy level triggers recovery.\n"
                + "Are you sure you want to continue?")) {
      return ExitCode.SUCCESS;
    }
    // As the original does: the header first, then the order to make copies, or to drop some.
    session
        .cluster()
        .objects()
        .write(
            ObjectId.inode(vdi.vid()),
            InodeLayout.COPIES,
            ByteBuffer.wrap(new byte[] {(byte) wanted}),
            Durability.STABLE);
    session
        .sheep()
        .ask(
            Opcode.ALTER_VDI_COPY,
            new RequestFields.VdiChange(0, vdi.vid().value(), wanted, 0, 0, vdi.blockSizeShift()),
            0)
        .orThrow("Changing " + name + "'s redundancy level failed");
    session
        .out()
        .println(
            name
                + "'s redundancy level is set to "
                + wanted
                + ", the old one was "
                + vdi.copies()
                + ".");
    return ExitCode.SUCCESS;
  }

  /** Whether objects are, or may be, shared with snapshots or clones. */
  private static boolean isFamily(Session session, VdiInfo vdi) throws SheepException {
    if (vdi.parent() != null) {
      return true;
    }
    return session.cluster().vdis().list().stream()
        .anyMatch(
            other ->
                vdi.vid().equals(other.parent())
                    || (other.name().equals(vdi.name()) && !other.vid().equals(vdi.vid())));
  }
}
