package io.sheepfs.dog;

import io.sheepfs.protocol.InodeHeader;
import io.sheepfs.protocol.ObjectId;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A directory with snapshots of a whole cluster, in the original's format. What two of them have in
 * common is there once: everything is cut into slices, and a slice is a file named by its SHA-1.
 *
 * <pre>
 *   objects/ab/cdef...   a slice of 128 KiB at most; a list of slices, 20 bytes each, which is an
 *                        object of the cluster; or a list of objects, which is a cluster snapshot
 *   user_snap            32 bytes: magic u32, version u32, copies u8, copy policy u8, shift u8
 *                        296 for each cluster snapshot: index u32, tag[256], pad[4], seconds u64,
 *                        SHA-1 of its list of objects[20], pad[4]
 * </pre>
 *
 * <p>A list of objects has 32 bytes for each: object id u64, copies u8, copy policy u8, shift u8,
 * reserved u8, SHA-1 of its list of slices[20].
 *
 * <p>Confined to a thread.
 */
final class SnapshotArchive {

  private static final int MAGIC = 0xFEE1C001;
  private static final int VERSION = 1;
  private static final int HEADER_BYTES = 32;
  private static final int TAG_BYTES = 256;
  private static final int ENTRY_BYTES = 296;
  private static final int ENTRY_TIME = 264;
  private static final int ENTRY_DIGEST = 272;
  private static final int OBJECT_BYTES = 32;
  private static final int DIGEST_BYTES = 20;
  private static final int SLICE_BYTES = 128 * 1024;

  private final Path objects;
  private final Path log;
  private final MessageDigest sha1;

  /** A cluster snapshot. */
  record Entry(int index, String tag, long seconds, String digest) {}

  /** An object in a cluster snapshot. */
  record StoredObject(ObjectId oid, int copies, int blockSizeShift, String digest) {

    boolean isInode() {
      return oid.kind() == ObjectId.Kind.INODE;
    }
  }

  /** What new VDIs had in the cluster that was saved. */
  record Defaults(int copies, int blockSizeShift) {}

  private SnapshotArchive(Path folder) {
    this.objects = folder.resolve("objects");
    this.log = folder.resolve("user_snap");
    try {
      this.sha1 = MessageDigest.getInstance("SHA-1");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-1", e);
    }
  }

  /** The archive in a directory that exists, or is made. */
  static SnapshotArchive create(Path folder) throws IOException {
    SnapshotArchive archive = new SnapshotArchive(folder);
    for (int i = 0; i < 256; i++) {
      Files.createDirectories(archive.objects.resolve(HexFormat.of().toHexDigits((byte) i)));
    }
    if (!Files.exists(archive.log)) {
      Files.createFile(archive.log);
    }
    return archive;
  }

  /** The archive in a directory. */
  static SnapshotArchive open(Path folder) throws DogException {
    SnapshotArchive archive = new SnapshotArchive(folder);
    if (!Files.isRegularFile(archive.log)) {
      throw DogException.failure("There are no cluster snapshots in '" + folder + "'");
    }
    return archive;
  }

  /** What the cluster was like; null if nothing was saved yet. */
  @Nullable Defaults defaults() throws IOException, DogException {
    ByteBuffer bytes = wrap(Files.readAllBytes(log));
    if (!bytes.hasRemaining()) {
      return null;
    }
    if (bytes.remaining() < HEADER_BYTES || bytes.getInt(0) != MAGIC) {
      throw DogException.failure("'" + log + "' is damaged");
    }
    return new Defaults(Byte.toUnsignedInt(bytes.get(8)), Byte.toUnsignedInt(bytes.get(10)));
  }

  /** The cluster snapshots, oldest first. */
  List<Entry> entries() throws IOException, DogException {
    List<Entry> entries = new ArrayList<>();
    if (defaults() == null) {
      return entries;
    }
    ByteBuffer bytes = wrap(Files.readAllBytes(log));
    for (int at = HEADER_BYTES; at + ENTRY_BYTES <= bytes.limit(); at += ENTRY_BYTES) {
      byte[] tag = new byte[TAG_BYTES];
      bytes.get(at + Integer.BYTES, tag);
      byte[] digest = new byte[DIGEST_BYTES];
      bytes.get(at + ENTRY_DIGEST, digest);
      entries.add(
          new Entry(
              bytes.getInt(at),
              new String(tag, StandardCharsets.UTF_8).replaceFirst("\0.*", ""),
              bytes.getLong(at + ENTRY_TIME),
              HexFormat.of().formatHex(digest)));
    }
    return entries;
  }

  /** The cluster snapshot of a tag, or of an index in digits; null if there is none. */
  @Nullable Entry find(String tagOrIndex) throws IOException, DogException {
    for (Entry entry : entries()) {
      if (entry.tag().equals(tagOrIndex) || Integer.toString(entry.index()).equals(tagOrIndex)) {
        return entry;
      }
    }
    return null;
  }

  /** The objects of a cluster snapshot. */
  List<StoredObject> objects(Entry entry) throws IOException, DogException {
    ByteBuffer bytes = wrap(read(entry.digest()));
    List<StoredObject> stored = new ArrayList<>();
    while (bytes.remaining() >= OBJECT_BYTES) {
      int at = bytes.position();
      byte[] digest = new byte[DIGEST_BYTES];
      bytes.get(at + 12, digest);
      stored.add(
          new StoredObject(
              new ObjectId(bytes.getLong(at)),
              Byte.toUnsignedInt(bytes.get(at + 8)),
              Byte.toUnsignedInt(bytes.get(at + 10)),
              HexFormat.of().formatHex(digest)));
      bytes.position(at + OBJECT_BYTES);
    }
    return stored;
  }

  /** The bytes of an object. */
  byte[] readObject(StoredObject object) throws IOException, DogException {
    byte[] slices = read(object.digest());
    byte[][] parts = new byte[slices.length / DIGEST_BYTES][];
    int length = 0;
    for (int i = 0; i < parts.length; i++) {
      int at = i * DIGEST_BYTES;
      parts[i] = read(HexFormat.of().formatHex(slices, at, at + DIGEST_BYTES));
      length += parts[i].length;
    }
    ByteBuffer whole = ByteBuffer.allocate(length);
    for (byte[] part : parts) {
      whole.put(part);
    }
    return whole.array();
  }

  /** Stores an object of the cluster. */
  StoredObject writeObject(ObjectId oid, int copies, int blockSizeShift, byte[] bytes)
      throws IOException {
    ByteBuffer slices =
        ByteBuffer.allocate((bytes.length + SLICE_BYTES - 1) / SLICE_BYTES * DIGEST_BYTES);
    for (int at = 0; at < bytes.length; at += SLICE_BYTES) {
      byte[] slice = Arrays.copyOfRange(bytes, at, Math.min(at + SLICE_BYTES, bytes.length));
      slices.put(HexFormat.of().parseHex(write(slice)));
    }
    return new StoredObject(oid, copies, blockSizeShift, write(slices.array()));
  }

  /** Makes a cluster snapshot of objects that were stored. */
  void append(String tag, long seconds, Defaults defaults, List<StoredObject> stored)
      throws IOException, DogException {
    byte[] trunkBytes = new byte[stored.size() * OBJECT_BYTES];
    ByteBuffer trunk = wrap(trunkBytes);
    for (StoredObject object : stored) {
      trunk.putLong(object.oid().value());
      trunk.put((byte) object.copies()).put((byte) 0);
      trunk.put((byte) object.blockSizeShift()).put((byte) 0);
      trunk.put(HexFormat.of().parseHex(object.digest()));
    }
    int index = entries().size() + 1;
    ByteBuffer header = wrap(new byte[index == 1 ? HEADER_BYTES : 0]);
    if (index == 1) {
      header.putInt(MAGIC).putInt(VERSION);
      header.put((byte) defaults.copies()).put((byte) 0).put((byte) defaults.blockSizeShift());
    }
    ByteBuffer entry = wrap(new byte[ENTRY_BYTES]);
    entry.putInt(0, index).put(Integer.BYTES, tag.getBytes(StandardCharsets.UTF_8));
    entry.putLong(ENTRY_TIME, seconds);
    entry.put(ENTRY_DIGEST, HexFormat.of().parseHex(write(trunkBytes)));
    try (FileChannel channel =
        FileChannel.open(log, StandardOpenOption.WRITE, StandardOpenOption.APPEND)) {
      ByteBuffer both =
          ByteBuffer.allocate(header.capacity() + ENTRY_BYTES).put(header.rewind()).put(entry);
      both.flip();
      while (both.hasRemaining()) {
        channel.write(both);
      }
      channel.force(true);
    }
  }

  /** Stores a slice, or finds that it is there; returns its name. */
  private String write(byte[] slice) throws IOException {
    String digest = HexFormat.of().formatHex(sha1.digest(slice));
    Path file = file(digest);
    if (Files.exists(file)) {
      return digest;
    }
    Path temporary = file.resolveSibling(file.getFileName() + ".tmp");
    try (FileChannel channel =
        FileChannel.open(
            temporary,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE)) {
      ByteBuffer bytes = ByteBuffer.wrap(slice);
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
      channel.force(false);
    }
    Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
    return digest;
  }

  private byte[] read(String digest) throws IOException, DogException {
    byte[] bytes = Files.readAllBytes(file(digest));
    if (!digest.equals(HexFormat.of().formatHex(sha1.digest(bytes)))) {
      throw DogException.failure("'" + file(digest) + "' is damaged");
    }
    return bytes;
  }

  private Path file(String digest) {
    return objects.resolve(digest.substring(0, 2)).resolve(digest.substring(2));
  }

  /** The header of a stored inode. */
  static InodeHeader header(byte[] inode) {
    return InodeHeader.decode(wrap(inode));
  }

  private static ByteBuffer wrap(byte[] bytes) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
