package io.sheepfs.sbd;

import io.sheepfs.protocol.RandomArguments;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

/** Any arguments of {@code sbd}, up to where it would begin; {@code -Dsheepfs.seed=N}. */
final class SbdArgumentsFuzzTest {

  private static final int TIMES = Integer.getInteger("sheepfs.arguments", 500);

  @Test
  void arguments_whatever_areTakenOrRefusedWithAReason() {
    long seed = Long.getLong("sheepfs.seed", 20261121);
    System.out.println("arguments: -Dsheepfs.seed=" + seed);
    Set<String> words = new HashSet<>(Sbd.commandLine().getSubcommands().keySet());
    for (CommandLine command : Sbd.commandLine().getSubcommands().values()) {
      words.addAll(command.getCommandSpec().optionsMap().keySet());
    }
    new RandomArguments(seed, words).check(TIMES, Sbd.EXIT_USAGE, SbdArgumentsFuzzTest::run);
  }

  private static int run(String[] arguments) {
    CommandLine line = Sbd.commandLine();
    line.setExecutionStrategy(parsed -> 0);
    return line.execute(arguments);
  }
}
