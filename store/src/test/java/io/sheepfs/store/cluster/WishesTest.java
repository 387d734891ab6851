package io.sheepfs.store.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.protocol.VdiId;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

final class WishesTest {

  private static final long FORMAT = 0x1234_0000_0000L;

  private final Tree tree = new Tree();
  private final Wishes wishes = new Wishes(tree);

  /** Values in memory, with their versions. */
  private static final class Tree implements Agreement {
    private final TreeMap<String, String> values = new TreeMap<>();
    private int term;

    @Override
    public Session session() {
      return new Session(1, Duration.ofSeconds(1));
    }

    @Override
    public byte @Nullable [] read(String path) {
      String value = values.get(path);
      return value == null ? null : value.getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public List<String> children(String path) {
      return values.keySet().stream().map(key -> key.substring(1)).toList();
    }

    @Override
    public int version(String path) {
      return term;
    }

    @Override
    public boolean create(String path, byte[] value) {
      return values.putIfAbsent(path, new String(value, StandardCharsets.UTF_8)) == null;
    }

    @Override
    public void putEphemeral(String path, byte[] value) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void put(String path, byte[] value) {
      values.put(path, new String(value, StandardCharsets.UTF_8));
    }

    @Override
    public void replaceIf(String guard, int version, String path, byte[] value) throws IOException {
      if (version != term || !values.containsKey(path)) {
        throw new IOException("another term");
      }
      values.put(path, new String(value, StandardCharsets.UTF_8));
    }

    @Override
    public void close() {}
  }

  @Test
  void read_ofWhatAnEarlierVersionLeft_isNothingButTheRing() throws IOException {
    NodeInfo node = new NodeInfo(InetAddress.getLoopbackAddress(), 7001, 128, 2, 1L << 40);
    assertEquals(new Wishes.Wanted(Map.of(), Map.of(), Settings.NONE, 0), wishes.read(FORMAT));
    tree.values.put(
        "/wish", "wish " + Long.toHexString(FORMAT) + "\nid-1 " + Epoch.hex(node) + "\n");
    assertEquals(
        new Wishes.Wanted(Map.of("id-1", node), Map.of(), Settings.NONE, 0), wishes.read(FORMAT));
  }

  @Test
  void wishes_areReadAsTheyWereMade_andForNoOtherFormat() throws IOException {
    NodeInfo node = new NodeInfo(InetAddress.getLoopbackAddress(), 7001, 128, 2, 1L << 40);
    Map<VdiId, CopyNumber> copies =
        Map.of(new VdiId(0xabcdef), new CopyNumber(1, 8), new VdiId(1), new CopyNumber(3, 2));
    Settings settings = new Settings(2, true);
    wishes.setRing(FORMAT, Map.of("id-1", node));
    wishes.setCopies(FORMAT, 0, copies);
    wishes.setDefaultCopies(FORMAT, 2);
    wishes.setRecoveryHeld(FORMAT, true);
    wishes.force(FORMAT, 17);
    assertEquals(
        new Wishes.Wanted(Map.of("id-1", node), copies, settings, 17), wishes.read(FORMAT));
    assertEquals(new Wishes.Wanted(Map.of(), Map.of(), Settings.NONE, 0), wishes.read(FORMAT + 1));
  }

  @Test
  void copies_ofALeaderWhoseTermIsOver_areRefused() throws IOException {
    Map<VdiId, CopyNumber> copies = Map.of(new VdiId(1), new CopyNumber(3, 2));
    wishes.setCopies(FORMAT, 0, copies);
    tree.term = 1;
    assertThrows(IOException.class, () -> wishes.setCopies(FORMAT, 0, Map.of()));
    assertEquals(copies, wishes.read(FORMAT).copies());
  }

  @Test
  void recovery_letGo_isNotHeldBack() throws IOException {
    wishes.setRecoveryHeld(FORMAT, true);
    wishes.setRecoveryHeld(FORMAT, false);
    assertEquals(Settings.NONE, wishes.read(FORMAT).settings());
  }
}
