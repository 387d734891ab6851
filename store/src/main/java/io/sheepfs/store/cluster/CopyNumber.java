package io.sheepfs.store.cluster;

import io.sheepfs.protocol.VdiId;
import java.util.Map;
import java.util.TreeMap;

/**
 * How many copies the objects of a VDI have, and how many they are to get. Where the two differ,
 * objects move. An {@link Epoch} says so of each VDI whose number was ever changed; the inode says
 * it of all others.
 *
 * <p>As text: {@code copies VID NOW NEXT}.
 *
 * @param now on how many nodes each object is
 * @param next likewise, when there are those copies
 */
record CopyNumber(int now, int next) {

  private static final String WORD = "copies ";
  private static final int HEX = 16;

  CopyNumber {
    if (now < 1 || next < 1 || now > Replica.MAX_NODES || next > Replica.MAX_NODES) {
      throw new IllegalArgumentException(now + " copies, then " + next);
    }
  }

  boolean changes() {
    return now != next;
  }

  /** All of them as they are when everybody has what it should have. */
  static Map<VdiId, CopyNumber> arrived(Map<VdiId, CopyNumber> all) {
    Map<VdiId, CopyNumber> result = new TreeMap<>();
    all.forEach((vid, number) -> result.put(vid, new CopyNumber(number.next(), number.next())));
    return result;
  }

  /**
   * All of them with those that are wished for as the next ones.
   *
   * @param wish with the numbers that the inodes said, for those that were never changed
   */
  static Map<VdiId, CopyNumber> wished(Map<VdiId, CopyNumber> all, Map<VdiId, CopyNumber> wish) {
    Map<VdiId, CopyNumber> result = new TreeMap<>();
    result.putAll(all);
    wish.forEach(
        (vid, wanted) ->
            result.merge(vid, wanted, (known, later) -> new CopyNumber(known.now(), later.next())));
    return result;
  }

  static String encode(Map<VdiId, CopyNumber> all) {
    StringBuilder text = new StringBuilder();
    Map<VdiId, CopyNumber> sorted = new TreeMap<>();
    sorted.putAll(all);
    sorted.forEach(
        (vid, number) ->
            text.append(WORD)
                .append(Integer.toString(vid.value(), HEX))
                .append(' ')
                .append(number.now())
                .append(' ')
                .append(number.next())
                .append('\n'));
    return text.toString();
  }

  /** Whether a line is one of {@link #encode}'s. */
  static boolean isOne(String line) {
    return line.startsWith(WORD);
  }

  /** Those among the lines of a text. */
  static Map<VdiId, CopyNumber> decode(String text) {
    Map<VdiId, CopyNumber> all = new TreeMap<>();
    for (String line : text.lines().filter(CopyNumber::isOne).toList()) {
      String[] words = line.split(" ", -1);
      all.put(
          new VdiId(Integer.parseInt(words[1], HEX)),
          new CopyNumber(Integer.parseInt(words[2]), Integer.parseInt(words[3])));
    }
    return all;
  }
}
