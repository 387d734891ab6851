package io.sheepfs.dist;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.Map;

/**
 * The helpers where mount(8) and umount(8) look for them, as a package would install them, until it
 * is closed; then what was there before is again. Several builds on one machine take turns.
 */
final class MountHelpers implements AutoCloseable {

  private static final Path BIN = MountedStore.ROOT.resolve("bin");
  private static final Map<Path, Path> LINKS =
      Map.of(
          Path.of("/sbin/mount.sheepfs"), BIN.resolve("mount.sheepfs"),
          Path.of("/sbin/umount.sheepfs"), BIN.resolve("umount.sheepfs"),
          Path.of("/sbin/umount.fuse.sheepfs"), BIN.resolve("umount.sheepfs"));

  private final FileChannel lock;
  private final Map<Path, Path> before = new HashMap<>();

  private MountHelpers(FileChannel lock) {
    this.lock = lock;
  }

  static MountHelpers install() throws IOException {
    FileChannel file =
        FileChannel.open(
            Path.of("/run/lock/sheepfs-it"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    file.lock(); // until the file is closed
    MountHelpers helpers = new MountHelpers(file);
    for (Map.Entry<Path, Path> link : LINKS.entrySet()) {
      if (Files.isSymbolicLink(link.getKey())) {
        Path target = Files.readSymbolicLink(link.getKey());
        if (!target.equals(link.getValue())) { // else a run of ours was killed
          helpers.before.put(link.getKey(), target);
        }
        Files.delete(link.getKey());
      }
      Files.createSymbolicLink(link.getKey(), link.getValue());
    }
    return helpers;
  }

  @Override
  public void close() throws IOException {
    for (Path link : LINKS.keySet()) {
      Files.deleteIfExists(link);
      Path target = before.get(link);
      if (target != null) {
        Files.createSymbolicLink(link, target);
      }
    }
    lock.close();
  }
}
