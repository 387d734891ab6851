package io.sheepfs.store;

import io.sheepfs.store.object.Disk;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The file {@code incarnation}: a random number, never 0, in sixteen digits. It is another one
 * after everything by which the store may have lost writes that were not flushed; clients compare.
 */
final class Incarnation {

  private static final Logger log = LoggerFactory.getLogger(Incarnation.class);

  private final Path file;
  private final Disk disk;

  Incarnation(Path file, Disk disk) {
    this.file = file;
    this.disk = disk;
  }

  /** The number; a new one if there is none, or none that can be read. */
  long load() throws IOException {
    if (Disk.exists(file)) {
      String text = StandardCharsets.US_ASCII.decode(disk.readAll(file)).toString().strip();
      try {
        long number = HexFormat.fromHexDigitsToLong(text);
        if (number != 0) {
          return number;
        }
      } catch (IllegalArgumentException e) {
        log.warn("{} holds no number, and is made anew", file);
      }
    }
    return renew();
  }

  /** Makes another number, durably. */
  long renew() throws IOException {
    long number = UUID.randomUUID().getLeastSignificantBits(); // its highest bit is always set
    String text = HexFormat.of().toHexDigits(number) + "\n";
    disk.replace(file, ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII)));
    return number;
  }
}
