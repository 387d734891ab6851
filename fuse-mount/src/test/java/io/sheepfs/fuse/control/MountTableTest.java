package io.sheepfs.fuse.control;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class MountTableTest {

  @Test
  void lines_withBlanksUtf8AndUsers_areTakenApart() {
    String table =
        """
        proc /proc proc rw,nosuid 0 0
        127.0.0.1:7000 /mnt/a\\040b\\134c\u00c3\u00a4 fuse.sheepfs rw,user_id=1000,group_id=5 0 0
        """;
    assertEquals(
        List.of(
            new MountTable.Entry("proc", Path.of("/proc"), "proc", 0),
            new MountTable.Entry(
                "127.0.0.1:7000", Path.of("/mnt/a b\\c\u00e4"), "fuse.sheepfs", 1000)),
        MountTable.parse(table));
  }
}
