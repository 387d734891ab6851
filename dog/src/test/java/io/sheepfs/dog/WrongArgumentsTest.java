package io.sheepfs.dog;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.MemoryCluster;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import picocli.CommandLine.Model.PositionalParamSpec;

/** Mistakes in the arguments: one line that says what is wrong, exit code 64, nothing changed. */
final class WrongArgumentsTest {

  private final DogRunner dog = new DogRunner(new MemoryCluster());

  /** Every command that does something, by its words. */
  static Stream<String> commands() {
    List<String> leaves = new ArrayList<>();
    collect(Dog.commandLine(DogRunner.unconnected()), "", leaves);
    return leaves.stream();
  }

  private static void collect(CommandLine command, String words, List<String> leaves) {
    if (command.getCommand() instanceof DogCommand) {
      leaves.add(words.trim());
    }
    command.getSubcommands().forEach((name, sub) -> collect(sub, words + " " + name, leaves));
  }

  static CommandLine command(String words) {
    CommandLine command = Dog.commandLine(DogRunner.unconnected());
    for (String word : words.split(" ", -1)) {
      command = Objects.requireNonNull(command.getSubcommands().get(word), word);
    }
    return command;
  }

  private void assertMistake(String line) {
    assertEquals(64, dog.run(line.split(" ", -1)), () -> line + ": " + dog.out() + dog.err());
    assertEquals("", dog.out(), line);
    assertEquals(0, dog.connections(), line);
    List<String> said = dog.err().lines().toList();
    assertTrue(said.size() <= 2, () -> line + ": " + dog.err());
    assertTrue(said.get(0).length() > 10, () -> line + ": " + dog.err());
  }

  @ParameterizedTest
  @MethodSource("commands")
  void option_unknown_oneLine(String command) {
    assertMistake(command + " --no-such-option");
    assertMistake(command + " -p 0 -a 127.0.0.1" + arguments(command));
    assertMistake(command + " -p x");
  }

  /** As many arguments as the command needs. */
  private static String arguments(String command) {
    StringBuilder words = new StringBuilder();
    for (PositionalParamSpec spec : command(command).getCommandSpec().positionalParameters()) {
      words.append(" 1".repeat(spec.arity().min()));
    }
    return words.toString();
  }

  @ParameterizedTest
  @MethodSource("commands")
  void arguments_tooFewOrTooMany_oneLine(String command) {
    List<PositionalParamSpec> specs = command(command).getCommandSpec().positionalParameters();
    if (specs.stream().anyMatch(spec -> spec.arity().min() > 0)) {
      assertMistake(command);
    }
    if (specs.stream().noneMatch(spec -> spec.index().isVariable())) {
      assertMistake(command + " 1 1 1 1 1");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "vdi create a/b 1M",
        "vdi create disk 10Q",
        "vdi create disk 1M -c 9",
        "vdi create disk 1M -c 2:1",
        "vdi create disk 1M -z 32",
        "vdi create -y disk 1M",
        "vdi snapshot disk -s 1",
        "vdi clone disk copy",
        "vdi rollback disk",
        "vdi resize disk -1",
        "vdi read disk x",
        "vdi write disk 0 y",
        "vdi backup disk -s two",
        "vdi backup disk -F one",
        "vdi restore disk",
        "vdi delete disk -B 0",
        "vdi delete disk -I x",
        "vdi delete disk -m 3",
        "vdi import -c 0 file disk",
        "vdi export -O vmdk disk file",
        "vdi alter-copy disk -c 0",
        "vdi cache quota disk 10Q",
        "vdi cache quota disk 0",
        "vdi alter-copy disk -c 2:1",
        "node kill",
        "node kill -l 1",
        "node kill first",
        "node recovery set-throttle 1 0",
        "node recovery set-throttle x 1",
        "node recovery stop",
        "node vnodes set 65536",
        "node vnodes set 0",
        "node log level set loud",
        "cluster format -c 0",
        "cluster format -z 19",
        "cluster alter-copy -c 9",
        "cluster snapshot save 1st /nonexistent/archive",
        "vdi object",
        "vdi lock",
        "node md",
        "cluster recover",
      })
  void value_impossible_oneLine(String line) {
    assertEquals(64, dog.run(line.split(" ", -1)), () -> line + ": " + dog.out() + dog.err());
    assertEquals(0, dog.connections(), line);
    assertTrue(dog.requests().isEmpty(), line);
    assertTrue(dog.err().length() > 10, line);
  }

  @Test
  void commands_all_areThere() {
    assertTrue(commands().count() > 50, () -> commands().toList().toString());
  }
}
