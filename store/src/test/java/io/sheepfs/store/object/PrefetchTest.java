package io.sheepfs.store.object;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.VdiId;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class PrefetchTest {

  /** No part of it can be fetched so fast that it counts as found in memory. */
  private static final long NOTHING = 0;

  /** However long it takes, it was so fast for its length that it was in memory. */
  private static final long VERY_LONG = 1L << 40;

  private final List<Integer> sent = Collections.synchronizedList(new ArrayList<>());

  private static ObjectId object(int index) {
    return ObjectId.data(new VdiId(1), index);
  }

  private void await(Prefetch prefetch) throws InterruptedException {
    CountDownLatch asked = new CountDownLatch(1);
    while (asked.getCount() > 0) { // until one is not left out
      prefetch.expect(
          object(99),
          0,
          NOTHING,
          () -> {
            asked.countDown();
            return false;
          });
      Thread.onSpinWait();
    }
    assertTrue(asked.await(60, TimeUnit.SECONDS));
    prefetch.close();
  }

  @Test
  void expect_notWantedOrFailing_goesOnWithTheNext() throws Exception {
    Prefetch prefetch =
        new Prefetch(
            (oid, offset, length, target) -> {
              sent.add(oid.index());
              if (oid.index() == 1) {
                throw new IOException("no such object");
              }
            });
    prefetch.expect(object(0), 0, NOTHING, () -> false);
    prefetch.expect(object(1), 0, NOTHING, () -> true);
    prefetch.expect(object(2), 0, NOTHING, () -> true);
    await(prefetch);
    assertEquals(List.of(1, 2), sent);
  }

  @Test
  void expect_afterAPartThatWasInMemory_leavesSomeOut() throws Exception {
    Prefetch prefetch = new Prefetch((oid, offset, length, target) -> sent.add(oid.index()));
    for (int index = 0; index < 6; index++) {
      prefetch.expect(object(index), 0, VERY_LONG, () -> true);
    }
    await(prefetch);
    assertEquals(List.of(0, 4), sent);
  }
}
