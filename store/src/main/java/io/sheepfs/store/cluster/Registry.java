package io.sheepfs.store.cluster;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.store.Loss;
import io.sheepfs.store.cluster.Rifts.Rift;
import java.io.Closeable;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What the nodes of a cluster agree on:
 *
 * <pre>
 *   layout                     the {@link Layout}, replaced by a format
 *   members/STORE_ID           ephemeral: record and incarnation of a node that is there, whether
 *                              its disk weighs it, and what it has lost
 *   epochs/CTIME/NUMBER        the {@link Epoch}s of a layout: created once, never changed
 *   ready/STORE_ID             ephemeral: format, epoch and incarnation that a node is ready for
 *   caughtup/STORE_ID          ephemeral: the epoch for which it has all it should, incarnation
 *   silent/STORE_ID            ephemeral: incarnation of a node, then id and incarnation of each
 *                              other that does not answer it
 *   lost                       the node that may go on without a disk, and the incarnation that it
 *                              was until then
 *   refused/STORE_ID           the incarnation of a node whose disk failed while others' did not
 *   leader                     whoever leads; its version is the number of the term
 *   wish, copies, default,
 *   recovery, force            what administrators want: {@link Wishes}
 *   change                     the change of several objects that is under way
 * </pre>
 *
 * <p>Safe for any number of threads. A failure of the {@link Agreement} is an {@link IOException}.
 */
final class Registry implements Closeable {

  private static final String WEIGHTED = "weighted";

  private final Agreement agreement;
  private final String storeId;
  private final Wishes wishes;

  /** What members said the last time; it is read often and seldom changes. By store id. */
  private final Map<String, Said> said = new ConcurrentHashMap<>();

  @GuardedBy("this")
  private long joinedSession;

  @GuardedBy("this")
  private String incarnation = "";

  @GuardedBy("this")
  private long leaseEndNanos = System.nanoTime();

  /**
   * A node that is there.
   *
   * @param info as it was started
   * @param isWeighted whether its disk may say how many virtual nodes it has
   * @param loss what it may have lost before this incarnation
   */
  record Found(NodeInfo info, String incarnation, boolean isWeighted, Loss loss) {}

  /** A text, and what it means. */
  private record Said(String text, Found meaning) {}

  /**
   * The registry of a node.
   *
   * @param storeId what its store was given when it was made
   */
  Registry(Agreement agreement, String storeId) {
    this.agreement = agreement;
    this.storeId = storeId;
    this.wishes = new Wishes(agreement);
  }

  /** What is in ZooKeeper is not what any sheep writes. */
  static final class Nonsense extends IOException {
    private static final long serialVersionUID = 1;

    Nonsense(String path, RuntimeException cause) {
      super("ZooKeeper has nonsense at " + path + ": " + cause.getMessage(), cause);
    }
  }

  /** What administrators want. */
  Wishes wishes() {
    return wishes;
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private @Nullable String text(String path) throws IOException {
    byte[] data = agreement.read(path);
    return data == null ? null : new String(data, StandardCharsets.UTF_8);
  }

  /**
   * What a text of ZooKeeper's means. Whatever it cannot mean is a failure that names its place,
   * and not the end of the thread that reads it.
   */
  static <T> T understood(String path, String text, Function<String, T> decoder)
      throws IOException {
    try {
      return decoder.apply(text);
    } catch (RuntimeException e) {
      throw new Nonsense(path, e);
    }
  }

  /**
   * Makes this node a member under the session that there is now, unless it is one already.
   *
   * @param isWeighted whether its disk may say how many virtual nodes it has
   * @param loss what it may have lost until now
   * @return the incarnation: another one after each loss of the session
   */
  String join(NodeInfo self, boolean isWeighted, Loss loss) throws IOException {
    long session = session();
    synchronized (this) {
      if (session == joinedSession) {
        return incarnation;
      }
    }
    String fresh = UUID.randomUUID().toString();
    // what an earlier session said is not true any more, and others would wait for it
    putEphemeral("ready", "");
    putEphemeral("silent", "");
    String weight = isWeighted ? " " + WEIGHTED : "";
    String lost = loss == Loss.NONE ? "" : " " + loss;
    putEphemeral("members", Epoch.hex(self) + " " + fresh + weight + lost);
    if (session() != session) {
      throw new IOException("the session with ZooKeeper changed under way");
    }
    synchronized (this) {
      joinedSession = session;
      incarnation = fresh;
      leaseEndNanos = System.nanoTime();
    }
    renewLease();
    return fresh;
  }

  /** Ends this incarnation: the next {@link #join} makes another, under whatever session. */
  synchronized void leave() {
    joinedSession = 0;
    incarnation = "";
    leaseEndNanos = System.nanoTime();
  }

  /**
   * Lets this node go on without some of its objects. One at a time may: two could each have what
   * the other has lost, and none would know that it is right. The epoch has to know this
   * incarnation: else a later one could not be told from an earlier one.
   *
   * @param last the last epoch
   * @return false if another did, and has not been SYNCED since
   */
  boolean mayLose(Epoch last) throws IOException {
    String mine;
    synchronized (this) {
      Epoch.Member self = last.member(storeId);
      if (self == null || (self.isPresent() && !self.incarnation().equals(incarnation))) {
        return false;
      }
      mine = storeId + " " + incarnation;
    }
    int version = agreement.version("/lost");
    String text = text("/lost");
    if (version < 0 || text == null) {
      return agreement.create("/lost", bytes(mine));
    }
    String[] words = text.split(" ", -1);
    Epoch.Member other = last.member(words[0]);
    boolean isOver =
        other == null
            || (other.state() == Epoch.State.SYNCED
                && (words.length < 2 || !other.incarnation().equals(words[1])));
    if (!words[0].equals(storeId) && !isOver) {
      return false;
    }
    agreement.replaceIf("/lost", version, "/lost", bytes(mine));
    return true;
  }

  private long session() throws IOException {
    return agreement.session().id();
  }

  /**
   * Takes the place of what an earlier session of this node left: the lock of the store's directory
   * says that nobody else can be this node.
   */
  private void putEphemeral(String directory, String data) throws IOException {
    agreement.putEphemeral("/" + directory + "/" + storeId, bytes(data));
  }

  /**
   * Prolongs the time for which nobody can have declared this node gone. ZooKeeper hears of the
   * session after the call began, so it cannot end before one session timeout after that; a third
   * of it is kept back for clocks and for servers that tell each other late.
   */
  void renewLease() throws IOException {
    long begun = System.nanoTime();
    boolean there = agreement.version("/members/" + storeId) >= 0;
    Agreement.Session session = agreement.session();
    synchronized (this) {
      if (there && session.id() == joinedSession) {
        leaseEndNanos = begun + session.timeout().toNanos() * 2 / 3;
      }
    }
  }

  /** Whether the lease ended longer ago than this. */
  synchronized boolean lostLease(Duration ago) {
    return leaseEndNanos + ago.toNanos() - System.nanoTime() < 0;
  }

  /** Whether surely nobody has declared the incarnation gone. */
  synchronized boolean holdsLease(String ofIncarnation) {
    return incarnation.equals(ofIncarnation) && leaseEndNanos - System.nanoTime() > 0;
  }

  /** The layout; null before the first format. */
  @Nullable Layout layout() throws IOException {
    String text = text("/layout");
    return text == null ? null : understood("/layout", text, Layout::decode);
  }

  /** Replaces the layout and begins its epoch log. */
  void format(Layout layout, Epoch first) throws IOException {
    append(layout.createTime(), first);
    agreement.put("/change", new byte[0]);
    agreement.put("/layout", bytes(layout.encode()));
  }

  private static String epochs(long createTime) {
    return "/epochs/" + Long.toHexString(createTime);
  }

  /** Adds an epoch to the log; false if another with its number is there. */
  boolean append(long createTime, Epoch epoch) throws IOException {
    String path = epochs(createTime) + String.format("/%010d", epoch.number());
    return agreement.create(path, bytes(epoch.encode()));
  }

  /** The number of the last epoch of a layout; 0 if there is none. */
  int lastEpoch(long createTime) throws IOException {
    int last = 0;
    for (String name : agreement.children(epochs(createTime))) {
      last = Math.max(last, understood(epochs(createTime), name, Integer::parseInt));
    }
    return last;
  }

  /** An epoch that is in the log. */
  Epoch epoch(long createTime, int number) throws IOException {
    String path = epochs(createTime) + String.format("/%010d", number);
    String text = text(path);
    if (text == null) {
      throw new IOException("epoch " + number + " is not in the log");
    }
    return understood(path, text, Epoch::decode);
  }

  /** The nodes that are there, by store id. */
  Map<String, Found> members() throws IOException {
    Map<String, Found> found = new HashMap<>();
    for (String id : agreement.children("/members")) {
      String path = "/members/" + id;
      String text = text(path);
      if (text != null) {
        Said last = said.get(id);
        if (last == null || !last.text().equals(text)) {
          last = new Said(text, understood(path, text, Registry::found));
          said.put(id, last);
        }
        found.put(id, last.meaning());
      }
    }
    said.keySet().retainAll(found.keySet());
    return found;
  }

  private static Found found(String text) {
    String[] words = text.split(" ", -1);
    List<String> more = List.of(words).subList(2, words.length);
    Loss loss = Loss.NONE;
    for (Loss any : Loss.values()) {
      loss = more.contains(any.name()) ? any : loss;
    }
    return new Found(Epoch.node(words[0]), words[1], more.contains(WEIGHTED), loss);
  }

  private static String readyMark(long createTime, int epoch, String incarnation) {
    return Long.toHexString(createTime) + " " + epoch + " " + incarnation;
  }

  /** Tells that this node does nothing any more as of an epoch before this one. */
  void markReady(long createTime, int epoch, String ofIncarnation) throws IOException {
    putEphemeral("ready", readyMark(createTime, epoch, ofIncarnation));
  }

  /**
   * Whether all who are there in an epoch are ready for it, and whoever took part in an earlier one
   * has ended that: also those who are left out of this one, but are there, and could still answer
   * as of the last one.
   */
  boolean areReady(View view) throws IOException {
    long createTime = view.layout().createTime();
    // the list is watched, too: a mark that is not there yet has no data to watch
    Map<String, String> marks = new HashMap<>();
    for (String id : agreement.children("/ready")) {
      String mark = text("/ready/" + id);
      if (mark != null && !mark.isEmpty()) {
        if (!mark.startsWith(readyMark(createTime, view.number(), ""))) {
          return false;
        }
        marks.put(id, mark);
      }
    }
    for (View.Peer peer : view.present()) {
      String wanted = readyMark(createTime, view.number(), peer.member().incarnation());
      if (!wanted.equals(marks.get(peer.member().storeId()))) {
        return false;
      }
    }
    return true;
  }

  /**
   * Tells who does not answer this node, unless that was told already.
   *
   * @param silent their incarnations, by store id
   * @param told what this returned the last time; empty at first, null if the last time failed
   */
  String tellSilent(Map<String, String> silent, @Nullable String told) throws IOException {
    StringBuilder text = new StringBuilder();
    synchronized (this) {
      silent.forEach((id, of) -> text.append(' ').append(id).append(' ').append(of));
      text.insert(0, silent.isEmpty() ? "" : incarnation);
    }
    String wanted = text.toString();
    if (!wanted.equals(told)) {
      putEphemeral("silent", wanted);
    }
    return wanted;
  }

  /** The pairs of nodes of which one says that the other does not answer. */
  Set<Rift> rifts(Map<String, Found> there) throws IOException {
    Set<Rift> rifts = new HashSet<>();
    for (String id : agreement.children("/silent")) {
      String text = text("/silent/" + id);
      String[] words = text == null ? new String[0] : text.split(" ", -1);
      for (int i = 1; i + 1 < words.length && isThere(there, id, words[0]); i += 2) {
        if (isThere(there, words[i], words[i + 1])) {
          rifts.add(Rift.between(id, words[i]));
        }
      }
    }
    return rifts;
  }

  private static boolean isThere(Map<String, Found> there, String id, String ofIncarnation) {
    Found found = there.get(id);
    return found != null && found.incarnation().equals(ofIncarnation);
  }

  /**
   * Tells that this incarnation has every object that it should have in an epoch: on the ring, and
   * if it was SYNCED or is new, on the next one, too.
   */
  void markCaughtUp(int epoch, String ofIncarnation) throws IOException {
    putEphemeral("caughtup", epoch + " " + ofIncarnation);
  }

  /** Whether an incarnation of a node has every object it should have in an epoch. */
  boolean isCaughtUp(String id, int epoch, String ofIncarnation) throws IOException {
    return agreement.children("/caughtup").contains(id)
        && (epoch + " " + ofIncarnation).equals(text("/caughtup/" + id));
  }

  /** Declares an incarnation unfit, since its disk refused what others' took. */
  void refuse(String id, String ofIncarnation) throws IOException {
    agreement.put("/refused/" + id, bytes(ofIncarnation));
  }

  /** The last incarnation of a node that was declared unfit; null if none was. */
  @Nullable String refused(String id) throws IOException {
    return agreement.children("/refused").contains(id) ? text("/refused/" + id) : null;
  }

  /**
   * Begins a term as leader: what an earlier leader still wants to note is refused from now on.
   *
   * @param leads whether surely no later leader has begun a term. That is asked after it was looked
   *     which the last term is: so a node that sleeps in here, and is replaced meanwhile, does not
   *     end the term of the one who replaced it
   * @return the number of the term
   */
  int beginTerm(String ofIncarnation, BooleanSupplier leads) throws IOException {
    byte[] leader = bytes(ofIncarnation);
    int last = agreement.version("/leader");
    if (!leads.getAsBoolean()) {
      throw new IOException("no epoch is open that this node leads");
    }
    if (last >= 0) {
      agreement.replaceIf("/leader", last, "/leader", leader);
    } else if (!agreement.create("/leader", leader)) {
      throw new IOException("another node has begun the first term");
    }
    return last + 1;
  }

  /** The change of several objects that is under way; empty if none is. */
  byte[] change() throws IOException {
    byte[] record = agreement.read("/change");
    return record == null ? new byte[0] : record;
  }

  /**
   * Notes the change of several objects that is under way; empty for none.
   *
   * @throws IOException also if the term is over
   */
  void setChange(int term, byte[] record) throws IOException {
    agreement.replaceIf("/leader", term, "/change", record);
  }

  @Override
  public void close() {
    agreement.close();
  }
}
