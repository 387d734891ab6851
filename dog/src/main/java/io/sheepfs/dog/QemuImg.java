package io.sheepfs.dog;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The program qemu-img, which knows the formats of disk images that we do not. */
final class QemuImg {

  private QemuImg() {}

  /** Looks whether it is there, before work begins that would be lost without it. */
  static void require() throws IOException, DogException {
    run("--version");
  }

  /** Converts an image. No shell looks at the names. */
  static void convert(String fromFormat, Path from, String toFormat, Path to)
      throws IOException, DogException {
    run(
        "convert",
        "-f",
        fromFormat,
        "-O",
        toFormat,
        from.toAbsolutePath().toString(),
        to.toAbsolutePath().toString());
  }

  private static void run(String... arguments) throws IOException, DogException {
    List<String> command = new ArrayList<>(List.of("qemu-img"));
    command.addAll(List.of(arguments));
    Process process;
    try {
      process = new ProcessBuilder(command).redirectErrorStream(true).start();
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
