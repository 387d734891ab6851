package io.sheepfs.dog;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/**
 * The original's format of an incremental backup, all little-endian.
 *
 * <pre>
 *   0 +----------------+
 *     | version  (u32) |  1
 *   4 | magic    (u32) |  0x11921192
 *   8 +----------------+
 *     | record ...     |
 *     +----------------+
 * </pre>
 *
 * <p>A record:
 *
 * <pre>
 *   0 +----------------+
 *     | index    (u32) |  of the object; 0xFFFFFFFF: the end, without data
 *   4 | offset   (u32) |  in the object
 *   8 | length   (u32) |
 *  12 | reserved (u32) |
 *  16 | data  (length) |
 *     +----------------+
 * </pre>
 */
final class BackupStream {

  private static final int VERSION = 1;
  private static final int MAGIC = 0x11921192;
  private static final int HEADER_BYTES = 8;
  private static final int RECORD_BYTES = 16;
  private static final int END = -1;

  private BackupStream() {}

  /** What changed in one object. */
  record Change(int index, int offset, ByteBuffer data) {}

  static void writeHeader(OutputStream out) throws IOException {
    byte[] header = new byte[HEADER_BYTES];
    wrap(header).putInt(VERSION).putInt(MAGIC);
    out.write(header);
  }

  static void writeChange(OutputStream out, int index, int offset, byte[] object, int length)
      throws IOException {
    out.write(record(index, offset, length));
    out.write(object, offset, length);
  }

  static void writeEnd(OutputStream out) throws IOException {
    out.write(record(END, 0, 0));
  }

  private static byte[] record(int index, int offset, int length) {
    byte[] record = new byte[RECORD_BYTES];
    wrap(record).putInt(index).putInt(offset).putInt(length);
    return record;
  }

  static void readHeader(InputStream in) throws IOException, DogException {
    ByteBuffer header = wrap(in.readNBytes(HEADER_BYTES));
    if (header.remaining() < HEADER_BYTES
        || header.getInt() != VERSION
        || header.getInt() != MAGIC) {
      throw new DogException(
          ExitCode.SYSTEM,
          "The backup file is corrupted: it does not start as one of 'vdi backup'");
    }
  }

  /**
   * The next record.
   *
   * @param objects how many objects the VDI can have
   * @param objectBytes the size of one
   * @return null at the end
   */
  static @Nullable Change readChange(InputStream in, int objects, long objectBytes)
      throws IOException, DogException {
    ByteBuffer record = wrap(in.readNBytes(RECORD_BYTES));
    if (record.remaining() < RECORD_BYTES) {
      throw cutOff();
    }
    int index = record.getInt();
    long offset = Integer.toUnsignedLong(record.getInt());
    long length = Integer.toUnsignedLong(record.getInt());
    if (index == END) {
      return null;
    }
    if (index < 0 || index >= objects || offset + length > objectBytes) {
      throw new DogException(
          ExitCode.SYSTEM,
          "The backup file is corrupted, or of another disk: it has object " + index);
    }
    byte[] data = in.readNBytes((int) length);
    if (data.length < length) {
      throw cutOff();
    }
    return new Change(index, (int) offset, ByteBuffer.wrap(data));
  }

  private static DogException cutOff() {
    return new DogException(ExitCode.SYSTEM, "The backup file is cut off: it has no end mark");
  }

  private static ByteBuffer wrap(byte[] bytes) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
