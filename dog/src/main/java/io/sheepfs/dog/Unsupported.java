package io.sheepfs.dog;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Unmatched;

/**
 * A command of the original that is not offered. Whatever its arguments, it says so: a script that
 * uses it should not learn of a typing error instead. The help does not list it.
 */
@Command(hidden = true)
final class Unsupported implements Callable<Integer> {

  private final Environment environment;
  private final String reason;

  @Spec private CommandSpec spec;

  /** Taken, so that picocli does not complain, and not looked at. */
  @SuppressWarnings("UnusedVariable")
  @Unmatched
  private List<String> arguments = new ArrayList<>();

  /**
   * A command that does nothing.
   *
   * @param reason what follows "is not supported" in the answer
   */
  Unsupported(Environment environment, String reason) {
    this.environment = environment;
    this.reason = reason;
    this.spec = CommandSpec.create();
  }

  @Override
  public Integer call() {
    environment.err().println("'" + spec.qualifiedName() + "' is not supported" + reason);
    return ExitCode.FAILURE.code();
  }
}
