package io.sheepfs.store.cluster;

import io.sheepfs.protocol.DiskList;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RecoveryProgress;
import io.sheepfs.protocol.RequestFields;
import io.sheepfs.protocol.RequestFlags;
import io.sheepfs.protocol.RequestHeader;
import io.sheepfs.protocol.ResponseHeader;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.client.ClientOptions;
import io.sheepfs.protocol.client.RemoteCluster;
import io.sheepfs.protocol.client.SheepLinks;
import java.io.Closeable;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.retry.RetryOneTime;
import org.jspecify.annotations.Nullable;

/** Three sheep, or more, each a process, and ZooKeeper in this one. */
final class SheepProcesses implements Closeable {

  /** On the ring from the start. */
  static final int NODES = 3;

  /** That can be started. */
  static final int MOST_NODES = 4;

  private static final Duration PATIENCE = Duration.ofMinutes(4);
  private static final int SESSION_MILLIS = 4_000;

  private final Path directory;
  private final List<String> more;
  private final TestZooKeeper zooKeeper;
  private final CuratorFramework registry;
  private final List<Integer> ports = new ArrayList<>();
  private final @Nullable Process[] processes = new @Nullable Process[MOST_NODES];
  private @Nullable Epoch last;
  private final SheepLinks links =
      new SheepLinks(new ClientOptions(Duration.ofSeconds(2), Duration.ofSeconds(20), 1, null));

  /**
   * Sheep that do not run yet.
   *
   * @param more arguments of each
   */
  SheepProcesses(Path directory, String... more) throws Exception {
    this.directory = directory;
    this.more = List.of(more);
    this.zooKeeper = new TestZooKeeper();
    this.registry =
        CuratorFrameworkFactory.builder()
            .connectString(zooKeeper.getConnectString())
            .namespace("sheepfs/test")
            .retryPolicy(new RetryOneTime(100))
            .build();
    registry.start();
    List<ServerSocket> held = new ArrayList<>();
    for (int i = 0; i < MOST_NODES; i++) {
      ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
      held.add(socket);
      ports.add(socket.getLocalPort());
    }
    for (ServerSocket socket : held) {
      socket.close();
    }
  }

  /** A condition that becomes true. */
  interface Condition {
    boolean holds() throws IOException;
  }

  void eventually(String what, Condition condition) {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    IOException last = null;
    while (System.nanoTime() < deadline) {
      try {
        if (condition.holds()) {
          return;
        }
      } catch (IOException e) {
        last = e;
      }
      LockSupport.parkNanos(Duration.ofMillis(50).toNanos());
    }
    throw new AssertionError(what + " does not happen\n" + logs(), last);
  }

  String logs() {
    StringBuilder all = new StringBuilder();
    for (int i = 0; i < MOST_NODES; i++) {
      try {
        String text = Files.readString(directory.resolve("log" + i), StandardCharsets.UTF_8);
        all.append("--- node ").append(i).append('\n');
        all.append(text.substring(Math.max(0, text.length() - 6_000)));
      } catch (IOException e) {
        all.append("--- node ").append(i).append(": ").append(e).append('\n');
      }
    }
    return all.toString();
  }

  Path store(int node) {
    return directory.resolve("node" + node);
  }

  void start(int node) throws IOException {
    start(node, List.of());
  }

  /** Starts a node that stores nothing. */
  void startGateway(int node) throws IOException {
    start(node, List.of("-g"));
  }

  /** Starts a node with its objects on other disks, each of which has a name. */
  void startWithDisks(int node, String... names) throws IOException {
    startWithDisks(node, List.of(), names);
  }

  /** Starts a node that is to do without one of its disks. */
  void startWithoutDisk(int node, String missing, String... names) throws IOException {
    startWithDisks(node, List.of("--without-disk", disk(node, missing).toString()), names);
  }

  private void startWithDisks(int node, List<String> own, String... names) throws IOException {
    StringBuilder directories = new StringBuilder(store(node).toString());
    for (String name : names) {
      directories.append(',').append(disk(node, name));
    }
    start(node, own, directories.toString());
  }

  Path disk(int node, String name) {
    return directory.resolve("node" + node + "-" + name);
  }

  private void start(int node, List<String> own) throws IOException {
    start(node, own, store(node).toString());
  }

  private void start(int node, List<String> own, String directories) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-Xmx256m", "-XX:TieredStopAtLevel=1", "-cp"));
    command.add(System.getProperty("java.class.path"));
    command.add("-Dorg.slf4j.simpleLogger.showDateTime=true");
    command.add("-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS");
    command.add("-Dorg.slf4j.simpleLogger.log.org.apache=warn");
    command.add("-Dorg.slf4j.simpleLogger.log.io.sheepfs=debug");
    command.add("io.sheepfs.store.server.Sheep");
    command.addAll(List.of("-c", "zookeeper:" + zooKeeper.getConnectString() + "/test"));
    command.addAll(List.of("-p", String.valueOf(ports.get(node)), "-z", String.valueOf(node + 1)));
    command.addAll(more);
    command.addAll(own);
    command.addAll(List.of("--session-timeout", String.valueOf(SESSION_MILLIS)));
    command.add(directories);
    processes[node] =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(
                ProcessBuilder.Redirect.appendTo(directory.resolve("log" + node).toFile()))
            .start();
  }

  private Process process(int node) {
    Process process = processes[node];
    if (process == null) {
      throw new IllegalStateException("node " + node + " does not run");
    }
    return process;
  }

  boolean isRunning(int node) {
    Process process = processes[node];
    return process != null && process.isAlive();
  }

  void kill(int node) throws InterruptedException {
    process(node).destroyForcibly().waitFor();
    processes[node] = null;
  }

  /** Ends a node as an admin does. */
  int stop(int node) throws InterruptedException {
    Process process = process(node);
    process.destroy();
    if (!process.waitFor(60, TimeUnit.SECONDS)) {
      throw new AssertionError("node " + node + " does not end\n" + logs());
    }
    processes[node] = null;
    return process.exitValue();
  }

  void signal(int node, String name) throws IOException, InterruptedException {
    Process sent =
        new ProcessBuilder("kill", "-" + name, String.valueOf(process(node).pid()))
            .inheritIO()
            .start();
    if (sent.waitFor() != 0) {
      throw new IOException("kill -" + name + " fails");
    }
  }

  InetSocketAddress address(int node) {
    return new InetSocketAddress(InetAddress.getLoopbackAddress(), ports.get(node));
  }

  List<InetSocketAddress> addresses() {
    List<InetSocketAddress> all = new ArrayList<>();
    for (int i = 0; i < MOST_NODES; i++) {
      if (isRunning(i)) {
        all.add(address(i));
      }
    }
    return all;
  }

  RemoteCluster connect() throws IOException {
    return RemoteCluster.connect(addresses(), ClientOptions.DEFAULTS.withRequestTimeout(PATIENCE));
  }

  RemoteCluster connect(int node) throws IOException {
    return RemoteCluster.connect(
        List.of(address(node)), ClientOptions.DEFAULTS.withRequestTimeout(PATIENCE));
  }

  void format() {
    long now = System.currentTimeMillis();
    RequestFields fields =
        new RequestFields.ClusterWide(0, (now / 1000) << 32 | 1, NODES, 0, 0, 0, 0, 20);
    RequestHeader header = RequestHeader.of(Opcode.MAKE_FS, 1, 6, fields);
    eventually("all nodes are there", () -> nodesSeen() == NODES);
    eventually(
        "format",
        () -> {
          ByteBuffer body = ByteBuffer.wrap("plain\0".getBytes(StandardCharsets.US_ASCII));
          return links.exchange(address(0), header, body, null).result() == ResultCode.SUCCESS;
        });
  }

  /** How many sheep ZooKeeper knows to be there. */
  int nodesThere() throws IOException {
    try {
      return registry.getChildren().forPath("/members").size();
    } catch (Exception e) {
      throw new IOException("the members cannot be read", e);
    }
  }

  /** What a node says to an order. */
  ResultCode order(int through, Opcode opcode, RequestFields fields) throws IOException {
    return links
        .exchange(address(through), RequestHeader.of(opcode, 0, 0, fields), null, null)
        .result();
  }

  /** Has a node take disks, or do without them. */
  ResultCode changeDisks(int node, Opcode opcode, String... names) throws IOException {
    StringBuilder paths = new StringBuilder();
    for (String name : names) {
      paths.append(paths.isEmpty() ? "" : ",").append(disk(node, name));
    }
    byte[] body = paths.append('\0').toString().getBytes(StandardCharsets.UTF_8);
    RequestHeader header =
        RequestHeader.of(opcode, RequestFlags.WRITE, body.length, new RequestFields.None());
    return links.exchange(address(node), header, ByteBuffer.wrap(body), null).result();
  }

  /** The disks that a node has, in the words of its answer. */
  List<String> disks(int node) throws IOException {
    RequestHeader header =
        RequestHeader.of(Opcode.MD_INFO, 0, DiskList.SIZE_BYTES, new RequestFields.None());
    ByteBuffer body = ByteBuffer.allocate(DiskList.SIZE_BYTES);
    ResponseHeader answer = links.exchange(address(node), header, null, body);
    if (answer.result() != ResultCode.SUCCESS) {
      throw new IOException(answer.toString());
    }
    return DiskList.decode(body.flip()).disks().stream().map(DiskList.Disk::path).toList();
  }

  /** Takes a disk away without a word, as when it is pulled out, or brings it back. */
  void pull(int node, String name, boolean away) throws IOException {
    Path there = disk(node, name);
    Path hidden = directory.resolve("pulled-" + node + "-" + name);
    Files.move(away ? there : hidden, away ? hidden : there);
  }

  /** Asks for a ring of all nodes that are there. */
  void reweight(int through) {
    RequestHeader header = RequestHeader.of(Opcode.REWEIGHT, 0, 0, new RequestFields.None());
    eventually(
        "reweight",
        () -> links.exchange(address(through), header, null, null).result() == ResultCode.SUCCESS);
  }

  private int nodesSeen() throws IOException {
    int fewest = NODES;
    for (int i = 0; i < NODES; i++) {
      RequestHeader header =
          RequestHeader.of(Opcode.GET_NODE_LIST, 0, 8_000, new RequestFields.None());
      ByteBuffer body = ByteBuffer.allocate(8_000);
      fewest = Math.min(fewest, links.exchange(address(i), header, null, body).node().nodes());
    }
    return fewest;
  }

  /**
   * Has all copies of an object compared and repaired.
   *
   * @return how many were repaired; -1 if the object cannot be repaired
   */
  int check(int through, ObjectId oid) throws IOException {
    RequestFields fields =
        new RequestFields.Forward(
            oid.value(), InetAddress.getLoopbackAddress(), ports.get(through));
    RequestHeader header = RequestHeader.of(Opcode.REPAIR_REPLICA, 0, 0, fields);
    ResponseHeader answer = links.exchange(address(through), header, null, null);
    if (answer.result() == ResultCode.EIO) {
      return -1;
    }
    if (answer.result() != ResultCode.SUCCESS || answer.obj().offset() != 1) {
      throw new IOException(answer.toString());
    }
    return answer.obj().copies();
  }

  /** Turns a bit of an object over on a node's disk, as an old disk does: unnoticed. */
  void flipBit(int node, ObjectId oid, long at) throws IOException {
    Path file = store(node).resolve("obj").resolve(oid.toString());
    FileTime written = Files.getLastModifiedTime(file);
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      ByteBuffer one = ByteBuffer.allocate(1);
      if (channel.read(one, at) != 1) {
        throw new IOException(file + " is too short");
      }
      one.put(0, (byte) (one.get(0) ^ 4)).flip();
      int unused = channel.write(one, at);
    }
    Files.setLastModifiedTime(file, written);
  }

  /** Lets an object have been written long ago. */
  void age(int node, ObjectId oid) throws IOException {
    Path file = store(node).resolve("obj").resolve(oid.toString());
    Files.setLastModifiedTime(file, FileTime.from(Instant.now().minus(Duration.ofHours(1))));
  }

  /** Waits until every node has everything. */
  void awaitSynced() {
    awaitSynced(0, 1, 2);
  }

  /** Waits until these are the nodes on the ring, nothing moves, and each has everything. */
  void awaitSynced(int... nodes) {
    eventually("all nodes have caught up", () -> areSynced(nodes));
  }

  /** The number of the last epoch that {@link #awaitSynced} saw. */
  int lastEpoch() {
    Epoch epoch = last;
    return epoch == null ? 0 : epoch.number();
  }

  /** Waits until only so many of the nodes are up to date. */
  void awaitSyncedCount(int count) {
    eventually(
        count + " nodes are up to date",
        () -> {
          Epoch epoch = newestEpoch();
          return epoch != null && epoch.in(Epoch.State.SYNCED).size() == count;
        });
  }

  private @Nullable Epoch newestEpoch() throws IOException {
    String newest = "";
    try {
      for (String format : registry.getChildren().forPath("/epochs")) {
        for (String number : registry.getChildren().forPath("/epochs/" + format)) {
          String path = "/epochs/" + format + "/" + number;
          newest = number.compareTo(newest) > 0 ? number : newest;
          if (newest.equals(number)) {
            last =
                Epoch.decode(
                    new String(registry.getData().forPath(path), StandardCharsets.US_ASCII));
          }
        }
      }
    } catch (Exception e) {
      throw new IOException("the epochs cannot be read", e);
    }
    return last;
  }

  private boolean areSynced(int... nodes) throws IOException {
    Epoch epoch = newestEpoch();
    if (epoch == null
        || epoch.isMoving()
        || epoch.members().size() != nodes.length
        || epoch.in(Epoch.State.SYNCED).size() != nodes.length) {
      return false;
    }
    for (int i : nodes) {
      RequestHeader header =
          RequestHeader.of(
              Opcode.STAT_RECOVERY, 0, RecoveryProgress.SIZE_BYTES, new RequestFields.None());
      ByteBuffer body = ByteBuffer.allocate(RecoveryProgress.SIZE_BYTES);
      ResponseHeader answer = links.exchange(address(i), header, null, body);
      if (answer.result() != ResultCode.SUCCESS
          || answer.epoch() != epoch.number()
          || RecoveryProgress.decode(body.flip()).running()) {
        return false;
      }
    }
    return true;
  }

  /** The objects on a node's disks: their content without the zeros at its end. */
  Map<String, Integer> contents(int node) throws IOException {
    Map<String, Integer> found = contents(store(node));
    try (Stream<Path> all = Files.list(directory)) {
      for (Path disk : all.filter(path -> isDisk(path, node)).toList()) {
        found.putAll(contents(disk));
      }
    }
    return found;
  }

  private static boolean isDisk(Path path, int node) {
    return String.valueOf(path.getFileName()).startsWith("node" + node + "-");
  }

  /** How many objects are on one of the disks with a name. */
  int objectsOn(int node, String name) throws IOException {
    return contents(disk(node, name)).size();
  }

  private static Map<String, Integer> contents(Path disk) throws IOException {
    Map<String, Integer> found = new TreeMap<>();
    try (Stream<Path> files = Files.list(disk.resolve("obj"))) {
      for (Path file : files.toList()) {
        byte[] bytes = Files.readAllBytes(file);
        int end = bytes.length;
        while (end > 0 && bytes[end - 1] == 0) {
          end--;
        }
        found.put(String.valueOf(file.getFileName()), Arrays.hashCode(Arrays.copyOf(bytes, end)));
      }
    }
    return found;
  }

  @Override
  public void close() throws IOException {
    for (Process process : processes) {
      if (process != null) {
        process.destroyForcibly();
      }
    }
    for (Process process : processes) {
      if (process != null) {
        try {
          process.waitFor();
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
        }
      }
    }
    links.close();
    registry.close();
    zooKeeper.close();
  }
}
