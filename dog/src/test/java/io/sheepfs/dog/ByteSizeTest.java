package io.sheepfs.dog;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class ByteSizeTest {

  @ParameterizedTest
  @CsvSource({
    "0, 0",
    "100, 100",
    "100B, 100",
    "1k, 1024",
    "0x1000, 4096",
    "1.5M, 1572864",
    "4G, 4294967296",
    "2T, 2199023255552",
    "7P, 7881299347898368",
    "9223372036854775807, 9223372036854775807"
  })
  void parse_size_bytes(String text, long bytes) throws DogException {
    assertEquals(bytes, ByteSize.parse(text));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "K", "12Q", "-5", "1.5", "1..5M", "abc", "8192P", "0x", "9223372036854775808"})
  void parse_nonsense_usage(String text) {
    DogException e = assertThrows(DogException.class, () -> ByteSize.parse(text));
    assertEquals(ExitCode.USAGE, e.exitCode());
  }

  @Test
  void human_likeTheOriginal() {
    assertEquals("0.0 MB", ByteSize.human(4096));
    assertEquals("9.0 MB", ByteSize.human(9L << 20));
    assertEquals("64 MB", ByteSize.human(64L << 20));
    assertEquals("1.0 GB", ByteSize.human(1L << 30));
    assertEquals("4.0 TB", ByteSize.human(4L << 40));
    assertEquals("16 PB", ByteSize.human(16L << 50));
  }
}
