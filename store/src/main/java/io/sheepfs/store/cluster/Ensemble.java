package io.sheepfs.store.cluster;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.api.ACLProvider;
import org.apache.curator.retry.RetryOneTime;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.ZooDefs;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.data.ACL;
import org.apache.zookeeper.data.Stat;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The {@link Agreement} of ZooKeeper, through Curator. */
final class Ensemble implements Agreement {

  private static final Logger log = LoggerFactory.getLogger(Ensemble.class);

  /** It is tried again and again, and to tell once is enough. */
  private static final AtomicBoolean shutOutTold = new AtomicBoolean();

  private final CuratorFramework client;
  private final Watcher watcher;

  private Ensemble(CuratorFramework client, Runnable changed) {
    this.client = client;
    this.watcher = event -> changed.run();
  }

  /**
   * Begins a session; it is made when ZooKeeper answers.
   *
   * @param servers {@code HOST:PORT[,HOST:PORT..]}
   * @param cluster values are kept below {@code /sheepfs/CLUSTER}
   * @param login as whom; null for everybody
   * @param changed called when anything may have changed; returns at once
   */
  static Ensemble open(
      String servers,
      String cluster,
      @Nullable ZooKeeperLogin login,
      Duration sessionTimeout,
      Runnable changed) {
    CuratorFrameworkFactory.Builder builder = CuratorFrameworkFactory.builder();
    if (login != null) {
      builder.authorization("digest", login.digest()).aclProvider(new OwnersOnly());
    }
    CuratorFramework client =
        builder
            .connectString(servers)
            .namespace("sheepfs/" + cluster)
            .sessionTimeoutMs((int) sessionTimeout.toMillis())
            .connectionTimeoutMs((int) sessionTimeout.toMillis() / 2)
            .retryPolicy(new RetryOneTime(100))
            .build();
    client.getConnectionStateListenable().addListener((any, state) -> changed.run());
    client.start();
    return new Ensemble(client, changed);
  }

  /** What we make can be read and changed by those who log in as we do, and by nobody else. */
  private static final class OwnersOnly implements ACLProvider {
    @Override
    public List<ACL> getDefaultAcl() {
      return ZooDefs.Ids.CREATOR_ALL_ACL;
    }

    @Override
    public List<ACL> getAclForPath(String path) {
      // the folder of all clusters is not of one alone
      return path.equals("/sheepfs") ? ZooDefs.Ids.OPEN_ACL_UNSAFE : ZooDefs.Ids.CREATOR_ALL_ACL;
    }
  }

  /** An operation of ZooKeeper. */
  private interface Operation<T> {
    T run() throws Exception;
  }

  private static <T> T call(String what, Operation<T> operation) throws IOException {
    try {
      return operation.run();
    } catch (Exception e) {
      throw failure(what, e);
    }
  }

  private static <T> @Nullable T orNull(String what, Operation<T> operation) throws IOException {
    try {
      return operation.run();
    } catch (KeeperException.NoNodeException absent) {
      return null;
    } catch (Exception e) {
      throw failure(what, e);
    }
  }

  private static IOException failure(String what, Exception cause) {
    if (cause instanceof KeeperException.NoAuthException
        && shutOutTold.compareAndSet(false, true)) {
      log.error(
          "ZooKeeper does not let this node in ({}): the cluster was made with another"
              + " --zookeeper-auth",
          what);
    }
    if (cause instanceof InterruptedException) {
      Thread.currentThread().interrupt();
      return new IOException(what + " in ZooKeeper was interrupted", cause);
    }
    return new IOException(what + " in ZooKeeper", cause);
  }

  @Override
  public Session session() throws IOException {
    ZooKeeper there = call("session", () -> client.getZookeeperClient().getZooKeeper());
    return new Session(there.getSessionId(), Duration.ofMillis(there.getSessionTimeout()));
  }

  @Override
  public byte @Nullable [] read(String path) throws IOException {
    return orNull("read of " + path, () -> client.getData().usingWatcher(watcher).forPath(path));
  }

  @Override
  public List<String> children(String path) throws IOException {
    List<String> found =
        orNull("list of " + path, () -> client.getChildren().usingWatcher(watcher).forPath(path));
    return found == null ? List.of() : found;
  }

  @Override
  public int version(String path) throws IOException {
    Stat found = orNull("look at " + path, () -> client.checkExists().forPath(path));
    return found == null ? -1 : found.getVersion();
  }

  @Override
  public boolean create(String path, byte[] value) throws IOException {
    return call(
        "creation of " + path,
        () -> {
          try {
            return !client.create().creatingParentsIfNeeded().forPath(path, value).isEmpty();
          } catch (KeeperException.NodeExistsException other) {
            return false;
          }
        });
  }

  @Override
  public void putEphemeral(String path, byte[] value) throws IOException {
    call(
        "write of " + path,
        () -> {
          long session = client.getZookeeperClient().getZooKeeper().getSessionId();
          Stat known = client.checkExists().forPath(path);
          if (known != null && known.getEphemeralOwner() == session) {
            Stat set = client.setData().forPath(path, value);
            if (client.getZookeeperClient().getZooKeeper().getSessionId() != session) {
              throw new KeeperException.SessionExpiredException();
            }
            return set;
          }
          client.delete().quietly().forPath(path);
          return client
              .create()
              .creatingParentsIfNeeded()
              .withMode(CreateMode.EPHEMERAL)
              .forPath(path, value);
        });
  }

  @Override
  public void put(String path, byte[] value) throws IOException {
    call(
        "write of " + path,
        () -> client.create().orSetData().creatingParentsIfNeeded().forPath(path, value));
  }

  @Override
  public void replaceIf(String guard, int version, String path, byte[] value) throws IOException {
    call(
        "write of " + path,
        () ->
            client
                .transaction()
                .forOperations(
                    client.transactionOp().check().withVersion(version).forPath(guard),
                    client.transactionOp().setData().forPath(path, value)));
  }

  @Override
  public void close() {
    client.close();
  }
}
