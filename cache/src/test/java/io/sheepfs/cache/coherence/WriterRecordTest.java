package io.sheepfs.cache.coherence;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.WriterMark;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class WriterRecordTest {

  private static final UUID ONE = new UUID(1, 2);
  private static final UUID TWO = new UUID(3, 4);
  private static final VdiId VID = new VdiId(0xABCDEF);
  private static final WriterRecord RECORD =
      new WriterRecord(
          new VdiName("\n羊 " + "x".repeat(240)),
          Instant.ofEpochSecond(1_700_000_000, 123_456_789),
          false,
          List.of(ONE, TWO));

  @Test
  void bytes_parsed_theSameAndOfOneSize() {
    for (WriterRecord record :
        List.of(
            RECORD,
            RECORD.withTokens(),
            new WriterRecord(new VdiName("a"), Instant.EPOCH, true, List.of(TWO)))) {
      byte[] bytes = record.toBytes();
      assertEquals(WriterRecord.SIZE_BYTES, bytes.length);
      assertEquals(record, WriterRecord.parse(bytes));
    }
  }

  @Test
  void bytes_anyDamage_null() {
    for (int i = 0; i < WriterRecord.SIZE_BYTES; i++) {
      byte[] bytes = RECORD.toBytes();
      bytes[i] ^= 1;
      assertNull(WriterRecord.parse(bytes), "byte " + i);
    }
    assertNull(WriterRecord.parse(new byte[0]));
    assertNull(WriterRecord.parse(new byte[WriterRecord.SIZE_BYTES]));
  }

  @Test
  void accepts_oneOfItsTokens_whetherOpenOrNot() {
    assertTrue(RECORD.accepts(new WriterMark(ONE, true)));
    assertTrue(RECORD.accepts(new WriterMark(TWO, false)));
    assertFalse(RECORD.accepts(new WriterMark(new UUID(1, 3), false)));
    assertFalse(RECORD.accepts(null));
  }

  @Test
  void records_openedAgain_asBeforeWithoutDamagedOnes(@TempDir Path folder) throws Exception {
    Path directory = folder.resolve("writers");
    WriterRecords records = WriterRecords.open(directory);
    records.put(VID, RECORD);
    records.put(VID, RECORD.withTokens(TWO));
    records.put(new VdiId(1), RECORD);
    records.put(new VdiId(2), RECORD);
    records.remove(new VdiId(2));
    records.force();
    Files.write(directory.resolve("000001"), new byte[WriterRecord.SIZE_BYTES]);
    Files.write(directory.resolve("000003"), new byte[10]);
    Files.write(directory.resolve("other"), RECORD.toBytes());
    WriterRecords again = WriterRecords.open(directory);
    assertEquals(Map.of(VID, RECORD.withTokens(TWO)), again.all());
    assertEquals(List.of(TWO), Objects.requireNonNull(again.get(VID)).tokens());
    try (var files = Files.list(directory)) {
      assertEquals(1, files.count());
    }
  }
}
