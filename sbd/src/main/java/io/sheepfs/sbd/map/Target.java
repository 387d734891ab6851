package io.sheepfs.sbd.map;

import io.sheepfs.protocol.SnapshotTag;
import io.sheepfs.protocol.VdiName;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * What is mapped: a VDI or a snapshot of the cluster that a sheep belongs to.
 *
 * @param name {@code VDI} or {@code VDI@TAG}; a VDI with an {@code @} in its name is found first
 */
public record Target(String host, int port, String name) {

  /**
   * Validates what can be validated without asking.
   *
   * @throws IllegalArgumentException with a message for the user
   */
  public Target {
    VdiName unused = new VdiName(name);
    if (port < 1 || port > 0xFFFF) {
      throw new IllegalArgumentException("not a port: " + port);
    }
    if (host.isEmpty() || host.startsWith("-")) {
      throw new IllegalArgumentException("not a host: " + host);
    }
    if (name.indexOf('\n') >= 0 || host.indexOf('\n') >= 0) {
      throw new IllegalArgumentException("a name with a line break cannot be mapped");
    }
  }

  /** Its file in a mount of the cluster; null if there is none. */
  @Nullable Path fileIn(Path mountpoint) {
    Path volume = mountpoint.resolve("volume").resolve(name);
    if (Files.exists(volume)) {
      return volume;
    }
    int at = name.lastIndexOf('@');
    if (at < 1 || at == name.length() - 1) {
      return null;
    }
    String vdi = new VdiName(name.substring(0, at)).value();
    String tag = new SnapshotTag(name.substring(at + 1)).value();
    Path snapshot = mountpoint.resolve("snapshot").resolve(vdi).resolve(tag);
    return Files.exists(snapshot) ? snapshot : null;
  }

  @Override
  public String toString() {
    return name + " of " + host + ":" + port;
  }
}
