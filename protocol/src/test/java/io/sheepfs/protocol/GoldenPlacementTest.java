package io.sheepfs.protocol;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.sheepfs.protocol.ObjectId.Kind;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/**
 * Where the original puts objects: 10,000 ids on each of three rings, with weights, shared zones
 * and several networks. The file was written by a program around the original's {@code
 * oid_to_nodes}: for each ring {@code ring COPIES}, a line {@code node ADDRESS PORT VNODES ZONE}
 * for each node, then for each object one digit per copy, the number of the node in that list.
 */
class GoldenPlacementTest {

  private static final int IDS = 10_000;

  /** The ids, by the generator that the program used. */
  private static List<ObjectId> ids() {
    Kind[] kinds = {Kind.DATA, Kind.INODE, Kind.VM_STATE, Kind.ATTRIBUTE};
    long state = 1;
    List<ObjectId> ids = new ArrayList<>(IDS);
    for (int i = 0; i < IDS; i++) {
      long[] drawn = new long[3];
      for (int j = 0; j < drawn.length; j++) {
        state = state * 6364136223846793005L + 1442695040888963407L;
        drawn[j] = state >>> 33;
      }
      VdiId vid = new VdiId((int) (1 + drawn[0] % 0xFFFFFE));
      Kind kind = kinds[(int) (drawn[2] % kinds.length)];
      ids.add(ObjectId.of(kind, vid, kind == Kind.INODE ? 0 : (int) (drawn[1] % (1 << 20))));
    }
    return ids;
  }

  /** What is recorded of one ring. */
  private record Recorded(int copies, List<NodeRecord> nodes, List<String> places) {}

  private static List<Recorded> recorded() throws IOException {
    List<Recorded> rings = new ArrayList<>();
    try (InputStream in =
            GoldenPlacementTest.class.getResourceAsStream("/vectors/placement-golden.txt");
        BufferedReader lines =
            new BufferedReader(
                new InputStreamReader(Objects.requireNonNull(in), StandardCharsets.US_ASCII))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        String[] words = line.split(" ", -1);
        if (words[0].equals("ring")) {
          rings.add(new Recorded(Integer.parseInt(words[1]), new ArrayList<>(), new ArrayList<>()));
          continue;
        }
        Recorded ring = rings.get(rings.size() - 1);
        if (words[0].equals("node")) {
          NodeId id = new NodeId(InetAddress.getByName(words[1]), Integer.parseInt(words[2]));
          ring.nodes()
              .add(
                  new NodeRecord(
                      id, Integer.parseInt(words[3]), Integer.parseInt(words[4]), 1L << 40));
        } else {
          ring.places().addAll(List.of(words));
        }
      }
    }
    return rings;
  }

  @Test
  void nodes_ofTenThousandObjects_asTheOriginal() throws IOException {
    List<ObjectId> ids = ids();
    List<Recorded> rings = recorded();
    assertEquals(3, rings.size());
    for (Recorded recorded : rings) {
      assertEquals(IDS, recorded.places().size());
      Ring ring = new Ring(recorded.nodes());
      for (int i = 0; i < IDS; i++) {
        StringBuilder places = new StringBuilder();
        for (NodeRecord node : ring.nodes(ids.get(i), recorded.copies())) {
          places.append(recorded.nodes().indexOf(node));
        }
        assertEquals(recorded.places().get(i), places.toString(), "object " + ids.get(i));
      }
    }
  }
}
