package io.sheepfs.store.cluster;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import org.apache.zookeeper.KeeperException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ZooKeeperLoginTest {

  private static final Duration SESSION = Duration.ofSeconds(30);

  @TempDir private Path folder;

  private Path file(String name, String text, String mode) throws IOException {
    Path file = Files.writeString(folder.resolve(name), text);
    return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(mode));
  }

  private ZooKeeperLogin login(String name, String text) throws IOException {
    return ZooKeeperLogin.read(file(name, text, "rw-r-----"));
  }

  @Test
  void file_withOneLine_isRead_andItsPasswordNotShown() throws IOException {
    ZooKeeperLogin login = login("good", "cluster:pass:word\n");
    assertArrayEquals("cluster:pass:word".getBytes(StandardCharsets.UTF_8), login.digest());
    assertEquals("cluster", login.toString());
  }

  @Test
  void file_thatAllMayReadOrIsWrong_isRefused() throws IOException {
    Path open = file("open", "a:b", "rw-r--r--");
    IOException refused = assertThrows(IOException.class, () -> ZooKeeperLogin.read(open));
    assertTrue(String.valueOf(refused.getMessage()).contains("chmod"), refused::toString);
    for (String wrong : new String[] {"", "a", ":b", "a:", "a:b\nc:d", "a b:c"}) {
      assertThrows(IOException.class, () -> login("wrong", wrong), wrong);
    }
    assertThrows(IOException.class, () -> ZooKeeperLogin.read(folder.resolve("none")));
  }

  private static Ensemble open(TestZooKeeper server, @Nullable ZooKeeperLogin login) {
    return Ensemble.open(server.getConnectString(), "vms", login, SESSION, () -> {});
  }

  private static void assertShutOut(Ensemble stranger) {
    IOException refused = assertThrows(IOException.class, () -> stranger.read("/layout"));
    assertTrue(refused.getCause() instanceof KeeperException.NoAuthException, refused::toString);
    assertThrows(IOException.class, () -> stranger.put("/layout", new byte[] {2}));
    assertThrows(IOException.class, () -> stranger.create("/epochs/2", new byte[0]));
    assertThrows(IOException.class, () -> stranger.putEphemeral("/members/x", new byte[0]));
  }

  @Test
  void cluster_withLogin_isClosedToOthers() throws Exception {
    ZooKeeperLogin login = login("login", "cluster:secret");
    ZooKeeperLogin wrong = login("wrong", "cluster:guess");
    try (TestZooKeeper server = new TestZooKeeper()) {
      try (Ensemble owner = open(server, login)) {
        owner.put("/layout", new byte[] {1});
        assertTrue(owner.create("/epochs/1", new byte[] {1}));
        owner.putEphemeral("/members/a", new byte[] {1});
        try (Ensemble nobody = open(server, null);
            Ensemble other = open(server, wrong);
            Ensemble second = open(server, login)) {
          assertShutOut(nobody);
          assertShutOut(other);
          assertArrayEquals(new byte[] {1}, second.read("/layout"));
          second.put("/layout", new byte[] {3});
        }
        assertArrayEquals(new byte[] {3}, owner.read("/layout"));
      }
      // another cluster of the same ensemble is not shut out
      try (Ensemble elsewhere =
          Ensemble.open(server.getConnectString(), "other", null, SESSION, () -> {})) {
        assertNull(elsewhere.read("/layout"));
        elsewhere.put("/layout", new byte[] {4});
      }
    }
  }
}
