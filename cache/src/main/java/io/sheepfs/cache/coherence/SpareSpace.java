package io.sheepfs.cache.coherence;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A file that does nothing but take space, while there is some, and give it back when a cache is
 * opened or closed, which must be possible on a full disk, too: there may be dirty data in it.
 */
final class SpareSpace {

  private static final Logger log = LoggerFactory.getLogger(SpareSpace.class);
  private static final int SIZE_BYTES = 256 << 10;
  private static final FileAttribute<?> FILE_MODE =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
  private static final Set<OpenOption> WRITE =
      Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS);

  private final Path file;

  SpareSpace(Path file) {
    this.file = file;
  }

  /** Takes the space. If that cannot be done, whoever needs it does without. */
  void take() {
    try (FileChannel channel = FileChannel.open(file, WRITE, FILE_MODE)) {
      ByteBuffer bytes = ByteBuffer.allocate(SIZE_BYTES);
      while (bytes.hasRemaining()) {
        channel.write(bytes, bytes.position());
      }
    } catch (IOException e) {
      log.warn("the cache's disk has no space to spare: {}", e.toString());
    }
  }

  /** Gives the space back. */
  void give() throws IOException {
    Files.deleteIfExists(file);
  }
}
