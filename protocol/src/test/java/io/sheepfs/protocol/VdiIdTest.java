package io.sheepfs.protocol;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

class VdiIdTest {

  @Test
  void hashOf_nameTheOriginalHashed_sameId() {
    assertEquals(new VdiId(0x7c2b25), VdiId.hashOf(new VdiName("test")));
  }

  @Test
  void next_ofLast_wrapsPastZero() {
    assertEquals(new VdiId(1), new VdiId(VdiId.MAX).next());
    assertEquals(new VdiId(VdiId.MAX), new VdiId(1).previous());
  }

  @Test
  void constructor_outOfRange_refused() {
    assertThrows(IllegalArgumentException.class, () -> new VdiId(0));
    assertThrows(IllegalArgumentException.class, () -> new VdiId(VdiId.MAX + 1));
  }
}
