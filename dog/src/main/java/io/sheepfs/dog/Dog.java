package io.sheepfs.dog;

import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.ZoneId;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Supplier;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** The main class: {@code dog GROUP COMMAND [OPTIONS] [ARGUMENTS]}. */
public final class Dog {

  /** The name of the release. */
  private static final String VERSION = "dog (sheepfs) 0.1.0";

  private static final String LOG_LEVEL = "org.slf4j.simpleLogger.defaultLogLevel";

  private static final Map<String, Group> GROUPS = groups();

  /** Commands of the original that make no sense here, with the reason. */
  private static final Map<String, String> NEVER =
      Map.of(
          "upgrade", "there is no older format of a store to upgrade from",
          "trace", "it traces functions of the original's sheep");

  private Dog() {}

  /** Commands on one kind of thing; asked for only when needed, since start-up pays for each. */
  private record Group(
      String description, Supplier<Map<String, Function<Environment, Object>>> source) {

    Map<String, Function<Environment, Object>> commands() {
      return source.get();
    }
  }

  /** The options of dog itself. */
  @Command(
      name = "dog",
      description = "Administers a Sheepdog cluster.",
      mixinStandardHelpOptions = true,
      versionProvider = Version.class)
  private static final class Root {}

  private static final class Version implements CommandLine.IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {VERSION};
    }
  }

  private static Map<String, Group> groups() {
    Map<String, Group> groups = new LinkedHashMap<>();
    groups.put("vdi", new Group("virtual disks", Dog::diskCommands));
    groups.put("node", new Group("the nodes", Dog::nodeCommands));
    groups.put("cluster", new Group("the cluster as a whole", Dog::clusterCommands));
    groups.put("tls", new Group("certificates", Dog::tlsCommands));
    return groups;
  }

  private static Map<String, Function<Environment, Object>> diskCommands() {
    Map<String, Function<Environment, Object>> vdi = new LinkedHashMap<>();
    vdi.put("check", VdiCheck::new);
    vdi.put("create", VdiCreate::new);
    vdi.put("snapshot", VdiSnapshot::new);
    vdi.put("clone", VdiClone::new);
    vdi.put("delete", VdiDelete::new);
    vdi.put("rollback", VdiRollback::new);
    vdi.put("list", VdiList::new);
    vdi.put("tree", VdiTree::new);
    vdi.put("graph", VdiGraph::new);
    vdi.put("object", Dog::objects);
    vdi.put("track", VdiTrack::new);
    vdi.put("setattr", VdiSetattr::new);
    vdi.put("getattr", VdiGetattr::new);
    vdi.put("resize", VdiResize::new);
    vdi.put("read", VdiRead::new);
    vdi.put("write", VdiWrite::new);
    vdi.put("backup", VdiBackup::new);
    vdi.put("restore", VdiRestore::new);
    vdi.put("import", VdiImport::new);
    vdi.put("export", VdiExport::new);
    vdi.put("diff", VdiDiff::new);
    vdi.put("alter-copy", VdiAlterCopy::new);
    vdi.put("lock", Dog::locks);
    vdi.put("cache", Dog::caches);
    return vdi;
  }

  private static Map<String, Function<Environment, Object>> nodeCommands() {
    Map<String, Function<Environment, Object>> node = new LinkedHashMap<>();
    node.put("kill", NodeKill::new);
    node.put("list", NodeList::new);
    node.put("info", NodeInfoCommand::new);
    node.put("recovery", Dog::recovery);
    node.put("md", Dog::disks);
    node.put("stat", NodeStatCommand::new);
    node.put("log", Dog::logs);
    node.put("vnodes", Dog::virtualNodes);
    node.put(
        "format",
        environment ->
            new Unsupported(environment, ": a store of sheepfs has only one format on disk"));
    return node;
  }

  private static Map<String, Function<Environment, Object>> clusterCommands() {
    Map<String, Function<Environment, Object>> cluster = new LinkedHashMap<>();
    cluster.put("info", ClusterInfoCommand::new);
    cluster.put("format", ClusterFormat::new);
    cluster.put("shutdown", ClusterShutdown::new);
    cluster.put("snapshot", Dog::clusterSnapshots);
    cluster.put("recover", Dog::clusterRecovery);
    cluster.put("reweight", ClusterReweight::new);
    cluster.put("check", ClusterCheck::new);
    cluster.put("alter-copy", ClusterAlterCopy::new);
    return cluster;
  }

  private static Map<String, Function<Environment, Object>> tlsCommands() {
    Map<String, Function<Environment, Object>> tls = new LinkedHashMap<>();
    tls.put("init", TlsInit::new);
    tls.put("issue", TlsIssue::new);
    return tls;
  }

  private static CommandLine objects(Environment environment) {
    Map<String, Function<Environment, Object>> object = new LinkedHashMap<>();
    object.put("location", VdiObjectLocation::new);
    object.put("map", VdiObjectMap::new);
    object.put("dump-inode", VdiObjectDumpInode::new);
    return group(
        environment, "object", new Group("the objects of a virtual disk", () -> object), "");
  }

  private static CommandLine locks(Environment environment) {
    Map<String, Function<Environment, Object>> lock = new LinkedHashMap<>();
    lock.put("list", VdiLockList::new);
    lock.put("unlock", VdiLockUnlock::new);
    return group(environment, "lock", new Group("the locks of virtual disks", () -> lock), "");
  }

  private static CommandLine caches(Environment environment) {
    Map<String, Function<Environment, Object>> cache = new LinkedHashMap<>();
    cache.put("info", VdiCache.Info::new);
    cache.put("flush", VdiCache.Flush::new);
    cache.put("delete", VdiCache.Delete::new);
    cache.put("purge", VdiCache.Purge::new);
    cache.put("fsck", VdiCacheOrder.Fsck::new);
    cache.put("warm", VdiCacheOrder.Warm::new);
    cache.put("quota", VdiCacheOrder.Quota::new);
    return group(environment, "cache", new Group("the object cache of a node", () -> cache), "");
  }

  private static CommandLine recovery(Environment environment) {
    CommandLine recovery = new CommandLine(new NodeRecovery(environment));
    recovery.addSubcommand("set-throttle", new NodeRecoveryThrottle.Set(environment));
    recovery.addSubcommand("get-throttle", new NodeRecoveryThrottle.Get(environment));
    return recovery;
  }

  private static CommandLine disks(Environment environment) {
    Map<String, Function<Environment, Object>> md = new LinkedHashMap<>();
    md.put("info", NodeMdInfo::new);
    md.put("plug", NodeMdChange.Plug::new);
    md.put("unplug", NodeMdChange.Unplug::new);
    return group(environment, "md", new Group("the disks of a node", () -> md), "");
  }

  private static CommandLine logs(Environment environment) {
    Map<String, Function<Environment, Object>> log = new LinkedHashMap<>();
    log.put("level", Dog::logLevels);
    return group(environment, "log", new Group("the log of a node", () -> log), "");
  }

  private static CommandLine logLevels(Environment environment) {
    Map<String, Function<Environment, Object>> level = new LinkedHashMap<>();
    level.put("set", NodeLogLevelSet::new);
    level.put("get", NodeLogLevelGet::new);
    level.put("list", NodeLogLevelList::new);
    return group(environment, "level", new Group("how much a node logs", () -> level), "");
  }

  private static CommandLine virtualNodes(Environment environment) {
    Map<String, Function<Environment, Object>> vnodes = new LinkedHashMap<>();
    vnodes.put("set", NodeVnodesSet::new);
    return group(environment, "vnodes", new Group("the share of a node", () -> vnodes), "");
  }

  private static CommandLine clusterSnapshots(Environment environment) {
    Map<String, Function<Environment, Object>> snapshot = new LinkedHashMap<>();
    snapshot.put("save", ClusterSnapshotSave::new);
    snapshot.put("list", ClusterSnapshotList::new);
    snapshot.put("load", ClusterSnapshotLoad::new);
    snapshot.put("show", ClusterSnapshotShow::new);
    return group(
        environment, "snapshot", new Group("archives of all snapshots", () -> snapshot), "");
  }

  private static CommandLine clusterRecovery(Environment environment) {
    Map<String, Function<Environment, Object>> recover = new LinkedHashMap<>();
    recover.put("force", ClusterRecover.Force::new);
    recover.put("enable", ClusterRecover.Enable::new);
    recover.put("disable", ClusterRecover.Disable::new);
    return group(environment, "recover", new Group("recovery of lost replicas", () -> recover), "");
  }

  /** Runs a command, and ends the process with its exit code. */
  public static void main(String[] args) {
    // what the libraries note for a log is not for who types a command; he may ask for it
    if (System.getProperty(LOG_LEVEL) == null) {
      System.setProperty(LOG_LEVEL, "warn");
    }
    StandardOutput output = new StandardOutput(new FileOutputStream(FileDescriptor.out));
    PrintStream out =
        new PrintStream(new BufferedOutputStream(output, 1 << 16), false, StandardCharsets.UTF_8);
    PrintStream err =
        new PrintStream(new FileOutputStream(FileDescriptor.err), true, StandardCharsets.UTF_8);
    Environment environment =
        new Environment(
            System.in,
            out,
            err,
            isTerminal(0),
            isTerminal(2),
            ZoneId.systemDefault(),
            new RemoteNetwork(),
            Dog::sleep);
    int exitCode = run(environment, args);
    out.flush();
    String complaint = output.complaint();
    if (complaint != null) {
      err.println(complaint);
    }
    System.exit(exitCode);
  }

  /**
   * Lets time pass between two looks at a node: it tells of its recovery and its counters when it
   * is asked, and never of itself. Injected, so that tests need not wait.
   */
  private static boolean sleep(Duration time) {
    try {
      Thread.sleep(time.toMillis());
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  /** Whether a person watches a file descriptor. System.console() cannot tell them apart. */
  private static boolean isTerminal(int fileDescriptor) {
    try {
      String target = Files.readSymbolicLink(Path.of("/proc/self/fd/" + fileDescriptor)).toString();
      return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty");
    } catch (IOException | UnsupportedOperationException e) {
      return false;
    }
  }

  /** Runs a command. */
  static int run(Environment environment, String... args) {
    CommandLine dog = commandLine(environment, args);
    if (args.length == 0) {
      dog.usage(environment.out());
      environment.out().flush();
      return ExitCode.SUCCESS.code();
    }
    int exitCode = dog.execute(args);
    dog.getOut().flush();
    environment.out().flush();
    return exitCode;
  }

  /**
   * The tree of commands, or only the branch that the arguments name: to look at a command costs
   * more than most of them take to run.
   */
  static CommandLine commandLine(Environment environment, String... args) {
    CommandLine dog = new CommandLine(new Root());
    String named = args.length == 0 ? "" : args[0];
    Map<String, Group> shown =
        GROUPS.containsKey(named) ? Map.of(named, GROUPS.get(named)) : GROUPS;
    shown.forEach(
        (name, group) ->
            dog.addSubcommand(
                name, group(environment, name, group, args.length < 2 ? "" : args[1])));
    if (!GROUPS.containsKey(named)) {
      dog.addSubcommand("completion", new Completion(environment));
      NEVER.forEach(
          (name, reason) -> dog.addSubcommand(name, new Unsupported(environment, ": " + reason)));
    }
    dog.setOut(new PrintWriter(environment.out(), true, StandardCharsets.UTF_8));
    dog.setErr(new PrintWriter(environment.err(), true, StandardCharsets.UTF_8));
    dog.setParameterExceptionHandler(Dog::reportUsage);
    dog.setOverwrittenOptionsAllowed(true);
    // picocli looks for a short form in an empty argument, too, and in one without letters, and
    // fails with what is no message
    dog.setAbbreviatedOptionsAllowed(
        Arrays.stream(args).noneMatch(argument -> argument.matches("-*(=.*)?")));
    // a virtual disk may be called @file, and that does not mean the arguments in a file
    dog.setExpandAtFiles(false);
    return dog;
  }

  private static CommandLine group(
      Environment environment, String name, Group group, String named) {
    CommandSpec spec = CommandSpec.create().name(name).mixinStandardHelpOptions(true);
    spec.usageMessage().description("Commands on " + group.description() + ".");
    CommandLine commands = new CommandLine(spec);
    Map<String, Function<Environment, Object>> all = group.commands();
    all.forEach(
        (command, constructor) -> {
          if (command.equals(named) || !all.containsKey(named)) {
            commands.addSubcommand(command, constructor.apply(environment));
          }
        });
    return commands;
  }

  /** A mistake in the arguments: one line that says what, and one with the way to the help. */
  private static int reportUsage(ParameterException e, String[] args) {
    CommandLine where = e.getCommandLine();
    String command = where.getCommandSpec().qualifiedName();
    if (args.length == 1 && GROUPS.containsKey(args[0])) {
      where.usage(where.getErr());
      return ExitCode.USAGE.code();
    }
    boolean unknown = e instanceof UnmatchedArgumentException && !where.getSubcommands().isEmpty();
    where
        .getErr()
        .println(
            unknown
                ? "Invalid command '"
                    + String.join(" ", Arrays.copyOf(args, Math.min(2, args.length)))
                    + "'"
                : e.getMessage());
    where.getErr().println("Try '" + command + " --help' for more information.");
    return ExitCode.USAGE.code();
  }
}
