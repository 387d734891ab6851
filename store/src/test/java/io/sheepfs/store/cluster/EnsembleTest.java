package io.sheepfs.store.cluster;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** What is built on ZooKeeper, on a real one. */
final class EnsembleTest {

  private static Ensemble open(TestZooKeeper server) {
    return Ensemble.open(server.getConnectString(), "vms", null, Duration.ofSeconds(30), () -> {});
  }

  /** What is noted under the term of somebody who has been replaced is refused. */
  @Test
  void beginTerm_endsTheTermBefore() throws Exception {
    try (TestZooKeeper server = new TestZooKeeper();
        Ensemble one = open(server);
        Ensemble other = open(server)) {
      Registry first = new Registry(one, "a");
      Registry second = new Registry(other, "b");
      one.put("/change", new byte[0]);
      assertEquals(0, first.beginTerm("in-a", () -> true));
      assertEquals(1, second.beginTerm("in-b", () -> true));
      assertThrows(IOException.class, () -> first.setChange(0, new byte[] {1}));
      second.setChange(1, new byte[] {2});
      assertArrayEquals(new byte[] {2}, first.change());
      assertEquals(2, first.beginTerm("in-a", () -> true));
    }
  }

  /** A node sleeps while it begins a term, and another leads when it wakes up. */
  @Test
  void beginTerm_whileAnotherBeginsOne_leavesThatAlone() throws Exception {
    try (TestZooKeeper server = new TestZooKeeper();
        Ensemble one = open(server);
        Ensemble other = open(server)) {
      Registry first = new Registry(one, "a");
      Registry second = new Registry(other, "b");
      one.put("/change", new byte[0]);
      for (int term = 0; term < 2; term++) {
        AtomicInteger begun = new AtomicInteger();
        assertThrows(
            IOException.class,
            () -> first.beginTerm("in-a", () -> begins(second, begun)),
            "term " + term);
        assertEquals(term, begun.get());
        assertThrows(IOException.class, () -> first.beginTerm("in-a", () -> false));
        second.setChange(term, new byte[] {(byte) term});
      }
    }
  }

  private static boolean begins(Registry registry, AtomicInteger begun) {
    try {
      begun.set(registry.beginTerm("in-b", () -> true));
      return true;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
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
