package io.sheepfs.store.cluster;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.VdiId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class DigestBookTest {

  private static final Instant NOW = Instant.ofEpochSecond(1_700_000_000);
  private static final Instant LONG_AGO = NOW.minus(Duration.ofDays(1));
  private static final ObjectId OID = ObjectId.data(new VdiId(7), 1);
  private static final byte[] ONE = {1};
  private static final byte[] TWO = {2};

  private final DigestBook book = new DigestBook(() -> NOW);
  @TempDir private Path directory;

  private DigestBook.@Nullable Stamp stamp(Instant written) throws IOException {
    Path file = directory.resolve("object");
    Files.write(file, new byte[10]);
    Files.setLastModifiedTime(file, FileTime.from(written));
    return book.stamp(file);
  }

  @Test
  void agrees_otherContentAndNobodyWrote_isDamaged() throws IOException {
    DigestBook.Stamp stamp = stamp(LONG_AGO);
    assertNotNull(stamp);
    assertTrue(book.agrees(OID, stamp, stamp, ONE));
    assertTrue(book.agrees(OID, stamp, stamp, ONE));
    assertFalse(book.agrees(OID, stamp, stamp, TWO));
    assertFalse(book.agrees(OID, stamp, stamp, TWO));
    book.forget(OID);
    assertTrue(book.agrees(OID, stamp, stamp, TWO));
  }

  @Test
  void agrees_writtenSince_isAnotherObject() throws IOException {
    DigestBook.Stamp before = stamp(LONG_AGO);
    assertTrue(book.agrees(OID, before, before, ONE));
    DigestBook.Stamp after = stamp(LONG_AGO.plusSeconds(1));
    assertTrue(book.agrees(OID, after, after, TWO));
    assertFalse(book.agrees(OID, after, after, ONE));
  }

  @Test
  void agrees_writtenMeanwhile_saysNothing() throws IOException {
    DigestBook.Stamp before = stamp(LONG_AGO);
    assertTrue(book.agrees(OID, before, before, ONE));
    assertTrue(book.agrees(OID, before, stamp(LONG_AGO.plusSeconds(1)), TWO));
    assertTrue(book.agrees(OID, before, before, TWO));
  }

  @Test
  void stamp_justWrittenOrMissing_saysNothing() throws IOException {
    assertNull(stamp(NOW.minusSeconds(1)));
    assertNull(book.stamp(directory.resolve("nothing")));
    assertTrue(book.agrees(OID, null, null, ONE));
    assertTrue(book.agrees(OID, null, null, TWO));
  }
}
