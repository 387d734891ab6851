package io.sheepfs.sbd.map;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * What is mapped on this machine: a directory that does not outlive a boot, with one directory for
 * each device.
 *
 * <pre>
 *   lock         held by the command that changes something
 *   N/device     the device, once it is whole
 *   N/mnt        the mount behind a loop device
 *   N/socket     the server behind an NBD device
 *   N/log        its log
 * </pre>
 */
final class DeviceTable {

  private static final String STATE = "device";
  private static final int MAX_ID = 1 << 15;

  private final Path directory;
  private final Path links;

  /**
   * A table.
   *
   * @param links where the names of the devices are: /dev
   */
  DeviceTable(Path directory, Path links) {
    this.directory = directory;
    this.links = links;
  }

  /** A change of what is mapped. */
  interface Change<T> {
    T run() throws IOException;
  }

  /** Makes a change while no other command does. Waits for others to end. */
  <T> T locked(Change<T> change) throws IOException {
    Files.createDirectories(
        directory,
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    try (FileChannel lock =
        FileChannel.open(
            directory.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      lock.lock();
      return change.run();
    }
  }

  /** The ids that have a directory, whole or not, in order. */
  List<Integer> ids() throws IOException {
    List<Integer> ids = new ArrayList<>();
    if (Files.isDirectory(directory)) {
      try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
        for (Path entry : entries) {
          String name = String.valueOf(entry.getFileName());
          if (name.matches("[0-9]{1,5}")) {
            ids.add(Integer.valueOf(name));
          }
        }
      }
    }
    ids.sort(Comparator.naturalOrder());
    return ids;
  }

  List<Device> devices() throws IOException {
    List<Device> devices = new ArrayList<>();
    for (int id : ids()) {
      if (isWhole(id)) {
        devices.add(device(id));
      }
    }
    return devices;
  }

  boolean isWhole(int id) {
    return Files.exists(path(id).resolve(STATE));
  }

  Device device(int id) throws IOException {
    return Device.decode(id, Files.readString(path(id).resolve(STATE)));
  }

  Path path(int id) {
    return directory.resolve(Integer.toString(id));
  }

  /** The name of the device, or of a partition. */
  Path link(int id, String partition) {
    return links.resolve("sbd" + id + partition);
  }

  /** The lowest id that nothing has. */
  int freeId() throws IOException {
    for (int id = 0; id < MAX_ID; id++) {
      if (isFree(id)) {
        return id;
      }
    }
    throw new IOException("all " + MAX_ID + " devices are taken");
  }

  boolean isFree(int id) {
    return !Files.exists(path(id)) && !Files.exists(link(id, ""), LinkOption.NOFOLLOW_LINKS);
  }

  /** Remembers a device that is whole. */
  void save(Device device) throws IOException {
    Path temporary = path(device.id()).resolve(STATE + ".tmp");
    Files.writeString(temporary, device.encode());
    Files.move(temporary, path(device.id()).resolve(STATE), StandardCopyOption.ATOMIC_MOVE);
  }

  /** Makes the names of a device and of its partitions, and removes others. */
  void link(Device device, List<Integer> partitions) throws IOException {
    removePartitionLinks(device.id());
    replaceLink(link(device.id(), ""), Path.of(device.node()));
    for (int partition : partitions) {
      String suffix = "p" + partition;
      replaceLink(link(device.id(), suffix), Path.of(device.node() + suffix));
    }
  }

  private static void replaceLink(Path link, Path target) throws IOException {
    if (Files.isSymbolicLink(link)) {
      if (Files.readSymbolicLink(link).equals(target)) {
        return;
      }
      Files.delete(link);
    }
    Files.createSymbolicLink(link, target);
  }

  void unlink(int id) throws IOException {
    removePartitionLinks(id);
    if (Files.isSymbolicLink(link(id, ""))) {
      Files.delete(link(id, ""));
    }
  }

  private void removePartitionLinks(int id) throws IOException {
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(links, "sbd" + id + "p[0-9]*")) {
      for (Path entry : entries) {
        if (Files.isSymbolicLink(entry)) {
          Files.delete(entry);
        }
      }
    }
  }

  /** Forgets a device whose mount is gone. */
  void forget(int id) throws IOException {
    unlink(id);
    Files.deleteIfExists(path(id).resolve(STATE));
    try (Stream<Path> files = Files.list(path(id))) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }
    Files.delete(path(id));
  }
}
