package io.sheepfs.store.server;

import io.sheepfs.protocol.DiskList;
import io.sheepfs.protocol.codec.Transport;
import io.sheepfs.protocol.tls.AllowListFile;
import io.sheepfs.protocol.tls.TlsFolder;
import io.sheepfs.store.LocalSheep;
import io.sheepfs.store.LocalSheepOptions;
import io.sheepfs.store.cluster.ClusterOptions;
import io.sheepfs.store.cluster.ClusterSheep;
import io.sheepfs.store.cluster.ZooKeeperLogin;
import io.sheepfs.telemetry.DaemonLog;
import io.sheepfs.telemetry.MetricsServer;
import io.sheepfs.telemetry.TelemetryConfig;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The main class: {@code sheep [OPTIONS] DIR}, a storage node. */
@Command(
    name = "sheep",
    description = "Serves the objects in a directory to Sheepdog clients.",
    sortOptions = false)
@SuppressWarnings("UnusedVariable") // some options are only taken, or picocli acts on them itself
public final class Sheep implements Callable<Integer> {

  private static final int FAILURE = 1;
  private static final int DEFAULT_PORT = 7000;
  private static final int MIN_SESSION_MILLIS = 1000;
  private static final Duration PEER_TIMEOUT = Duration.ofSeconds(15);
  private static final Pattern ZOOKEEPER = Pattern.compile("zookeeper:([^/]+)/([A-Za-z0-9._-]+)");

  /** The number of the file descriptor on which the launcher waits for READY. */
  private static final String STATUS_FD = "sheepfs.status.fd";

  @Parameters(
      arity = "1",
      paramLabel = "DIR[,DISK..]",
      description =
          "Where the objects are kept. In a cluster: on the directories behind the commas, if there"
              + " are any.")
  private String directories = "";

  // what those are
  private @Nullable Path directory;
  private List<Path> disks = List.of();

  @Option(
      names = {"-c", "--cluster"},
      defaultValue = "local",
      description = {
        "How nodes find each other: 'local' for one node without others, or",
        "zookeeper:HOST:PORT[,HOST:PORT..]/CLUSTER."
      })
  private String cluster = "local";

  @Option(
      names = {"-b", "--bindaddr", "--bind"},
      defaultValue = "127.0.0.1",
      description = "The address to listen on; ${DEFAULT-VALUE} without this option.")
  private String bindAddress = "127.0.0.1";

  @Option(
      names = {"-p", "--port"},
      defaultValue = "" + DEFAULT_PORT,
      description = "The TCP port to listen on; ${DEFAULT-VALUE} without this option.")
  private int port = DEFAULT_PORT;

  @Option(
      names = {"-y", "--myaddr"},
      description = "The address that clients are told.")
  private @Nullable String ownAddress;

  @Option(
      names = {"-z", "--zone"},
      description = "The failure domain, a number.")
  private @Nullable Long zone;

  @Option(
      names = {"-V", "--vnodes"},
      description =
          "Virtual nodes, the share of the data of a cluster; by the size of the disk if not told."
              + " A single node has always 128.")
  private @Nullable Integer virtualNodes;

  @Option(
      names = {"-g", "--gateway"},
      description = "Store nothing, and pass on what clients ask to the nodes of the cluster.")
  private boolean gateway;

  @Option(
      names = "--without-disk",
      paramLabel = "DISK",
      description =
          "Start although this disk of several is missing, and fetch what was on it, when all other"
              + " nodes are up to date and each VDI has two copies; until then wait. May be given"
              + " more than once.")
  private List<Path> withoutDisks = new ArrayList<>();

  @Option(
      names = {"-w", "--write-cache"},
      paramLabel = "size=N[,dir=PATH][,directio][,dsync]",
      description =
          "Keep an object cache of that size for clients that ask for it by the CACHE flag; N may"
              + " end in K, M, G or T. Without dir it is in DIR/cache. directio leaves the page"
              + " cache out, dsync puts each write on the disk at once.")
  private @Nullable String writeCache;

  @Option(
      names = "--zookeeper-auth",
      paramLabel = "FILE",
      description =
          "Log in to ZooKeeper, and let only those in who do likewise. FILE has one line,"
              + " NAME:PASSWORD, the same on all nodes.")
  private @Nullable Path zookeeperAuth;

  @Option(
      names = "--session-timeout",
      paramLabel = "MILLIS",
      defaultValue = "10000",
      description = "After which silence a node of a cluster is gone; ${DEFAULT-VALUE} ms.")
  private int sessionTimeoutMillis = 10_000;

  @Option(
      names = "--scrub-interval",
      paramLabel = "SECONDS",
      defaultValue = "604800",
      description =
          "How often a cluster compares all copies of its objects; ${DEFAULT-VALUE} s. 0: never.")
  private int scrubSeconds = 604_800;

  @Option(
      names = {"-f", "--foreground"},
      description = "Stay in the foreground.")
  private boolean foreground;

  @Option(
      names = {"-l", "--log"},
      description = "Taken for the sake of old scripts, and ignored.")
  private @Nullable String logOptions;

  @Option(
      names = "--log-file",
      paramLabel = "FILE",
      description = "Where a sheep in the background logs; DIR/sheep.log without this option.")
  private @Nullable Path logFile;

  @Mixin private TelemetryArguments telemetry = new TelemetryArguments();

  @Option(
      names = "--tls",
      paramLabel = "DIR",
      description =
          "Speak TLS 1.3 only, with those whose certificate the same authority has signed. DIR has"
              + " what 'dog tls issue' makes. Without this option the environment variable"
              + " SHEEPFS_TLS names it.")
  private @Nullable Path tlsDirectory;

  @Option(
      names = "--allow",
      paramLabel = "FILE",
      description =
          "Allow each certificate only what FILE says, which is read again when it changes. A line"
              + " is CERTIFICATE ro|rw VDI.., or CERTIFICATE all; * and ? stand for other"
              + " characters. Needs TLS.")
  private @Nullable Path allowFile;

  @Option(
      names = "--insecure",
      description = "Allow an address that other machines can reach, without TLS.")
  private boolean insecure;

  @Option(
      names = {"-v", "--version"},
      versionHelp = true,
      description = "Print the version and exit.")
  private boolean versionAsked;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Print this help and exit.")
  private boolean helpAsked;

  private Sheep() {}

  /** Runs a node until it is told to end, and ends the process with its exit code. */
  public static void main(String[] args) {
    System.exit(commandLine().execute(args));
  }

  static CommandLine commandLine() {
    CommandLine line = new CommandLine(new Sheep());
    line.setAllowOptionsAsOptionParameters(false);
    line.setExpandAtFiles(false); // a directory may be called @directory
    line.getCommandSpec().version("Sheepdog daemon (sheepfs) 0.1.0");
    line.getCommandSpec().exitCodeOnInvalidInput(FAILURE);
    return line;
  }

  @Override
  public Integer call() {
    splitDirectories();
    String problem = problem();
    if (problem != null) {
      return fail(problem);
    }
    try {
      openLog();
      return serve();
    } catch (IOException e) {
      return fail(String.valueOf(e.getMessage()));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return FAILURE;
    }
  }

  private void splitDirectories() {
    boolean isOne = Files.isDirectory(Path.of(directories)); // made when commas meant nothing
    String[] words = isOne ? new String[] {directories} : directories.split(",", -1);
    directory = Path.of(words[0]);
    disks = Arrays.stream(words).skip(1).map(word -> Path.of(word)).toList();
  }

  /** What the options ask for that this version cannot do. */
  @Nullable String problem() {
    if (!cluster.equals("local") && !ZOOKEEPER.matcher(cluster).matches()) {
      return "cluster driver '"
          + cluster
          + "' is not supported in this version; say 'local' or"
          + " 'zookeeper:HOST:PORT[,HOST:PORT..]/CLUSTER'";
    }
    if (!cluster.equals("local") && writeCache != null) {
      return "an object cache (-w) is not supported in a cluster";
    }
    if (sessionTimeoutMillis < MIN_SESSION_MILLIS) {
      return "a session timeout of " + sessionTimeoutMillis + " ms is too short";
    }
    if (gateway && (cluster.equals("local") || virtualNodes != null)) {
      return "a gateway (-g) needs a cluster, and has no virtual nodes";
    }
    if (!disks.isEmpty() && (cluster.equals("local") || gateway)) {
      return "several disks are for a node that stores in a cluster";
    }
    if (!withoutDisks.isEmpty() && (cluster.equals("local") || gateway)) {
      return "--without-disk is for a node that stores in a cluster";
    }
    if (disks.size() > DiskList.MAX_DISKS - 1) {
      return disks.size() + " disks are too many";
    }
    if (port < 0 || port > 0xFFFF) {
      return "not a port: " + port;
    }
    if (zone != null && (zone < 0 || zone > 0xFFFF_FFFFL)) {
      return "not a zone: " + zone;
    }
    try {
      TelemetryConfig unused = telemetry.config();
      if (writeCache != null) {
        GatewayCacheOptions.parse(writeCache);
      }
    } catch (IllegalArgumentException e) {
      return e.getMessage();
    }
    if (virtualNodes != null && virtualNodes < 1) {
      return "not a number of virtual nodes: " + virtualNodes;
    }
    return null;
  }

  private static Logger log() {
    return LoggerFactory.getLogger(Sheep.class); // not before openLog, which configures all loggers
  }

  /** In the background nobody reads standard error; what is still written there goes to the log. */
  private void openLog() throws IOException {
    telemetry.config().configureLog(false);
    if (directory == null) {
      throw new IllegalStateException("picocli asks for the directory");
    }
    if (logFile == null && System.getProperty(STATUS_FD) == null) {
      return;
    }
    Path file = logFile != null ? logFile : directory.resolve(LocalSheep.LOG_FILE);
    if (logFile == null) {
      Files.createDirectories(directory);
    }
    DaemonLog.appendTo(file);
  }

  private int serve() throws IOException, InterruptedException {
    InetAddress bind = InetAddress.getByName(bindAddress);
    TlsFolder tls = TlsFolder.chosen(tlsDirectory);
    if (!bind.isLoopbackAddress() && tls == null && !insecure) {
      return fail(
          bindAddress
              + " can be reached by other machines; give certificates with --tls DIR, or say"
              + " --insecure to let anybody read and write");
    }
    AllowListFile allowed = allowFile == null ? null : AllowListFile.open(allowFile);
    if (allowed != null && tls == null) {
      return fail("--allow goes by certificates; say where they are with --tls DIR");
    }
    ServerOptions bounds = ServerOptions.DEFAULTS.withTls(tls).withAllowed(allowed);
    InetAddress told = InetAddress.getByName(ownAddress == null ? bindAddress : ownAddress);
    LocalSheepOptions options =
        LocalSheepOptions.defaults().withFormatIfNew(false).withAddress(told, port);
    if (zone != null) {
      options = options.withZone((int) (long) zone);
    }
    if (directory == null) {
      throw new IllegalStateException("picocli asks for the directory");
    }
    Matcher zookeeper = ZOOKEEPER.matcher(cluster);
    if (zookeeper.matches()) {
      if (allowed != null && tls != null && !allowed.current().of(tls.clientName()).isAll()) {
        return fail(
            allowFile
                + " does not allow 'all' to '"
                + tls.clientName()
                + "', which is this node: the other sheep would refuse what it asks of them");
      }
      return serveInCluster(
          directory, zookeeper.group(1), zookeeper.group(2), bind, told, bounds, tls);
    }
    GatewayCacheOptions wanted = writeCache == null ? null : GatewayCacheOptions.parse(writeCache);
    LocalSheep sheep = GatewayCache.openStore(directory, options, wanted);
    GatewayCache cache = null;
    SheepServer server;
    try {
      cache = wanted == null ? null : GatewayCache.open(sheep, wanted);
      InetSocketAddress address = new InetSocketAddress(bind, port);
      server =
          cache == null
              ? SheepServer.start(sheep, address, bounds)
              : SheepServer.start(sheep, address, bounds, cache);
      tellMetrics(server);
    } catch (IOException e) {
      if (cache != null) {
        cache.close();
      }
      sheep.close();
      throw e;
    }
    GatewayCache opened = cache;
    Thread end = new Thread(() -> end(server, opened, sheep), "sheep-end");
    Runtime.getRuntime().addShutdownHook(end);
    tell("READY");
    ServiceManager.ready("serving " + directory + " on port " + server.port());
    Watchdog.start(server::answers);
    log()
        .info(
            "serving {} on {} port {}{} ({})",
            directory,
            bindAddress,
            server.port(),
            tls == null ? "" : " with TLS",
            Transport.name());
    server.awaitShutdown();
    return CommandLine.ExitCode.OK; // the hook closes everything on the way out
  }

  private int serveInCluster(
      Path root,
      String servers,
      String name,
      InetAddress bind,
      InetAddress told,
      ServerOptions bounds,
      @Nullable TlsFolder tls)
      throws IOException, InterruptedException {
    if (port == 0) {
      return fail("a node of a cluster needs a port that stays (-p)");
    }
    Duration session = Duration.ofMillis(sessionTimeoutMillis);
    ClusterSheep sheep =
        ClusterSheep.open(
            root,
            disks,
            withoutDisks,
            new ClusterOptions(
                servers,
                name,
                zookeeperAuth == null ? null : ZooKeeperLogin.read(zookeeperAuth),
                told,
                port,
                zone == null ? null : (int) (long) zone,
                gateway ? Integer.valueOf(0) : virtualNodes,
                session,
                PEER_TIMEOUT,
                Duration.ofSeconds(Math.max(0, scrubSeconds)),
                tls));
    SheepServer server;
    try {
      server = SheepServer.start(sheep, new InetSocketAddress(bind, port), bounds);
      tellMetrics(server);
    } catch (IOException e) {
      sheep.close();
      throw e;
    }
    Thread end = new Thread(() -> end(server, sheep::close), "sheep-end");
    Runtime.getRuntime().addShutdownHook(end);
    sheep.start(server::disconnectAll, server::askForShutdown);
    tell("READY");
    ServiceManager.ready("serving " + root + " on port " + port);
    Watchdog.start(server::answers);
    log().info("serving {} on {} port {} for cluster {}", root, bindAddress, port, name);
    server.awaitShutdown();
    return CommandLine.ExitCode.OK;
  }

  private void tellMetrics(SheepServer server) throws IOException {
    InetSocketAddress address = telemetry.config().metrics();
    if (address == null) {
      return;
    }
    try {
      MetricsServer unused = server.startMetrics(address); // until the process ends
    } catch (IOException e) {
      server.close();
      throw new IOException("cannot listen for metrics at " + address + ": " + e.getMessage(), e);
    }
  }

  /** Whatever has to be done when the server is closed. */
  private interface End {
    void run() throws IOException;
  }

  private static void end(SheepServer server, @Nullable GatewayCache cache, LocalSheep sheep) {
    end(
        server,
        () -> {
          if (cache != null) {
            cache.flushAll();
            cache.close();
          }
          sheep.flushAll();
          sheep.close();
        });
  }

  private static void end(SheepServer server, End last) {
    int code = CommandLine.ExitCode.OK;
    ServiceManager.stopping("writing everything out");
    try {
      server.close();
      last.run();
    } catch (IOException | RuntimeException e) {
      log().error("the store cannot be closed", e);
      code = FAILURE;
    }
    // after a signal Java would end with 128 and the signal's number, as if we had not obeyed
    Runtime.getRuntime().halt(code);
  }

  static int fail(String message) {
    System.err.println("sheep: " + message);
    tell("sheep: " + message);
    return FAILURE;
  }

  /** A line for the launcher, if one waits. */
  private static void tell(String line) {
    String descriptor = System.getProperty(STATUS_FD);
    if (descriptor == null) {
      return;
    }
    try (PrintStream status =
        new PrintStream(
            Files.newOutputStream(Path.of("/proc/self/fd/" + descriptor)),
            true,
            StandardCharsets.UTF_8)) {
      status.println(line);
    } catch (IOException e) {
      log().warn("nobody waits on descriptor {}", descriptor, e);
    }
  }
}
