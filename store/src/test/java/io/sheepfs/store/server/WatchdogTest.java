package io.sheepfs.store.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class WatchdogTest {

  @Test
  void pause_isAThirdOfWhatSystemdWaits_andNoneForOthers() {
    assertEquals(Duration.ofSeconds(60), Watchdog.pause("180000000", null, 7));
    assertEquals(Duration.ofSeconds(60), Watchdog.pause("180000000", "7", 7));
    assertNull(Watchdog.pause("180000000", "8", 7));
    assertNull(Watchdog.pause(null, null, 7));
    assertNull(Watchdog.pause("soon", null, 7));
    assertNull(Watchdog.pause("0", null, 7));
  }

  @Test
  void systemd_isToldOnlyOfGoodAnswers() {
    Deque<Boolean> answers = new ArrayDeque<>(List.of(true, false, false, true));
    AtomicInteger pings = new AtomicInteger();
    Watchdog watchdog = new Watchdog(answers::pop, pings::incrementAndGet);
    int[] after = new int[4];
    for (int i = 0; i < after.length; i++) {
      watchdog.step();
      after[i] = pings.get();
    }
    assertEquals(List.of(1, 1, 1, 2), List.of(after[0], after[1], after[2], after[3]));
    watchdog.step(); // nothing to pop: an exception is no good answer
    assertEquals(2, pings.get());
  }

  @Test
  void sheep_thatServes_answers() throws Exception {
    try (ServedStore formatted = new ServedStore(true, ServerOptions.DEFAULTS);
        ServedStore waiting = new ServedStore(false, ServerOptions.DEFAULTS)) {
      assertTrue(formatted.server().answers());
      assertTrue(waiting.server().answers());
    }
  }
}
