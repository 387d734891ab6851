package io.sheepfs.cache;

import io.sheepfs.protocol.ResultCode;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Random sequences of operations, crashes and failures against a model.
 *
 * <p>{@code sheepfs.cache.steps} says how many steps in all, {@code sheepfs.cache.seed} where the
 * seeds start; each seed is a life of {@value #LIFE} steps.
 */
@Timeout(value = 90, unit = TimeUnit.MINUTES)
final class CacheSimTest {

  private static final int LIFE = 1000;
  private static final long STEPS = Long.getLong("sheepfs.cache.steps", 1_000_000);

  @Test
  void cache_randomOperations_asTheModel() {
    long first = Long.getLong("sheepfs.cache.seed", 1);
    long lives = (STEPS + LIFE - 1) / LIFE;
    LongStream.range(first, first + lives).parallel().forEach(CacheSimTest::live);
  }

  private static void live(long seed) {
    int step = 0;
    try {
      Random random = new Random(seed);
      CacheModel model = new CacheModel(random).withClone();
      for (; step < LIFE; step++) {
        step(model, random);
        if (random.nextInt(8) == 0) {
          model.check();
        }
      }
      model.reboot();
      model.check();
    } catch (Exception | AssertionError e) {
      throw new AssertionError(
          "step " + step + "; replay with -Dsheepfs.cache.steps=1 -Dsheepfs.cache.seed=" + seed, e);
    }
  }

  private static void step(CacheModel model, Random random) throws Exception {
    int vdi = random.nextInt(2);
    int object = random.nextInt(SimVdi.OBJECTS);
    int from = random.nextInt(CacheModel.UNITS);
    int to = from + 1 + random.nextInt(CacheModel.UNITS - from);
    switch (random.nextInt(64)) {
      case 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17 ->
          model.write(vdi, object, from, to);
      case 18, 19, 20, 21, 22, 23, 24, 25, 26, 27 -> model.read(vdi, object, from, to);
      case 28, 29, 30, 31, 32 -> model.flush(vdi);
      case 33, 34 -> model.flushAndMeanwhile(vdi, object, from, to);
      case 35, 36 -> model.readAndMeanwhile(vdi, object, from, to);
      case 37, 38 -> model.crash();
      case 39 -> model.reboot();
      case 40 -> model.closeAndReboot();
      case 41, 42 -> model.reclaim();
      case 43, 44 -> failFlush(model, random, vdi);
      case 45, 46, 47 -> model.discard(vdi, object, from, to);
      case 48 -> model.delete(vdi, object);
      case 49, 50, 51 -> {
        model.losePushes();
        if (random.nextBoolean()) {
          model.flush(vdi);
        }
      }
      case 52, 53 -> model.pass(random.nextInt(4));
      case 54 -> model.snapshot(random.nextBoolean());
      case 55 -> model.cloneAgain();
      case 56, 57 ->
          model.crashDuring(() -> model.write(vdi, object, from, to), random.nextInt(3) == 0);
      case 58 -> model.crashDuring(() -> model.flush(vdi), random.nextInt(3) == 0);
      case 59 ->
          model.crashDuring(() -> model.discard(vdi, object, from, to), random.nextBoolean());
      case 60 -> model.crashDuring(() -> model.delete(vdi, object), random.nextBoolean());
      case 61 -> model.crashDuring(() -> model.pass(3), random.nextBoolean());
      default -> {
        model.setDiskFailing(true);
        model.write(vdi, object, from, to);
        model.read(vdi, object, 0, 2);
        model.setDiskFailing(false);
      }
    }
  }

  private static void failFlush(CacheModel model, Random random, int vdi) {
    boolean atTheEnd = random.nextBoolean();
    model.failFlush(
        vdi, atTheEnd, random.nextInt(4) == 0 ? ResultCode.EIO : ResultCode.NETWORK_ERROR);
  }
}
