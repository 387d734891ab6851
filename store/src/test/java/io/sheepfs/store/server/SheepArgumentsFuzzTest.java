package io.sheepfs.store.server;

import io.sheepfs.protocol.RandomArguments;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

/** Any arguments of {@code sheep}, up to where it would begin; {@code -Dsheepfs.seed=N}. */
final class SheepArgumentsFuzzTest {

  private static final int TIMES = Integer.getInteger("sheepfs.arguments", 1000);

  @Test
  void arguments_whatever_areTakenOrRefusedWithAReason() {
    long seed = Long.getLong("sheepfs.seed", 20261121);
    System.out.println("arguments: -Dsheepfs.seed=" + seed);
    new RandomArguments(seed, Sheep.commandLine().getCommandSpec().optionsMap().keySet())
        .check(TIMES, 1, SheepArgumentsFuzzTest::run);
  }

  private static int run(String[] arguments) {
    CommandLine line = Sheep.commandLine();
    Sheep sheep = line.getCommand();
    line.setExecutionStrategy(
        parsed -> {
          if (parsed.isUsageHelpRequested() || parsed.isVersionHelpRequested()) {
            return 0;
          }
          String problem = sheep.problem();
          return problem == null ? 0 : Sheep.fail(problem);
        });
    return line.execute(arguments);
  }
}
