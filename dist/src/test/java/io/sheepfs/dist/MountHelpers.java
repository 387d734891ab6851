package io.sheepfs.dist;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;

/**
 * The helpers where mount(8) and umount(8) look for them, as a package would install them, until it
 * is closed. Several builds on one machine take turns.
 */
final class MountHelpers implements AutoCloseable {

  private static final Path MOUNT = Path.of("/sbin/mount.sheepfs");
  private static final List<Path> UMOUNT =
      List.of(Path.of("/sbin/umount.fuse.sheepfs"), Path.of("/sbin/umount.sheepfs"));

  private final FileChannel lockFile;
  private final FileLock lock;

  private MountHelpers(FileChannel lockFile, FileLock lock) {
    this.lockFile = lockFile;
    this.lock = lock;
  }

  static MountHelpers install() throws IOException {
    FileChannel file =
        FileChannel.open(
            Path.of("/run/lock/sheepfs-it"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    MountHelpers helpers = new MountHelpers(file, file.lock());
    removeLinks(); // of a run that was killed
    Files.createSymbolicLink(MOUNT, MountedStore.ROOT.resolve("bin/mount.sheepfs"));
    for (Path link : UMOUNT) {
      Files.createSymbolicLink(link, MountedStore.ROOT.resolve("bin/umount.sheepfs"));
    }
    return helpers;
  }

  private static void removeLinks() throws IOException {
    Files.deleteIfExists(MOUNT);
    for (Path link : UMOUNT) {
      Files.deleteIfExists(link);
    }
  }

  @Override
  public void close() throws IOException {
    removeLinks();
    lock.release();
    lockFile.close();
  }
}
