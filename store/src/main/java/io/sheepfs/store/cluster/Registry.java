package io.sheepfs.store.cluster;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.sheepfs.protocol.NodeInfo;
import java.io.Closeable;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.retry.RetryOneTime;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Watcher;
import org.jspecify.annotations.Nullable;

/**
 * What the cluster keeps in ZooKeeper, under {@code /sheepfs/CLUSTER}:
 *
 * <pre>
 *   layout                     the {@link Layout}, replaced by a format
 *   members/STORE_ID           ephemeral: record and incarnation of a node that is there
 *   epochs/CTIME/NUMBER        the {@link Epoch}s of a layout: created once, never changed
 *   ready/STORE_ID             ephemeral: format, epoch and incarnation that a node is ready for
 *   caughtup/STORE_ID          ephemeral: the epoch for which it has all it should, incarnation
 *   refused/STORE_ID           the incarnation of a node whose disk failed while others' did not
 *   leader                     whoever leads; its version is the number of the term
 *   wish                       the ring that an administrator wants, for a format
 *   change                     the change of several objects that is under way
 * </pre>
 *
 * <p>Safe for any number of threads. A failure of ZooKeeper is an {@link IOException}.
 */
final class Registry implements Closeable {

  private final CuratorFramework client;
  private final String storeId;
  private final Watcher watcher;

  @GuardedBy("this")
  private long joinedSession;

  @GuardedBy("this")
  private String incarnation = "";

  @GuardedBy("this")
  private long leaseEndNanos;

  /** A node that is there. */
  record Found(NodeInfo info, String incarnation) {}

  private Registry(CuratorFramework client, String storeId, Runnable changed) {
    this.client = client;
    this.storeId = storeId;
    this.watcher = event -> changed.run();
  }

  /**
   * Begins a session; it is made when ZooKeeper answers.
   *
   * @param servers {@code HOST:PORT[,HOST:PORT..]}
   * @param changed called when anything may have changed; returns at once
   */
  static Registry open(
      String servers, String cluster, String storeId, Duration sessionTimeout, Runnable changed) {
    CuratorFramework client =
        CuratorFrameworkFactory.builder()
            .connectString(servers)
            .namespace("sheepfs/" + cluster)
            .sessionTimeoutMs((int) sessionTimeout.toMillis())
            .connectionTimeoutMs((int) sessionTimeout.toMillis() / 2)
            .retryPolicy(new RetryOneTime(100))
            .build();
    client.getConnectionStateListenable().addListener((any, state) -> changed.run());
    client.start();
    return new Registry(client, storeId, changed);
  }

  /** An operation of ZooKeeper. */
  private interface Operation<T> {
    T run() throws Exception;
  }

  private static <T> T call(String what, Operation<T> operation) throws IOException {
    try {
      return operation.run();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException(what + " in ZooKeeper was interrupted", e);
    } catch (Exception e) {
      throw new IOException(what + " in ZooKeeper", e);
    }
  }

  private static <T> @Nullable T orNull(String what, Operation<T> operation) throws IOException {
    try {
      return operation.run();
    } catch (KeeperException.NoNodeException absent) {
      return null;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException(what + " in ZooKeeper was interrupted", e);
    } catch (Exception e) {
      throw new IOException(what + " in ZooKeeper", e);
    }
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private @Nullable String text(String path) throws IOException {
    byte[] data =
        orNull("read of " + path, () -> client.getData().usingWatcher(watcher).forPath(path));
    return data == null ? null : new String(data, StandardCharsets.UTF_8);
  }

  private List<String> children(String path) throws IOException {
    List<String> found =
        orNull("list of " + path, () -> client.getChildren().usingWatcher(watcher).forPath(path));
    return found == null ? List.of() : found;
  }

  /**
   * Makes this node a member under the session that there is now, unless it is one already.
   *
   * @return the incarnation: another one after each loss of the session
   */
  String join(NodeInfo self) throws IOException {
    long session = session();
    synchronized (this) {
      if (session == joinedSession) {
        return incarnation;
      }
    }
    String fresh = UUID.randomUUID().toString();
    putEphemeral("members", Epoch.hex(self) + " " + fresh);
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

  private long session() throws IOException {
    return call("session", () -> client.getZookeeperClient().getZooKeeper().getSessionId());
  }

  private void putEphemeral(String directory, String data) throws IOException {
    String path = "/" + directory + "/" + storeId;
    call(
        "write of " + path,
        () -> {
          // what an earlier session of this node left; the lock of the store's directory says that
          // nobody else can be this node
          client.delete().quietly().forPath(path);
          return client
              .create()
              .creatingParentsIfNeeded()
              .withMode(CreateMode.EPHEMERAL)
              .forPath(path, bytes(data));
        });
  }

  /**
   * Prolongs the time for which nobody can have declared this node gone. ZooKeeper hears of the
   * session after the call began, so it cannot end before one session timeout after that; a third
   * of it is kept back for clocks and for servers that tell each other late.
   */
  void renewLease() throws IOException {
    long begun = System.nanoTime();
    boolean there =
        call("look at the session", () -> client.checkExists().forPath("/members/" + storeId))
            != null;
    long session = session();
    int timeoutMillis =
        call("session", () -> client.getZookeeperClient().getZooKeeper().getSessionTimeout());
    synchronized (this) {
      if (there && session == joinedSession) {
        leaseEndNanos = begun + Duration.ofMillis(timeoutMillis).toNanos() * 2 / 3;
      }
    }
  }

  /** Whether surely nobody has declared the incarnation gone. */
  synchronized boolean holdsLease(String ofIncarnation) {
    return incarnation.equals(ofIncarnation) && leaseEndNanos - System.nanoTime() > 0;
  }

  /** The layout; null before the first format. */
  @Nullable Layout layout() throws IOException {
    String text = text("/layout");
    return text == null ? null : Layout.decode(text);
  }

  /** Replaces the layout and begins its epoch log. */
  void format(Layout layout, Epoch first) throws IOException {
    append(layout.createTime(), first);
    call(
        "format",
        () -> {
          String unused = client.create().orSetData().forPath("/change", new byte[0]);
          return client.create().orSetData().forPath("/layout", bytes(layout.encode()));
        });
  }

  private static String epochs(long createTime) {
    return "/epochs/" + Long.toHexString(createTime);
  }

  /** Adds an epoch to the log; false if another with its number is there. */
  boolean append(long createTime, Epoch epoch) throws IOException {
    String path = epochs(createTime) + String.format("/%010d", epoch.number());
    return call(
        "append of epoch " + epoch.number(),
        () -> {
          try {
            String made =
                client.create().creatingParentsIfNeeded().forPath(path, bytes(epoch.encode()));
            return !made.isEmpty();
          } catch (KeeperException.NodeExistsException other) {
            return false;
          }
        });
  }

  /** The number of the last epoch of a layout; 0 if there is none. */
  int lastEpoch(long createTime) throws IOException {
    return children(epochs(createTime)).stream().mapToInt(Integer::parseInt).max().orElse(0);
  }

  /** An epoch that is in the log. */
  Epoch epoch(long createTime, int number) throws IOException {
    String text = text(epochs(createTime) + String.format("/%010d", number));
    if (text == null) {
      throw new IOException("epoch " + number + " is not in the log");
    }
    return Epoch.decode(text);
  }

  /** The nodes that are there, by store id. */
  Map<String, Found> members() throws IOException {
    Map<String, Found> found = new HashMap<>();
    for (String id : children("/members")) {
      String text = text("/members/" + id);
      if (text != null) {
        String[] words = text.split(" ", -1);
        found.put(id, new Found(Epoch.node(words[0]), words[1]));
      }
    }
    return found;
  }

  private static String readyMark(View view, String incarnation) {
    return Long.toHexString(view.layout().createTime()) + " " + view.number() + " " + incarnation;
  }

  /**
   * Notes which nodes the ring should have.
   *
   * @param wish by store id, with as many virtual nodes as they should have
   */
  void setWish(long createTime, Map<String, NodeInfo> wish) throws IOException {
    StringBuilder text = new StringBuilder("wish " + Long.toHexString(createTime) + "\n");
    new TreeMap<>(wish)
        .forEach((id, node) -> text.append(id).append(' ').append(Epoch.hex(node)).append('\n'));
    call("wish", () -> client.create().orSetData().forPath("/wish", bytes(text.toString())));
  }

  /** The ring that was wished for; empty if none was since the format. */
  Map<String, NodeInfo> wish(long createTime) throws IOException {
    // the list is watched, too: what is not there yet has no data to watch
    String text = children("/").contains("wish") ? text("/wish") : null;
    Map<String, NodeInfo> wish = new HashMap<>();
    if (text != null && text.startsWith("wish " + Long.toHexString(createTime) + "\n")) {
      for (String line : text.lines().skip(1).toList()) {
        String[] words = line.split(" ", -1);
        wish.put(words[0], Epoch.node(words[1]));
      }
    }
    return wish;
  }

  /** Tells that this node is ready for an epoch. */
  void markReady(View view, String ofIncarnation) throws IOException {
    putEphemeral("ready", readyMark(view, ofIncarnation));
  }

  /** Whether all who are there in an epoch are ready for it. */
  boolean areReady(View view) throws IOException {
    // the list is watched, too: a mark that is not there yet has no data to watch
    List<String> marked = children("/ready");
    for (View.Peer peer : view.present()) {
      String id = peer.member().storeId();
      String wanted = readyMark(view, peer.member().incarnation());
      if (!marked.contains(id) || !wanted.equals(text("/ready/" + id))) {
        return false;
      }
    }
    return true;
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
    return children("/caughtup").contains(id)
        && (epoch + " " + ofIncarnation).equals(text("/caughtup/" + id));
  }

  /** Declares an incarnation unfit, since its disk refused what others' took. */
  void refuse(String id, String ofIncarnation) throws IOException {
    call(
        "refusal of " + id,
        () ->
            client
                .create()
                .orSetData()
                .creatingParentsIfNeeded()
                .forPath("/refused/" + id, bytes(ofIncarnation)));
  }

  /** The last incarnation of a node that was declared unfit; null if none was. */
  @Nullable String refused(String id) throws IOException {
    return children("/refused").contains(id) ? text("/refused/" + id) : null;
  }

  /**
   * Begins a term as leader: what an earlier leader still wants to note is refused from now on.
   *
   * @return the number of the term
   */
  int beginTerm(String ofIncarnation) throws IOException {
    return call(
            "begin of a term",
            () -> {
              String unused = client.create().orSetData().forPath("/leader", bytes(ofIncarnation));
              return client.checkExists().forPath("/leader");
            })
        .getVersion();
  }

  /** The change of several objects that is under way; empty if none is. */
  byte[] change() throws IOException {
    byte[] record = orNull("read of the change", () -> client.getData().forPath("/change"));
    return record == null ? new byte[0] : record;
  }

  /**
   * Notes the change of several objects that is under way; empty for none.
   *
   * @throws IOException also if the term is over
   */
  void setChange(int term, byte[] record) throws IOException {
    call(
        "write of the change",
        () ->
            client
                .transaction()
                .forOperations(
                    client.transactionOp().check().withVersion(term).forPath("/leader"),
                    client.transactionOp().setData().forPath("/change", record)));
  }

  @Override
  public void close() {
    client.close();
  }
}
