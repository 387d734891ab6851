package io.sheepfs.store.object;

import java.io.IOException;
import java.nio.file.Path;

/** A file of a store is not what was written there. */
public final class DamagedFileException extends IOException {

  private static final long serialVersionUID = 1L;

  /** {@code why}: what is wrong with it, as a clause. */
  public DamagedFileException(Path file, String why) {
    super(
        "the file " + file + " is damaged: " + why + "; TROUBLESHOOTING.md says what can be done");
  }
}
