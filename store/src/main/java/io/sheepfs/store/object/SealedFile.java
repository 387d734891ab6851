package io.sheepfs.store.object;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.zip.CRC32C;

/**
 * A small file that is replaced as a whole, and whose last line, the seal, is a checksum. So
 * whoever reads it gets what was written, or is told that it is damaged: changed, cut off, or what
 * belongs to another file.
 *
 * <pre>
 *   content, then 16 bytes: "crc32c ", eight digits, line feed;
 *   CRC-32C of the name of the file, without the directory, and of the content
 * </pre>
 */
public final class SealedFile {

  private static final String TAG = "crc32c ";
  private static final int SEAL_BYTES = TAG.length() + 2 * Integer.BYTES + 1;

  private SealedFile() {}

  /** Replaces a file by the {@code content} from its position on; durable on return. */
  public static void replace(Disk disk, Path file, ByteBuffer content) throws IOException {
    ByteBuffer sealed = ByteBuffer.allocate(content.remaining() + SEAL_BYTES);
    sealed.put(content.duplicate()).put(sealOf(file, content)).flip();
    disk.replace(file, sealed);
  }

  /** The same for a text. */
  public static void replace(Disk disk, Path file, String text) throws IOException {
    replace(disk, file, StandardCharsets.UTF_8.encode(text));
  }

  /**
   * The content.
   *
   * @throws DamagedFileException if it is not what was written
   */
  public static ByteBuffer read(Disk disk, Path file) throws IOException {
    return unsealed(file, disk.readAll(file));
  }

  private static ByteBuffer unsealed(Path file, ByteBuffer all) throws DamagedFileException {
    int end = all.limit() - SEAL_BYTES;
    if (end < 0) {
      throw new DamagedFileException(file, "it has only " + all.limit() + " bytes");
    }
    ByteBuffer content = all.slice(0, end);
    if (!all.slice(end, SEAL_BYTES).equals(ByteBuffer.wrap(sealOf(file, content)))) {
      throw new DamagedFileException(file, "its checksum does not fit");
    }
    return content;
  }

  /** The same of a text. */
  public static String readText(Disk disk, Path file) throws IOException {
    return StandardCharsets.UTF_8.decode(read(disk, file)).toString();
  }

  /**
   * The same of a text of which there are some that were made before files were sealed.
   *
   * @param unsealedBytes what such a file has, exactly
   */
  public static String readText(Disk disk, Path file, int unsealedBytes) throws IOException {
    ByteBuffer all = disk.readAll(file);
    ByteBuffer content = all.limit() == unsealedBytes ? all : unsealed(file, all);
    return StandardCharsets.UTF_8.decode(content).toString();
  }

  /** Seals a file that was made before files were, if it is there; does nothing to one sealed. */
  public static void sealOld(Disk disk, Path file) throws IOException {
    if (Disk.exists(file)) {
      ByteBuffer all = disk.readAll(file);
      try {
        ByteBuffer unused = unsealed(file, all);
      } catch (DamagedFileException old) {
        replace(disk, file, all);
      }
    }
  }

  private static byte[] sealOf(Path file, ByteBuffer content) {
    CRC32C crc = new CRC32C();
    crc.update(String.valueOf(file.getFileName()).getBytes(StandardCharsets.UTF_8));
    crc.update(content.duplicate());
    String line = TAG + HexFormat.of().toHexDigits((int) crc.getValue()) + "\n";
    return line.getBytes(StandardCharsets.US_ASCII);
  }
}
