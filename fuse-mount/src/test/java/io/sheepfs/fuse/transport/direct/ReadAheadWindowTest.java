package io.sheepfs.fuse.transport.direct;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class ReadAheadWindowTest {

  private static final String MOUNTS =
      """
      22 27 0:21 / /proc rw,relatime - proc proc rw
      27 1 254:0 / / rw,relatime - ext4 /dev/vda rw
      40 27 0:44 / /mnt/a\\040b rw,nosuid,nodev - fuse.sheepfs x rw,user_id=0
      41 27 0:45 / /mnt/sheep rw,nosuid,nodev - fuse.sheepfs dead rw,user_id=0
      42 41 0:46 / /mnt/sheep rw,nosuid,nodev - fuse.sheepfs x rw,user_id=0
      """;

  @Test
  void device_ofAMountpoint_isThatOfTheLastMountThere() {
    assertEquals("0:46", ReadAheadWindow.device(MOUNTS, Path.of("/mnt/sheep")));
    assertEquals("0:44", ReadAheadWindow.device(MOUNTS, Path.of("/mnt/a b")));
    assertNull(ReadAheadWindow.device(MOUNTS, Path.of("/mnt")));
  }
}
