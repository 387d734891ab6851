package io.sheepfs.dog;

import io.sheepfs.volume.Volume;
import java.io.IOException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code dog vdi read}. */
@Command(name = "read", description = "Writes the content of a virtual disk to standard output.")
final class VdiRead extends DogCommand {

  private static final int CHUNK_BYTES = 4 << 20;

  @Mixin private final VdiArgument argument = new VdiArgument();

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
      description = "how much (default: to the end)")
  private @Nullable String length;

  VdiRead(Environment environment) {
    super(environment);
  }

  @Override
  ExitCode run(Session session) throws IOException, DogException {
    VdiReference vdi = argument.parse();
    long start = ByteSize.parse(offset);
    long wanted = length == null ? Long.MAX_VALUE : ByteSize.parse(length);
    try (Volume volume = session.open(vdi)) {
      long size = volume.sizeBytes();
      if (start > size) {
        throw DogException.failure("Read offset is beyond the end of the VDI");
      }
      copy(session, volume, start, Math.min(wanted, size - start));
    }
    return ExitCode.SUCCESS;
  }

  private void copy(Session session, Volume volume, long start, long count) throws IOException {
    byte[] bytes = new byte[(int) Math.min(count, CHUNK_BYTES)];
    try (Progress progress = new Progress(session, argument.name(), count)) {
      for (long done = 0; done < count; ) {
        // Chunks end where objects do, so that each is one request.
        long at = start + done;
        int chunk = (int) Math.min(count - done, CHUNK_BYTES - at % CHUNK_BYTES);
        int read = volume.read(at, ByteBuffer.wrap(bytes, 0, chunk));
        if (read == 0) {
          throw new IOException("VDI " + argument.name() + " was shrunk while it was read");
        }
        session.out().write(bytes, 0, read);
        if (session.out().checkError()) {
          return; // the reader has gone; DogCommand tells
        }
        done += read;
        progress.advance(read);
      }
    }
  }
}
