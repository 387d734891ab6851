package io.sheepfs.dog;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** The program qemu-img, which knows the formats of disk images that we do not. */
final class QemuImg {

  private QemuImg() {}

  /** Converts an image. No shell looks at the names. */
  static void convert(String fromFormat, Path from, String toFormat, Path to)
      throws IOException, DogException {
    Process process;
    try {
      process =
          new ProcessBuilder(
                  "qemu-img",
                  "convert",
                  "-f",
                  fromFormat,
                  "-O",
                  toFormat,
                  from.toAbsolutePath().toString(),
                  to.toAbsolutePath().toString())
              .redirectErrorStream(true)
              .start();
    } catch (IOException e) {
      throw new DogException(
          ExitCode.SYSTEM,
          "Images that are not raw need the program qemu-img (apt-get install qemu-utils): "
              + e.getMessage(),
          e);
    }
    process.getOutputStream().close();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    try {
      if (process.waitFor() != 0) {
        throw new DogException(ExitCode.FAILURE, said.strip());
      }
    } catch (InterruptedException e) {
      process.destroy();
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while qemu-img worked", e);
    }
  }
}
