package io.sheepfs.dog;

import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.SnapshotTag;
import io.sheepfs.protocol.VdiInfo;
import io.sheepfs.protocol.VdiName;
import java.io.IOException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * {@code dog vdi snapshot}. Without a tag the snapshot's number becomes its tag, so that it has a
 * name in the mount, too; {@code -s NUMBER} finds it as it does in the original.
 */
@Command(name = "snapshot", description = "Takes a snapshot.")
final class VdiSnapshot extends DogCommand {

  @Option(
      names = {"-s", "--snapshot"},
      paramLabel = "TAG",
      description = "the tag for the snapshot; not a number (default: the snapshot's number)")
  private @Nullable String tag;

  @Option(
      names = {"-R", "--reduce-identical-snapshots"},
      description = "take none if nothing was written since the last one")
  private boolean reduceIdentical;

  @Option(
      names = {"-r", "--raw"},
      description = RAW)
  private boolean raw;

  @Option(
      names = {"-v", "--verbose"},
      description = VERBOSE)
  private boolean verbose;

  @Parameters(paramLabel = "NAME")
  private String name = "";

  VdiSnapshot(Environment environment) {
    super(environment);
  }

  @Override
  ExitCode run(Session session) throws IOException, DogException {
    VdiName vdiName = name(name);
    SnapshotTag wanted = tag == null ? null : tag(tag);
    VdiInfo before;
    VdiInfo after;
    try {
      before = session.cluster().vdis().lookup(vdiName);
      if (reduceIdentical && isIdentical(session, before)) {
        if (verbose) {
          session.err().println("VDI " + name + " is as its last snapshot: none taken");
        }
        return ExitCode.SUCCESS;
      }
      after =
          session
              .cluster()
              .vdis()
              .snapshot(
                  vdiName,
                  wanted == null ? new SnapshotTag(Integer.toString(before.snapshotId())) : wanted);
    } catch (SheepException e) {
      throw e.result() == ResultCode.VDI_EXIST
          ? new DogException(
              ExitCode.FAILURE,
              "Failed to create snapshot for "
                  + name
                  + ": there is one with the tag '"
                  + tag
                  + "' already",
              e)
          : refused("Failed to create snapshot for " + name, e);
    }
    if (verbose) {
      session
          .out()
          .println(
              raw
                  ? after.vid() + " " + before.vid()
                  : "new VID of original VDI: "
                      + after.vid()
                      + ", VDI ID of newly created snapshot: "
                      + before.vid());
    }
    return ExitCode.SUCCESS;
  }

  private static boolean isIdentical(Session session, VdiInfo working) throws SheepException {
    return working.parent() == null
        ? ObjectMap.read(session.cluster().objects(), working).ownBytes() == 0
        : ObjectMap.isAsItsParent(session.cluster(), working);
  }

  private static SnapshotTag tag(String text) throws DogException {
    if (isNumber(text)) {
      throw DogException.usage(
          "A tag cannot be a number, since '-s " + text + "' means the snapshot of that number");
    }
    try {
      return new SnapshotTag(text);
    } catch (IllegalArgumentException e) {
      throw new DogException(ExitCode.USAGE, String.valueOf(e.getMessage()), e);
    }
  }
}
