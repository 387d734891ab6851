package io.sheepfs.dog;

import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.SnapshotSelector;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.tls.TlsFolder;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/**
 * What all commands share: where the cluster is, and how a failure becomes a message and an exit
 * code. A command checks its arguments before it asks for a connection.
 */
abstract class DogCommand implements Callable<Integer> {

  static final String RAW = "for programs: no headers, single spaces, sizes in bytes";
  static final String JSON = "for programs that read JSON; see FORMATS in dog(8)";
  static final String VERBOSE = "print more than usual";
  static final String SNAPSHOT = "a snapshot, by its tag or its number";
  static final String FORCE = "do not ask";

  private final Environment environment;

  @Option(
      names = {"-a", "--address"},
      paramLabel = "ADDRESS",
      defaultValue = "${env:SHEEPDOG_DOG_ADDR:-127.0.0.1}",
      description = "the node to talk to (default: ${DEFAULT-VALUE})")
  private String address = "";

  @Option(
      names = {"-p", "--port"},
      paramLabel = "PORT",
      defaultValue = "${env:SHEEPDOG_DOG_PORT:-7000}",
      description = "its port (default: ${DEFAULT-VALUE})")
  private int port;

  @Option(
      names = "--tls",
      paramLabel = "DIR",
      description =
          "speak TLS, with what 'dog tls issue' made there (default: what SHEEPFS_TLS names)")
  private @Nullable Path tls;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "show this help")
  boolean help;

  @Option(
      names = {"-T", "--time"},
      description = "show how long it took")
  private boolean time;

  DogCommand(Environment environment) {
    this.environment = environment;
  }

  /**
   * Does the work.
   *
   * @return how it ended, if not by an exception
   */
  abstract ExitCode run(Session session) throws IOException, DogException;

  @Override
  public final Integer call() {
    long start = System.nanoTime();
    ExitCode exitCode = runReportingFailure();
    if (time) {
      environment
          .out()
          .format(Locale.ROOT, "%nElapsed time: %.3f seconds%n", (System.nanoTime() - start) / 1e9);
    }
    environment.out().flush();
    if (environment.out().checkError() && exitCode == ExitCode.SUCCESS) {
      return ExitCode.SYSTEM.code();
    }
    return exitCode.code();
  }

  private ExitCode runReportingFailure() {
    if (port < 1 || port > 0xFFFF) {
      environment.err().println("Invalid port number '" + port + "'");
      return ExitCode.USAGE;
    }
    try (Session session =
        new Session(
            environment,
            new InetSocketAddress(address, port),
            RemoteNetwork.OPTIONS.withTls(TlsFolder.chosen(tls)))) {
      return run(session);
    } catch (DogException e) {
      return fail(e.exitCode(), String.valueOf(e.getMessage()));
    } catch (SheepException e) {
      return fail(ExitCode.of(e.result()), explain(e));
    } catch (IOException e) {
      return fail(ExitCode.SYSTEM, String.valueOf(e.getMessage()));
    }
  }

  private ExitCode fail(ExitCode exitCode, String message) {
    environment.out().flush();
    environment.err().println(message);
    return exitCode;
  }

  private String explain(SheepException e) {
    return switch (e.result()) {
      case NETWORK_ERROR -> {
        Throwable cause = e.getCause();
        yield (cause == null ? e.getMessage() : e.getMessage() + " (" + cause.getMessage() + ")")
            + "\nIs a sheep running at "
            + address
            + ":"
            + port
            + "? Start one with 'sheep -c local -p "
            + port
            + " DIRECTORY', or name another with -a ADDRESS -p PORT.";
      }
      case WAIT_FOR_FORMAT, NOT_FORMATTED ->
          e.getMessage() + "\nFormat the cluster with 'dog cluster format'.";
      case VER_MISMATCH, NO_SUPPORT ->
          e.getMessage() + "\nThe sheep at " + address + ":" + port + " does not offer this.";
      default -> String.valueOf(e.getMessage());
    };
  }

  /** The node to talk to, as the user gave it. */
  final String endpoint() {
    return address + ":" + port;
  }

  /** The name in an argument. */
  static VdiName name(String text) throws DogException {
    try {
      return new VdiName(text);
    } catch (IllegalArgumentException e) {
      throw new DogException(ExitCode.USAGE, String.valueOf(e.getMessage()), e);
    }
  }

  /** The snapshot in the argument of {@code -s}: a number is an id, anything else a tag. */
  static @Nullable SnapshotSelector snapshot(@Nullable String text) throws DogException {
    if (text == null) {
      return null;
    }
    try {
      return isNumber(text)
          ? SnapshotSelector.id(Integer.parseInt(text))
          : SnapshotSelector.tag(text);
    } catch (NumberFormatException e) {
      throw new DogException(ExitCode.USAGE, "not a snapshot id: " + text, e);
    } catch (IllegalArgumentException e) {
      throw new DogException(ExitCode.USAGE, String.valueOf(e.getMessage()), e);
    }
  }

  static boolean isNumber(String text) {
    return !text.isEmpty() && text.chars().allMatch(c -> c >= '0' && c <= '9');
  }

  /** A whole number in the argument of an option. */
  static int number(String text, String option, int min, int max) throws DogException {
    int number = isNumber(text) && text.length() < 10 ? Integer.parseInt(text) : -1;
    if (number < min || number > max) {
      throw DogException.usage(
          "Invalid " + option + " '" + text + "': it can be " + min + " to " + max);
    }
    return number;
  }

  /** The number of an object in the argument of {@code -i}: decimal, or hexadecimal behind 0x. */
  static int objectIndex(String text) throws DogException {
    boolean hex = text.startsWith("0x");
    String digits = hex ? text.substring(2) : text;
    try {
      int index = Integer.parseInt(digits, hex ? 16 : 10);
      if (index >= 0 && index < InodeLayout.INDEX_ENTRIES && !digits.startsWith("+")) {
        return index;
      }
    } catch (NumberFormatException e) {
      throw new DogException(ExitCode.FAILURE, invalidIndex(text), e);
    }
    throw DogException.failure(invalidIndex(text));
  }

  private static String invalidIndex(String text) {
    return "Invalid index '"
        + text
        + "': it can be 0 to "
        + (InodeLayout.INDEX_ENTRIES - 1)
        + ", or the same in hexadecimal behind 0x";
  }

  /** The object in the argument of {@code -o}, in hexadecimal. */
  static ObjectId objectId(String text) throws DogException {
    String digits = text.startsWith("0x") ? text.substring(2) : text;
    try {
      return new ObjectId(Long.parseUnsignedLong(digits, 16));
    } catch (IllegalArgumentException e) {
      throw new DogException(
          ExitCode.FAILURE, "Invalid object id '" + text + "': it is hexadecimal", e);
    }
  }

  /** The snapshot in the argument of {@code -s} of a command that cannot do without. */
  static SnapshotSelector requiredSnapshot(@Nullable String text) throws DogException {
    SnapshotSelector selector = snapshot(text);
    if (selector == null) {
      throw DogException.usage("Please specify the '-s' option: a snapshot's tag or number");
    }
    return selector;
  }

  /** The refusal of a request, in the original's form: what failed, and the cluster's words. */
  static DogException refused(String what, SheepException e) throws SheepException {
    if (e.result() == ResultCode.NETWORK_ERROR) {
      throw e;
    }
    return new DogException(ExitCode.of(e.result()), what + ": " + e.result().text(), e);
  }

  /** Asks a question that only "yes" answers positively. */
  static boolean confirm(Session session, String question) throws IOException {
    session.out().print(question + " [yes/no]: ");
    session.out().flush();
    byte[] answer = new byte[16];
    int length = 0;
    int next = session.environment().in().read();
    while (next >= 0 && next != '\n' && length < answer.length) {
      answer[length++] = (byte) next;
      next = session.environment().in().read();
    }
    return new String(answer, 0, length, StandardCharsets.US_ASCII).trim().equalsIgnoreCase("yes");
  }
}
