package io.sheepfs.cache;

import java.io.IOException;
import java.nio.file.OpenOption;

/**
 * The option that opens a file past the page cache. It is the JDK's own, not Java's, and naming it
 * is a warning for newer compilers, so it is looked up.
 */
final class DirectIo {

  private static final String OPTIONS = "com.sun.nio.file.ExtendedOpenOption";

  private DirectIo() {}

  /**
   * The option.
   *
   * @throws IOException if this Java has none
   */
  static OpenOption option() throws IOException {
    try {
      for (Object option : Class.forName(OPTIONS).getEnumConstants()) {
        if (option instanceof OpenOption direct && option.toString().equals("DIRECT")) {
          return direct;
        }
      }
    } catch (ClassNotFoundException e) {
      throw new IOException("this Java has no direct I/O", e);
    }
    throw new IOException("this Java has no direct I/O");
  }
}
