package io.sheepfs.dog;

import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.SnapshotSelector;
import io.sheepfs.protocol.VdiDirectory;
import io.sheepfs.protocol.VdiInfo;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiSpec;
import io.sheepfs.volume.Access;
import io.sheepfs.volume.Volume;
import java.io.IOException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code dog vdi clone}. */
@Command(name = "clone", description = "Makes a virtual disk that starts as a snapshot was.")
final class VdiClone extends DogCommand {

  private static final int CHUNK_BYTES = 4 << 20;

  @Option(
      names = {"-s", "--snapshot"},
      paramLabel = "SNAPSHOT",
      description = SNAPSHOT)
  private @Nullable String snapshot;

  @Option(
      names = {"-P", "--prealloc"},
      description = "allocate all the objects now")
  private boolean preallocate;

  @Option(
      names = {"-n", "--no-share"},
      description = "copy everything: share no object with the snapshot")
  private boolean noShare;

  @Option(
      names = {"-r", "--raw"},
      description = RAW)
  private boolean raw;

  @Option(
      names = {"-v", "--verbose"},
      description = VERBOSE)
  private boolean verbose;

  @Parameters(
      index = "0",
      paramLabel = "SOURCE",
      description = "the virtual disk that has the snapshot")
  private String source = "";

  @Parameters(index = "1", paramLabel = "NAME", description = "the name of the clone")
  private String name = "";

  VdiClone(Environment environment) {
    super(environment);
  }

  @Override
  ExitCode run(Session session) throws IOException, DogException {
    VdiName sourceName = name(source);
    VdiName cloneName = name(name);
    if (snapshot == null) {
      throw DogException.usage("Only snapshots can be cloned. Please specify the '-s' option");
    }
    SnapshotSelector selector = requiredSnapshot(snapshot);
    VdiInfo base = session.find(new VdiReference(sourceName, selector));
    VdiDirectory vdis = session.cluster().vdis();
    VdiInfo clone;
    try {
      clone =
          noShare
              ? vdis.create(
                  cloneName, new VdiSpec(base.sizeBytes(), base.copies(), base.blockSizeShift()))
              : vdis.cloneSnapshot(base.vid(), cloneName);
    } catch (SheepException e) {
      throw refused("Failed to create VDI " + name, e);
    }
    if (preallocate || noShare) {
      try (Volume volume = Volume.open(session.cluster(), cloneName, Access.READ_WRITE)) {
        if (noShare) {
          copy(session, base, volume);
        }
        if (preallocate) {
          new Preallocation(session, volume).allocateAll();
        }
        volume.flush();
      }
    }
    if (verbose) {
      session.out().println(raw ? clone.vid() : "VDI ID of newly created clone: " + clone.vid());
    }
    return ExitCode.SUCCESS;
  }

  /** Copies what the snapshot has objects for; holes stay. */
  private void copy(Session session, VdiInfo base, Volume target) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(CHUNK_BYTES);
    try (Volume from = Volume.open(session.cluster(), base);
        Progress progress = new Progress(session, "clone " + name, from.allocatedBytes())) {
      long size = from.sizeBytes();
      for (long at = from.nextData(0); at >= 0 && at < size; at = from.nextData(at)) {
        for (long end = Math.min(from.nextHole(at), size); at < end; at += buffer.limit()) {
          buffer.clear().limit((int) Math.min(CHUNK_BYTES - at % CHUNK_BYTES, end - at));
          if (from.read(at, buffer) < buffer.limit()) {
            throw new IOException("snapshot of " + source + " ended while it was read");
          }
          target.write(at, buffer.flip());
          progress.advance(buffer.limit());
        }
      }
    }
  }
}
