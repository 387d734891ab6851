package io.sheepfs.store.cluster;

import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.protocol.VdiId;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;

/**
 * What administrators want of a cluster, as its nodes agree on it:
 *
 * <pre>
 *   wish       the ring
 *   copies     how many copies of which VDIs
 *   default    how many copies VDIs get that do not say it
 *   recovery   whether recovery is held back
 *   force      the epoch that is to be followed without waiting for those who are not there
 * </pre>
 *
 * <p>Each begins with a line that names the format that it is for, and counts for no other. One
 * that is not there says nothing, as an earlier version left it.
 *
 * <p>Safe for any number of threads. A failure of the {@link Agreement} is an {@link IOException}.
 */
final class Wishes {

  private static final String LEADER = "/leader";
  private static final String HELD = "held";
  private static final String FREE = "free";

  private final Agreement agreement;

  /**
   * All that is wanted for one format.
   *
   * @param ring by store id, with as many virtual nodes as they should have; empty for no wish
   * @param copies by VDI; what is not in it is to stay as it is
   * @param forced the epoch to be followed without waiting; 0 for none
   */
  record Wanted(
      Map<String, NodeInfo> ring, Map<VdiId, CopyNumber> copies, Settings settings, int forced) {}

  Wishes(Agreement agreement) {
    this.agreement = agreement;
  }

  private static String head(String name, long createTime) {
    // the word is that of the first version, which knew of one wish only
    return name + " " + Long.toHexString(createTime) + "\n";
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  /** What there is of one wish for a format, without its first line; empty if there is nothing. */
  private String body(List<String> there, String name, long createTime) throws IOException {
    byte[] data = there.contains(name) ? agreement.read("/" + name) : null;
    String text = data == null ? "" : new String(data, StandardCharsets.UTF_8);
    String head = head(name, createTime);
    return text.startsWith(head) ? text.substring(head.length()) : "";
  }

  /** All that is wanted for a format now. */
  Wanted read(long createTime) throws IOException {
    // the list is watched, too: what is not there yet has no data to watch
    List<String> there = agreement.children("/");
    boolean holdsRecovery = body(there, "recovery", createTime).strip().equals(HELD);
    return new Wanted(
        wanted(there, "wish", createTime, Wishes::ring),
        wanted(there, "copies", createTime, CopyNumber::decode),
        new Settings(wanted(there, "default", createTime, Wishes::number), holdsRecovery),
        wanted(there, "force", createTime, Wishes::number));
  }

  private <T> T wanted(
      List<String> there, String name, long createTime, Function<String, T> decoder)
      throws IOException {
    return Registry.understood("/" + name, body(there, name, createTime), decoder);
  }

  private static Map<String, NodeInfo> ring(String body) {
    Map<String, NodeInfo> ring = new HashMap<>();
    for (String line : body.lines().toList()) {
      String[] words = line.split(" ", -1);
      ring.put(words[0], Epoch.node(words[1]));
    }
    return ring;
  }

  private static int number(String body) {
    return body.isBlank() ? 0 : Integer.parseInt(body.strip());
  }

  /** Wants a ring. */
  void setRing(long createTime, Map<String, NodeInfo> ring) throws IOException {
    StringBuilder text = new StringBuilder(head("wish", createTime));
    new TreeMap<>(ring)
        .forEach((id, node) -> text.append(id).append(' ').append(Epoch.hex(node)).append('\n'));
    agreement.put("/wish", bytes(text.toString()));
  }

  /**
   * Wants numbers of copies, in place of all that were wanted before: by who leads, for another
   * leader may have changed them since they were read, and must not lose that.
   *
   * @throws IOException also if the term is over
   */
  void setCopies(long createTime, int term, Map<VdiId, CopyNumber> copies) throws IOException {
    boolean unused = agreement.create("/copies", new byte[0]);
    String text = head("copies", createTime) + CopyNumber.encode(copies);
    agreement.replaceIf(LEADER, term, "/copies", bytes(text));
  }

  /** Sets how many copies VDIs get that do not say it. */
  void setDefaultCopies(long createTime, int copies) throws IOException {
    agreement.put("/default", bytes(head("default", createTime) + copies + "\n"));
  }

  /** Holds recovery back, or lets it go. */
  void setRecoveryHeld(long createTime, boolean held) throws IOException {
    agreement.put("/recovery", bytes(head("recovery", createTime) + (held ? HELD : FREE) + "\n"));
  }

  /** Wants an epoch to be followed without waiting for those who are not there. */
  void force(long createTime, int epoch) throws IOException {
    agreement.put("/force", bytes(head("force", createTime) + epoch + "\n"));
  }
}
