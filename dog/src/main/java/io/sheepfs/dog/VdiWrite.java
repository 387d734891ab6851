package io.sheepfs.dog;

import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.volume.Access;
import io.sheepfs.volume.Volume;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * {@code dog vdi write}. It never moves the end of the VDI. The original drops what does not fit
 * without a word; we refuse it.
 */
@Command(name = "write", description = "Writes standard input to a virtual disk.")
final class VdiWrite extends DogCommand {

  private static final int CHUNK_BYTES = 4 << 20;

  @Option(
      names = {"-w", "--writeback"},
      hidden = true,
      description = "ignored: everything is on stable storage when the command ends")
  boolean writeback;

  @Parameters(index = "0", paramLabel = "NAME")
  private String name = "";

  @Parameters(
      index = "1",
      paramLabel = "OFFSET",
      arity = "0..1",
      defaultValue = "0",
      description = "where to start")
  private String offset = "";

  @Parameters(
      index = "2",
      paramLabel = "LENGTH",
      arity = "0..1",
      description = "how much (default: all there is)")
  private @Nullable String length;

  VdiWrite(Environment environment) {
    super(environment);
  }

  @Override
  ExitCode run(Session session) throws IOException, DogException {
    VdiName vdiName = name(name);
    long start = ByteSize.parse(offset);
    long wanted = length == null ? Long.MAX_VALUE : ByteSize.parse(length);
    session.find(vdiName);
    try (Volume volume = Volume.open(session.cluster(), vdiName, Access.READ_WRITE)) {
      long size = volume.sizeBytes();
      if (start > size) {
        throw DogException.failure("Write offset is beyond the end of the VDI");
      }
      if (length != null && wanted > size - start) {
        throw DogException.failure(
            "VDI " + name + " ends at " + size + ": grow it with 'dog vdi resize' first");
      }
      copy(session, volume, start, Math.min(wanted, size - start));
      volume.flush();
      if (length == null && session.environment().in().read() >= 0) {
        throw DogException.failure(
            "VDI "
                + name
                + " is full: it was written up to its end at "
                + size
                + ", but there is more input. Grow it with 'dog vdi resize'");
      }
    } catch (SheepException e) {
      if (e.result() == ResultCode.VDI_LOCKED) {
        throw DogException.locked(name, e);
      }
      throw e;
    }
    return ExitCode.SUCCESS;
  }

  private void copy(Session session, Volume volume, long start, long count) throws IOException {
    InputStream in = session.environment().in();
    byte[] bytes = new byte[(int) Math.min(count, CHUNK_BYTES)];
    try (Progress progress = new Progress(session, name, length == null ? 0 : count)) {
      for (long done = 0; done < count; ) {
        long at = start + done;
        int chunk = (int) Math.min(count - done, CHUNK_BYTES - at % CHUNK_BYTES);
        int read = in.readNBytes(bytes, 0, chunk);
        if (read == 0) {
          return;
        }
        volume.write(at, ByteBuffer.wrap(bytes, 0, read));
        done += read;
        progress.advance(read);
      }
    }
  }
}
