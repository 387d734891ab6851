package io.sheepfs.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Sizes as people write them. */
final class ByteSizeTest {

  @Test
  void parse_numbersAndUnits_bytes() {
    assertEquals(0, ByteSize.parse("0"));
    assertEquals(4096, ByteSize.parse("4096"));
    assertEquals(4096, ByteSize.parse("4K"));
    assertEquals(5L << 20, ByteSize.parse("5m"));
    assertEquals(7L << 30, ByteSize.parse("7GiB"));
    assertEquals(8L << 40, ByteSize.parse("8tb"));
    assertEquals(((1L << 23) - 1) << 40, ByteSize.parse("8388607T"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "K", "-1", "1.5G", "1 G", "1P", "1KK", "8388608T", "0x10", "1iB2"})
  void parse_anythingElse_refused(String text) {
    assertThrows(IllegalArgumentException.class, () -> ByteSize.parse(text));
  }
}
