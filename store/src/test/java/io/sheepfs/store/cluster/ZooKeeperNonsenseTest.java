package io.sheepfs.store.cluster;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.store.Loss;
import io.sheepfs.store.cluster.Epoch.Member;
import io.sheepfs.store.cluster.Epoch.State;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * Whatever bytes are in ZooKeeper: they are understood, or refused with a failure that says where
 * they are; never anything else, and nothing is done. {@code -Dfuzz.frames=N} and {@code
 * -Dfuzz.seed=N}.
 */
final class ZooKeeperNonsenseTest {

  private static final int ROUNDS = Integer.getInteger("fuzz.frames", 4000);
  private static final long CREATED = 0x65_0000_0001L;

  private final long seed = Long.getLong("fuzz.seed", 20261121);
  private final Random random = new Random(seed);

  /** A tree in memory. */
  private static final class Values implements Agreement {
    final Map<String, byte[]> all = new TreeMap<>();

    @Override
    public Session session() {
      return new Session(1, Duration.ofSeconds(4));
    }

    @Override
    public byte @Nullable [] read(String path) {
      return all.get(path);
    }

    @Override
    public List<String> children(String path) {
      String above = path.equals("/") ? path : path + "/";
      return all.keySet().stream()
          .filter(each -> each.startsWith(above))
          .map(each -> each.substring(above.length()))
          .map(each -> each.contains("/") ? each.substring(0, each.indexOf('/')) : each)
          .distinct()
          .toList();
    }

    @Override
    public int version(String path) {
      return all.containsKey(path) ? 0 : -1;
    }

    @Override
    public boolean create(String path, byte[] value) {
      return all.putIfAbsent(path, value) == null;
    }

    @Override
    public void putEphemeral(String path, byte[] value) {
      all.put(path, value);
    }

    @Override
    public void put(String path, byte[] value) {
      all.put(path, value);
    }

    @Override
    public void replaceIf(String guard, int version, String path, byte[] value) {
      all.put(path, value);
    }

    @Override
    public void close() {}
  }

  private static NodeInfo node(int port) {
    return new NodeInfo(InetAddress.getLoopbackAddress(), port, 128, port, 1L << 40);
  }

  private static Member member(String id, State state) {
    return new Member(id, state, 1, "incarnation-" + id, Seat.of(node(7000 + id.charAt(0))));
  }

  /** What there is in a cluster of three. */
  private static Values cluster() throws IOException {
    Values values = new Values();
    Registry registry = new Registry(values, "a");
    Epoch epoch =
        new Epoch(
            1,
            Instant.ofEpochSecond(1_700_000_000),
            List.of(member("a", State.SYNCED), member("b", State.SYNCING), member("c", State.AWAY)),
            Map.of(new VdiId(5), new CopyNumber(2, 3)));
    registry.format(new Layout(CREATED, 0, 3, 22, "plain"), epoch);
    String incarnation = registry.join(node(7001), true, Loss.UNFLUSHED);
    registry.wishes().setRing(CREATED, Map.of("a", node(7001), "b", node(7002)));
    registry.wishes().setCopies(CREATED, 1, Map.of(new VdiId(5), new CopyNumber(2, 3)));
    registry.wishes().setDefaultCopies(CREATED, 2);
    registry.wishes().setRecoveryHeld(CREATED, true);
    registry.wishes().force(CREATED, 1);
    registry.markReady(CREATED, 1, incarnation);
    registry.markCaughtUp(1, incarnation);
    String unused = registry.tellSilent(Map.of("b", "incarnation-b"), "");
    registry.refuse("c", "incarnation-c");
    registry.setChange(registry.beginTerm(incarnation, () -> true), change());
    return values;
  }

  private static byte[] change() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      out.writeByte(2);
      for (int kind = 1; kind <= 3; kind++) {
        out.writeByte(kind);
        out.writeLong(ObjectId.inode(new VdiId(kind)).value());
        out.writeLong(4096);
        out.writeInt(kind == 2 ? 8 : 0);
        out.writeBytes(kind == 2 ? "8 bytes." : "");
      }
    }
    return bytes.toByteArray();
  }

  private byte[] changed(byte[] value) {
    byte[] other = value.clone();
    switch (random.nextInt(6)) {
      case 0 -> {
        return Arrays.copyOf(other, random.nextInt(other.length + 1));
      }
      case 1 -> {
        other = Arrays.copyOf(other, other.length + 1 + random.nextInt(100));
      }
      case 2 -> {
        other = new byte[random.nextInt(300)];
        random.nextBytes(other);
      }
      case 3 -> {
        // words and digits of the right kind in the wrong place
        String[] words = new String(other, StandardCharsets.ISO_8859_1).split(" ", -1);
        words[random.nextInt(words.length)] =
            List.of("", "-1", "0", "9999999999", "2147483647", "AWAY", "é", "\n")
                .get(random.nextInt(8));
        return String.join(" ", words).getBytes(StandardCharsets.UTF_8);
      }
      default -> {
        for (int i = 1 + random.nextInt(4); i > 0 && other.length > 0; i--) {
          other[random.nextInt(other.length)] ^= (byte) (1 << random.nextInt(8));
        }
      }
    }
    return other;
  }

  /** Something that reads. */
  private interface Reader {
    @Nullable Object read() throws IOException;
  }

  @Test
  void values_mutated_areUnderstoodOrRefused() throws IOException {
    int understood = 0;
    int refused = 0;
    Map<String, byte[]> right = cluster().all;
    List<String> paths = List.copyOf(right.keySet());
    for (int round = 0; round < ROUNDS; round++) {
      Values values = new Values();
      values.all.putAll(right);
      String path = paths.get(random.nextInt(paths.size()));
      byte[] value = changed(right.getOrDefault(path, new byte[0]));
      if (random.nextInt(50) == 0) {
        values.all.put("/epochs/" + Long.toHexString(CREATED) + "/nonsense", value);
      } else {
        values.all.put(path, value);
      }
      Registry registry = new Registry(values, "a");
      Reader[] readers = {
        registry::layout,
        () -> registry.lastEpoch(CREATED),
        () -> view(registry),
        () -> registry.wishes().read(CREATED),
        () -> registry.rifts(registry.members()),
        () -> registry.isCaughtUp("a", 1, "x"),
        () -> registry.refused("c"),
      };
      for (Reader reader : readers) {
        try {
          Object unused = reader.read();
          understood++;
        } catch (IOException e) {
          assertTrue(String.valueOf(e.getMessage()).contains("nonsense at /"), e::toString);
          refused++;
        } catch (RuntimeException e) {
          throw new AssertionError(path + ", replay with -Dfuzz.seed=" + seed, e);
        }
      }
    }
    System.out.printf("%d values understood, %d refused%n", understood, refused);
    assertTrue(refused > 0 && understood > 0, understood + " " + refused);
  }

  private static @Nullable View view(Registry registry) throws IOException {
    Layout layout = registry.layout();
    if (layout == null) {
      return null;
    }
    View view = new View(layout, registry.epoch(CREATED, 1), "a");
    return registry.areReady(view) ? view : null;
  }

  @Test
  void change_mutated_isUnderstoodOrRefused() throws IOException {
    int understood = 0;
    int refused = 0;
    for (int round = 0; round < ROUNDS; round++) {
      byte[] record = changed(change());
      try {
        understood += ClusterChanges.decode(record).size();
      } catch (IOException e) {
        refused++;
      } catch (RuntimeException e) {
        throw new AssertionError("replay with -Dfuzz.seed=" + seed, e);
      }
    }
    System.out.printf("%d steps understood, %d records refused%n", understood, refused);
    assertTrue(refused > 0 && understood > 0, understood + " " + refused);
  }
}
