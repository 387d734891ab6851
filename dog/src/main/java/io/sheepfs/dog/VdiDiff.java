package io.sheepfs.dog;

import io.sheepfs.protocol.VdiInfo;
import io.sheepfs.volume.Volume;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * {@code dog vdi diff}: where two disks or snapshots differ. Ends with 0 if they are the same and
 * with 1 if not, as diff(1) does. Objects that both share are not read.
 */
@Command(name = "diff", description = "Shows where two virtual disks or snapshots differ.")
final class VdiDiff extends DogCommand {

  private static final int BLOCK = 4096;
  private static final int CHUNK_BYTES = 1 << 20;

  @Option(
      names = {"-r", "--raw"},
      description = RAW)
  private boolean raw;

  @Option(
      names = {"--json"},
      description = JSON)
  private boolean json;

  @Option(
      names = {"-q", "--quiet"},
      description = "print nothing, only end with 0 or 1")
  private boolean quiet;

  @Parameters(index = "0", paramLabel = "A", description = "NAME or NAME@SNAPSHOT")
  private String first = "";

  @Parameters(index = "1", paramLabel = "B", description = "likewise")
  private String second = "";

  VdiDiff(Environment environment) {
    super(environment);
  }

  /** Takes blocks that differ, in order, and prints them as ranges. */
  private final class Ranges {
    private final Session session;
    private final JsonArray rows;
    private long start = -1;
    private long end = -1;
    private long count;

    Ranges(Session session) {
      this.session = session;
      this.rows = new JsonArray(session.out());
    }

    void add(long from, long to) {
      if (from != end) {
        print();
        start = from;
      }
      end = to;
    }

    private void print() {
      if (start < 0) {
        return;
      }
      count++;
      if (quiet) {
        return;
      }
      if (json) {
        rows.add(new JsonObject().put("offset", start).put("length", end - start));
      } else {
        session
            .out()
            .format(Locale.ROOT, raw ? "%d %d%n" : "%16d  %12d bytes differ%n", start, end - start);
      }
    }

    boolean finish() {
      print();
      if (json && !quiet) {
        rows.end();
      }
      return count == 0;
    }
  }

  @Override
  ExitCode run(Session session) throws IOException, DogException {
    VdiReference a = VdiReference.parse(first);
    VdiReference b = VdiReference.parse(second);
    Ranges ranges = new Ranges(session);
    try (Volume left = session.open(a);
        Volume right = session.open(b)) {
      compare(session, left, right, ranges);
    }
    return ranges.finish() ? ExitCode.SUCCESS : ExitCode.FAILURE;
  }

  private void compare(Session session, Volume left, Volume right, Ranges ranges)
      throws IOException {
    VdiInfo a = left.info();
    VdiInfo b = right.info();
    ObjectMap aMap = ObjectMap.read(session.cluster().objects(), a);
    ObjectMap bMap = ObjectMap.read(session.cluster().objects(), b);
    boolean sameObjects = a.blockSizeShift() == b.blockSizeShift();
    long common = Math.min(a.sizeBytes(), b.sizeBytes());
    byte[] ours = new byte[CHUNK_BYTES];
    byte[] theirs = new byte[CHUNK_BYTES];
    try (Progress progress = new Progress(session, "diff", common)) {
      for (long at = 0; at < common; ) {
        int index = (int) (at >>> a.blockSizeShift());
        long skip = a.objectSizeBytes() - (at & (a.objectSizeBytes() - 1));
        if (sameObjects && aMap.owner(index) == bMap.owner(index)) {
          at += skip;
          progress.advance(skip);
          continue;
        }
        int chunk = (int) Math.min(CHUNK_BYTES - at % CHUNK_BYTES, common - at);
        left.read(at, ByteBuffer.wrap(ours, 0, chunk));
        right.read(at, ByteBuffer.wrap(theirs, 0, chunk));
        addBlocks(at, chunk, ours, theirs, ranges);
        at += chunk;
        progress.advance(chunk);
      }
    }
    long longest = Math.max(a.sizeBytes(), b.sizeBytes());
    if (longest > common) {
      ranges.add(common, longest);
    }
  }

  private static void addBlocks(long at, int chunk, byte[] ours, byte[] theirs, Ranges ranges) {
    for (int block = 0; block < chunk; block += BLOCK) {
      int end = Math.min(block + BLOCK, chunk);
      if (!Arrays.equals(ours, block, end, theirs, block, end)) {
        ranges.add(at + block, at + end);
      }
    }
  }
}
