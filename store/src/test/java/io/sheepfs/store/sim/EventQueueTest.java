package io.sheepfs.store.sim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.Comparator;
import java.util.PriorityQueue;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

final class EventQueueTest {

  private record Known(long time, long tie) {}

  @Test
  void events_comeInTheirOrder() {
    long seed = Long.getLong("sheepfs.seed", System.nanoTime());
    SplittableRandom random = new SplittableRandom(seed);
    EventQueue<Known> queue = new EventQueue<>();
    PriorityQueue<Known> model =
        new PriorityQueue<>(Comparator.comparingLong(Known::time).thenComparingLong(Known::tie));
    for (int i = 0; i < 20_000; i++) {
      boolean isFilling = i / 2_000 % 2 == 0;
      if (random.nextInt(3) != 0 == isFilling) {
        Known event = new Known(random.nextInt(50), ((long) random.nextInt() << Integer.SIZE) | i);
        model.add(event);
        queue.add(event.time(), event.tie(), event);
      } else {
        assertEquals(model.poll(), queue.poll(), "seed " + seed);
      }
    }
    while (!model.isEmpty()) {
      assertEquals(model.poll(), queue.poll(), "seed " + seed);
    }
    assertNull(queue.poll());
  }
}
