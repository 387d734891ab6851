package io.sheepfs.dog;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

final class ProgressTest {

  private static final long MIB = 1 << 20;

  @Test
  void line_totalKnown_barRateAndTimeLeft() {
    assertEquals(
        "disk  [=====               ]  25%  256 MB of 1.0 GB  64 MB/s  0:12 left",
        Progress.line("disk", Progress.Unit.BYTES, 256 * MIB, 1024 * MIB, 4));
    assertEquals(
        "check disk  [====================] 100%  9 objects of 9 objects  3 objects/s  0:00 left",
        Progress.line("check disk", Progress.Unit.OBJECTS, 9, 9, 3));
  }

  @Test
  void line_longWork_hours() {
    assertEquals(
        "disk  [                    ]   0%  1.0 MB of 4.0 TB  1.0 MB/s  1165:05:03 left",
        Progress.line("disk", Progress.Unit.BYTES, MIB, 4L << 40, 1));
  }

  @Test
  void line_moreThanTheTotal_notOverTheEnd() {
    assertEquals(
        "disk  [====================] 100%  10 MB of 10 MB  12 MB/s  0:00 left",
        Progress.line("disk", Progress.Unit.BYTES, 12 * MIB, 10 * MIB, 1));
  }

  @Test
  void name_longOrHostile_keepsTheLineWhole() {
    assertEquals("import disk", Progress.shortened("import disk"));
    assertEquals(
        "export " + "n".repeat(14) + "...", Progress.shortened("export " + "n".repeat(255)));
    assertEquals("a?[2Jb", Progress.shortened("a\u001b[2Jb"));
  }

  @Test
  void line_totalUnknown_rate() {
    assertEquals(
        "restore  12 MB  4.0 MB/s", Progress.line("restore", Progress.Unit.BYTES, 12 * MIB, 0, 3));
  }
}
