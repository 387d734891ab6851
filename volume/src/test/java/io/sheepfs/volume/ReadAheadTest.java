package io.sheepfs.volume;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.function.LongPredicate;
import org.junit.jupiter.api.Test;

/** Who is believed to read from front to back, and what is asked for then. */
final class ReadAheadTest {

  private static final long SIZE = 256L << 20;
  private static final int STEP = 64 << 10;

  private record Asked(long from, long to, LongPredicate wanted) {}

  private final List<Asked> asked = new ArrayList<>();
  private final ReadAhead readAhead =
      new ReadAhead((from, to, wanted) -> asked.add(new Asked(from, to, wanted)));

  private void read(long offset, int length) {
    readAhead.reading(offset, length, SIZE);
  }

  private long sum() {
    return asked.stream().mapToLong(range -> range.to() - range.from()).sum();
  }

  @Test
  void sequential_eachByteAskedForOnceAndInTime() {
    long covered = 0;
    for (long at = 0; at < SIZE; at += STEP) {
      read(at, STEP);
      if (covered == 0 && !asked.isEmpty()) {
        assertEquals(at + STEP, asked.get(0).from(), "what is being read is not asked for");
        assertEquals((ReadAhead.CONFIRMED_READS - 1) * (long) STEP, at);
        covered = asked.get(0).from();
      }
      for (Asked range : asked) {
        assertEquals(covered, range.from());
        assertTrue(range.to() - at - STEP <= ReadAhead.MAX_WINDOW_BYTES);
        covered = range.to();
      }
      assertTrue(asked.isEmpty() || covered == SIZE || covered > at + STEP);
      asked.clear();
    }
    assertEquals(SIZE, covered, "never beyond the end");
  }

  @Test
  void sequential_windowGrows() {
    for (long at = 0; at < 64 << 20; at += STEP) {
      read(at, STEP);
    }
    assertEquals(ReadAhead.MIN_WINDOW_BYTES, asked.get(0).to() - asked.get(0).from());
    Asked last = asked.get(asked.size() - 1);
    assertTrue(last.to() - (64 << 20) >= ReadAhead.MAX_WINDOW_BYTES / 2 - ReadAhead.PIECE_BYTES);
    assertEquals(0, last.to() % ReadAhead.PIECE_BYTES, "whole pieces");
  }

  @Test
  void random_nothingAskedFor() {
    Random random = new Random(7);
    for (int i = 0; i < 10_000; i++) {
      read(random.nextInt((int) (SIZE >> 12)) * 4096L, 4096);
    }
    assertEquals(List.of(), asked);
  }

  @Test
  void strided_nothingMoreAskedFor() {
    for (int i = 0; i < 100; i++) {
      read(i * 4096L, 4096);
    }
    asked.clear();
    for (long at = 1 << 20; at < SIZE; at += 1 << 20) {
      read(at, 4096);
    }
    assertTrue(sum() <= ReadAhead.MAX_WINDOW_BYTES / 2, "asked for " + sum());
  }

  @Test
  void outOfOrder_asTheKernelSendsThem_stillSequential() {
    Random random = new Random(3);
    for (long at = 0; at < 3L * STEP; at += STEP) {
      read(at, STEP);
    }
    for (long at = 3L * STEP; at < 32 << 20; at += 4L * STEP) {
      List<Long> four = new ArrayList<>(List.of(at, at + STEP, at + 2L * STEP, at + 3L * STEP));
      Collections.shuffle(four, random);
      four.forEach(each -> read(each, STEP));
    }
    assertTrue(sum() > 32 << 20, "asked for " + sum());
  }

  @Test
  void readerGoesElsewhere_whatWasAskedForIsNotWanted() {
    for (long at = 0; at < 4 << 20; at += STEP) {
      read(at, STEP);
    }
    Asked last = asked.get(asked.size() - 1);
    assertTrue(last.wanted().test(last.to()));
    for (int i = 1; i <= 8; i++) {
      read((i * 24L) << 20, 4096);
    }
    assertFalse(last.wanted().test(last.to()));
  }

  @Test
  void readerPassed_whatWasAskedForIsNotWanted() {
    for (long at = 0; at < 4 << 20; at += STEP) {
      read(at, STEP);
    }
    Asked first = asked.get(0);
    assertFalse(first.wanted().test(first.to()));
  }

  @Test
  void twoReaders_bothServed() {
    for (long at = 0; at < 8 << 20; at += STEP) {
      read(at, STEP);
      read((128 << 20) + at, STEP);
    }
    assertTrue(asked.stream().anyMatch(range -> range.from() < 64 << 20));
    assertTrue(asked.stream().anyMatch(range -> range.from() > 128 << 20));
  }
}
