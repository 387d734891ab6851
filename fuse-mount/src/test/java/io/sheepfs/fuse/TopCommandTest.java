package io.sheepfs.fuse;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.sheepfs.fuse.TopCommand.Numbers;
import java.util.List;
import org.junit.jupiter.api.Test;

class TopCommandTest {

  private static final long SECOND = 1_000_000_000;

  private static Numbers at(long seconds, int bytes, int hits, int misses) {
    return Numbers.parse(
        seconds * SECOND,
        List.of(
            "# HELP sheepfs_read_bytes_total Bytes read",
            "sheepfs_read_bytes_total " + bytes + ".0",
            "sheepfs_cache_hits_total " + hits,
            "sheepfs_cache_misses_total " + misses,
            "sheepfs_request_duration_seconds_count{layer=\"fuse\",operation=\"read\"} 7",
            ""));
  }

  @Test
  void rate_isWhatCameBetweenTwoLooks() {
    Numbers before = at(10, 1000, 5, 5);
    Numbers now = at(14, 9000, 8, 6);
    assertEquals(2000.0, now.rate("read_bytes_total", before));
    assertEquals("75 %", now.hits(before));
    assertEquals(9000.0, now.get("read_bytes_total"));
    assertEquals(0.0, now.get("of no such name"));
  }

  @Test
  void hits_withoutReads_areNotTold() {
    Numbers idle = at(10, 0, 0, 0);
    assertEquals("-", at(12, 0, 0, 0).hits(idle));
  }
}
