package io.sheepfs.dog;

import java.util.concurrent.Callable;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * {@code dog completion}: the script that teaches a shell to complete our commands and options,
 * made of the very commands, so that it cannot be out of date.
 */
@Command(
    name = "completion",
    description = "Prints a script that lets a shell complete what is typed behind 'dog'.")
final class Completion implements Callable<Integer> {

  private final Environment environment;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "show this help")
  boolean help;

  @Parameters(paramLabel = "SHELL", description = "bash or zsh")
  private String shell = "";

  Completion(Environment environment) {
    this.environment = environment;
  }

  @Override
  public Integer call() {
    CommandLine dog = Dog.commandLine(environment);
    switch (shell) {
      case "bash" -> environment.out().print(AutoComplete.bash("dog", dog));
      case "zsh" -> environment.out().print(ZshCompletion.of(dog));
      default -> {
        environment.err().println("Invalid shell '" + shell + "': it can be bash or zsh");
        return ExitCode.USAGE.code();
      }
    }
    return ExitCode.SUCCESS.code();
  }
}
