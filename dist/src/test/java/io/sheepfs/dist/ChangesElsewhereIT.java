package io.sheepfs.dist;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Two mounts of one sheep: what is done through one comes to be seen through the other, whose
 * kernel and object cache had it otherwise.
 */
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class ChangesElsewhereIT {

  private static final int LARGE_BYTES = 1 << 20;

  @TempDir private Path folder;

  private MountedStore mount(ServedFolder sheep, String name) throws Exception {
    Path own = Files.createDirectory(folder.resolve(name));
    List<String> cluster =
        List.of(
            "-p",
            Integer.toString(sheep.port()),
            "--cache-mode",
            "writeback",
            "--cache-free-space",
            "0",
            "--cache-dir",
            own.resolve("cache").toString());
    return MountedStore.start(own, "direct", cluster);
  }

  @Test
  void changes_ofWhatIsOpenAndCachedHere_areSeen() throws Exception {
    try (ServedFolder sheep = new ServedFolder(folder);
        MountedStore here = mount(sheep, "here");
        MountedStore there = mount(sheep, "there")) {
      Files.writeString(there.volume("disk"), "first content");
      try (FileChannel reader = FileChannel.open(here.volume("disk"))) {
        assertEquals("first content", content(reader));

        Files.writeString(there.volume("disk"), "other content", StandardOpenOption.WRITE);
        Shell.eventually("its content is seen", () -> content(reader).equals("other content"));

        Shell.check(
            "truncate", "-s", Integer.toString(LARGE_BYTES), there.volume("disk").toString());
        Shell.eventually("its size is seen", () -> size(reader) == LARGE_BYTES);

        Files.delete(there.volume("disk"));
        Shell.eventually("it is gone", () -> Files.notExists(here.volume("disk")));

        Files.writeString(there.volume("disk"), "another disk");
        Shell.eventually(
            "the new one of that name is there", () -> Files.exists(here.volume("disk")));
      }
      assertEquals("another disk", Files.readString(here.volume("disk")));
      here.unmount();
      there.unmount();
    }
  }

  private static String content(FileChannel file) {
    ByteBuffer bytes = ByteBuffer.allocate(100);
    try {
      int count = file.read(bytes, 0);
      return new String(bytes.array(), 0, Math.max(count, 0), UTF_8);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static long size(FileChannel file) {
    try {
      return file.size();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }
}
