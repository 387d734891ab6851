package io.sheepfs.dog;

import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiSpec;
import io.sheepfs.volume.Access;
import io.sheepfs.volume.Volume;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code dog vdi import}: a new VDI with the content of a disk image. Zeros take no space. */
@Command(name = "import", description = "Makes a virtual disk of a disk image, raw or qcow2.")
final class VdiImport extends DogCommand {

  private static final int CHUNK_BYTES = 4 << 20;
  private static final int BLOCK = 4096;
  private static final byte[] QCOW2 = {'Q', 'F', 'I', (byte) 0xFB};

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

  @Parameters(index = "0", paramLabel = "FILE", description = "the image")
  private String file = "";

  @Parameters(index = "1", paramLabel = "NAME", description = "the virtual disk to make")
  private String name = "";

  VdiImport(Environment environment) {
    super(environment);
  }

  @Override
  ExitCode run(Session session) throws IOException, DogException {
    VdiName vdiName = name(name);
    int copyCount = copies == null ? 0 : number(copies, "copies", 1, 8);
    int sizeShift = shift == null ? 0 : number(shift, "block_size_shift", 20, 31);
    Path image = path(file);
    if (!Files.isRegularFile(image) || !Files.isReadable(image)) {
      throw DogException.failure("Cannot read '" + file + "'");
    }
    if (!startsWith(image, QCOW2)) {
      copyIn(session, image, vdiName, copyCount, sizeShift);
      return ExitCode.SUCCESS;
    }
    Path raw = Files.createTempFile("dog-import", ".raw");
    raw.toFile().deleteOnExit(); // for who interrupts us
    try {
      QemuImg.convert("qcow2", image, "raw", raw);
      copyIn(session, raw, vdiName, copyCount, sizeShift);
    } finally {
      Files.deleteIfExists(raw);
    }
    return ExitCode.SUCCESS;
  }

  static Path path(String text) throws DogException {
    try {
      return Path.of(text);
    } catch (InvalidPathException e) {
      throw new DogException(ExitCode.USAGE, "Not a file name: " + e.getMessage(), e);
    }
  }

  private static boolean startsWith(Path image, byte[] magic) throws IOException {
    try (var in = Files.newInputStream(image)) {
      return Arrays.equals(in.readNBytes(magic.length), magic);
    }
  }

  private void copyIn(Session session, Path image, VdiName vdiName, int copyCount, int sizeShift)
      throws IOException, DogException {
    try (FileChannel in = FileChannel.open(image, StandardOpenOption.READ)) {
      VdiSpec spec;
      try {
        spec = new VdiSpec(in.size(), copyCount, sizeShift);
      } catch (IllegalArgumentException e) {
        throw new DogException(ExitCode.USAGE, "Invalid VDI: " + e.getMessage(), e);
      }
      try {
        session.cluster().vdis().create(vdiName, spec);
      } catch (SheepException e) {
        throw refused("Failed to create VDI " + name, e);
      }
      boolean done = false;
      try (Volume volume = Volume.open(session.cluster(), vdiName, Access.READ_WRITE)) {
        copy(session, in, volume);
        volume.flush();
        done = true;
      } finally {
        if (!done) {
          session.err().println("VDI " + name + " is incomplete: delete it before you try again");
        }
      }
    }
  }

  private void copy(Session session, FileChannel in, Volume volume) throws IOException {
    byte[] bytes = new byte[CHUNK_BYTES];
    ByteBuffer chunk = ByteBuffer.wrap(bytes);
    long size = in.size();
    try (Progress progress = new Progress(session, "import " + name, size)) {
      for (long at = 0; at < size; at += chunk.limit()) {
        chunk.clear();
        while (chunk.hasRemaining() && in.read(chunk, at + chunk.position()) >= 0) {
          // a file may be read in parts
        }
        chunk.flip();
        if (!chunk.hasRemaining()) {
          throw new IOException("'" + file + "' became shorter while it was read");
        }
        writeData(volume, at, bytes, chunk.limit());
        progress.advance(chunk.limit());
      }
    }
  }

  /** Writes what is not zero, in runs of whole blocks. */
  static void writeData(Volume volume, long at, byte[] bytes, int end) throws IOException {
    for (int start = 0; start < end; ) {
      int stop = start;
      while (stop < end && !isZero(bytes, stop, Math.min(stop + BLOCK, end))) {
        stop = Math.min(stop + BLOCK, end);
      }
      if (stop > start) {
        volume.write(at + start, ByteBuffer.wrap(bytes, start, stop - start));
      }
      start = stop == start ? start + BLOCK : stop;
    }
  }

  static boolean isZero(byte[] bytes, int from, int to) {
    for (int i = from; i < to; i++) {
      if (bytes[i] != 0) {
        return false;
      }
    }
    return true;
  }
}
