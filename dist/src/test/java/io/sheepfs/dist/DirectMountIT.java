package io.sheepfs.dist;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The mount on the kernel's own protocol. */
class DirectMountIT extends MountContract {

  DirectMountIT() {
    super("direct");
  }

  @Override
  int killRounds() {
    return 20;
  }

  @Test
  void abort_byTheAdministrator_savesAndLeavesNoDeadMount(@TempDir Path other) throws Exception {
    Path control = Files.createDirectory(other.resolve("control"));
    try (MountedStore mounted = MountedStore.start(other, "direct")) {
      Files.writeString(mounted.volume("disk"), "content");
      long device = (Long) Files.getAttribute(mounted.mountpoint(), "unix:dev");
      long minor = (device & 0xff) | (device >>> 12 & 0xfff00);
      Shell.check("mount", "-t", "fusectl", "none", control.toString());
      try {
        Files.writeString(control.resolve(minor + "/abort"), "1");
      } finally {
        Shell.check("umount", control.toString());
      }
      mounted.awaitEnd();
      assertTrue(mounted.log().contains("aborted"), mounted.log());
      assertTrue(Files.isReadable(mounted.mountpoint()), "the mountpoint is a directory again");
    }
  }
}
