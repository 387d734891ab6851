package io.sheepfs.fuse;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The directory to mount at: what is wrong with it, and what can be mended by itself. */
final class Mountpoint {

  private static final Logger log = LoggerFactory.getLogger(Mountpoint.class);
  private static final Path MOUNTS = Path.of("/proc/self/mounts");
  private static final int UNMOUNT_SECONDS = 10;

  private final Path path;
  private final Console console;

  Mountpoint(Path path, Console console) {
    this.path = path;
    this.console = console;
  }

  /**
   * Checks that something can be mounted. The dead mount of a sheepfs that was killed is taken away
   * first.
   *
   * @throws MountFailure if nothing can be mounted here
   */
  void prepare() throws IOException {
    String type = mountedType();
    if (type != null && type.startsWith("fuse")) {
      if (!isDead()) {
        throw failure(path + " is mounted already; unmount it first: umount " + path);
      }
      console.info(path + " was a dead mount (its process is gone); unmounting it");
      unmountDead();
    }
    if (!Files.exists(path)) {
      throw failure(path + " does not exist; make it first: mkdir -p " + path);
    }
    if (!Files.isDirectory(path)) {
      throw failure(path + " is not a directory");
    }
    if (!isEmpty()) {
      console.info("warning: " + path + " is not empty; the mount hides what is in it");
    }
  }

  private static MountFailure failure(String message) {
    return new MountFailure(Sheepfs.EXIT_MOUNT_FAILED, message);
  }

  private boolean isEmpty() throws IOException {
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(path)) {
      return !entries.iterator().hasNext();
    }
  }

  /** The file system type of the topmost mount at the path; null if none is there. */
  private @Nullable String mountedType() throws IOException {
    String type = null;
    for (String line : Files.readString(MOUNTS, StandardCharsets.UTF_8).split("\n", -1)) {
      String[] fields = line.split(" ", -1);
      if (fields.length > 2 && unescape(fields[1]).equals(path.toString())) {
        type = fields[2];
      }
    }
    return type;
  }

  /** Spaces and the like stand in the table as three octal digits. */
  private static String unescape(String field) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < field.length(); i++) {
      char c = field.charAt(i);
      if (c == '\\' && i + 3 < field.length()) {
        text.append((char) Integer.parseInt(field.substring(i + 1, i + 4), 8));
        i += 3;
      } else {
        text.append(c);
      }
    }
    return text.toString();
  }

  private boolean isDead() {
    try {
      Files.readAttributes(path, "size");
      return false;
    } catch (IOException e) {
      return true;
    }
  }

  private void unmountDead() throws IOException {
    for (String program : new String[] {"umount", "fusermount3", "fusermount"}) {
      String flag = program.equals("umount") ? "-l" : "-uz";
      try {
        Process process =
            new ProcessBuilder(program, flag, path.toString())
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        if (process.waitFor(UNMOUNT_SECONDS, TimeUnit.SECONDS) && process.exitValue() == 0) {
          return;
        }
      } catch (IOException notInstalled) {
        log.debug("Cannot run {}", program, notInstalled);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        break;
      }
    }
    throw failure("cannot unmount the dead mount; try: umount -l " + path);
  }
}
