package io.sheepfs.store.cluster;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.Set;

/**
 * With which name and password a sheep logs in to ZooKeeper; nobody else may then read or change
 * what the cluster keeps there. All nodes of a cluster have the same.
 *
 * <p>It is not shown in texts.
 */
public final class ZooKeeperLogin {

  private static final int MAX_BYTES = 1024;

  private final String words;

  private ZooKeeperLogin(String words) {
    this.words = words;
  }

  /**
   * Reads a file of one line, {@code NAME:PASSWORD}.
   *
   * @throws IOException with a message for the user, also if others may read the file
   */
  public static ZooKeeperLogin read(Path file) throws IOException {
    Set<PosixFilePermission> modes = Files.getPosixFilePermissions(file);
    if (modes.contains(PosixFilePermission.OTHERS_READ)
        || modes.contains(PosixFilePermission.OTHERS_WRITE)) {
      throw new IOException(file + " has a password, and all may read it; chmod o-rwx it");
    }
    if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS) || Files.size(file) > MAX_BYTES) {
      throw new IOException(file + " is no short file of one line, NAME:PASSWORD");
    }
    String line = Files.readString(file).stripTrailing();
    if (!line.matches("[^:\\s]+:[^\\n\\r]+")) {
      throw new IOException(file + " is no short file of one line, NAME:PASSWORD");
    }
    return new ZooKeeperLogin(line);
  }

  /** As ZooKeeper's digest scheme wants it. */
  byte[] digest() {
    return words.getBytes(StandardCharsets.UTF_8);
  }

  @Override
  public String toString() {
    return words.substring(0, words.indexOf(':'));
  }
}
