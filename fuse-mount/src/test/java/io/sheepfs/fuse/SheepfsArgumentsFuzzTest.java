package io.sheepfs.fuse;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.sheepfs.protocol.RandomArguments;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/**
 * Any arguments of {@code sheepfs}, up to where it would mount, and of its commands, up to where
 * they would begin; {@code -Dsheepfs.seed=N}.
 */
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

  @ParameterizedTest
  @ValueSource(strings = {"umount", "status", "top", "flush", "warm", "doctor"})
  void argumentsOfCommand_whatever_areTakenOrRefusedWithAReason(String command) {
    long seed = Long.getLong("sheepfs.seed", 20261121);
    System.out.println(command + ": -Dsheepfs.seed=" + seed);
    new RandomArguments(seed, command(command).getCommandSpec().optionsMap().keySet())
        .check(
            TIMES / 4,
            AdminCommand.EXIT_USAGE,
            arguments -> {
              CommandLine line = command(command);
              line.setExecutionStrategy(parsed -> 0);
              return line.execute(arguments);
            });
  }

  private static CommandLine command(String name) {
    return Objects.requireNonNull(AdminCommand.commandLine(name, System.out, System.err));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "doctor -a 127.0.0.1 -p 65536",
        "doctor -p 0",
        "top -d 0",
        "top -n -1",
        "warm",
        "warm /mnt"
      })
  void argumentsOfCommand_outOfRange_areWrongUsage(String words) {
    assertEquals(
        AdminCommand.EXIT_USAGE, AdminCommand.run(System.out, System.err, words.split(" ")));
  }
}
