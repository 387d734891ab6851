package io.sheepfs.dog;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.tls.AllowListFile;
import io.sheepfs.protocol.tls.TlsFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The rights of certificates, with certificates over TLS, and with the commands one would try. */
@Timeout(120)
final class AllowTest {

  @TempDir static Path shared;
  private static Path authority = Path.of("");
  private final Path work;
  private final Path rules;
  private final DogOnSheep dog;
  private final byte[] image = new byte[3 << 20];

  AllowTest(@TempDir Path work) throws IOException {
    this.work = work;
    this.rules = work.resolve("allow");
    Files.write(rules, List.of("admin all", "alice rw desk-*", "backup ro *"));
    dog =
        new DogOnSheep(
            work.resolve("store"),
            new TlsFolder(authority.resolve("sheep1")),
            AllowListFile.open(rules));
    new Random(5).nextBytes(image);
  }

  @BeforeAll
  static void makeCertificates() throws IOException, DogException {
    authority = shared.resolve("authority");
    TlsAuthority own = new TlsAuthority(authority);
    own.init(2);
    own.issue("sheep1", List.of("127.0.0.1", "localhost", "::1"), 2);
    for (String name : List.of("admin", "alice", "backup", "mallory")) {
      own.issue(name, List.of(), 2);
    }
  }

  @BeforeEach
  void makeImages() throws IOException {
    Files.write(work.resolve("image"), image);
    assertEquals(0, as("admin", "vdi", "import", work.resolve("image") + "", "golden"));
    assertEquals(0, as("admin", "vdi", "snapshot", "-s", "v1", "golden"));
    assertEquals(0, as("admin", "vdi", "clone", "-s", "v1", "golden", "desk-1"));
  }

  @AfterEach
  void close() throws IOException {
    dog.close();
  }

  private int as(String who, String... command) {
    List<String> words = new ArrayList<>(Arrays.asList(command));
    words.addAll(2, List.of("--tls", authority.resolve(who).toString()));
    return dog.run(words.toArray(String[]::new));
  }

  private void assertRefused(String who, String... command) {
    assertNotEquals(0, as(who, command), () -> String.join(" ", command) + dog.out());
    assertTrue(dog.err().contains("Permission denied"), () -> dog.out() + dog.err());
  }

  @Test
  void ownVdis_canBeUsed_othersAreNotEvenSeen() throws IOException {
    assertEquals(0, as("alice", "vdi", "list", "-r"));
    assertTrue(dog.out().contains(" desk-1 "), dog.out());
    assertFalse(dog.out().contains("golden"), dog.out());

    Path back = work.resolve("back");
    assertEquals(0, as("alice", "vdi", "export", "desk-1", back + ""), dog::err);
    assertArrayEquals(image, Arrays.copyOf(Files.readAllBytes(back), image.length));
    assertEquals(0, as("alice", "vdi", "create", "desk-2", "8M"), dog::err);
    assertEquals(0, as("alice", "vdi", "import", work.resolve("image") + "", "desk-3"));
    assertEquals(0, as("alice", "vdi", "snapshot", "-s", "s", "desk-1"), dog::err);
    assertEquals(0, as("alice", "vdi", "delete", "desk-2"), dog::err);
  }

  @Test
  void othersVdis_areRefused() {
    assertRefused("alice", "vdi", "export", "golden", work.resolve("back") + "");
    assertRefused("alice", "vdi", "delete", "golden");
    assertRefused("alice", "vdi", "snapshot", "-s", "s", "golden");
    assertRefused("alice", "vdi", "clone", "-s", "v1", "golden", "desk-9");
    assertRefused("alice", "vdi", "create", "other", "8M");
    assertEquals(0, as("admin", "vdi", "list", "-r"));
    assertTrue(dog.out().contains(" golden "), dog.out());
  }

  @Test
  void administration_isForThoseWithAll() {
    assertRefused("alice", "cluster", "shutdown");
    assertRefused("backup", "vdi", "delete", "golden");
    assertEquals(0, as("alice", "node", "list"), dog::err);
    assertEquals(0, as("backup", "vdi", "export", "golden", work.resolve("back") + ""), dog::err);
  }

  @Test
  void noRule_nothingAtAll() {
    assertNotEquals(0, as("mallory", "node", "list"));
    assertNotEquals(0, as("mallory", "vdi", "list"));
    assertFalse(dog.out().contains("desk-1"), dog.out());
  }

  @Test
  void rightTakenAway_isGoneSoon() throws IOException {
    assertEquals(0, as("alice", "vdi", "list", "-r"));
    Files.write(rules, List.of("admin all"));
    long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
    while (as("alice", "vdi", "export", "-f", "desk-1", work.resolve("back") + "") == 0) {
      assertTrue(System.nanoTime() < deadline, "still allowed");
      LockSupport.parkNanos(Duration.ofMillis(50).toNanos());
    }
    assertTrue(dog.err().contains("Permission denied"), dog::err);
  }
}
