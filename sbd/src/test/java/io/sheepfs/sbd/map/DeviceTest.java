package io.sheepfs.sbd.map;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import org.junit.jupiter.api.Test;

class DeviceTest {

  private static final Target TARGET = new Target("127.0.0.1", 7000, "a disk = #1@v1");

  @Test
  void encode_andBack_isTheSame() throws Exception {
    Device device =
        new Device(3, TARGET, true, Device.NBD, "/dev/nbd0", "/run/sheepfs/sbd/3/socket", "4711");
    assertEquals(device, Device.decode(3, device.encode()));
  }

  @Test
  void decode_whatAnEarlierVersionRemembered_isALoopDevice() throws Exception {
    String text =
        """
        host=127.0.0.1
        port=7000
        name=a disk \\= \\#1@v1
        read-only=false
        node=/dev/loop3
        file=/run/sheepfs/sbd/0/mnt/volume/disk
        """;
    assertEquals(
        new Device(
            0, TARGET, false, Device.LOOP, "/dev/loop3", "/run/sheepfs/sbd/0/mnt/volume/disk", ""),
        Device.decode(0, text));
  }

  @Test
  void decode_withoutANode_isRefused() {
    assertThrows(IOException.class, () -> Device.decode(0, "host=a\nport=1\nname=b\n"));
  }
}
