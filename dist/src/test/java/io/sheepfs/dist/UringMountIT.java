package io.sheepfs.dist;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The mount on the kernel's own protocol over io_uring, where the kernel has that. */
class UringMountIT extends MountContract {

  private static final Path SWITCH = Path.of("/sys/module/fuse/parameters/enable_uring");

  private static String before = "";

  UringMountIT() {
    super("uring");
  }

  /** It is off unless somebody switches it on: this test does, for a while. */
  @BeforeAll
  static void switchOn() throws IOException {
    assumeTrue(Files.isWritable(SWITCH), "this kernel has no FUSE over io_uring");
    before = Files.readString(SWITCH);
    Files.writeString(SWITCH, "Y");
  }

  @AfterAll
  static void switchBack() throws IOException {
    if (!before.isEmpty()) {
      Files.writeString(SWITCH, before);
    }
  }

  @Override
  int killRounds() {
    return 5;
  }

  @Override
  long exercises() {
    return 6000;
  }

  @Test
  void auto_whereItIsSwitchedOn_takesIt(@TempDir Path other) throws Exception {
    try (MountedStore mounted = MountedStore.start(other, "auto")) {
      assertTrue(mounted.log().contains("(uring)"), mounted.log());
      Files.writeString(mounted.volume("disk"), "content");
      mounted.unmount();
    }
  }

  @Test
  void uring_whereItIsSwitchedOff_fallsBackAndSaysWhy(@TempDir Path other) throws Exception {
    Files.writeString(SWITCH, "N");
    try (MountedStore mounted = MountedStore.start(other, "uring")) {
      assertTrue(mounted.log().contains("No FUSE over io_uring"), mounted.log());
      assertTrue(mounted.log().contains("switched off"), mounted.log());
      assertTrue(mounted.log().contains("(direct)"), mounted.log());
      Files.writeString(mounted.volume("disk"), "content");
      mounted.unmount();
    } finally {
      Files.writeString(SWITCH, "Y");
    }
  }
}
