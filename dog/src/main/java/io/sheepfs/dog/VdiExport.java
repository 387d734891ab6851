package io.sheepfs.dog;

import io.sheepfs.volume.Volume;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * {@code dog vdi export}: a disk image with the content of a VDI, holes kept. It appears under its
 * name when it is whole.
 */
@Command(name = "export", description = "Makes a disk image, raw or qcow2, of a virtual disk.")
final class VdiExport extends DogCommand {

  private static final int CHUNK_BYTES = 4 << 20;
  private static final int BLOCK = 4096;

  @Mixin private final VdiArgument argument = new VdiArgument();

  @Option(
      names = {"-O", "--format"},
      paramLabel = "FORMAT",
      defaultValue = "raw",
      description = "raw or qcow2 (default: ${DEFAULT-VALUE})")
  private String format = "";

  @Option(
      names = {"-f", "--force"},
      description = "replace the file if there is one")
  private boolean force;

  @Parameters(index = "1", paramLabel = "FILE", description = "the image to make")
  private String file = "";

  VdiExport(Environment environment) {
    super(environment);
  }

  @Override
  ExitCode run(Session session) throws IOException, DogException {
    VdiReference vdi = argument.parse();
    if (!format.equals("raw") && !format.equals("qcow2")) {
      throw DogException.usage("Invalid format '" + format + "': it can be raw or qcow2");
    }
    Path target = VdiImport.path(file).toAbsolutePath();
    if (Files.exists(target)) {
      if (!force) {
        throw new DogException(
            ExitCode.EXISTS, "'" + file + "' exists already: to replace it, use '-f'");
      }
      if (!Files.isRegularFile(target)) {
        throw DogException.failure(
            "'"
                + file
                + "' is no regular file, and is not replaced: use 'dog vdi read' to write"
                + " to a device");
      }
    }
    Path folder = target.getParent();
    if (folder == null || !Files.isDirectory(folder)) {
      throw DogException.failure("There is no directory for '" + file + "'");
    }
    boolean convert = format.equals("qcow2");
    if (convert) {
      QemuImg.require();
    }
    try (Volume volume = session.open(vdi)) {
      Path raw = temporary(folder);
      try {
        copyOut(session, volume, raw);
        if (convert) {
          publishConverted(folder, raw, target);
        } else {
          publish(raw, target);
        }
      } finally {
        Files.deleteIfExists(raw);
      }
    }
    return ExitCode.SUCCESS;
  }

  private void publishConverted(Path folder, Path raw, Path target)
      throws IOException, DogException {
    Path converted = temporary(folder);
    try {
      QemuImg.convert("raw", raw, "qcow2", converted);
      publish(converted, target);
    } finally {
      Files.deleteIfExists(converted);
    }
  }

  private static Path temporary(Path folder) throws IOException {
    Path file =
        Files.createTempFile(
            folder,
            ".dog-export",
            ".tmp",
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    file.toFile().deleteOnExit(); // for who interrupts us
    return file;
  }

  private void publish(Path whole, Path target) throws IOException, DogException {
    try (FileChannel channel = FileChannel.open(whole, StandardOpenOption.WRITE)) {
      channel.force(true);
    }
    if (force) {
      Files.move(
          whole, target, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
      return;
    }
    try {
      giveName(whole, target);
    } catch (FileAlreadyExistsException e) {
      throw new DogException(ExitCode.EXISTS, "'" + file + "' exists already", e);
    }
  }

  /**
   * Gives a file a name, or another one.
   *
   * @throws FileAlreadyExistsException if there is one of that name, even if it was made just now
   */
  static void giveName(Path whole, Path target) throws IOException {
    try {
      Files.createLink(target, whole);
    } catch (FileAlreadyExistsException e) {
      throw e;
    } catch (UnsupportedOperationException | FileSystemException e) {
      // as on FAT, which knows no links; here a file that is made just now would be replaced
      Files.move(whole, target);
    }
  }

  private void copyOut(Session session, Volume volume, Path target) throws IOException {
    byte[] bytes = new byte[CHUNK_BYTES];
    long size = volume.sizeBytes();
    try (FileChannel out = FileChannel.open(target, StandardOpenOption.WRITE);
        Progress progress =
            new Progress(session, "export " + argument.name(), volume.allocatedBytes())) {
      for (long at = volume.nextData(0); at >= 0 && at < size; at = volume.nextData(at)) {
        long end = Math.min(volume.nextHole(at), size);
        while (at < end) {
          int chunk = (int) Math.min(CHUNK_BYTES - at % CHUNK_BYTES, end - at);
          int read = volume.read(at, ByteBuffer.wrap(bytes, 0, chunk));
          if (read < chunk) {
            throw new IOException("VDI " + argument.name() + " was shrunk while it was read");
          }
          writeData(out, at, bytes, chunk);
          at += chunk;
          progress.advance(chunk);
        }
      }
      if (out.size() < size) {
        // the last byte gives the file its size; what lies before it stays a hole
        out.write(ByteBuffer.allocate(1), size - 1);
      }
    }
  }

  private static void writeData(FileChannel out, long at, byte[] bytes, int length)
      throws IOException {
    for (int start = 0; start < length; ) {
      int stop = start;
      while (stop < length && !VdiImport.isZero(bytes, stop, Math.min(stop + BLOCK, length))) {
        stop = Math.min(stop + BLOCK, length);
      }
      ByteBuffer run = ByteBuffer.wrap(bytes, start, stop - start);
      while (run.hasRemaining()) {
        out.write(run, at + run.position());
      }
      start = stop == start ? start + BLOCK : stop;
    }
  }
}
