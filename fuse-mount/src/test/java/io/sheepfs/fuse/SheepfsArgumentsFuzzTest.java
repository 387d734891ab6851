package io.sheepfs.fuse;

import io.sheepfs.protocol.RandomArguments;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

/** Any arguments of {@code sheepfs}, up to where it would mount; {@code -Dsheepfs.seed=N}. */
final class SheepfsArgumentsFuzzTest {

  private static final int TIMES = Integer.getInteger("sheepfs.arguments", 1000);

  @Test
  void arguments_whatever_areTakenOrRefusedWithAReason() {
    long seed = Long.getLong("sheepfs.seed", 20261121);
    System.out.println("arguments: -Dsheepfs.seed=" + seed);
    CommandLine any = Sheepfs.commandLine(Console.ofThisProcess());
    new RandomArguments(seed, any.getCommandSpec().optionsMap().keySet())
        .check(TIMES, Sheepfs.EXIT_USAGE, SheepfsArgumentsFuzzTest::run);
  }

  private static int run(String[] arguments) {
    CommandLine line = Sheepfs.commandLine(Console.ofThisProcess());
    Sheepfs sheepfs = line.getCommand();
    line.setExecutionStrategy(
        parsed -> {
          if (parsed.isUsageHelpRequested() || parsed.isVersionHelpRequested()) {
            return 0;
          }
          MountConfig unused = sheepfs.config();
          return 0;
        });
    return line.execute(arguments);
  }
}
