package io.sheepfs.dog;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.Cluster;
import io.sheepfs.protocol.VdiLock;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.client.ClientOptions;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 2, unit = TimeUnit.MINUTES)
final class LockUnlockTest {

  @TempDir private Path folder;

  @Test
  void unlock_ofALivingClient_isRefusedAndSaysWhatHelps() throws Exception {
    try (DogOnSheep dog = new DogOnSheep(folder.resolve("store"), true);
        Cluster client = dog.network().cluster(new InetSocketAddress(0), ClientOptions.DEFAULTS)) {
      assertEquals(0, dog.run("vdi", "create", "disk", "1M"), dog::err);
      try (VdiLock lock = client.vdis().lock(new VdiName("disk"))) {
        assertEquals(1, dog.run("vdi", "lock", "unlock", "disk"));
        assertTrue(dog.err().contains("ends with its connection"), dog::err);
        assertEquals(0, dog.run("vdi", "lock", "list"), dog::err);
        assertTrue(dog.out().contains(" disk "), dog::out);
        assertTrue(lock.isHeld());
      }
      assertEquals(1, dog.run("vdi", "lock", "unlock", "disk"));
      assertTrue(dog.err().contains("is not locked"), dog::err);
    }
  }
}
