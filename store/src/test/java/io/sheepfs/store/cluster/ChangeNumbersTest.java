package io.sheepfs.store.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.store.cluster.ChangeNumbers.Outcome;
import io.sheepfs.store.cluster.PeerCalls.Sequence;
import java.util.List;
import org.junit.jupiter.api.Test;

final class ChangeNumbersTest {

  private static final ObjectId ONE = ObjectId.data(new VdiId(1), 1);
  private static final ObjectId TWO = ObjectId.data(new VdiId(1), 2);

  private final ChangeNumbers numbers = new ChangeNumbers();

  private long begin(int epoch) {
    return numbers.begin(epoch).number();
  }

  private long oldestAt(int epoch) {
    Sequence probe = numbers.begin(epoch);
    numbers.end(TWO, List.of(probe.number()), Outcome.REFUSED);
    return probe.oldestUnfinished();
  }

  @Test
  void numbers_onlyGrow_alsoOverEpochs() {
    assertEquals(1, begin(4));
    assertEquals(2, begin(4));
    assertEquals(3, begin(5));
  }

  @Test
  void change_isUnfinishedUntilItEnds() {
    long first = begin(1);
    long second = begin(1);
    assertEquals(first, oldestAt(1));
    numbers.end(ONE, List.of(first), Outcome.DONE);
    assertEquals(second, oldestAt(1));
    numbers.end(TWO, List.of(second), Outcome.REFUSED);
    Sequence next = numbers.begin(1);
    assertEquals(next.number(), next.oldestUnfinished());
  }

  @Test
  void allAttempts_stayUnfinishedUntilOneSucceeds() {
    long first = begin(1);
    long again = begin(1);
    assertEquals(first, oldestAt(1));
    numbers.end(ONE, List.of(first, again), Outcome.DONE);
    assertTrue(oldestAt(1) > again);
  }

  @Test
  void halfDone_staysUnfinished_untilTheObjectIsWhole() {
    long failed = begin(1);
    numbers.end(ONE, List.of(failed), Outcome.HALF_DONE);
    assertTrue(numbers.isHalfDone(1, ONE));
    assertFalse(numbers.isHalfDone(1, TWO));
    long part = begin(1);
    numbers.end(ONE, List.of(part), Outcome.DONE);
    assertEquals(failed, oldestAt(1), "what else the failed one changed may differ still");
    long elsewhere = begin(1);
    numbers.end(TWO, List.of(elsewhere), Outcome.WHOLE);
    assertEquals(failed, oldestAt(1));
    long whole = begin(1);
    numbers.end(ONE, List.of(whole), Outcome.WHOLE);
    assertFalse(numbers.isHalfDone(1, ONE));
    assertTrue(oldestAt(1) > whole);
  }

  @Test
  void halfDone_endsWithTheEpoch_whatIsUnderWayDoesNot() {
    long failed = begin(1);
    long underWay = begin(1);
    numbers.end(ONE, List.of(failed), Outcome.HALF_DONE);
    assertEquals(underWay, oldestAt(2));
    assertFalse(numbers.isHalfDone(2, ONE));
    assertFalse(numbers.isHalfDone(1, ONE));
  }

  @Test
  void failedBeforeItWasSent_isNotHalfDone() {
    numbers.end(ONE, List.of(), Outcome.HALF_DONE);
    begin(1);
    assertFalse(numbers.isHalfDone(1, ONE));
  }
}
