package io.sheepfs.dog;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.sheepfs.protocol.MemoryCluster;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Commands of the original that we do not offer. */
final class UnsupportedTest {

  private final DogRunner dog = new DogRunner(new MemoryCluster());

  @ParameterizedTest
  @ValueSource(strings = {"node format", "upgrade", "trace"})
  void command_notOffered_saysSoWhateverTheArguments(String command) {
    for (String arguments : new String[] {"", " name", " -a 127.0.0.1 -p 7000 -s x -F a b"}) {
      assertEquals(1, dog.run((command + arguments).split(" ", -1)), dog::err);
      String expected = "'dog " + command + "' is not supported";
      assertEquals(expected, dog.err().substring(0, expected.length()));
      assertEquals("", dog.out());
      assertEquals(0, dog.connections());
    }
  }

  @Test
  void command_thatMakesNoSense_saysWhy() {
    assertEquals(1, dog.run("upgrade", "inode-convert", "a", "b"));
    assertEquals(
        "'dog upgrade' is not supported: there is no older format of a store to upgrade from\n",
        dog.err());
    assertEquals(1, dog.run("trace", "enable", "-p", "7000", "gateway_read_obj"));
    assertEquals(
        "'dog trace' is not supported: it traces functions of the original's sheep\n", dog.err());
    assertEquals(0, dog.connections());
  }

  @Test
  void command_unknown_isStillAMistake() {
    assertEquals(64, dog.run("vdi", "chek", "disk"));
    assertEquals(64, dog.run("node", "recovery", "set"));
    assertEquals(64, dog.run("upgrades"));
  }

  @Test
  void help_onlyWhatIsOffered() {
    assertEquals(0, dog.run("node", "--help"));
    assertFalse(dog.out().contains("  format "), dog::out);
    assertEquals(0, dog.run("--help"));
    assertFalse(dog.out().contains("trace"), dog::out);
  }
}
