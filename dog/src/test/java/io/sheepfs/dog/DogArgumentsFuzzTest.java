package io.sheepfs.dog;

import io.sheepfs.protocol.RandomArguments;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

/** Any arguments of {@code dog}, up to where it would begin; {@code -Dsheepfs.seed=N}. */
final class DogArgumentsFuzzTest {

  private static final int TIMES = Integer.getInteger("sheepfs.arguments", 150);
  private static final int WRONG_USAGE = 64;

  @Test
  void arguments_whatever_areTakenOrRefusedWithAReason() {
    long seed = Long.getLong("sheepfs.seed", 20261121);
    System.out.println("arguments: -Dsheepfs.seed=" + seed);
    Set<String> words = new HashSet<>();
    collect(Dog.commandLine(DogRunner.unconnected()), words);
    new RandomArguments(seed, words).check(TIMES, WRONG_USAGE, DogArgumentsFuzzTest::run);
  }

  private static void collect(CommandLine command, Set<String> words) {
    words.addAll(command.getCommandSpec().optionsMap().keySet());
    command
        .getSubcommands()
        .forEach(
            (name, sub) -> {
              words.add(name);
              collect(sub, words);
            });
  }

  private static int run(String[] arguments) {
    CommandLine line = Dog.commandLine(DogRunner.unconnected(), arguments);
    line.setErr(new PrintWriter(System.err, true, StandardCharsets.UTF_8));
    line.setExecutionStrategy(parsed -> 0);
    return line.execute(arguments);
  }
}
