package io.sheepfs.cache;

import io.sheepfs.cache.CacheOptions.DiskAccess;
import io.sheepfs.protocol.VdiId;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A cache directory on a real file system.
 *
 * <pre>
 *   CACHE_DIR/lock            locked by the process that uses the directory
 *   CACHE_DIR/state           whose cache it is, and how it was left
 *   CACHE_DIR/quotas          how much of it each VDI may have
 *   CACHE_DIR/quarantine/     what made no sense; nothing here is ever read again
 *   CACHE_DIR/&lt;vid %06x&gt;/maps
 *   CACHE_DIR/&lt;vid %06x&gt;/&lt;index %08x&gt;
 * </pre>
 *
 * <p>Directories have mode 0700, files 0600, and links are not followed.
 */
final class FileDisk implements CacheDisk {

  private static final Logger log = LoggerFactory.getLogger(FileDisk.class);
  private static final Path BOOT_ID = Path.of("/proc/sys/kernel/random/boot_id");
  private static final String LOCK = "lock";
  private static final String STATE = "state";
  private static final String QUOTAS = "quotas";
  private static final String NEW = ".new";
  private static final String QUARANTINE = "quarantine";
  private static final String PROBE = "probe";
  private static final String MAPS = "maps";
  private static final int MAX_STATE_BYTES = 4096;
  private static final int MAX_QUOTAS_BYTES = 1 << 20;
  private static final int ZEROS_BYTES = 1 << 16;
  private static final Pattern VDI_NAME = Pattern.compile("[0-9a-f]{6}");
  private static final Pattern OBJECT_NAME = Pattern.compile("[0-9a-f]{8}");
  private static final FileAttribute<?> DIRECTORY_MODE =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));
  private static final FileAttribute<?> FILE_MODE =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
  private static final Set<OpenOption> READ_WRITE =
      Set.of(
          StandardOpenOption.CREATE,
          StandardOpenOption.READ,
          StandardOpenOption.WRITE,
          LinkOption.NOFOLLOW_LINKS);

  /** What most reads and writes have that cannot be direct; larger ones allocate. */
  private static final int BOUNCED_BYTES = 1 << 18;

  private final Path directory;
  private final FileChannel lockFile;

  /** How the files of objects are opened. */
  private final Set<OpenOption> objectAccess;

  /** For direct I/O; null if there is none. */
  private final @Nullable BlockBuffers aligned;

  private FileDisk(Path directory, FileChannel lockFile, DiskAccess access) throws IOException {
    this.directory = directory;
    this.lockFile = lockFile;
    this.objectAccess = objectAccess(access);
    this.aligned = access.isDirect() ? new BlockBuffers(BOUNCED_BYTES) : null;
  }

  /**
   * Opens a cache directory, and makes it if need be.
   *
   * @throws IOException with a message for the user if another process uses it, or if its files
   *     cannot be opened so
   */
  static FileDisk open(Path directory, DiskAccess access) throws IOException {
    if (!Files.isDirectory(directory)) {
      Files.createDirectories(directory.toAbsolutePath().getParent());
      Files.createDirectory(directory, DIRECTORY_MODE);
    }
    Path lockPath = directory.resolve(LOCK);
    FileChannel lockFile = FileChannel.open(lockPath, READ_WRITE, FILE_MODE);
    FileLock lock = null;
    try {
      lock = lockFile.tryLock();
    } catch (OverlappingFileLockException e) {
      log.debug("the cache directory {} is locked by this process", directory);
    } finally {
      if (lock == null) {
        lockFile.close();
      }
    }
    if (lock == null) {
      throw new IOException("cache directory " + directory + " is in use by another process");
    }
    boolean done = false;
    try {
      FileDisk disk = new FileDisk(directory, lockFile, access);
      if (access.isDirect()) {
        disk.probeDirect();
      }
      done = true;
      return disk;
    } finally {
      if (!done) {
        lockFile.close();
      }
    }
  }

  private static Set<OpenOption> objectAccess(DiskAccess access) throws IOException {
    Set<OpenOption> options = new HashSet<>(READ_WRITE);
    if (access.isDirect()) {
      options.add(DirectIo.option());
    }
    if (access.isDsync()) {
      options.add(StandardOpenOption.DSYNC);
    }
    return Set.copyOf(options);
  }

  /** Fails unless blocks can be written and read past the page cache. */
  private void probeDirect() throws IOException {
    Path path = directory.resolve(PROBE);
    Files.deleteIfExists(path);
    try (ChannelFile file = new ChannelFile(path, objectAccess, FILE_MODE, aligned)) {
      file.write(ByteBuffer.allocate(BlockMap.BLOCK_BYTES), 0);
      file.read(ByteBuffer.allocate(BlockMap.BLOCK_BYTES), 0);
    } catch (IOException | UnsupportedOperationException e) {
      throw new IOException("the file system of " + directory + " takes no direct I/O: " + e, e);
    } finally {
      Files.deleteIfExists(path);
    }
  }

  @Override
  public String bootId() throws IOException {
    return Files.readString(BOOT_ID).strip();
  }

  @Override
  public byte @Nullable [] readState() throws IOException {
    return readRecord(STATE, MAX_STATE_BYTES);
  }

  @Override
  public byte @Nullable [] readQuotas() throws IOException {
    return readRecord(QUOTAS, MAX_QUOTAS_BYTES);
  }

  private byte @Nullable [] readRecord(String name, int maxBytes) throws IOException {
    Path path = directory.resolve(name);
    try {
      if (Files.size(path) > maxBytes) {
        throw new IOException(path + " is damaged: longer than " + maxBytes + " bytes");
      }
      return Files.readAllBytes(path);
    } catch (NoSuchFileException e) {
      return null;
    }
  }

  @Override
  public void writeState(byte[] state) throws IOException {
    writeRecord(STATE, state);
  }

  @Override
  public void writeQuotas(byte[] quotas) throws IOException {
    writeRecord(QUOTAS, quotas);
  }

  private void writeRecord(String name, byte[] record) throws IOException {
    Path temporary = directory.resolve(name + NEW);
    Files.deleteIfExists(temporary);
    try (FileChannel file = FileChannel.open(temporary, READ_WRITE, FILE_MODE)) {
      ByteBuffer bytes = ByteBuffer.wrap(record);
      while (bytes.hasRemaining()) {
        file.write(bytes);
      }
      file.force(true);
    }
    Files.move(temporary, directory.resolve(name), StandardCopyOption.ATOMIC_MOVE);
    forceDirectory(directory);
  }

  @Override
  public List<VdiId> vdis() throws IOException {
    Set<String> own = Set.of(LOCK, STATE, STATE + NEW, QUOTAS, QUOTAS + NEW, PROBE, QUARANTINE);
    List<VdiId> vdis = new ArrayList<>();
    for (Path entry : list(directory)) {
      String name = entry.getFileName().toString();
      if (own.contains(name) || name.equals("lost+found")) {
        continue;
      }
      if (VDI_NAME.matcher(name).matches()
          && !name.equals("000000")
          && attributes(entry).isDirectory()) {
        vdis.add(new VdiId(HexFormat.fromHexDigits(name)));
      } else {
        setAside(entry, name);
      }
    }
    return vdis;
  }

  @Override
  public List<Integer> objects(VdiId vid) throws IOException {
    List<Integer> indexes = new ArrayList<>();
    for (Path entry : list(path(vid))) {
      String name = entry.getFileName().toString();
      if (name.equals(MAPS)) {
        continue;
      }
      if (OBJECT_NAME.matcher(name).matches() && attributes(entry).isRegularFile()) {
        indexes.add(HexFormat.fromHexDigits(name));
      } else {
        setAside(entry, path(vid).getFileName() + "-" + name);
      }
    }
    return indexes;
  }

  private static List<Path> list(Path directory) throws IOException {
    List<Path> paths = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
      entries.forEach(paths::add);
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
    return paths;
  }

  /**
   * Not {@code Files.isDirectory} and the like: they say no, too, when the disk does not answer.
   */
  private static BasicFileAttributes attributes(Path path) throws IOException {
    return Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
  }

  @Override
  public ObjectFile open(VdiId vid, int index) throws IOException {
    makeVdiDirectory(vid);
    return new ChannelFile(path(vid, index), objectAccess, FILE_MODE, aligned);
  }

  @Override
  public void delete(VdiId vid, int index) throws IOException {
    Files.deleteIfExists(path(vid, index));
  }

  @Override
  public void deleteVdi(VdiId vid) throws IOException {
    deleteTree(path(vid));
  }

  /** Removes a directory and all there is in it; one that is not there is a success. */
  static void deleteTree(Path root) throws IOException {
    try {
      if (!attributes(root).isDirectory()) {
        return;
      }
    } catch (NoSuchFileException e) {
      return;
    }
    Files.walkFileTree(
        root,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path dir, @Nullable IOException e)
              throws IOException {
            if (e != null) {
              throw e;
            }
            Files.delete(dir);
            return FileVisitResult.CONTINUE;
          }
        });
  }

  @Override
  public void quarantine(VdiId vid) throws IOException {
    setAside(path(vid), path(vid).getFileName().toString());
  }

  @Override
  public long mapBytes(VdiId vid) throws IOException {
    try {
      return Files.size(path(vid).resolve(MAPS));
    } catch (NoSuchFileException e) {
      return 0;
    }
  }

  @Override
  public ByteBuffer map(VdiId vid, long position, int length) throws IOException {
    makeVdiDirectory(vid);
    try (FileChannel file = FileChannel.open(path(vid).resolve(MAPS), READ_WRITE, FILE_MODE)) {
      // A store into a mapped hole of a full disk would kill the process, so there are no holes.
      ByteBuffer zeros = ByteBuffer.allocate(ZEROS_BYTES);
      for (long size = file.size(); size < position + length; size = file.size()) {
        zeros.clear().limit((int) Math.min(zeros.capacity(), position + length - size));
        file.write(zeros, size);
      }
      return file.map(FileChannel.MapMode.READ_WRITE, position, length);
    }
  }

  @Override
  public void forceMaps(VdiId vid) throws IOException {
    try (FileChannel file = FileChannel.open(path(vid).resolve(MAPS), StandardOpenOption.WRITE)) {
      file.force(true);
    } catch (NoSuchFileException e) {
      log.debug("VDI {} has no maps", vid);
    }
    try {
      forceDirectory(path(vid));
    } catch (NoSuchFileException e) {
      return;
    }
    forceDirectory(directory);
  }

  @Override
  public void probe() throws IOException {
    Path path = directory.resolve(PROBE);
    try (FileChannel file = FileChannel.open(path, READ_WRITE, FILE_MODE)) {
      file.write(ByteBuffer.allocate(ZEROS_BYTES));
      file.force(true);
    } finally {
      Files.deleteIfExists(path);
    }
  }

  @Override
  public long freeBytes() throws IOException {
    return Files.getFileStore(directory).getUsableSpace();
  }

  @Override
  public void close() throws IOException {
    lockFile.close();
  }

  private void makeVdiDirectory(VdiId vid) throws IOException {
    Path path = path(vid);
    if (!Files.isDirectory(path)) {
      Files.createDirectories(path, DIRECTORY_MODE);
    }
  }

  private void setAside(Path entry, String name) throws IOException {
    Path quarantine = Files.createDirectories(directory.resolve(QUARANTINE), DIRECTORY_MODE);
    Path target = quarantine.resolve(name);
    for (int i = 1; Files.exists(target, LinkOption.NOFOLLOW_LINKS); i++) {
      target = quarantine.resolve(name + "." + i);
    }
    log.warn("{} makes no sense in a cache; it is now {}", entry, target);
    Files.move(entry, target);
  }

  private Path path(VdiId vid) {
    return directory.resolve(HexFormat.of().toHexDigits(vid.value(), 6));
  }

  private Path path(VdiId vid, int index) {
    return path(vid).resolve(HexFormat.of().toHexDigits(index));
  }

  private static void forceDirectory(Path path) throws IOException {
    try (FileChannel handle = FileChannel.open(path, StandardOpenOption.READ)) {
      handle.force(true);
    }
  }
}
