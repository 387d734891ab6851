package io.sheepfs.store;

import io.sheepfs.store.object.DamagedFileException;
import io.sheepfs.store.object.Disk;
import io.sheepfs.store.object.SealedFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The file {@code incarnation}: a random number, never 0, in sixteen digits, sealed. It is another
 * one after everything by which the store may have lost writes that were not flushed; clients
 * compare.
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
      try {
        long number = HexFormat.fromHexDigitsToLong(SealedFile.readText(disk, file).strip());
        if (number != 0) {
          return number;
        }
      } catch (DamagedFileException | IllegalArgumentException e) {
        log.warn("{} holds no number, and is made anew", file);
      }
    }
    return renew();
  }

  /** Makes another number, durably. */
  long renew() throws IOException {
    long number = UUID.randomUUID().getLeastSignificantBits(); // its highest bit is always set
    SealedFile.replace(disk, file, HexFormat.of().toHexDigits(number) + "\n");
    return number;
  }
}
