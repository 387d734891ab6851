package io.sheepfs.fuse.transport;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

class HandleTableTest {

  @Test
  void handles_areFoundUntilTheyAreRemoved() {
    HandleTable<String> table = new HandleTable<>();
    long a = table.add("a");
    long b = table.add("b");
    assertEquals("a", table.get(a));
    assertEquals("b", table.get(b));
    assertEquals("a", table.remove(a));
    assertNull(table.get(a));
    assertNull(table.remove(a));
    assertEquals("b", table.get(b));
  }

  @Test
  void numbersFromNowhere_findNothing() {
    HandleTable<String> table = new HandleTable<>();
    table.add("a");
    for (long number : new long[] {-1, 1, 63, 64, 1L << 32, Long.MAX_VALUE, Long.MIN_VALUE}) {
      assertNull(table.get(number));
      assertNull(table.remove(number));
    }
  }

  @Test
  void randomUse_besideAMap_isTheSame() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    HandleTable<Object> table = new HandleTable<>();
    Map<Long, Object> model = new HashMap<>();
    List<Long> numbers = new ArrayList<>();
    for (int i = 0; i < 20_000; i++) {
      if (numbers.isEmpty() || random.nextInt(100) < 52) {
        Object handle = new Object();
        long number = table.add(handle);
        assertNull(model.put(number, handle), "seed " + seed + ": a number in use");
        numbers.add(number);
      } else {
        long number = numbers.remove(random.nextInt(numbers.size()));
        assertSame(model.remove(number), table.remove(number), "seed " + seed);
      }
    }
    model.forEach((number, handle) -> assertSame(handle, table.get(number), "seed " + seed));
  }

  @Test
  void threads_addingAndRemoving_seeTheirOwn() throws Exception {
    HandleTable<Object> table = new HandleTable<>();
    ExecutorService threads = Executors.newFixedThreadPool(4);
    try {
      Callable<Void> use =
          () -> {
            for (int i = 0; i < 20_000; i++) {
              Object handle = new Object();
              long number = table.add(handle);
              assertSame(handle, table.get(number));
              assertSame(handle, table.remove(number));
            }
            return null;
          };
      for (Future<Void> future : threads.invokeAll(List.of(use, use, use, use))) {
        future.get();
      }
    } finally {
      threads.shutdownNow();
    }
    assertNull(table.get(0));
  }
}
