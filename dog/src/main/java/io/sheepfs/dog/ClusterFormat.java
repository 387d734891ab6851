package io.sheepfs.dog;

import io.sheepfs.protocol.InodeHeader;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RequestFields;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code dog cluster format}. */
@Command(name = "format", description = "Makes the cluster empty and ready for use.")
final class ClusterFormat extends DogCommand {

  /** One bit for each VDI id; other lengths are refused. */
  private static final int VDI_BITMAP_BYTES = 1 << 21;

  @Option(
      names = {"-b", "--store"},
      paramLabel = "STORE",
      defaultValue = "plain",
      description = "the store driver (default: ${DEFAULT-VALUE})")
  private String store = "";

  @Option(
      names = {"-c", "--copies"},
      paramLabel = "COPIES",
      description = "replicas of each object, 1 to 8 (default: 3)")
  private @Nullable String copies;

  @Option(
      names = {"-z", "--block_size_shift"},
      paramLabel = "SHIFT",
      description = "objects of 2^SHIFT bytes, 20 to 31 (default: 22)")
  private @Nullable String shift;

  @Option(
      names = {"-l", "--lock"},
      description = "let clients lock virtual disks")
  private boolean lock;

  @Option(
      names = {"-t", "--strict"},
      description = "refuse writes while there are fewer nodes than copies")
  private boolean strict;

  @Option(
      names = {"-V", "--fixedvnodes"},
      description = "keep the nodes' numbers of virtual nodes as they were started with")
  private boolean fixedVirtualNodes;

  @Option(
      names = {"-R", "--recyclevid"},
      description = "use the ids of deleted virtual disks again")
  private boolean recycleVids;

  @Option(
      names = {"-F", "--avoid-diskfull"},
      description = "no recovery that would fill a disk")
  private boolean avoidDiskFull;

  @Option(
      names = {"-f", "--force"},
      description = FORCE)
  private boolean force;

  ClusterFormat(Environment environment) {
    super(environment);
  }

  @Override
  ExitCode run(Session session) throws IOException, DogException {
    RequestFields.ClusterWide wanted =
        fields(
            copies == null ? 0 : number(copies, "copies", 1, 8),
            shift == null ? 0 : number(shift, "block_size_shift", 20, 31),
            flags());
    if (!format(session, wanted, store, force)) {
      return ExitCode.FAILURE;
    }
    session.out().println("using backend " + store + " store");
    return ExitCode.SUCCESS;
  }

  /** What the request says, for a cluster without special wishes. */
  static RequestFields.ClusterWide fields(int copies, int shift) {
    return fields(copies, shift, ClusterFlag.AUTO_VNODES.bit());
  }

  private static RequestFields.ClusterWide fields(int copies, int shift, int flags) {
    long now = InodeHeader.wireTime(Instant.now().truncatedTo(ChronoUnit.MICROS));
    return new RequestFields.ClusterWide(0, now, copies, 0, flags, 0, 0, shift);
  }

  /**
   * Formats the cluster; if there is anything in it, after a question.
   *
   * @return whether it was done
   */
  static boolean format(
      Session session, RequestFields.ClusterWide wanted, String store, boolean force)
      throws IOException {
    if (!force
        && !isEmpty(session)
        && !confirm(
            session,
            "Caution! The cluster is not empty: formatting destroys all its virtual disks.\n"
                + "Are you sure you want to continue?")) {
      session.err().println("Nothing was changed.");
      return false;
    }
    byte[] driver = (store + "\0").getBytes(StandardCharsets.US_ASCII);
    session
        .sheep()
        .send(Opcode.MAKE_FS, 0, wanted, ByteBuffer.wrap(driver))
        .orThrow("Format failed");
    return true;
  }

  private int flags() {
    return (fixedVirtualNodes ? 0 : ClusterFlag.AUTO_VNODES.bit())
        | (lock ? ClusterFlag.USE_LOCK.bit() : 0)
        | (strict ? ClusterFlag.STRICT.bit() : 0)
        | (recycleVids ? ClusterFlag.RECYCLE_VID.bit() : 0)
        | (avoidDiskFull ? ClusterFlag.AVOID_DISK_FULL.bit() : 0);
  }

  private static boolean isEmpty(Session session) throws IOException {
    ByteBuffer bitmap =
        session
            .sheep()
            .ask(Opcode.READ_VDIS, new RequestFields.None(), VDI_BITMAP_BYTES)
            .orThrow("Failed to look for virtual disks")
            .body();
    while (bitmap.remaining() >= Long.BYTES) {
      if (bitmap.getLong() != 0) {
        return false;
      }
    }
    return true;
  }
}
