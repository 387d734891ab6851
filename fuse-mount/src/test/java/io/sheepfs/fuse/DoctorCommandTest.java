package io.sheepfs.fuse;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DoctorCommandTest {

  @TempDir private Path root;

  private final ByteArrayOutputStream output = new ByteArrayOutputStream();

  private int examine() throws Exception {
    output.reset();
    return new DoctorCommand(new PrintStream(output, true, StandardCharsets.UTF_8), root).call();
  }

  private String said() {
    return output.toString(StandardCharsets.UTF_8);
  }

  private void file(String path, String text) throws Exception {
    Path file = root.resolve(path);
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
  }

  @Test
  void machine_withNothing_isToldHowToMendEach() throws Exception {
    file("proc/sys/kernel/osrelease", "4.19.0-x\n");
    file("proc/filesystems", "nodev\tproc\n");
    file("proc/self/limits", "Max open files            1024   4096   files\n");
    assertEquals(AdminCommand.EXIT_FAILED, examine());
    for (String part :
        new String[] {
          "kernel '4.19.0-x' is older than 5.4", "modprobe fuse", "there is no /dev/fuse",
          "there is no fusermount3", "no /sbin/mount.sheepfs", "only 1024 open files"
        }) {
      assertTrue(said().contains(part), said());
    }
  }

  @Test
  void machine_withAll_isWell() throws Exception {
    file("proc/sys/kernel/osrelease", "6.1.0-13-amd64\n");
    file("proc/filesystems", "nodev\tproc\nnodev\tfuse\n");
    file("proc/self/limits", "Max open files            65536   65536   files\n");
    file("dev/fuse", "");
    file("etc/fuse.conf", "user_allow_other\n");
    for (String program : new String[] {"usr/bin/fusermount3", "sbin/mount.sheepfs"}) {
      file(program, "");
      Files.setAttribute(root.resolve(program), "unix:mode", 04755);
    }
    assertEquals(AdminCommand.EXIT_OK, examine(), this::said);
    assertTrue(said().contains("ok    mount -t sheepfs"), said());
  }
}
