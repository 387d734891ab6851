package io.sheepfs.store.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.VdiId;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

final class GapsTest {

  private static final ObjectId ONE = ObjectId.data(new VdiId(1), 1);
  private static final ObjectId TWO = ObjectId.data(new VdiId(1), 2);

  private final Gaps gaps = new Gaps();

  @Test
  void take_givesEachOnce() {
    assertTrue(gaps.add(ONE));
    assertTrue(gaps.add(TWO));
    assertTrue(gaps.add(ONE));
    assertEquals(Set.of(ONE, TWO), Set.copyOf(gaps.take()));
    assertTrue(gaps.add(ONE), "there was something to fetch, so that the node has not told yet");
    assertEquals(List.of(ONE), gaps.take());
  }

  @Test
  void tookNothing_nodeMustTakeAllChanges() {
    assertEquals(List.of(), gaps.take());
    assertFalse(gaps.add(ONE));
    assertEquals(List.of(), gaps.take());
  }

  @Test
  void nextEpoch_beginsAnew() {
    assertTrue(gaps.add(ONE));
    gaps.begin();
    assertEquals(List.of(), gaps.take());
    gaps.begin();
    assertTrue(gaps.add(TWO));
    assertEquals(List.of(TWO), gaps.take());
  }
}
