package io.sheepfs.dog;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

/** The manual page has all commands and their options, and no others. */
final class ManPageTest {

  private static final Path PAGE = Path.of("..", "docs", "man", "dog.8");

  /** Told once for all commands. */
  private static final Set<String> COMMON =
      Set.of("-a", "-p", "-T", "-h", "-r", "-v", "-s", "--json", "--tls");

  /** The synopses of the page by command: "dog vdi create [-P] [-c COPIES] ... NAME SIZE". */
  private static Map<String, String> synopses() throws IOException {
    Map<String, String> synopses = new TreeMap<>();
    boolean tagged = false;
    for (String line : Files.readAllLines(PAGE)) {
      if (tagged && line.matches("\\.BR? \"?dog .*")) {
        String text =
            line.replaceFirst("\\.BR? ", "")
                .replaceAll("\\\\f.", "")
                .replace("\\-", "-")
                .replaceAll("\" *\"?", "")
                .replaceAll(" +", " ")
                .trim();
        String command = text.replaceFirst(" *(\\[| -|[A-Z]).*", "");
        synopses.merge(command, text, (a, b) -> a + " " + b);
      }
      tagged = line.equals(".TP");
    }
    return synopses;
  }

  private static void collect(CommandLine command, String words, Map<String, List<String>> found) {
    Object program = command.getCommand();
    if (program instanceof DogCommand || program instanceof TlsCommand) {
      List<String> options = new ArrayList<>();
      for (OptionSpec option : command.getCommandSpec().options()) {
        if (!option.hidden()) {
          options.add(option.names()[0]);
        }
      }
      found.put(words, options);
    }
    command.getSubcommands().forEach((name, sub) -> collect(sub, words + " " + name, found));
  }

  private static Map<String, List<String>> commands() {
    Map<String, List<String>> found = new TreeMap<>();
    collect(Dog.commandLine(DogRunner.unconnected()), "dog", found);
    return found;
  }

  @Test
  void commands_asInTheProgram() throws IOException {
    Set<String> told = new TreeSet<>(synopses().keySet());
    told.remove("dog completion bash | zsh");
    assertEquals(new TreeSet<>(commands().keySet()), told);
  }

  @Test
  void options_allTold() throws IOException {
    Map<String, String> synopses = synopses();
    commands()
        .forEach(
            (command, options) -> {
              String synopsis = synopses.getOrDefault(command, "");
              for (String option : options) {
                assertTrue(
                    COMMON.contains(option) || synopsis.matches(".*[\\[ |]" + option + "\\b.*"),
                    () -> option + " is missing in: " + synopsis);
              }
            });
  }
}
