package io.sheepfs.fuse.control;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;

/**
 * Where the sockets of a user's mounts are: {@code /run/sheepfs} for root, else {@code
 * /run/user/UID/sheepfs}, or {@code /tmp/sheepfs-UID} where no session manager made the former. It
 * is found by the user's number alone, with no variable of the environment, so that root finds
 * everybody's mounts and a mount that the boot started is found by all.
 */
final class RunDirectory {

  private static final String SUFFIX = ".sock";

  private RunDirectory() {}

  /** The user of this process. */
  static int user() throws IOException {
    return (Integer) Files.getAttribute(Path.of("/proc/self"), "unix:uid");
  }

  /** Makes the directory of this process's user, if there is none. */
  static Path make() throws IOException {
    int user = user();
    IOException refused = null;
    for (Path candidate : candidates(user)) {
      try {
        try {
          Files.createDirectory(
              candidate,
              PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        } catch (FileAlreadyExistsException e) {
          if (!isOurs(candidate, user)) {
            throw new IOException(candidate + " belongs to somebody else", e);
          }
        }
        if (Files.isWritable(candidate)) {
          return candidate;
        }
      } catch (IOException e) {
        refused = e;
      }
    }
    throw refused == null ? new IOException("no directory for control sockets") : refused;
  }

  /** Where the sockets of a user's mounts may be. */
  static List<Path> existing(int user) throws IOException {
    List<Path> directories = new ArrayList<>();
    for (Path candidate : candidates(user)) {
      if (Files.exists(candidate, LinkOption.NOFOLLOW_LINKS) && isOurs(candidate, user)) {
        directories.add(candidate);
      }
    }
    return directories;
  }

  private static List<Path> candidates(int user) {
    String number = Integer.toUnsignedString(user);
    Path temporary = Path.of("/tmp/sheepfs-" + number);
    return user == 0
        ? List.of(Path.of("/run/sheepfs"), temporary)
        : List.of(Path.of("/run/user", number, "sheepfs"), temporary);
  }

  /** In /tmp anybody can be first with a name: only a directory of the user himself is trusted. */
  private static boolean isOurs(Path directory, int user) throws IOException {
    Map<String, Object> attributes =
        Files.readAttributes(directory, "unix:uid,mode,isDirectory", LinkOption.NOFOLLOW_LINKS);
    return Boolean.TRUE.equals(attributes.get("isDirectory"))
        && Integer.valueOf(user).equals(attributes.get("uid"))
        && attributes.get("mode") instanceof Integer mode
        && (mode & 0022) == 0;
  }

  /** The name of a mountpoint's socket: short, whatever the path is. */
  static String socketName(Path mountpoint) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256")
              .digest(mountpoint.toString().getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest, 0, 12) + SUFFIX;
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  /** Removes the sockets of mounts that were killed. */
  static void sweep(Path directory) throws IOException {
    try (DirectoryStream<Path> sockets = Files.newDirectoryStream(directory, "*" + SUFFIX)) {
      for (Path socket : sockets) {
        if (isDead(socket)) {
          Files.deleteIfExists(socket);
        }
      }
    }
  }

  private static boolean isDead(Path socket) {
    try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
      channel.connect(UnixDomainSocketAddress.of(socket));
      return false;
    } catch (IOException e) {
      return String.valueOf(e.getMessage()).contains("refused");
    }
  }
}
