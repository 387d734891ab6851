package io.sheepfs.cache;

import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Random and exhaustive sequences of operations, crashes and failures against a model. */
@Timeout(value = 10, unit = TimeUnit.MINUTES)
final class CacheSimTest {

  private static final int SEEDS = Integer.getInteger("sheepfs.cache.seeds", 60);
  private static final int STEPS = 1000;

  @Test
  void cache_randomOperations_asTheModel() throws Exception {
    long first = Long.getLong("sheepfs.cache.seed", System.nanoTime());
    for (long seed = first; seed < first + SEEDS; seed++) {
      int step = 0;
      try {
        Random random = new Random(seed);
        CacheModel model = new CacheModel(random);
        for (; step < STEPS; step++) {
          randomStep(model, random);
          if (random.nextInt(8) == 0) {
            model.check();
          }
        }
      } catch (Exception | AssertionError e) {
        throw new AssertionError(
            "step " + step + "; replay with -Dsheepfs.cache.seeds=1 -Dsheepfs.cache.seed=" + seed,
            e);
      }
    }
  }

  private static void randomStep(CacheModel model, Random random) throws Exception {
    int object = random.nextInt(2);
    int from = random.nextInt(CacheModel.BLOCKS * 2);
    int to = from + 1 + random.nextInt(CacheModel.BLOCKS * 2 - from);
    switch (random.nextInt(26)) {
      case 0, 1, 2, 3, 4, 5, 6 -> model.write(object, from, to);
      case 7, 8, 9, 10 -> model.read(object, from, to);
      case 11, 12 -> model.flush();
      case 13 -> model.crash();
      case 14 -> model.reboot();
      case 15 -> model.closeAndReboot();
      case 16 -> model.reclaim();
      case 17 -> model.failFlush(random.nextBoolean());
      case 18, 19 -> model.discard(object, from, to);
      case 20 -> model.delete(object);
      case 24, 25 -> {
        model.losePushes();
        if (random.nextBoolean()) {
          model.flush();
        }
      }
      case 21, 22 -> model.pass(random.nextInt(4));
      default -> {
        model.setDiskFailing(true);
        model.write(object, from, to);
        model.read(object, 0, 2);
        model.setDiskFailing(false);
      }
    }
  }

  @Test
  void cache_everyShortSequence_asTheModel() throws Exception {
    int operations = 14;
    for (int sequence = 0;
        sequence < operations * operations * operations * operations;
        sequence++) {
      try {
        CacheModel model = new CacheModel(new Random(sequence));
        for (int i = 0, rest = sequence; i < 4; i++, rest /= operations) {
          step(model, rest % operations);
        }
        model.check();
        model.reboot();
        model.check();
      } catch (Exception | AssertionError e) {
        throw new AssertionError("sequence " + Integer.toString(sequence, operations), e);
      }
    }
  }

  private static void step(CacheModel model, int operation) throws Exception {
    switch (operation) {
      case 0 -> model.write(0, 0, 2);
      case 1 -> model.write(0, 1, 3);
      case 2 -> model.write(0, 2, 4);
      case 3 -> model.read(0, 0, 4);
      case 4 -> model.flush();
      case 5 -> model.crash();
      case 6 -> model.reboot();
      case 7 -> model.reclaim();
      case 8 -> model.failFlush(false);
      case 9 -> model.failFlush(true);
      case 10 -> model.discard(0, 0, 3);
      case 11 -> model.delete(0);
      case 12 -> {
        model.losePushes();
        model.flush();
      }
      default -> model.closeAndReboot();
    }
  }
}
