package io.sheepfs.protocol.tls;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.tls.AllowList.Right;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import javax.security.auth.x500.X500Principal;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class AllowListTest {

  private final Path file;

  AllowListTest(@TempDir Path directory) {
    file = directory.resolve("allow");
  }

  private AllowList list(String... lines) throws IOException {
    return AllowList.read(Files.write(file, List.of(lines)));
  }

  private static Right on(AllowList list, String certificate, String vdi) {
    return list.of(certificate).on(new VdiName(vdi));
  }

  @Test
  void mostOfAllMatchingRulesCounts() throws IOException {
    AllowList list =
        list(
            "# who  what  which",
            "",
            "desk   ro    *        # everybody's images",
            "desk   rw    desk-? scratch",
            "sheep*\tall");
    assertEquals(Right.READ, on(list, "desk", "golden"));
    assertEquals(Right.WRITE, on(list, "desk", "desk-1"));
    assertEquals(Right.WRITE, on(list, "desk", "scratch"));
    assertEquals(Right.READ, on(list, "desk", "desk-10"));
    assertEquals(Right.WRITE, on(list, "sheep7", "golden"));
    assertTrue(list.of("sheep7").isAll());
    assertFalse(list.of("desk").isAll());
  }

  @Test
  void noRule_nothing() throws IOException {
    AllowList list = list("desk rw desk-*");
    assertEquals(Right.NONE, on(list, "desk", "golden"));
    assertEquals(Right.NONE, on(list, "desktop", "desk-1"));
    assertEquals(Right.NONE, on(list, "", "desk-1"));
    assertTrue(list.of("desktop").isEmpty());
    assertFalse(list.of("desk").permits(Right.READ, new VdiName("golden")));
    assertTrue(list.of("desk").permits(Right.READ, new VdiName("desk-")));
  }

  @Test
  void otherCharacters_standForThemselves() throws IOException {
    AllowList list = list("a.b rw x.[y]\\Q+", "ü rw 文*");
    assertEquals(Right.NONE, on(list, "axb", "x.[y]\\Q+"));
    assertEquals(Right.NONE, on(list, "a.b", "xx[y]\\Q+"));
    assertEquals(Right.WRITE, on(list, "a.b", "x.[y]\\Q+"));
    assertEquals(Right.WRITE, on(list, "ü", "文\nfile"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "desk | a rule is CERTIFICATE",
        "desk rx disk | 'rx' is not ro, rw or all",
        "desk rw | VDIs are missing",
        "desk all disk | leave the VDIs out"
      })
  void noRule_isToldWithItsLine(String line, String why) {
    IOException refused = assertThrows(IOException.class, () -> list("# first", line));
    assertTrue(String.valueOf(refused.getMessage()).contains("allow, line 2: "), refused::toString);
    assertTrue(String.valueOf(refused.getMessage()).contains(why), refused::toString);
  }

  @Test
  void changedFile_countsAfterASecond_brokenDoesNot() throws IOException {
    AllowList first = list("desk rw one");
    AtomicLong time = new AtomicLong(Long.MAX_VALUE); // about to overflow, as it may
    AllowListFile now = new AllowListFile(file, time::get);
    AllowList before = now.current();
    assertEquals(on(first, "desk", "one"), on(before, "desk", "one"));

    list("desk rw one and-two");
    assertSame(before, now.current());
    time.addAndGet(TimeUnit.SECONDS.toNanos(1));
    AllowList after = now.current();
    assertNotSame(before, after);
    assertEquals(Right.WRITE, on(after, "desk", "and-two"));

    Files.writeString(file, "desk everything");
    time.addAndGet(TimeUnit.SECONDS.toNanos(1));
    assertSame(after, now.current());
    Files.delete(file);
    time.addAndGet(TimeUnit.SECONDS.toNanos(1));
    assertSame(after, now.current());

    list("desk ro one");
    time.addAndGet(TimeUnit.SECONDS.toNanos(1));
    assertEquals(Right.READ, on(now.current(), "desk", "one"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "CN=desk | desk",
        "O=sheep, CN=desk | desk",
        "CN=inner, O=x, CN=outer | inner",
        "CN=a\\,b | a,b",
        "O=sheep | ''"
      })
  void certificateName_isTheMostSpecificCommonName(String subject, String name) {
    assertEquals(name, CertificateName.of(new X500Principal(subject)));
  }
}
