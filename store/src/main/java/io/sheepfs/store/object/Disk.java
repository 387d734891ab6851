package io.sheepfs.store.object;

import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.telemetry.Stage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Every change that a store makes to its directory goes through here, so that all of it has the
 * same modes and a test can stop or fail it at any step. Files are made 0600 and directories 0700;
 * a symbolic link in the place of either is refused.
 *
 * <p>Safe for any number of threads.
 */
public final class Disk {

  /** Called before each change; a test makes the disk fail by throwing from it. */
  @FunctionalInterface
  public interface ChangeListener {
    /**
     * A change is about to be made.
     *
     * @throws IOException to let it fail instead
     */
    void beforeChange(Change change, Path path) throws IOException;
  }

  /** What can be done to a directory or file. */
  public enum Change {
    CREATE,
    WRITE,
    TRUNCATE,
    FORCE,
    RENAME,
    DELETE,
    MAKE_DIRECTORY,
    FORCE_DIRECTORY
  }

  private static final Logger log = LoggerFactory.getLogger(Disk.class);

  private static final Set<OpenOption> OPEN =
      Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS);
  private static final Set<OpenOption> OPEN_READ_ONLY =
      Set.of(StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS);
  private static final Set<OpenOption> CREATE_NEW =
      Set.of(
          StandardOpenOption.READ,
          StandardOpenOption.WRITE,
          StandardOpenOption.CREATE_NEW,
          LinkOption.NOFOLLOW_LINKS);
  private static final FileAttribute<?>[] NO_ATTRIBUTES = {};

  /** Less than this left means that a failure was for want of space, whatever its text says. */
  private static final long NO_SPACE_LEFT_BYTES = 64 << 10;

  /** No small file comes near to this. */
  private static final long MAX_SMALL_FILE_BYTES = 64 << 20;

  private final Path root;
  private final ChangeListener listener;
  private final FileAttribute<?>[] fileMode;
  private final FileAttribute<?>[] directoryMode;
  private final boolean directoriesCanBeForced;

  /** The disk that holds {@code root}. */
  public Disk(Path root, ChangeListener listener) {
    this.root = root;
    this.listener = listener;
    boolean posix = root.getFileSystem().supportedFileAttributeViews().contains("posix");
    this.fileMode = posix ? mode("rw-------") : NO_ATTRIBUTES;
    this.directoryMode = posix ? mode("rwx------") : NO_ATTRIBUTES;
    this.directoriesCanBeForced =
        root.getFileSystem().provider().getScheme().equals("file")
            && root.getFileSystem().getSeparator().equals("/");
  }

  private static FileAttribute<?>[] mode(String permissions) {
    return new FileAttribute<?>[] {
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(permissions))
    };
  }

  /** The disk that holds another directory, with the same listener. */
  public Disk at(Path otherRoot) {
    return new Disk(otherRoot, listener);
  }

  /** Opens a file that exists, for reading and writing. */
  public FileChannel open(Path file) throws IOException {
    return FileChannel.open(file, OPEN);
  }

  /** Makes and opens a file that must not exist. */
  public FileChannel createNew(Path file) throws IOException {
    listener.beforeChange(Change.CREATE, file);
    return FileChannel.open(file, CREATE_NEW, fileMode);
  }

  /** Writes all of {@code src}. */
  public void write(FileChannel channel, Path file, long position, ByteBuffer src)
      throws IOException {
    listener.beforeChange(Change.WRITE, file);
    long begin = Stage.begin();
    long at = position;
    while (src.hasRemaining()) {
      at += channel.write(src, at);
    }
    long unused = Stage.STORE_WRITE.end(begin);
  }

  /** Copies a range of one file into another, at the same position; it may stop at the end. */
  public void copy(FileChannel from, FileChannel to, Path toFile, long start, long end)
      throws IOException {
    listener.beforeChange(Change.WRITE, toFile);
    to.position(start);
    long at = start;
    while (at < end) {
      long copied = from.transferTo(at, end - at, to);
      if (copied <= 0) {
        return;
      }
      at += copied;
    }
  }

  /** Cuts a file off. */
  public void truncate(FileChannel channel, Path file, long sizeBytes) throws IOException {
    listener.beforeChange(Change.TRUNCATE, file);
    channel.truncate(sizeBytes);
  }

  /** Makes the content of a file durable. */
  public void force(FileChannel channel, Path file) throws IOException {
    listener.beforeChange(Change.FORCE, file);
    long begin = Stage.begin();
    channel.force(false);
    long unused = Stage.STORE_FLUSH.end(begin);
  }

  /** Gives a file another name, in place of what had that name. */
  public void rename(Path from, Path to) throws IOException {
    listener.beforeChange(Change.RENAME, to);
    Files.move(from, to, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  /** Removes a file; false if there was none. */
  public boolean delete(Path file) throws IOException {
    listener.beforeChange(Change.DELETE, file);
    return Files.deleteIfExists(file);
  }

  /** Removes what a failure left half made; if that fails too, the next start will do it. */
  public void cleanUp(Path file) {
    try {
      delete(file);
    } catch (IOException e) {
      log.warn("{} is left behind: {}", file, e.toString());
    }
  }

  /** Makes a directory, and those above it; one that exists is a success. */
  public void makeDirectories(Path directory) throws IOException {
    if (Files.isDirectory(directory)) {
      return;
    }
    listener.beforeChange(Change.MAKE_DIRECTORY, directory);
    Files.createDirectories(directory, directoryMode);
  }

  /** Makes the names in a directory durable, where the file system knows how to. */
  public void forceDirectory(Path directory) throws IOException {
    listener.beforeChange(Change.FORCE_DIRECTORY, directory);
    if (directoriesCanBeForced) {
      try (FileChannel channel = FileChannel.open(directory, OPEN_READ_ONLY)) {
        long begin = Stage.begin();
        channel.force(true);
        long unused = Stage.STORE_FLUSH.end(begin);
      }
    }
  }

  /** Replaces a small file by {@code content}, durably and as a whole. */
  public void replace(Path file, ByteBuffer content) throws IOException {
    Path temporary = file.resolveSibling(file.getFileName() + ".tmp");
    delete(temporary);
    try (FileChannel channel = createNew(temporary)) {
      write(channel, temporary, 0, content);
      force(channel, temporary);
    }
    rename(temporary, file);
    Path parent = file.toAbsolutePath().getParent();
    if (parent != null) {
      forceDirectory(parent);
    }
  }

  /**
   * The content of a small file.
   *
   * @throws DamagedFileException if it is far too long for one
   */
  public ByteBuffer readAll(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file, OPEN_READ_ONLY)) {
      if (channel.size() > MAX_SMALL_FILE_BYTES) {
        throw new DamagedFileException(file, "it has " + channel.size() + " bytes");
      }
      ByteBuffer content = ByteBuffer.allocate((int) channel.size());
      while (content.hasRemaining() && channel.read(content) >= 0) {}
      return content.flip();
    }
  }

  /**
   * Whether there is something, be it a link. {@link Files#exists} says no also when the disk does
   * not answer, which can be taken for a store that is new, or for a change that was never begun.
   */
  public static boolean exists(Path path) throws IOException {
    try {
      BasicFileAttributes unused =
          Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
      return true;
    } catch (NoSuchFileException e) {
      return false;
    }
  }

  /** What is in a directory. */
  public List<Path> list(Path directory) throws IOException {
    List<Path> paths = new ArrayList<>();
    try (DirectoryStream<Path> stream = Files.newDirectoryStream(directory)) {
      stream.forEach(paths::add);
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
    return paths;
  }

  /** The failure of the disk as the rest of the system knows failures. */
  public SheepException failure(String what, IOException e) {
    return e instanceof SheepException known
        ? known
        : new SheepException(isOutOfSpace(e) ? ResultCode.NO_SPACE : ResultCode.EIO, what, e);
  }

  private boolean isOutOfSpace(IOException e) {
    String reason = e instanceof FileSystemException failed ? failed.getReason() : e.getMessage();
    if (reason == null) {
      return false;
    }
    if (reason.contains("No space left")
        || reason.contains("Disk quota")
        || reason.contains("out of disk space")) {
      return true;
    }
    try {
      // the text above is in the language of the user
      return Files.getFileStore(root).getUsableSpace() < NO_SPACE_LEFT_BYTES;
    } catch (IOException unknown) {
      e.addSuppressed(unknown);
      return false;
    }
  }
}
