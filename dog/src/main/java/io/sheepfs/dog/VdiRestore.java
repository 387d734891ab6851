package io.sheepfs.dog;

import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.SnapshotSelector;
import io.sheepfs.protocol.SnapshotTag;
import io.sheepfs.protocol.VdiDirectory;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiInfo;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.volume.Access;
import io.sheepfs.volume.Volume;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * {@code dog vdi restore}: makes a snapshot of an earlier snapshot and a backup. A snapshot can
 * only be taken of the working VDI, so that this has to make way for a while. The original loses
 * what was written to it since its last snapshot; we take one first.
 */
@Command(
    name = "restore",
    description = "Makes a snapshot of an earlier one and a backup from standard input.")
final class VdiRestore extends DogCommand {

  @Option(
      names = {"-s", "--snapshot"},
      paramLabel = "SNAPSHOT",
      description = "the one that the backup was made from")
  private @Nullable String snapshot;

  @Mixin private final Reclamation reclamation = new Reclamation();

  @Option(
      names = {"-v", "--verbose"},
      description = VERBOSE)
  private boolean verbose;

  @Parameters(paramLabel = "NAME")
  private String name = "";

  VdiRestore(Environment environment) {
    super(environment);
  }

  @Override
  ExitCode run(Session session) throws IOException, DogException {
    VdiName vdiName = name(name);
    SnapshotSelector selector = snapshot(snapshot);
    if (selector == null) {
      throw DogException.usage(
          "We can restore a backup file only to snapshots. Please specify the '-s' option");
    }
    reclamation.check();
    VdiInfo base = session.find(new VdiReference(vdiName, selector));
    VdiInfo working = session.find(vdiName);
    if (session.environment().inIsTerminal()) {
      throw DogException.usage("stdin must be pipe");
    }
    BackupStream.readHeader(session.environment().in());
    VdiId resumeFrom = makeWay(session, vdiName, working);
    VdiDirectory vdis = session.cluster().vdis();
    boolean made = false;
    try {
      VdiInfo restored = vdis.cloneSnapshot(base.vid(), vdiName);
      made = true;
      apply(session, restored);
      restored = vdis.lookup(vdiName);
      vdis.snapshot(vdiName, new SnapshotTag(Integer.toString(restored.snapshotId())));
      if (verbose) {
        session.out().println("Restored snapshot: " + restored.snapshotId());
      }
    } finally {
      resume(session, vdiName, resumeFrom, made);
    }
    return ExitCode.SUCCESS;
  }

  /**
   * Deletes the working VDI.
   *
   * @return the snapshot that it can be made from again, with nothing lost
   */
  private VdiId makeWay(Session session, VdiName vdiName, VdiInfo working)
      throws SheepException, DogException {
    VdiDirectory vdis = session.cluster().vdis();
    VdiId parent = working.parent();
    if (parent == null || !ObjectMap.isAsItsParent(session.cluster(), working)) {
      String tag = Integer.toString(working.snapshotId());
      vdis.snapshot(vdiName, new SnapshotTag(tag));
      parent = working.vid();
      session
          .err()
          .println(
              "VDI "
                  + name
                  + " has changed since its last snapshot: snapshot "
                  + tag
                  + " was taken, so that nothing is lost");
    }
    try {
      vdis.delete(vdiName);
    } catch (SheepException e) {
      throw e.result() == ResultCode.VDI_LOCKED
          ? DogException.locked(name, e)
          : refused("Failed to delete the current state", e);
    }
    return parent;
  }

  private void apply(Session session, VdiInfo restored) throws IOException, DogException {
    InputStream in = session.environment().in();
    try (Volume volume = Volume.open(session.cluster(), restored.name(), Access.READ_WRITE);
        Progress progress = new Progress(session, "restore " + name, 0)) {
      BackupStream.Change change = next(in, restored);
      while (change != null) {
        long start = ((long) change.index() << restored.blockSizeShift()) + change.offset();
        // the last object can be larger than what is left of the disk
        ByteBuffer data = change.data();
        int length = (int) Math.min(data.remaining(), volume.sizeBytes() - start);
        if (length > 0) {
          volume.write(start, data.slice(0, length));
        }
        progress.advance(data.limit());
        change = next(in, restored);
      }
      volume.flush();
    }
  }

  private static BackupStream.@Nullable Change next(InputStream in, VdiInfo vdi)
      throws IOException, DogException {
    return BackupStream.readChange(in, vdi.objectCount(), vdi.objectSizeBytes());
  }

  /**
   * Brings the working VDI back.
   *
   * @param made whether what is in its place is what was restored, and not somebody else's
   */
  private void resume(Session session, VdiName vdiName, VdiId from, boolean made)
      throws SheepException, DogException {
    VdiDirectory vdis = session.cluster().vdis();
    try {
      if (made) {
        vdis.delete(vdiName);
      }
    } catch (SheepException e) {
      if (e.result() != ResultCode.NO_VDI) {
        throw cannotResume(from, e);
      }
    }
    try {
      vdis.cloneSnapshot(from, vdiName);
    } catch (SheepException e) {
      throw cannotResume(from, e);
    }
  }

  private DogException cannotResume(VdiId from, SheepException e) {
    return new DogException(
        ExitCode.of(e.result()),
        "Failed to resume the current VDI "
            + name
            + ": "
            + e.result().text()
            + ". Bring it back with 'dog vdi rollback -f -s SNAPSHOT "
            + name
            + "', where SNAPSHOT is that of id "
            + from,
        e);
  }
}
