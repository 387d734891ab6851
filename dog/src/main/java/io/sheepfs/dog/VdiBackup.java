package io.sheepfs.dog;

import io.sheepfs.protocol.ObjectStore;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.SnapshotSelector;
import io.sheepfs.protocol.VdiInfo;
import io.sheepfs.protocol.VdiName;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code dog vdi backup}: what one snapshot has that an earlier one has not. */
@Command(
    name = "backup",
    description = "Writes the difference of two snapshots to standard output.")
final class VdiBackup extends DogCommand {

  private static final int SECTOR = 512;

  @Option(
      names = {"-F", "--from"},
      paramLabel = "SNAPSHOT",
      description = "the earlier one, by its tag or its number")
  private @Nullable String from;

  @Option(
      names = {"-s", "--snapshot"},
      paramLabel = "SNAPSHOT",
      description = "the later one")
  private @Nullable String snapshot;

  @Parameters(paramLabel = "NAME")
  private String name = "";

  VdiBackup(Environment environment) {
    super(environment);
  }

  @Override
  ExitCode run(Session session) throws IOException, DogException {
    VdiName vdiName = name(name);
    SnapshotSelector early = snapshot(from);
    SnapshotSelector late = snapshot(snapshot);
    if (early == null || late == null) {
      throw DogException.usage("Please specify snapshots with '-F' and '-s' options");
    }
    VdiInfo before = session.find(new VdiReference(vdiName, early));
    VdiInfo after = session.find(new VdiReference(vdiName, late));
    if (before.blockSizeShift() != after.blockSizeShift()) {
      throw DogException.failure("The snapshots have objects of different sizes");
    }
    ObjectStore objects = session.cluster().objects();
    ObjectMap old = ObjectMap.read(objects, before);
    ObjectMap now = ObjectMap.read(objects, after);
    byte[] oldBytes = new byte[Math.toIntExact(after.objectSizeBytes())];
    byte[] nowBytes = new byte[oldBytes.length];
    BackupStream.writeHeader(session.out());
    try (Progress progress = new Progress(session, "backup " + name, after.sizeBytes())) {
      for (int index = 0; index < now.size() && !session.out().checkError(); index++) {
        progress.advance(oldBytes.length);
        if (owner(old, index) == now.owner(index)) {
          continue; // the very same object, or no object
        }
        read(objects, old, index, oldBytes);
        read(objects, now, index, nowBytes);
        writeDifference(session, index, oldBytes, nowBytes);
      }
    }
    BackupStream.writeEnd(session.out());
    return ExitCode.SUCCESS;
  }

  private static int owner(ObjectMap map, int index) {
    return index < map.size() ? map.owner(index) : 0;
  }

  private static void read(ObjectStore objects, ObjectMap map, int index, byte[] bytes)
      throws SheepException {
    if (owner(map, index) == 0) {
      Arrays.fill(bytes, (byte) 0);
    } else {
      objects.read(map.object(index), 0, ByteBuffer.wrap(bytes));
    }
  }

  /** From the first sector that differs to the last one. */
  private static void writeDifference(Session session, int index, byte[] old, byte[] now)
      throws IOException {
    int first = Arrays.mismatch(old, now);
    if (first < 0) {
      return;
    }
    int start = first / SECTOR * SECTOR;
    int end = now.length;
    while (Arrays.equals(old, end - SECTOR, end, now, end - SECTOR, end)) {
      end -= SECTOR;
    }
    BackupStream.writeChange(session.out(), index, start, now, end - start);
  }
}
