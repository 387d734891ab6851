package io.sheepfs.fuse;

import io.sheepfs.fuse.transport.MountRequest.PageCache;
import io.sheepfs.protocol.client.SheepAddresses;
import io.sheepfs.protocol.tls.TlsFolder;
import io.sheepfs.store.server.TelemetryArguments;
import io.sheepfs.telemetry.TelemetryConfig;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** The command {@code sheepfs}. Exit codes are those of mount(8). */
@Command(
    name = "sheepfs",
    mixinStandardHelpOptions = true,
    description = "Mounts the VDIs of a Sheepdog cluster as files.",
    sortOptions = false,
    usageHelpAutoWidth = true,
    versionProvider = Version.class,
    footer = {
      "",
      "The VDIs are in MOUNTPOINT/volume, their snapshots in MOUNTPOINT/snapshot.",
      "",
      "sheepfs umount MOUNTPOINT   unmount; returns when all is saved",
      "sheepfs status              what is mounted, and how it does",
      "sheepfs top                 what they do, again and again on a terminal",
      "sheepfs flush MOUNTPOINT    save all that was written until now",
      "sheepfs doctor              what is in the way of a mount, and how to mend it",
      "",
      "Exit codes: 0 mounted, 1 wrong usage, 2 system error, 4 internal error, 8 interrupted,",
      "32 mount failed."
    })
public final class Sheepfs implements Callable<Integer> {

  static final int EXIT_OK = 0;
  static final int EXIT_USAGE = 1;
  static final int EXIT_SYSTEM = 2;
  static final int EXIT_INTERNAL = 4;
  static final int EXIT_MOUNT_FAILED = 32;

  /** What stands for the library that brings the tree before the kernel. */
  enum TransportName {
    AUTO,
    URING,
    DIRECT,
    JNR
  }

  @Parameters(paramLabel = "MOUNTPOINT", description = "An existing directory.")
  private @Nullable Path mountpoint;

  @Option(
      names = "--store",
      paramLabel = "DIR",
      description =
          "Run a complete single-node store on this directory inside the mount; it is made when"
              + " there is nothing yet.")
  private @Nullable Path store;

  @Option(
      names = {"-a", "--address"},
      paramLabel = "HOST[:PORT][,..]",
      defaultValue = "127.0.0.1",
      description = {
        "The sheep to talk to (default: ${DEFAULT-VALUE}); of several of one cluster, the next",
        "when one fails."
      })
  private String address = "";

  @Option(
      names = {"-p", "--port"},
      paramLabel = "PORT",
      defaultValue = "7000",
      description = "Its port (default: ${DEFAULT-VALUE}).")
  private int port;

  @Option(
      names = {"-f", "--foreground"},
      description = "Stay in the foreground.")
  private boolean foreground;

  @Option(
      names = {"-k", "--pagecache"},
      paramLabel = "off|on|writeback",
      arity = "0..1",
      defaultValue = "on",
      fallbackValue = "on",
      description =
          "How the kernel caches: not at all; reads, with each write reaching the cluster side at"
              + " once (default); or writes, too, which a crash of sheepfs then loses.")
  private String pageCache = "";

  @Option(
      names = {"-o"},
      paramLabel = "OPTIONS",
      description =
          "Mount options, separated by commas: ro, rw, allow_other, uid=N, gid=N, umask=OCTAL; or"
              + " any long option above without its dashes. What only mount(8) cares about is"
              + " ignored.")
  private List<String> mountOptions = List.of();

  @Option(names = "--read-only", description = "Nothing can be changed through the mount.")
  private boolean readOnly;

  @Option(
      names = "--transport",
      paramLabel = "auto|uring|direct|jnr",
      defaultValue = "auto",
      description =
          "How to talk to the kernel: its own protocol over io_uring (uring) or /dev/fuse (direct),"
              + " libfuse 2 through jnr-fuse (jnr), or the best that works (default).")
  private String transport = "";

  @Mixin private CacheArguments cache = new CacheArguments();

  @Option(
      names = "--no-flush",
      description =
          "Do not write everything out at the end; what the cache holds is written out by the next"
              + " mount, unless the machine restarts before.")
  private boolean noFlush;

  @Option(
      names = "--tls",
      paramLabel = "DIR",
      description =
          "Speak TLS with the sheep. DIR has what 'dog tls issue' makes; without this option the"
              + " environment variable SHEEPFS_TLS names it.")
  private @Nullable Path tlsDirectory;

  @Option(
      names = "--timeout",
      paramLabel = "SECONDS",
      defaultValue = "60",
      description =
          "How long a request waits for the cluster before it fails (default: ${DEFAULT-VALUE}).")
  private String timeout = "";

  @Mixin private TelemetryArguments telemetry = new TelemetryArguments();

  @Option(
      names = "--log-file",
      paramLabel = "FILE",
      description =
          "Where a mount in the background logs (default: /var/log/sheepfs.log for root, else"
              + " sheepfs.log in the user's state directory).")
  private @Nullable Path logFile;

  @Option(
      names = {"-d", "--debug"},
      description = "Log in detail.")
  private boolean debug;

  @Spec private @Nullable CommandSpec spec;

  /** Runs the command. */
  public static void main(String[] args) {
    Integer done = AdminCommand.run(System.out, System.err, args);
    if (done != null) {
      System.exit(done);
    }
    System.exit(commandLine(Console.ofThisProcess()).execute(args));
  }

  static CommandLine commandLine(Console console) {
    return new CommandLine(new Sheepfs(console))
        .setAllowOptionsAsOptionParameters(false)
        .setExpandAtFiles(false) // a mountpoint may be called @directory
        .setParameterExceptionHandler((e, arguments) -> wrongUsage(console, e))
        .setExecutionExceptionHandler((e, line, parsed) -> internalError(console, e));
  }

  private static int wrongUsage(Console console, ParameterException e) {
    console.error(e.getMessage() + "\nTry 'sheepfs --help'.");
    return EXIT_USAGE;
  }

  private static int internalError(Console console, Exception e) {
    StringWriter trace = new StringWriter();
    e.printStackTrace(new PrintWriter(trace));
    console.error("this is an error in sheepfs; please report it:\n" + trace);
    return EXIT_INTERNAL;
  }

  private final Console console;

  Sheepfs(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    MountConfig config = config();
    Logging.configure(config, console);
    try {
      return Mount.run(config, console);
    } catch (MountFailure e) {
      console.error(e.getMessage());
      return e.exitCode();
    } catch (IOException e) {
      console.error(String.valueOf(e.getMessage()));
      return EXIT_SYSTEM;
    }
  }

  MountConfig config() {
    MountOptionList options;
    try {
      options = MountOptionList.parse(mountOptions);
      Path where = Objects.requireNonNull(mountpoint);
      Path storeDirectory = options.path("store", store);
      if (port < 1 || port > 65535) {
        throw new IllegalArgumentException("not a port: " + port);
      }
      Duration limit = CacheArguments.seconds("timeout", options.text("timeout", timeout));
      if (limit.isZero()) {
        throw new IllegalArgumentException("a request needs some time: timeout=0");
      }
      SheepAddresses.parse(options.text("address", address), port); // which refuses a wrong one
      return new MountConfig(
          where.toAbsolutePath().normalize(),
          storeDirectory == null ? null : storeDirectory.toAbsolutePath().normalize(),
          options.text("address", address),
          options.number("port", port, 10),
          readOnly || options.has("ro") || options.has("read-only"),
          options.has("allow_other"),
          options.numberOrNull("uid", 10),
          options.numberOrNull("gid", 10),
          options.number("umask", 0077, 8),
          choice(PageCache.class, options.text("pagecache", pageCache)),
          choice(TransportName.class, options.text("transport", transport)),
          cache.config(options),
          limit,
          TlsFolder.chosen(options.path("tls", tlsDirectory)),
          !noFlush && !options.has("no-flush"),
          TelemetryConfig.parse(
              options.textOrNull("metrics", telemetry.metrics()),
              options.textOrNull("slow-request", telemetry.slowRequest()),
              options.textOrNull("log-format", telemetry.logFormat())),
          foreground,
          debug || options.has("debug"),
          options.path("log-file", logFile));
    } catch (IllegalArgumentException e) {
      throw new ParameterException(
          Objects.requireNonNull(spec).commandLine(), String.valueOf(e.getMessage()), e);
    }
  }

  static <E extends Enum<E>> E choice(Class<E> type, String name) {
    try {
      return Enum.valueOf(type, name.toUpperCase(Locale.ROOT));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "'"
              + name
              + "' is none of "
              + Arrays.toString(type.getEnumConstants()).toLowerCase(Locale.ROOT),
          e);
    }
  }
}
