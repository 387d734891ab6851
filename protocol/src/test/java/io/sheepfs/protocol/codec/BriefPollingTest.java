package io.sheepfs.protocol.codec;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.netty.channel.SelectStrategy;
import java.time.Duration;
import org.junit.jupiter.api.Test;

final class BriefPollingTest {

  private static final Duration FOR_EVER = Duration.ofDays(1);
  private static final Duration ONE_LOOK = Duration.ZERO;

  private int looks;
  private int readyAfter = Integer.MAX_VALUE;
  private int taskAfter = Integer.MAX_VALUE;

  private int select() {
    return ++looks >= readyAfter ? 3 : 0;
  }

  private BriefPolling polling(Duration moment) {
    return new BriefPolling(moment, () -> looks >= taskAfter);
  }

  private int next(BriefPolling polling) throws Exception {
    looks = 0;
    return polling.calculateStrategy(this::select, false);
  }

  @Test
  void tasks_areNotKeptWaiting() throws Exception {
    BriefPolling polling = polling(FOR_EVER);

    assertEquals(0, polling.calculateStrategy(this::select, true));
    assertEquals(1, looks);
  }

  @Test
  void looks_untilSomethingIsReady() throws Exception {
    readyAfter = 1000;

    assertEquals(3, next(polling(FOR_EVER)));
    assertEquals(1000, looks);
  }

  @Test
  void looks_untilAnotherThreadHasATask() throws Exception {
    taskAfter = 1000;

    assertEquals(0, next(polling(FOR_EVER)));
    assertEquals(1000, looks);
  }

  @Test
  void looksInVain_areFewAndTriedAgain() throws Exception {
    BriefPolling polling = polling(ONE_LOOK);
    int all = 0;

    for (int sleep = 0; sleep < 650; sleep++) {
      assertEquals(SelectStrategy.SELECT, next(polling));
      all += looks;
    }
    assertEquals(10, all);
  }

  @Test
  void looksThatFindSomething_forgiveSomeInVain() throws Exception {
    BriefPolling polling = polling(ONE_LOOK);
    readyAfter = 1;
    for (int found = 0; found < 1000; found++) {
      assertEquals(3, next(polling));
    }

    readyAfter = Integer.MAX_VALUE;
    int all = 0;
    for (int sleep = 0; sleep < 40; sleep++) {
      assertEquals(SelectStrategy.SELECT, next(polling));
      all += looks;
    }
    assertEquals(17, all);
  }
}
