package io.sheepfs.cache.coherence;

import io.sheepfs.protocol.VdiId;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HexFormat;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The records of a cache directory, a file for each VDI. They survive the death of the process; a
 * reboot only after {@link #force}, as the cache itself. Safe for any number of threads; the
 * records of one VDI are changed by one at a time.
 */
final class WriterRecords {

  private static final Logger log = LoggerFactory.getLogger(WriterRecords.class);
  private static final Pattern FILE_NAME = Pattern.compile("[0-9a-f]{6}");
  private static final FileAttribute<?> DIRECTORY_MODE =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));
  private static final FileAttribute<?> FILE_MODE =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
  private static final Set<OpenOption> WRITE =
      Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS);

  private final Path directory;
  private final Map<VdiId, WriterRecord> records = new ConcurrentHashMap<>();

  private WriterRecords(Path directory) {
    this.directory = directory;
  }

  /** Reads the records in a directory, and makes it if need be. Damaged ones are removed. */
  static WriterRecords open(Path directory) throws IOException {
    if (!Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS)) {
      Files.createDirectory(directory, DIRECTORY_MODE);
    }
    WriterRecords records = new WriterRecords(directory);
    try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
      for (Path file : files) {
        records.load(file);
      }
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
    return records;
  }

  private void load(Path file) throws IOException {
    String name = file.getFileName().toString();
    BasicFileAttributes attributes =
        Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
    WriterRecord record = null;
    if (FILE_NAME.matcher(name).matches()
        && !name.equals("000000")
        && attributes.isRegularFile()
        && attributes.size() == WriterRecord.SIZE_BYTES) {
      record = WriterRecord.parse(Files.readAllBytes(file));
    }
    if (record != null) {
      records.put(new VdiId(HexFormat.fromHexDigits(name)), record);
    } else {
      log.warn("{} makes no sense and is removed", file);
      Files.delete(file);
    }
  }

  /** What is known of a VDI; null for nothing. */
  @Nullable WriterRecord get(VdiId vid) {
    return records.get(vid);
  }

  /** All of them, as they are now. */
  Map<VdiId, WriterRecord> all() {
    return Map.copyOf(records);
  }

  /**
   * Keeps a record in place of the last one.
   *
   * @throws IOException if it cannot be written; then there is none
   */
  void put(VdiId vid, WriterRecord record) throws IOException {
    if (record.equals(records.get(vid))) {
      return;
    }
    boolean done = false;
    try (FileChannel file = FileChannel.open(file(vid), WRITE, FILE_MODE)) {
      ByteBuffer bytes = ByteBuffer.wrap(record.toBytes());
      while (bytes.hasRemaining()) {
        file.write(bytes, bytes.position());
      }
      records.put(vid, record);
      done = true;
    } finally {
      if (!done) {
        remove(vid);
      }
    }
  }

  /** Forgets a VDI. */
  void remove(VdiId vid) {
    records.remove(vid);
    try {
      Files.deleteIfExists(file(vid));
    } catch (IOException e) {
      log.warn("the record of VDI {} stays, and is not believed", vid, e);
    }
  }

  /** Puts all records on stable storage. */
  void force() throws IOException {
    for (VdiId vid : records.keySet()) {
      try (FileChannel file = FileChannel.open(file(vid), StandardOpenOption.WRITE)) {
        file.force(true);
      }
    }
    try (FileChannel names = FileChannel.open(directory, StandardOpenOption.READ)) {
      names.force(true);
    }
  }

  private Path file(VdiId vid) {
    return directory.resolve(HexFormat.of().toHexDigits(vid.value(), 6));
  }
}
