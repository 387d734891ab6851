package io.sheepfs.protocol;

import java.nio.charset.StandardCharsets;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What a writer leaves with a VDI, so that caches can tell whether anybody wrote since they were
 * filled. As the value of an attribute it is one line of {@link #SIZE_BYTES} bytes:
 *
 * <pre>
 *   writer 123e4567-e89b-12d3-a456-426614174000 open
 *   writer 123e4567-e89b-12d3-a456-426614174000 done
 * </pre>
 *
 * @param token another one for each time that somebody took the lock
 * @param open whether the writer has not said yet that it is done; it stays so if the writer died
 */
public record WriterMark(UUID token, boolean open) {

  /** Bytes of a mark. */
  static final int SIZE_BYTES = 49;

  private static final Pattern LINE =
      Pattern.compile("writer ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}) (open|done)\n");

  byte[] toBytes() {
    String line = "writer " + token + (open ? " open\n" : " done\n");
    return line.getBytes(StandardCharsets.US_ASCII);
  }

  /** The mark in {@code bytes}; null if they are something else. */
  static @Nullable WriterMark parse(byte[] bytes) {
    Matcher line = LINE.matcher(new String(bytes, StandardCharsets.ISO_8859_1));
    return line.matches()
        ? new WriterMark(UUID.fromString(line.group(1)), line.group(2).equals("open"))
        : null;
  }
}
