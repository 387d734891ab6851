package io.sheepfs.cache;

import io.sheepfs.protocol.ResultCode;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Every sequence of up to four operations on two blocks, against the model. */
@Timeout(value = 30, unit = TimeUnit.MINUTES)
final class CacheShortSequencesTest {

  private static final int LENGTH = Integer.getInteger("sheepfs.cache.length", 4);
  private static final int OPERATIONS = 17;

  @Test
  void cache_everyShortSequence_asTheModel() {
    int sequences = 1;
    for (int length = 1; length <= LENGTH; length++) {
      sequences *= OPERATIONS;
      int operations = length;
      IntStream.range(0, sequences).parallel().forEach(sequence -> live(sequence, operations));
    }
  }

  private static void live(int sequence, int length) {
    try {
      CacheModel model = new CacheModel(new Random(sequence));
      for (int i = 0, rest = sequence; i < length; i++, rest /= OPERATIONS) {
        step(model, rest % OPERATIONS);
      }
      model.check();
      model.reboot();
      model.check();
    } catch (Exception | AssertionError e) {
      throw new AssertionError(
          length + " operations, sequence " + Integer.toString(sequence, OPERATIONS), e);
    }
  }

  /** Units 0 and 1 are the first block, 2 and 3 the second. */
  private static void step(CacheModel model, int operation) throws Exception {
    switch (operation) {
      case 0 -> model.write(0, 0, 0, 2);
      case 1 -> model.write(0, 0, 2, 4);
      case 2 -> model.write(0, 0, 1, 2);
      case 3 -> model.write(0, 0, 1, 3);
      case 4 -> model.read(0, 0, 0, 4);
      case 5 -> model.flush(0);
      case 6 -> model.crash();
      case 7 -> model.reboot();
      case 8 -> model.reclaim();
      case 9 -> model.failFlush(0, false, ResultCode.EIO);
      case 10 -> model.failFlush(0, true, ResultCode.EIO);
      case 11 -> model.discard(0, 0, 0, 2);
      case 12 -> model.discard(0, 0, 1, 3);
      case 13 -> model.delete(0, 0);
      case 14 -> model.write(0, 0, 2, 3);
      case 15 -> model.discard(0, 0, 2, 4);
      default -> {
        model.losePushes();
        model.flush(0);
      }
    }
  }
}
