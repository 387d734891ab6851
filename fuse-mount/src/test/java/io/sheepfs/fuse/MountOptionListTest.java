package io.sheepfs.fuse;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class MountOptionListTest {

  private static MountOptionList parse(String... lists) {
    return MountOptionList.parse(List.of(lists));
  }

  @Test
  void anFstabLine_leavesOnlyWhatConcernsUs() {
    MountOptionList options =
        parse(
            "_netdev,nofail,noauto,user=alice,x-systemd.automount,X-mount.mkdir,ro,uid=1000,umask=022",
            "allow_other,port=7001,store=/srv/a=b");
    assertTrue(options.has("ro"));
    assertTrue(options.has("allow_other"));
    assertFalse(options.has("user"));
    assertEquals(1000, options.number("uid", 0, 10));
    assertEquals(022, options.number("umask", 0, 8));
    assertEquals(7001, options.number("port", 7000, 10));
    assertEquals(Path.of("/srv/a=b"), options.path("store", null));
    assertEquals("fallback", options.text("address", "fallback"));
    assertNull(options.numberOrNull("gid", 10));
  }

  @Test
  void contradictions_theLastOneCounts() {
    assertTrue(parse("ro,rw").has("rw"));
    assertFalse(parse("ro,rw").has("ro"));
    assertFalse(parse("rw", "ro").has("rw"));
    assertEquals("2", parse("port=1,port=2").text("port", ""));
  }

  @Test
  void whatNobodyKnows_isNamed() {
    for (String wrong : new String[] {"bogus", "ro=1", "uid", "=x", "ROO"}) {
      IllegalArgumentException e =
          assertThrows(IllegalArgumentException.class, () -> parse("rw," + wrong), wrong);
      assertEquals("unknown mount option: " + wrong, e.getMessage());
    }
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> parse("uid=-1").numberOrNull("uid", 10));
    assertTrue(String.valueOf(e.getMessage()).contains("uid=-1"));
  }

  @Test
  void nothing_isNothing() {
    MountOptionList options = parse("", ",,");
    assertFalse(options.has(""));
    assertEquals(7, options.number("port", 7, 10));
  }
}
