package io.sheepfs.dog;

import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.SnapshotSelector;
import io.sheepfs.protocol.VdiInfo;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.volume.Access;
import io.sheepfs.volume.Volume;
import java.io.IOException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code dog vdi clone}. */
@Command(name = "clone", description = "Makes a virtual disk that starts as a snapshot was.")
final class VdiClone extends DogCommand {

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
    VdiInfo clone;
    try {
      clone = session.cluster().vdis().cloneSnapshot(base.vid(), cloneName);
    } catch (SheepException e) {
      throw refused("Failed to create VDI " + name, e);
    }
    if (preallocate || noShare) {
      try (Volume volume = Volume.open(session.cluster(), cloneName, Access.READ_WRITE)) {
        Preallocation allocation = new Preallocation(session, volume);
        if (preallocate) {
          allocation.allocateAll();
        } else {
          allocation.unshare();
        }
        volume.flush();
      }
    }
    if (verbose) {
      session.out().println(raw ? clone.vid() : "VDI ID of newly created clone: " + clone.vid());
    }
    return ExitCode.SUCCESS;
  }
}
