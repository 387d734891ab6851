package io.sheepfs.fuse.transport.direct;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import org.junit.jupiter.api.Test;

class NodeTableTest {

  private final NodeTable<String> nodes = new NodeTable<>("root");

  @Test
  void aNode_isHeldUntilAllLookupsAreForgotten() {
    nodes.remember(7, "seven");
    nodes.remember(7, "seven");
    nodes.remember(7, "seven");
    nodes.forget(7, 2);
    assertEquals("seven", nodes.get(7));
    assertEquals(1, nodes.size());
    nodes.forget(7, 1);
    assertNull(nodes.get(7));
    assertEquals(0, nodes.size());
  }

  @Test
  void theRoot_isThereWhateverIsForgotten() {
    nodes.remember(1, "root");
    nodes.forget(1, 100);
    assertEquals("root", nodes.get(1));
    assertEquals(0, nodes.size());
  }

  @Test
  void more_forgottenThanRemembered_isForgotten() {
    nodes.remember(7, "seven");
    nodes.forget(7, Long.MAX_VALUE);
    nodes.forget(8, 1);
    assertNull(nodes.get(7));
    nodes.remember(7, "another");
    assertEquals("another", nodes.get(7));
  }
}
