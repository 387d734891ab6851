package io.sheepfs.telemetry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class SlowRequestsTest {

  private static final long SECOND = 1_000_000_000;

  @AfterEach
  void off() {
    SlowRequests.tellFrom(0);
  }

  private static List<String> saidBy(Runnable work) {
    PrintStream before = System.err;
    ByteArrayOutputStream said = new ByteArrayOutputStream();
    System.setErr(new PrintStream(said, true, StandardCharsets.UTF_8));
    try {
      work.run();
    } finally {
      System.setErr(before);
    }
    return said.toString(StandardCharsets.UTF_8).lines().toList();
  }

  @Test
  void slow_isWhatTookSoLong_andNothingWhileItIsOff() {
    assertFalse(SlowRequests.isSlow(Long.MAX_VALUE - 1));
    SlowRequests.tellFrom(1000);
    assertTrue(SlowRequests.isSlow(SECOND));
    assertFalse(SlowRequests.isSlow(SECOND - 1));
  }

  @Test
  void line_hasTheStagesSinceTheBegin() {
    SlowRequests.tellFrom(1);
    SlowRequests.passed(Stage.STORE_FLUSH, 7 * SECOND);
    SlowRequests.begin();
    SlowRequests.passed(Stage.CLIENT_READ, SECOND);
    SlowRequests.passed(Stage.CLIENT_READ, SECOND);
    SlowRequests.passed(Stage.CACHE_FETCH, 2 * SECOND);
    SlowRequests.passed(Stage.FUSE_READ, 3 * SECOND);
    List<String> lines =
        saidBy(() -> SlowRequests.tell(Stage.FUSE_READ, 3 * SECOND, () -> "read of disk"));
    assertEquals(1, lines.size(), lines::toString);
    assertTrue(
        lines
            .get(0)
            .endsWith(
                "slow: read of disk: 3000 ms (cache fetch 2000 ms, client read 2 times 2000 ms)"),
        lines::toString);
  }

  @Test
  void lines_tooMany_areLeftOutAndCounted() {
    SlowRequests.tellFrom(1);
    SlowRequests.begin();
    List<String> lines =
        saidBy(
            () -> {
              for (int i = 0; i < 10_000; i++) {
                SlowRequests.tell(Stage.FUSE_READ, SECOND, () -> "read");
              }
            });
    assertTrue(lines.size() < 10_000, () -> lines.size() + " lines");
  }

  @Test
  void options_wrong_areRefusedWithTheirName() {
    assertEquals(TelemetryConfig.NONE, TelemetryConfig.parse(null, null, null));
    assertEquals(250, TelemetryConfig.parse(null, "250", "json").slowMillis());
    for (String wrong : new String[] {"", "-1", "1s", "1.5", "99999999999"}) {
      assertThrows(
          IllegalArgumentException.class, () -> TelemetryConfig.parse(null, wrong, null), wrong);
    }
    assertThrows(IllegalArgumentException.class, () -> TelemetryConfig.parse(null, null, "yaml"));
  }
}
