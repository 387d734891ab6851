package io.sheepfs.protocol.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import io.sheepfs.protocol.VdiId;
import org.junit.jupiter.api.Test;

final class IncarnationsTest {

  private static final VdiId ONE = new VdiId(1);
  private static final VdiId TWO = new VdiId(2);

  private final Incarnations incarnations = new Incarnations();

  @Test
  void sameNumber_isNoLoss() {
    long before = incarnations.losses(ONE);
    incarnations.written(ONE, 7);
    incarnations.flushed(ONE, 7);
    assertEquals(before, incarnations.losses(ONE));
  }

  @Test
  void anotherNumber_isALoss_ofThatVdiAlone() {
    long one = incarnations.losses(ONE);
    long two = incarnations.losses(TWO);
    incarnations.written(ONE, 7);
    incarnations.written(TWO, 5);
    incarnations.flushed(ONE, 8);
    incarnations.flushed(TWO, 5);
    assertEquals(one + 1, incarnations.losses(ONE));
    assertEquals(two, incarnations.losses(TWO));
  }

  @Test
  void answerThatWasLongOnItsWay_isALossToo() {
    incarnations.written(ONE, 7);
    incarnations.written(ONE, 8);
    long before = incarnations.losses(ONE);
    incarnations.written(ONE, 7);
    incarnations.flushed(ONE, 8);
    assertNotEquals(before, incarnations.losses(ONE));
  }

  @Test
  void sheepThatDoesNotTell_changesNothing() {
    incarnations.written(ONE, 7);
    long before = incarnations.losses(ONE);
    incarnations.written(ONE, 0);
    incarnations.flushed(ONE, 0);
    incarnations.flushed(ONE, 7);
    assertEquals(before, incarnations.losses(ONE));
  }

  /** A reader that flushes leaves nothing behind. */
  @Test
  void flushOfWhatNobodyWrote_isNotRemembered() {
    incarnations.flushed(ONE, 7);
    assertEquals(0, incarnations.size());
  }

  @Test
  void lossOfSnapshot_countsForSuccessor() {
    long before = incarnations.losses(ONE);
    incarnations.written(ONE, 7);
    incarnations.flushed(ONE, 8);
    incarnations.continueAs(ONE, TWO);
    incarnations.written(TWO, 8);
    incarnations.flushed(TWO, 8);
    assertNotEquals(before, incarnations.losses(TWO));
    assertEquals(incarnations.losses(ONE), incarnations.losses(TWO));
  }

  @Test
  void successorOfSnapshotThatLostNothing_isNoLoss() {
    incarnations.losses(TWO);
    incarnations.written(TWO, 1);
    incarnations.written(TWO, 2);
    long before = incarnations.losses(ONE);
    VdiId three = new VdiId(3);
    incarnations.written(ONE, 7);
    incarnations.flushed(ONE, 7);
    incarnations.continueAs(ONE, three);
    incarnations.written(three, 5); // fewer copies, and so another number
    incarnations.flushed(three, 5);
    assertEquals(before, incarnations.losses(three));
  }

  /** What was noted for either is less than what the successor has then. */
  @Test
  void lossOfSnapshot_afterSuccessorWasWritten_countsForBoth() {
    long one = incarnations.losses(ONE);
    incarnations.written(ONE, 7);
    incarnations.continueAs(ONE, TWO);
    long two = incarnations.losses(TWO);
    incarnations.written(TWO, 7);
    incarnations.flushed(ONE, 8);
    incarnations.continueAs(ONE, TWO);
    assertNotEquals(one, incarnations.losses(TWO));
    assertNotEquals(two, incarnations.losses(TWO));
  }

  @Test
  void lossOfSuccessor_isKeptWhenSnapshotIsAskedAgain() {
    incarnations.written(ONE, 7);
    incarnations.continueAs(ONE, TWO);
    long before = incarnations.losses(TWO);
    incarnations.written(TWO, 7);
    incarnations.flushed(TWO, 8);
    incarnations.continueAs(ONE, TWO);
    assertNotEquals(before, incarnations.losses(TWO));
  }

  /** Else a loss before it was given up would be missed by whoever takes it up again. */
  @Test
  void forgotten_neverComesBackToAnEarlierCount() {
    incarnations.written(ONE, 7);
    incarnations.written(ONE, 8);
    long before = incarnations.losses(ONE);
    incarnations.forget(ONE);
    assertEquals(0, incarnations.size());
    incarnations.flushed(ONE, 9);
    assertNotEquals(before, incarnations.losses(ONE));
  }

  @Test
  void forgetOfOne_leavesTheOthers() {
    incarnations.written(ONE, 7);
    incarnations.written(TWO, 7);
    long before = incarnations.losses(TWO);
    incarnations.forget(ONE);
    incarnations.flushed(TWO, 7);
    assertEquals(before, incarnations.losses(TWO));
    assertEquals(1, incarnations.size());
  }
}
