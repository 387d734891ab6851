package io.sheepfs.sbd;

import io.sheepfs.protocol.Cluster;
import io.sheepfs.protocol.tls.AllowListFile;
import io.sheepfs.protocol.tls.TlsFolder;
import io.sheepfs.sbd.nbd.NbdServer;
import io.sheepfs.sbd.nbd.NbdServerOptions;
import io.sheepfs.sbd.nbd.ServerLimits;
import io.sheepfs.store.LocalSheep;
import io.sheepfs.store.server.ServiceManager;
import io.sheepfs.store.server.TelemetryArguments;
import io.sheepfs.store.server.Watchdog;
import io.sheepfs.telemetry.MetricsServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code sbd serve}: an NBD server, until it is told to end. */
@Command(
    name = "serve",
    mixinStandardHelpOptions = true,
    description = "Exports every VDI, and every snapshot as NAME@TAG, over NBD.",
    sortOptions = false,
    usageHelpAutoWidth = true)
@SuppressWarnings("UnusedVariable") // the launcher acts on one option itself
final class ServeCommand implements Callable<Integer> {

  private static final int DEFAULT_NBD_PORT = 10809;
  private static final int LOCAL_WORKERS = 8;
  private static final int REMOTE_WORKERS = 32;

  @Option(
      names = "--store",
      paramLabel = "DIR",
      description = "Serve a single-node store on this directory, made if there is none.")
  private @Nullable Path store;

  @Option(
      names = {"-a", "--address"},
      paramLabel = "HOST",
      defaultValue = "127.0.0.1",
      description = "The sheep to talk to (default: ${DEFAULT-VALUE}).")
  private String address = "";

  @Option(
      names = {"-p", "--port"},
      paramLabel = "PORT",
      defaultValue = "7000",
      description = "Its port (default: ${DEFAULT-VALUE}).")
  private int port;

  @Option(
      names = "--timeout",
      paramLabel = "SECONDS",
      defaultValue = "60",
      description =
          "How long I/O waits for a sheep that does not answer before it fails"
              + " (default: ${DEFAULT-VALUE}).")
  private int timeoutSeconds;

  @Option(
      names = "--unix",
      paramLabel = "PATH",
      description = "Listen on a Unix socket, which only its owner can use.")
  private @Nullable Path unix;

  @Option(
      names = "--listen",
      paramLabel = "HOST:PORT",
      defaultValue = "127.0.0.1:" + DEFAULT_NBD_PORT,
      description = "Listen on TCP (default: ${DEFAULT-VALUE}).")
  private String listen = "";

  @Option(
      names = "--sheep-tls",
      paramLabel = "DIR",
      description =
          "Speak TLS with the sheep: DIR has ca-cert.pem, client-cert.pem and client-key.pem."
              + " Without this option the environment variable SHEEPFS_TLS names it.")
  private @Nullable Path sheepTls;

  @Option(
      names = "--tls",
      paramLabel = "DIR",
      description =
          "Speak TLS only, with clients whose certificate is good: DIR has ca-cert.pem,"
              + " server-cert.pem and server-key.pem.")
  private @Nullable Path tls;

  @Option(
      names = "--allow",
      paramLabel = "FILE",
      description =
          "Give each certificate only what FILE says, which is read again when it changes. A line"
              + " is CERTIFICATE ro|rw VDI.., or CERTIFICATE all; * and ? stand for other"
              + " characters. Needs --tls.")
  private @Nullable Path allowFile;

  @Option(
      names = "--insecure",
      description = "Allow an address that other machines can reach, without TLS.")
  private boolean insecure;

  @Option(
      names = {"-r", "--read-only"},
      description = "Nothing can be written, and nothing is locked.")
  private boolean readOnly;

  @Option(
      names = "--default",
      paramLabel = "VDI[@TAG]",
      description = "What clients get who name no export.")
  private @Nullable String defaultExport;

  @Mixin private TelemetryArguments telemetry = new TelemetryArguments();

  @Option(
      names = {"-f", "--foreground"},
      description = "Stay in the foreground.")
  private boolean foreground;

  @Option(
      names = "--log-file",
      paramLabel = "FILE",
      defaultValue = "/var/log/sbd.log",
      description = "Where a server in the background logs (default: ${DEFAULT-VALUE}).")
  private Path logFile = Path.of("/var/log/sbd.log");

  @Option(
      names = {"-d", "--debug"},
      description = "Log in detail.")
  private boolean debug;

  private final Console console = Console.ofThisProcess();

  @Override
  public Integer call() {
    try {
      console.configureLog(telemetry.config(), debug, logFile);
      return serve();
    } catch (IllegalArgumentException e) {
      console.say(e.getMessage() + "\nTry 'sbd serve --help'.");
      return Sbd.EXIT_USAGE;
    } catch (IOException e) {
      console.say(String.valueOf(e.getMessage()));
      return Sbd.EXIT_FAILED;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Sbd.EXIT_FAILED;
    }
  }

  private int serve() throws IOException, InterruptedException {
    Logger log = LoggerFactory.getLogger(ServeCommand.class); // not before it is configured
    if (port < 1 || port > 0xFFFF || timeoutSeconds < 1) {
      throw new IllegalArgumentException("not a port, or not a time");
    }
    if (allowFile != null && tls == null) {
      throw new IllegalArgumentException(
          "--allow goes by certificates; say where they are with --tls DIR");
    }
    InetSocketAddress metrics = telemetry.config().metrics();
    SocketAddress where =
        unix != null ? UnixDomainSocketAddress.of(unix.toAbsolutePath()) : tcpAddress();
    NbdServerOptions options =
        new NbdServerOptions(
            readOnly,
            defaultExport,
            tls == null ? null : new TlsFolder(tls).server("TLSv1.3", "TLSv1.2"),
            allowFile == null ? null : AllowListFile.open(allowFile),
            store != null,
            ServerLimits.DEFAULTS.withWorkers(store != null ? LOCAL_WORKERS : REMOTE_WORKERS));
    ClusterSource source =
        new ClusterSource(
            store, address, port, Duration.ofSeconds(timeoutSeconds), TlsFolder.chosen(sheepTls));
    Cluster cluster = source.open();
    NbdServer server;
    try {
      server = NbdServer.start(cluster, where, options);
      if (metrics != null) {
        tellMetrics(metrics, server, cluster);
      }
    } catch (IOException e) {
      cluster.close();
      throw e;
    }
    Runtime.getRuntime().addShutdownHook(new Thread(() -> end(log, server, cluster), "sbd-end"));
    log.info(
        "serving {} on {}",
        source,
        unix != null ? unix : "port " + server.port() + (tls != null ? " with TLS" : ""));
    console.ready();
    ServiceManager.ready("serving " + source);
    Watchdog.start(new Greeting(server.address())::isGiven);
    new CountDownLatch(1).await(); // until a signal runs the hook
    return Sbd.EXIT_OK;
  }

  private static void tellMetrics(InetSocketAddress address, NbdServer server, Cluster cluster)
      throws IOException {
    ServeMetrics told = new ServeMetrics(server, cluster);
    try {
      MetricsServer unused = // until the process ends
          MetricsServer.start(address, told::numbers, told::health, null);
    } catch (IOException e) {
      server.close();
      throw new IOException("cannot listen for metrics at " + address + ": " + e.getMessage(), e);
    }
  }

  private InetSocketAddress tcpAddress() throws IOException {
    int colon = listen.lastIndexOf(':');
    String number = listen.substring(colon + 1);
    if (colon < 1 || !number.matches("[0-9]{1,5}") || Integer.parseInt(number) > 0xFFFF) {
      throw new IllegalArgumentException("not HOST:PORT: " + listen);
    }
    String host = listen.substring(0, colon);
    InetAddress bind = InetAddress.getByName(host);
    if (!bind.isLoopbackAddress() && tls == null && !insecure) {
      throw new IOException(
          host
              + " can be reached by other machines; give certificates with --tls DIR, or say"
              + " --insecure to let anybody read and write");
    }
    return new InetSocketAddress(bind, Integer.parseInt(number));
  }

  private static void end(Logger log, NbdServer server, Cluster cluster) {
    int code = Sbd.EXIT_OK;
    ServiceManager.stopping("writing everything out");
    try {
      server.close();
      if (cluster instanceof LocalSheep local) {
        local.flushAll();
      }
    } catch (IOException | RuntimeException e) {
      log.error("Could not save everything", e);
      code = Sbd.EXIT_FAILED;
    }
    try {
      cluster.close();
    } catch (IOException e) {
      log.error("Could not close the cluster", e);
      code = Sbd.EXIT_FAILED;
    }
    log.info("ended");
    // after a signal Java would end with 128 and the signal's number, as if we had not obeyed
    Runtime.getRuntime().halt(code);
  }
}
