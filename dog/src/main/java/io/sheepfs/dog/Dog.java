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
import java.time.ZoneId;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** The main class: {@code dog GROUP COMMAND [OPTIONS] [ARGUMENTS]}. */
public final class Dog {

  /** The name of the release. */
  private static final String VERSION = "dog (sheepfs) 0.1.0";

  private static final Map<String, Group> GROUPS = groups();

  /** Commands of the original that make no sense here, with the reason. */
  private static final Map<String, String> NEVER =
      Map.of(
          "upgrade", "there is no older format of a store to upgrade from",
          "trace", "it traces functions of the original's sheep");

  private Dog() {}

  /** Commands on one kind of thing. */
  private record Group(String description, Map<String, Function<Environment, Object>> commands) {}

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
    Map<String, Function<Environment, Object>> vdi = new LinkedHashMap<>();
    vdi.put("create", VdiCreate::new);
    vdi.put("snapshot", VdiSnapshot::new);
    vdi.put("clone", VdiClone::new);
    vdi.put("delete", VdiDelete::new);
    vdi.put("rollback", VdiRollback::new);
    vdi.put("list", VdiList::new);
    vdi.put("tree", VdiTree::new);
    vdi.put("graph", VdiGraph::new);
    vdi.put("object", Dog::objects);
    vdi.put("setattr", VdiSetattr::new);
    vdi.put("getattr", VdiGetattr::new);
    vdi.put("lock", Dog::locks);
    vdi.put("resize", VdiResize::new);
    vdi.put("read", VdiRead::new);
    vdi.put("write", VdiWrite::new);
    List.of("check", "track", "backup", "restore", "cache", "alter-copy")
        .forEach(name -> vdi.put(name, Unsupported::yet));
    Map<String, Function<Environment, Object>> node = new LinkedHashMap<>();
    node.put("list", NodeList::new);
    node.put("info", NodeInfoCommand::new);
    node.put("recovery", Dog::recovery);
    node.put("md", Dog::disks);
    node.put("stat", NodeStatCommand::new);
    List.of("kill", "log", "vnodes", "format").forEach(name -> node.put(name, Unsupported::yet));
    Map<String, Function<Environment, Object>> cluster = new LinkedHashMap<>();
    cluster.put("info", ClusterInfoCommand::new);
    cluster.put("format", ClusterFormat::new);
    cluster.put("shutdown", ClusterShutdown::new);
    List.of("snapshot", "recover", "reweight", "check", "alter-copy")
        .forEach(name -> cluster.put(name, Unsupported::yet));
    Map<String, Group> groups = new LinkedHashMap<>();
    groups.put("vdi", new Group("virtual disks", vdi));
    groups.put("node", new Group("the nodes", node));
    groups.put("cluster", new Group("the cluster as a whole", cluster));
    return groups;
  }

  private static CommandLine objects(Environment environment) {
    Map<String, Function<Environment, Object>> object = new LinkedHashMap<>();
    object.put("map", VdiObjectMap::new);
    List.of("location", "dump-inode").forEach(name -> object.put(name, Unsupported::yet));
    return group(environment, "object", new Group("the objects of a virtual disk", object), "");
  }

  private static CommandLine locks(Environment environment) {
    Map<String, Function<Environment, Object>> lock = new LinkedHashMap<>();
    lock.put("list", VdiLockList::new);
    lock.put("unlock", VdiLockUnlock::new);
    return group(environment, "lock", new Group("the locks of virtual disks", lock), "");
  }

  private static CommandLine recovery(Environment environment) {
    CommandLine recovery = new CommandLine(new NodeRecovery(environment));
    List.of("set-throttle", "get-throttle")
        .forEach(name -> recovery.addSubcommand(name, Unsupported.yet(environment)));
    return recovery;
  }

  private static CommandLine disks(Environment environment) {
    Map<String, Function<Environment, Object>> md = new LinkedHashMap<>();
    md.put("info", NodeMdInfo::new);
    List.of("plug", "unplug").forEach(name -> md.put(name, Unsupported::yet));
    return group(environment, "md", new Group("the disks of a node", md), "");
  }

  /** Runs a command, and ends the process with its exit code. */
  public static void main(String[] args) {
    PrintStream out =
        new PrintStream(
            new BufferedOutputStream(new FileOutputStream(FileDescriptor.out), 1 << 16),
            false,
            StandardCharsets.UTF_8);
    PrintStream err =
        new PrintStream(new FileOutputStream(FileDescriptor.err), true, StandardCharsets.UTF_8);
    Environment environment =
        new Environment(
            System.in, out, err, isTerminal(2), ZoneId.systemDefault(), new RemoteNetwork());
    int exitCode = run(environment, args);
    out.flush();
    System.exit(exitCode);
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
    NEVER.forEach(
        (name, reason) -> dog.addSubcommand(name, new Unsupported(environment, ": " + reason)));
    dog.setOut(new PrintWriter(environment.out(), true, StandardCharsets.UTF_8));
    dog.setErr(new PrintWriter(environment.err(), true, StandardCharsets.UTF_8));
    dog.setParameterExceptionHandler(Dog::reportUsage);
    dog.setOverwrittenOptionsAllowed(true);
    dog.setAbbreviatedOptionsAllowed(true);
    return dog;
  }

  private static CommandLine group(
      Environment environment, String name, Group group, String named) {
    CommandSpec spec = CommandSpec.create().name(name).mixinStandardHelpOptions(true);
    spec.usageMessage().description("Commands on " + group.description() + ".");
    CommandLine commands = new CommandLine(spec);
    group
        .commands()
        .forEach(
            (command, constructor) -> {
              if (command.equals(named) || !group.commands().containsKey(named)) {
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
