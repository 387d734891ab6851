package io.sheepfs.dog;

import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiInfo;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiSpec;
import io.sheepfs.volume.Access;
import io.sheepfs.volume.Volume;
import java.io.IOException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code dog vdi create}. */
@Command(name = "create", description = "Creates a virtual disk.")
final class VdiCreate extends DogCommand {

  private static final int SMALLEST_SHIFT = 20;

  @Option(
      names = {"-P", "--prealloc"},
      description = "allocate all the objects now")
  private boolean preallocate;

  @Option(
      names = {"-y", "--hyper"},
      hidden = true,
      description = "refused: hypervolumes are not supported")
  private boolean hyper;

  @Option(
      names = {"-c", "--copies"},
      paramLabel = "COPIES",
      description = "replicas of each object, 1 to 8 (default: the cluster's)")
  private @Nullable String copies;

  @Option(
      names = {"-z", "--block_size_shift"},
      paramLabel = "SHIFT",
      description = "objects of 2^SHIFT bytes, 20 to 31 (default: the cluster's)")
  private @Nullable String shift;

  @Option(
      names = {"-r", "--raw"},
      description = RAW)
  private boolean raw;

  @Option(
      names = {"-v", "--verbose"},
      description = VERBOSE)
  private boolean verbose;

  @Parameters(index = "0", paramLabel = "NAME")
  private String name = "";

  @Parameters(
      index = "1",
      paramLabel = "SIZE",
      description = "bytes, or with the suffix K, M, G, T or P")
  private String size = "";

  VdiCreate(Environment environment) {
    super(environment);
  }

  @Override
  ExitCode run(Session session) throws IOException, DogException {
    VdiName vdiName = name(name);
    VdiSpec spec = spec();
    checkAgainstDefault(session, spec);
    VdiInfo created;
    try {
      created = session.cluster().vdis().create(vdiName, spec);
    } catch (SheepException e) {
      throw refused("Failed to create VDI " + name, e);
    }
    if (preallocate) {
      try (Volume volume = Volume.open(session.cluster(), vdiName, Access.READ_WRITE)) {
        new Preallocation(session, volume).allocateAll();
        volume.flush();
      }
    }
    if (verbose) {
      session.out().println(raw ? created.vid() : "VDI ID of newly created VDI: " + created.vid());
    }
    return ExitCode.SUCCESS;
  }

  private VdiSpec spec() throws DogException {
    if (hyper) {
      throw DogException.usage(
          "Hypervolumes are not supported: for a disk of more than 4 TiB use larger objects, such"
              + " as '-z 26'");
    }
    if (copies != null && copies.indexOf(':') >= 0) {
      throw DogException.usage("Erasure coding is not supported: give a number of copies to '-c'");
    }
    long sizeBytes = ByteSize.parse(size);
    try {
      return new VdiSpec(
          sizeBytes,
          copies == null ? 0 : number(copies, "copies", 1, 8),
          shift == null ? 0 : number(shift, "block_size_shift", SMALLEST_SHIFT, 31));
    } catch (IllegalArgumentException e) {
      throw new DogException(ExitCode.USAGE, "Invalid VDI: " + e.getMessage(), e);
    }
  }

  /**
   * With the cluster's object size the limit is the cluster's to know; a small VDI is below any.
   */
  private static void checkAgainstDefault(Session session, VdiSpec spec)
      throws SheepException, DogException {
    if (spec.blockSizeShift() != 0 || spec.sizeBytes() <= VdiSpec.maxSizeBytes(SMALLEST_SHIFT)) {
      return;
    }
    long max = VdiSpec.maxSizeBytes(session.cluster().info().blockSizeShift());
    if (spec.sizeBytes() > max) {
      throw DogException.usage(
          "VDI size is larger than " + max + " bytes: use larger objects, such as '-z 26'");
    }
  }
}
