package io.sheepfs.dog;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sheepfs.protocol.MemoryCluster;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 2, unit = TimeUnit.MINUTES)
final class CompletionTest {

  private final DogRunner dog = new DogRunner(new MemoryCluster());

  private static final String ZSH = System.getProperty("sheepfs.zsh", "/usr/bin/zsh");

  @TempDir private Path folder;

  /** What bash offers for the last word of a line. */
  private List<String> complete(String... words) throws IOException, InterruptedException {
    assertEquals(0, dog.run("completion", "bash"), dog::err);
    Path script = Files.writeString(folder.resolve("dog.bash"), dog.out());
    String line = String.join(" ", words);
    String program =
        "shopt -s progcomp; source '"
            + script
            + "'; COMP_WORDS=("
            + line
            + "); COMP_CWORD="
            + (words.length - 1)
            + "; COMP_LINE='"
            + line
            + "'; COMP_POINT=${#COMP_LINE}; _complete_dog; printf '%s\\n' \"${COMPREPLY[@]}\"";
    Process bash =
        new ProcessBuilder("bash", "--norc", "-c", program).redirectErrorStream(true).start();
    bash.getOutputStream().close();
    String said = new String(bash.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, bash.waitFor(), said);
    return said.lines().map(String::strip).toList();
  }

  @Test
  void bash_startOfCommand_itsEnd() throws Exception {
    assertEquals(List.of("snapshot"), complete("dog", "vdi", "sn"));
    assertEquals(List.of("dump-inode"), complete("dog", "vdi", "object", "du"));
    assertTrue(complete("dog", "node", "log", "level", "s").contains("set"));
  }

  @Test
  void bash_startOfOption_itsEnd() throws Exception {
    assertTrue(complete("dog", "vdi", "create", "--pre").contains("--prealloc"));
  }

  @Test
  void zsh_script_hasEveryCommandAndOption() {
    assertEquals(0, dog.run("completion", "zsh"));
    assertTrue(dog.out().startsWith("#compdef dog\n"), dog::out);
    WrongArgumentsTest.commands()
        .forEach(command -> assertTrue(dog.out().contains("'dog " + command + " -')"), command));
    assertTrue(dog.out().contains("'--prealloc:allocate all the objects now'"), dog::out);
  }

  /** What zsh offers for the last word of a line: its completion system replaced by an echo. */
  private List<String> zsh(String... words) throws IOException, InterruptedException {
    assertEquals(0, dog.run("completion", "zsh"), dog::err);
    Path script = Files.writeString(folder.resolve("_dog"), dog.out());
    String program =
        "_describe() { print -l -- \"${offered[@]%%:*}\"; }; _files() { print FILES; };"
            + " compdef() { :; }; source '"
            + script
            + "'; words=("
            + String.join(" ", words)
            + "); CURRENT="
            + words.length
            + "; PREFIX='"
            + words[words.length - 1]
            + "'; _dog";
    Process zsh = new ProcessBuilder(ZSH, "-f", "-c", program).redirectErrorStream(true).start();
    zsh.getOutputStream().close();
    String said = new String(zsh.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, zsh.waitFor(), said);
    return said.lines().toList();
  }

  @Test
  void zsh_words_whatCanFollow() throws Exception {
    assumeTrue(Files.isExecutable(Path.of(ZSH)), "there is no zsh");
    assertEquals(List.of("vdi", "node", "cluster", "tls", "completion"), zsh("dog", "v"));
    assertTrue(zsh("dog", "vdi", "sn").contains("snapshot"));
    assertEquals(List.of("location", "map", "dump-inode"), zsh("dog", "vdi", "object", "m"));
    assertTrue(zsh("dog", "vdi", "create", "--pre").contains("--prealloc"));
    assertTrue(zsh("dog", "vdi", "create", "-P", "-").contains("--copies"));
    assertEquals(List.of("FILES"), zsh("dog", "vdi", "import", "imag"));
  }

  @Test
  void shell_unknown_isAMistake() {
    assertEquals(64, dog.run("completion", "fish"));
    assertEquals(64, dog.run("completion"));
  }
}
