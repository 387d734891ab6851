package io.sheepfs.fuse;

import io.sheepfs.fuse.control.MountTable;
import io.sheepfs.fuse.transport.Fusermount;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The directory to mount at: what is wrong with it, and what can be mended by itself. */
final class Mountpoint {

  private static final Logger log = LoggerFactory.getLogger(Mountpoint.class);
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
    MountTable.Entry mounted = MountTable.at(path);
    if (mounted != null && mounted.type().startsWith("fuse")) {
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

  /**
   * Takes away the mount that is left when the kernel was told to abort the session: nobody serves
   * it any more. One that was unmounted, or that another process serves by now, is left alone.
   */
  void sweep() throws IOException {
    MountTable.Entry mounted = MountTable.at(path);
    if (mounted != null && mounted.type().equals(MountTable.TYPE) && isDead()) {
      log.warn("The session was aborted; unmounting {}", path);
      Fusermount.detach(path);
    }
  }

  private static MountFailure failure(String message) {
    return new MountFailure(Sheepfs.EXIT_MOUNT_FAILED, message);
  }

  private boolean isEmpty() throws IOException {
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(path)) {
      return !entries.iterator().hasNext();
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
  }

  private boolean isDead() {
    // attributes would not do: the kernel may remember them for a while
    try {
      isEmpty();
      return false;
    } catch (AccessDeniedException e) {
      return false;
    } catch (IOException e) {
      return true;
    }
  }

  private void unmountDead() throws IOException {
    for (String program : new String[] {"umount", "fusermount3", "fusermount"}) {
      String flag = program.equals("umount") ? "-il" : "-uz";
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
