package io.sheepfs.store.cluster;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** What is built on ZooKeeper, on a real one. */
final class EnsembleTest {

  private static Ensemble open(TestZooKeeper server) {
    return Ensemble.open(server.getConnectString(), "vms", null, Duration.ofSeconds(30), () -> {});
  }

  /** Two that begin a term at once must not get the same number. */
  @Test
  void put_byTwo_tellsEachTheVersionThatItMade() throws Exception {
    try (TestZooKeeper server = new TestZooKeeper();
        Ensemble one = open(server);
        Ensemble other = open(server)) {
      one.put("/change", new byte[0]);
      assertEquals(0, one.put("/leader", new byte[] {1}));
      assertEquals(1, other.put("/leader", new byte[] {2}));
      assertEquals(2, one.put("/leader", new byte[] {3}));
      assertThrows(
          IOException.class, () -> other.replaceIf("/leader", 1, "/change", new byte[] {2}));
      one.replaceIf("/leader", 2, "/change", new byte[] {3});
      assertArrayEquals(new byte[] {3}, one.read("/change"));
    }
  }

  /** So that nobody who looks meanwhile finds none, and nobody is told twice. */
  @Test
  void putEphemeral_inTheSameSession_changesTheValueInPlace() throws Exception {
    try (TestZooKeeper server = new TestZooKeeper();
        Ensemble one = open(server)) {
      one.putEphemeral("/ready/a", new byte[] {1});
      one.putEphemeral("/ready/a", new byte[] {2});
      assertEquals(1, one.version("/ready/a"));
      assertArrayEquals(new byte[] {2}, one.read("/ready/a"));
    }
  }

  @Test
  void putEphemeral_inPlaceOfAnotherSession_endsWithItsOwn() throws Exception {
    try (TestZooKeeper server = new TestZooKeeper();
        Ensemble reader = open(server)) {
      try (Ensemble later = open(server)) {
        try (Ensemble earlier = open(server)) {
          earlier.putEphemeral("/ready/a", new byte[] {1});
          later.putEphemeral("/ready/a", new byte[] {2});
        }
        later.putEphemeral("/ready/a", new byte[] {3});
        assertArrayEquals(new byte[] {3}, reader.read("/ready/a"));
      }
      assertNull(reader.read("/ready/a"));
    }
  }
}
