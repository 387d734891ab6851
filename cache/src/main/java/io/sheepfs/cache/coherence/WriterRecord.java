package io.sheepfs.cache.coherence;

import io.sheepfs.protocol.VdiInfo;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.WriterMark;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.UUID;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Whose writes the cached blocks of one VDI know. As a file it is text, padded with spaces to
 * {@link #SIZE_BYTES}, so that it can be rewritten in place where the disk is full:
 *
 * <pre>
 *   sheepfs-writer 1
 *   name HEX
 *   created INSTANT
 *   snapshot true|false
 *   tokens UUID,UUID
 *   crc HEX
 * </pre>
 *
 * @param name the name of the VDI; in hexadecimal in the file, for it may be any bytes
 * @param created when the VDI was made: an id may be used again
 * @param snapshot whether it was a snapshot already, which nobody can write
 * @param tokens one of them is that of the last writer, as long as nobody else wrote. There are two
 *     while our own may or may not have been left
 */
record WriterRecord(VdiName name, Instant created, boolean snapshot, List<UUID> tokens) {

  static final int SIZE_BYTES = 2048;

  private static final String MAGIC = "sheepfs-writer 1";
  private static final int LINES = 6;

  WriterRecord {
    tokens = List.copyOf(tokens);
  }

  /** A record of a VDI as it is now. */
  static WriterRecord of(VdiInfo vdi, UUID... tokens) {
    return new WriterRecord(vdi.name(), vdi.created(), vdi.isSnapshot(), Arrays.asList(tokens));
  }

  /** The same with other tokens. */
  WriterRecord withTokens(UUID... newTokens) {
    return new WriterRecord(name, created, snapshot, Arrays.asList(newTokens));
  }

  /** Whether it is about this VDI, and not about an earlier one of the same id. */
  boolean isOf(VdiInfo vdi) {
    return created.equals(vdi.created());
  }

  /** Whether nobody wrote since, if {@code last} is what the last writer left. */
  boolean accepts(@Nullable WriterMark last) {
    return last != null && tokens.contains(last.token());
  }

  byte[] toBytes() {
    StringBuilder list = new StringBuilder();
    for (UUID token : tokens) {
      list.append(list.length() == 0 ? "" : ",").append(token);
    }
    String body =
        MAGIC
            + ("\nname " + HexFormat.of().formatHex(name.toBytes()))
            + ("\ncreated " + created)
            + ("\nsnapshot " + snapshot)
            + ("\ntokens " + list + "\n");
    byte[] text = (body + "crc " + checksum(body) + "\n").getBytes(StandardCharsets.US_ASCII);
    byte[] bytes = Arrays.copyOf(text, SIZE_BYTES);
    Arrays.fill(bytes, text.length, SIZE_BYTES, (byte) ' ');
    return bytes;
  }

  /** The record in {@code bytes}; null if it is damaged. */
  static @Nullable WriterRecord parse(byte[] bytes) {
    String[] lines = new String(bytes, StandardCharsets.US_ASCII).split("\n", -1);
    if (lines.length != LINES + 1 || !lines[0].equals(MAGIC)) {
      return null;
    }
    String[] values = new String[LINES];
    String[] keys = {"sheepfs-writer", "name", "created", "snapshot", "tokens", "crc"};
    for (int i = 0; i < LINES; i++) {
      if (!lines[i].startsWith(keys[i] + " ")) {
        return null;
      }
      values[i] = lines[i].substring(keys[i].length() + 1);
    }
    try {
      List<UUID> tokens = new ArrayList<>();
      for (String token : values[4].split(",", -1)) {
        if (!token.isEmpty()) {
          tokens.add(UUID.fromString(token));
        }
      }
      byte[] name = HexFormat.of().parseHex(values[1]);
      WriterRecord record =
          new WriterRecord(
              new VdiName(new String(name, StandardCharsets.UTF_8)),
              Instant.parse(values[2]),
              values[3].equals("true"),
              tokens);
      return Arrays.equals(record.toBytes(), bytes) ? record : null;
    } catch (IllegalArgumentException | DateTimeException e) {
      return null;
    }
  }

  private static String checksum(String body) {
    CRC32C crc = new CRC32C();
    crc.update(body.getBytes(StandardCharsets.US_ASCII));
    return Long.toHexString(crc.getValue());
  }
}
