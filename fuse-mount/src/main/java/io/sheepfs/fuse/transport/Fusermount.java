package io.sheepfs.fuse.transport;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import jnr.constants.platform.Errno;

/** The setuid program that mounts and unmounts for those who are not root, and what root does. */
public final class Fusermount {

  private static final List<Path> PROGRAMS =
      List.of(
          Path.of("/usr/bin/fusermount3"),
          Path.of("/bin/fusermount3"),
          Path.of("/usr/bin/fusermount"),
          Path.of("/bin/fusermount"));

  private Fusermount() {}

  /**
   * Starts the program.
   *
   * @param socket an end of a socket pair, over which it sends the mounted descriptor; -1 for none
   * @return its process id, for {@link #await}
   */
  public static int start(int socket, String... arguments) throws IOException {
    Path program = program();
    if (socket >= 0 && LibC.INSTANCE.fcntl(socket, LibC.F_SETFD, 0) != 0) {
      throw failure("cannot hand a socket to " + program);
    }
    String[] argv = new String[arguments.length + 1];
    argv[0] = program.getFileName().toString();
    System.arraycopy(arguments, 0, argv, 1, arguments.length);
    int[] pid = new int[1];
    String[] environment = {"_FUSE_COMMFD=" + socket, "PATH=/usr/sbin:/usr/bin:/sbin:/bin"};
    int error = LibC.INSTANCE.posix_spawn(pid, program.toString(), null, null, argv, environment);
    if (error != 0) {
      throw new IOException("cannot start " + program + ": " + Errno.valueOf(error).description());
    }
    return pid[0];
  }

  /** Waits for the end of a program that {@link #start} started. */
  public static void await(int pid) {
    while (LibC.INSTANCE.waitpid(pid, new int[1], 0) < 0 && LibC.errno() == LibC.EINTR) {
      // A signal came first; the child is still ours to reap.
    }
  }

  /**
   * Takes a FUSE mount off its mountpoint, even when it is in use: who has files open keeps them.
   * Does nothing where nothing is mounted.
   */
  public static void detach(Path mountpoint) throws IOException {
    if (LibC.INSTANCE.geteuid() == 0) {
      if (LibC.INSTANCE.umount2(mountpoint.toString(), LibC.MNT_DETACH) != 0
          && LibC.errno() != LibC.EINVAL) {
        throw failure("cannot unmount " + mountpoint);
      }
      return;
    }
    await(start(-1, "-u", "-z", "-q", "--", mountpoint.toString()));
  }

  private static Path program() throws IOException {
    for (Path candidate : PROGRAMS) {
      if (Files.isExecutable(candidate)) {
        return candidate;
      }
    }
    throw new IOException("mounting without root needs fusermount3; install the package fuse3");
  }

  private static IOException failure(String what) {
    return new IOException(what + ": " + Errno.valueOf(LibC.errno()).description());
  }
}
