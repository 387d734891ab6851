package io.sheepfs.store.object;

import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;

/**
 * Makes changes of several object files happen together or not at all.
 *
 * <p>The steps are written to a file of their own, which is forced and renamed to its final name:
 * from then on they count as done. Then they are carried out and forced, and the file is removed. A
 * start that finds the file carries the steps out again; each can be done any number of times. The
 * removal is forced as well, since a journal that came back could undo what happened later.
 *
 * <pre>
 *   0 +------------------+
 *     | "SHJ1"      (u32)|
 *   4 | CRC-32C     (u32)|  of all that follows
 *   8 | steps       (u32)|
 *  12 +------------------+
 *     | kind         (u8)|  1 rename, 2 patch, 3 truncate      \
 *     | oid         (u64)|                                     | per step, little-endian
 *     | position    (u64)|  patch: offset; truncate: new size  |
 *     | length      (u32)|                                     |
 *     | bytes    (length)|  rename: temporary name; patch: data /
 *     +------------------+
 * </pre>
 *
 * <p>Not safe for several threads at once, but {@link #isBroken}.
 */
public final class Journal {

  private static final int MAGIC = 'S' | 'H' << 8 | 'J' << 16 | '1' << 24;
  private static final int HEADER_BYTES = 12;
  private static final int STEP_BYTES = 21;

  /** One change of one object's file. */
  public sealed interface Step {
    /** The object. */
    ObjectId oid();
  }

  /** The file of a temporary name becomes the object. */
  public record Rename(ObjectId oid, Path temporary) implements Step {}

  /** Bytes are overwritten. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  public record Patch(ObjectId oid, long offset, byte[] bytes) implements Step {}

  /** The file is cut off, if it is longer. */
  public record Truncate(ObjectId oid, long sizeBytes) implements Step {}

  private final Path file;
  private final Path objects;
  private final Disk disk;
  private volatile boolean broken;

  /** The journal in {@code file} for the objects in a directory. */
  public Journal(Path file, Path objects, Disk disk) {
    this.file = file;
    this.objects = objects;
    this.disk = disk;
  }

  /**
   * Whether steps count as done that could not be carried out. Nothing must change the store then;
   * the next start tries again.
   */
  public boolean isBroken() {
    return broken;
  }

  /**
   * Carries out {@code steps} as a whole, durably.
   *
   * @throws SheepException if nothing of it was done, or if the journal is broken now
   */
  public void commit(List<Step> steps) throws SheepException {
    if (broken) {
      throw new SheepException(ResultCode.EIO, "an earlier change could not be completed");
    }
    try {
      if (steps.stream().anyMatch(Rename.class::isInstance)) {
        disk.forceDirectory(objects); // the temporary names must outlive a power cut, too
      }
      disk.replace(file, encode(steps));
    } catch (IOException e) {
      broken = mayBeThere();
      throw disk.failure("write of the journal", e);
    }
    try {
      carryOut(steps);
    } catch (IOException e) {
      broken = true;
      throw disk.failure("completion of a change", e);
    }
  }

  private boolean mayBeThere() {
    try {
      return Disk.exists(file);
    } catch (IOException e) {
      return true;
    }
  }

  /**
   * Completes what a crash cut short. For the start, before anything else looks at the objects.
   *
   * @return whether there was anything
   */
  public boolean replay() throws SheepException {
    try {
      if (!Disk.exists(file)) {
        return false;
      }
      carryOut(decode(disk.readAll(file)));
      return true;
    } catch (IOException e) {
      throw disk.failure("replay of the journal " + file, e);
    }
  }

  private void carryOut(List<Step> steps) throws IOException {
    for (Step step : steps) {
      Path target = objects.resolve(step.oid().toString());
      if (step instanceof Rename rename) {
        if (Disk.exists(rename.temporary())) {
          disk.rename(rename.temporary(), target);
        }
      } else if (step instanceof Patch patch) {
        try (FileChannel channel = disk.open(target)) {
          disk.write(channel, target, patch.offset(), ByteBuffer.wrap(patch.bytes()));
          disk.force(channel, target);
        }
      } else if (step instanceof Truncate truncate) {
        cutOff(target, truncate.sizeBytes());
      }
    }
    disk.forceDirectory(objects);
    disk.delete(file);
    Path parent = file.toAbsolutePath().getParent();
    if (parent != null) {
      disk.forceDirectory(parent);
    }
  }

  private void cutOff(Path target, long sizeBytes) throws IOException {
    try (FileChannel channel = disk.open(target)) {
      if (channel.size() > sizeBytes) {
        disk.truncate(channel, target, sizeBytes);
      }
      disk.force(channel, target);
    } catch (NoSuchFileException e) {
      // never flushed, and so lost in the power cut that makes us replay: it reads as zeros
      return;
    }
  }

  private static ByteBuffer encode(List<Step> steps) {
    int size = HEADER_BYTES;
    List<byte[]> payloads = new ArrayList<>();
    for (Step step : steps) {
      byte[] payload = payload(step);
      payloads.add(payload);
      size += STEP_BYTES + payload.length;
    }
    ByteBuffer record = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    record.putInt(MAGIC).putInt(0).putInt(steps.size());
    for (int i = 0; i < steps.size(); i++) {
      Step step = steps.get(i);
      record.put((byte) kind(step)).putLong(step.oid().value()).putLong(position(step));
      record.putInt(payloads.get(i).length).put(payloads.get(i));
    }
    record.putInt(4, checksum(record.duplicate().flip()));
    return record.flip();
  }

  private static int kind(Step step) {
    return step instanceof Rename ? 1 : step instanceof Patch ? 2 : 3;
  }

  private static long position(Step step) {
    if (step instanceof Patch patch) {
      return patch.offset();
    }
    return step instanceof Truncate truncate ? truncate.sizeBytes() : 0;
  }

  private static byte[] payload(Step step) {
    if (step instanceof Rename rename) {
      return String.valueOf(rename.temporary().getFileName()).getBytes(StandardCharsets.UTF_8);
    }
    return step instanceof Patch patch ? patch.bytes() : new byte[0];
  }

  private static int checksum(ByteBuffer record) {
    CRC32C crc = new CRC32C();
    crc.update(record.position(8));
    return (int) crc.getValue();
  }

  private List<Step> decode(ByteBuffer bytes) throws IOException {
    ByteBuffer record = bytes.order(ByteOrder.LITTLE_ENDIAN);
    if (record.remaining() < HEADER_BYTES
        || record.getInt(0) != MAGIC
        || record.getInt(4) != checksum(record.duplicate())) {
      throw new IOException(file + " is damaged");
    }
    record.position(HEADER_BYTES);
    List<Step> steps = new ArrayList<>();
    for (int left = record.getInt(8); left > 0; left--) {
      int kind = record.get();
      ObjectId oid = new ObjectId(record.getLong());
      long position = record.getLong();
      byte[] payload = new byte[record.getInt()];
      record.get(payload);
      steps.add(
          switch (kind) {
            case 1 -> new Rename(oid, objects.resolve(new String(payload, StandardCharsets.UTF_8)));
            case 2 -> new Patch(oid, position, payload);
            case 3 -> new Truncate(oid, position);
            default -> throw new IOException(file + " has a step of unknown kind " + kind);
          });
    }
    return steps;
  }
}
