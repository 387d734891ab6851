package io.sheepfs.dog;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.MemoryCluster;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiLock;
import io.sheepfs.protocol.VdiName;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class VdiCommandTest {

  private final MemoryCluster cluster = new MemoryCluster(20);
  private final DogRunner dog = new DogRunner(cluster);

  private void ok(String... args) {
    assertEquals(0, dog.run(args), dog::err);
  }

  @Test
  void write_thenRead_sameBytes() {
    byte[] data = new byte[2_500_001];
    new Random(7).nextBytes(data);
    ok("vdi", "create", "disk", "4M");
    assertEquals(0, dog.run(data, "vdi", "write", "disk", "1000"), dog::err);
    ok("vdi", "read", "disk", "1000", "2500001");
    assertArrayEquals(data, dog.outBytes());
  }

  @Test
  void read_toTheEnd_wholeDisk() {
    ok("vdi", "create", "disk", "3M");
    ok("vdi", "read", "disk");
    assertEquals(3 << 20, dog.outBytes().length);
    ok("vdi", "read", "disk", "3145720", "999");
    assertEquals(8, dog.outBytes().length);
  }

  @Test
  void read_snapshot_oldBytes() {
    ok("vdi", "create", "disk", "1M");
    dog.run("old".getBytes(StandardCharsets.US_ASCII), "vdi", "write", "disk");
    ok("vdi", "snapshot", "-s", "before", "disk");
    dog.run("new".getBytes(StandardCharsets.US_ASCII), "vdi", "write", "disk");
    ok("vdi", "read", "-s", "before", "disk", "0", "3");
    assertEquals("old", dog.out());
    ok("vdi", "read", "-s", "1", "disk", "0", "3");
    assertEquals("old", dog.out());
    ok("vdi", "rollback", "-f", "-s", "before", "disk");
    ok("vdi", "read", "disk", "0", "3");
    assertEquals("old", dog.out());
  }

  @Test
  void snapshot_withoutTag_numberIsTag() {
    ok("vdi", "create", "disk", "1M");
    ok("vdi", "snapshot", "disk");
    ok("vdi", "list", "-r");
    assertTrue(dog.out().startsWith("s disk 1 "), dog::out);
    assertEquals(64, dog.run("vdi", "snapshot", "-s", "5", "disk"));
  }

  @Test
  void write_moreThanFits_failsAfterTheEnd() {
    ok("vdi", "create", "disk", "1M");
    assertEquals(1, dog.run(new byte[(1 << 20) + 1], "vdi", "write", "disk"));
    assertTrue(dog.err().contains("more input"), dog::err);
    assertEquals(1, dog.run(new byte[0], "vdi", "write", "disk", "0", "2M"));
    assertEquals(1, dog.run(new byte[0], "vdi", "write", "disk", "2M"));
  }

  @Test
  void writeDeleteResize_openElsewhere_refused() throws SheepException {
    ok("vdi", "create", "disk", "1M");
    try (VdiLock lock = cluster.newSession().vdis().lock(new VdiName("disk"))) {
      assertTrue(lock.isHeld());
      for (String[] command :
          new String[][] {
            {"vdi", "write", "disk"},
            {"vdi", "delete", "disk"},
            {"vdi", "resize", "disk", "2M"},
            {"vdi", "rollback", "-f", "-s", "1", "disk"}
          }) {
        assertEquals(1, dog.run(command));
      }
      dog.run("vdi", "delete", "disk");
      assertTrue(dog.err().contains("open for writing elsewhere"), dog::err);
    }
    ok("vdi", "delete", "disk");
  }

  @Test
  void delete_missing_exitCodeTells() {
    assertEquals(5, dog.run("vdi", "delete", "nosuch"));
    assertEquals(
        "Failed to open VDI nosuch (snapshot id: 0 snapshot tag: ): No VDI found\n", dog.err());
    ok("vdi", "create", "disk", "1M");
    assertEquals(5, dog.run("vdi", "delete", "-s", "nope", "disk"));
    ok("vdi", "list", "-r");
    assertTrue(dog.out().startsWith("= disk 0 1048576 "), dog::out);
  }

  @Test
  void create_preallocated_allObjects() {
    ok("vdi", "create", "-P", "disk", "2500K");
    ok("vdi", "list", "-r");
    assertTrue(dog.out().startsWith("= disk 0 2560000 3145728 0 "), dog::out);
  }

  @Test
  void clone_unshared_ownObjects() {
    ok("vdi", "create", "disk", "4M");
    dog.run("data".getBytes(StandardCharsets.US_ASCII), "vdi", "write", "disk", "1M");
    ok("vdi", "snapshot", "-s", "one", "disk");
    ok("vdi", "clone", "-n", "-s", "one", "disk", "copy");
    ok("vdi", "list", "-r", "copy");
    assertTrue(dog.out().startsWith("= copy 0 4194304 1048576 0 "), dog::out);
    ok("vdi", "read", "copy", "1M", "4");
    assertEquals("data", dog.out());
    ok("vdi", "clone", "-n", "-P", "-s", "one", "disk", "whole");
    ok("vdi", "list", "-r", "whole");
    assertTrue(dog.out().startsWith("= whole 0 4194304 4194304 0 "), dog::out);
    ok("vdi", "diff", "copy", "whole");
  }

  @Test
  void resize_smaller_onlyWithForce() {
    ok("vdi", "create", "disk", "4M");
    assertEquals(64, dog.run("vdi", "resize", "disk", "1M"));
    ok("vdi", "list", "-r");
    assertTrue(dog.out().contains(" 4194304 "), dog::out);
    ok("vdi", "resize", "-f", "disk", "1M");
    ok("vdi", "list", "-r");
    assertTrue(dog.out().contains(" 1048576 "), dog::out);
  }

  @Test
  void tree_branches_belowEachOther() {
    ok("vdi", "create", "b", "1M");
    ok("vdi", "snapshot", "-s", "a1", "b");
    ok("vdi", "snapshot", "-s", "a2", "b");
    ok("vdi", "rollback", "-f", "-s", "a1", "b");
    ok("vdi", "tree");
    String date = "[2023-11-14 22:13]";
    assertEquals(
        "b---" + date + "-+-" + date + "\n" + " ".repeat(22) + " `-(you are here)\n", dog.out());
  }

  @Test
  void name_thatStartsWithAt_isNoFileOfArguments(@TempDir Path folder) throws IOException {
    ok("vdi", "create", "@disk", "1M");
    ok("vdi", "list", "-r");
    assertTrue(dog.out().startsWith("= @disk 0 1048576 "), dog::out);
    Path file = Files.writeString(folder.resolve("arguments"), "other 1M");
    assertEquals(64, dog.run("vdi", "create", "@" + file));
  }

  @Test
  void argument_empty_isToldInWords() {
    assertEquals(64, dog.run("vdi", "create", "", "1M"));
    assertEquals("VDI name is empty\n", dog.err());
    ok("vdi", "create", "disk", "1M");
    assertEquals(64, dog.run("vdi", "read", "-s", "", "disk"));
    assertEquals("snapshot tag is empty\n", dog.err());
    dog.answer((request, body) -> DogRunner.reply(request, ResultCode.SUCCESS));
    ok("vdi", "setattr", "disk", "key", "");
  }

  @Test
  void snapshotNumber_impossible_isToldInWords() {
    ok("vdi", "create", "disk", "1M");
    for (String number : new String[] {"0", "99999999999"}) {
      assertEquals(64, dog.run("vdi", "read", "-s", number, "disk"));
      assertEquals("not a snapshot id: " + number + "\n", dog.err());
    }
  }

  @Test
  void list_json_oneObjectEach() {
    ok("vdi", "list", "--json");
    assertEquals("[]\n", dog.out());
    ok("vdi", "create", "a \"b\\", "1M");
    ok("vdi", "list", "--json");
    assertTrue(dog.out().startsWith("[{\"name\":\"a \\\"b\\\\\",\"kind\":\"disk\""), dog::out);
    ok("vdi", "list", "-r");
    assertTrue(dog.out().startsWith("= a\\ \"b\\\\ 0 "), dog::out);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "bogus",
        "vdi",
        "vdi bogus",
        "vdi create",
        "vdi create x",
        "vdi create x 12Q",
        "vdi create x -5",
        "vdi create x 1M extra",
        "vdi create -Q x 1M",
        "vdi create -y x 1M",
        "vdi create -c 9 x 1M",
        "vdi create -c 4:2 x 1M",
        "vdi create -z 19 x 1M",
        "vdi create x 9P",
        "vdi create .. 1M",
        "vdi clone a b",
        "vdi rollback -f a",
        "vdi read x abc",
        "vdi list -p 99999999",
        "vdi list -p x",
        "cluster format -c 99"
      })
  void wrongArguments_oneLine_nothingDone(String line) {
    assertEquals(64, dog.run(line.split(" ", -1)), dog::err);
    assertEquals("", dog.out());
    assertTrue(!dog.err().isEmpty(), dog::err);
    assertEquals(0, dog.connections());
  }
}
