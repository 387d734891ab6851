package io.sheepfs.dist;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a mount promises, with real programs on a real mount. Each transport runs all of it. */
@Timeout(value = 10, unit = TimeUnit.MINUTES)
abstract class MountContract {

  private static final int OBJECT_BYTES = 4 << 20;

  private static final long EXERCISES = 43_000;

  @TempDir private Path folder;

  private final String transport;
  private MountedStore mounted;

  MountContract(String transport) {
    this.transport = transport;
  }

  @BeforeEach
  void mount() throws Exception {
    startCluster(folder);
    mounted = start();
  }

  @AfterEach
  void unmount() throws Exception {
    try {
      mounted.close();
    } finally {
      stopCluster();
    }
  }

  /** Starts what is mounted, with its objects in {@code folder/store}. */
  void startCluster(Path folder) throws Exception {}

  /** Ends it. */
  void stopCluster() throws Exception {}

  /** The options that say where it is. */
  List<String> cluster(Path folder) {
    return List.of("--store", folder.resolve("store").toString());
  }

  /** What df shows as the device. */
  String source(Path folder) {
    return folder.resolve("store").toString();
  }

  private MountedStore start(String... options) throws Exception {
    return MountedStore.start(folder, transport, cluster(folder), options);
  }

  private void remount() throws Exception {
    mounted.unmount();
    mounted = start();
  }

  private static byte[] randomBytes(int size, long seed) {
    byte[] bytes = new byte[size];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }

  @Test
  void file_writtenAndMountedAgain_isTheSame() throws Exception {
    byte[] content = randomBytes(OBJECT_BYTES * 2 + 12345, 1);
    Files.write(mounted.volume("disk"), content);
    assertArrayEquals(content, Files.readAllBytes(mounted.volume("disk")));
    remount();
    assertArrayEquals(content, Files.readAllBytes(mounted.volume("disk")));
    assertEquals(content.length, Files.size(mounted.volume("disk")));
  }

  @Test
  void file_sparseOfOneTebibyte_takesNoSpaceAndReadsZeros() throws Exception {
    Path disk = mounted.volume("disk");
    Shell.check("truncate", "-s", "1T", disk.toString());
    assertEquals("0 1099511627776\n", Shell.check("stat", "-c", "%b %s", disk.toString()));
    try (FileChannel channel =
        FileChannel.open(disk, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.wrap("end".getBytes(UTF_8)), (1L << 40) - 3);
      ByteBuffer before = ByteBuffer.allocate(100);
      channel.read(before, 1L << 39);
      assertArrayEquals(new byte[100], before.array());
    }
    assertEquals("8192\n", Shell.check("stat", "-c", "%b", disk.toString()));
    assertEquals(1, mounted.dataObjects());
  }

  @Test
  void file_beyondTheLimit_isRefusedAsTooLarge() throws Exception {
    Path disk = mounted.volume("disk");
    Shell.check("truncate", "-s", "4T", disk.toString());
    Shell.Result tooLarge = Shell.run("truncate", "-s", "5T", disk.toString());
    assertEquals(1, tooLarge.exitCode());
    assertTrue(tooLarge.output().contains("File too large"), tooLarge.output());
    assertEquals(4L << 40, Files.size(disk));
  }

  @Test
  void truncate_downAndUpAgain_readsZeros() throws Exception {
    Path disk = mounted.volume("disk");
    Files.write(disk, randomBytes(OBJECT_BYTES * 2, 2));
    Shell.check("truncate", "-s", "1000", disk.toString());
    assertEquals(1, mounted.dataObjects());
    Shell.check("truncate", "-s", Integer.toString(OBJECT_BYTES * 2), disk.toString());
    byte[] now = Files.readAllBytes(disk);
    for (int i = 1000; i < now.length; i++) {
      assertEquals(0, now[i]);
    }
  }

  @Test
  void open_exclusiveAndAppendAndTruncate_asEverywhere() throws Exception {
    Path disk = mounted.volume("disk");
    Files.write(disk, "one".getBytes(UTF_8), StandardOpenOption.CREATE_NEW);
    assertThrows(
        FileAlreadyExistsException.class,
        () -> Files.write(disk, new byte[1], StandardOpenOption.CREATE_NEW));
    Files.write(disk, "two".getBytes(UTF_8), StandardOpenOption.APPEND);
    assertEquals("onetwo", Files.readString(disk));
    Files.write(disk, "3".getBytes(UTF_8));
    assertEquals("3", Files.readString(disk));
  }

  @Test
  void unlink_leavesNoDataObject_andAnOpenFileStaysReadable() throws Exception {
    Path disk = mounted.volume("disk");
    byte[] content = randomBytes(OBJECT_BYTES + 1, 3);
    Files.write(disk, content);
    try (FileChannel channel = FileChannel.open(disk, StandardOpenOption.READ)) {
      Files.delete(disk);
      assertFalse(Files.exists(disk));
      ByteBuffer back = ByteBuffer.allocate(content.length);
      while (back.hasRemaining() && channel.read(back, back.position()) > 0) {}
      assertArrayEquals(content, back.array());
    }
    Shell.eventually("the objects are gone", () -> objects() == 0);
  }

  private long objects() {
    try {
      return mounted.dataObjects();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void names_longAndStrange_work() throws Exception {
    String longest = "ä b\n".repeat(51);
    assertEquals(255, longest.getBytes(UTF_8).length);
    Files.writeString(mounted.volume(longest), "x");
    remount();
    assertEquals("x", Files.readString(mounted.volume(longest)));
    Files.delete(mounted.volume(longest));
    FileSystemException tooLong =
        assertThrows(
            FileSystemException.class,
            () -> Files.writeString(mounted.volume("n".repeat(256)), "x"));
    assertTrue(String.valueOf(tooLong.getMessage()).contains("too long"), tooLong.toString());
  }

  @Test
  void rename_inVolume_isAnotherDevice_soThatMvCopies() throws Exception {
    Files.writeString(mounted.volume("old"), "content");
    assertThrows(
        AtomicMoveNotSupportedException.class,
        () ->
            Files.move(
                mounted.volume("old"), mounted.volume("new"), StandardCopyOption.ATOMIC_MOVE));
    Shell.check("mv", mounted.volume("old").toString(), mounted.volume("new").toString());
    assertEquals("content", Files.readString(mounted.volume("new")));
    assertThrows(NoSuchFileException.class, () -> Files.size(mounted.volume("old")));
  }

  @Test
  void snapshotAndClone_keepWhatWasThere() throws Exception {
    Path disk = mounted.volume("disk");
    byte[] first = randomBytes(OBJECT_BYTES + 777, 4);
    Files.write(disk, first);
    Path tag = mounted.mountpoint().resolve("snapshot/disk/first");
    Shell.check("touch", tag.toString());
    Files.write(disk, randomBytes(5000, 5), StandardOpenOption.WRITE);
    assertArrayEquals(first, Files.readAllBytes(tag));
    Shell.check("ln", tag.toString(), mounted.volume("clone").toString());
    Files.write(mounted.volume("clone"), new byte[10], StandardOpenOption.WRITE);
    assertArrayEquals(first, Files.readAllBytes(tag));
    remount();
    assertArrayEquals(first, Files.readAllBytes(tag));
    Shell.check("rm", mounted.volume("disk").toString());
    Shell.check("rm", mounted.volume("clone").toString());
    assertArrayEquals(first, Files.readAllBytes(tag));
    Shell.check("rm", "-f", tag.toString());
    assertEquals(0, mounted.dataObjects());
  }

  @Test
  void fallocate_punchesZeroesAndAllocates() throws Exception {
    Path disk = mounted.volume("disk");
    byte[] content = randomBytes(OBJECT_BYTES * 3, 6);
    Files.write(disk, content);
    String punched = Integer.toString(OBJECT_BYTES);
    Shell.check("fallocate", "-p", "-o", "1000", "-l", punched, disk.toString());
    Shell.check("fallocate", "-p", "-o", punched, "-l", punched, disk.toString());
    Arrays.fill(content, 1000, 2 * OBJECT_BYTES, (byte) 0);
    assertArrayEquals(content, Files.readAllBytes(disk));
    assertEquals(2, mounted.dataObjects());
    Shell.check("fallocate", "-l", "64M", disk.toString());
    assertEquals(64 << 20, Files.size(disk));
    assertEquals(2, mounted.dataObjects());
  }

  @Test
  void attributes_tellOfTheVdi() throws Exception {
    Files.writeString(mounted.volume("disk"), "x");
    String disk = mounted.volume("disk").toString();
    assertEquals("600 0 0 1\n", Shell.check("stat", "-c", "%a %u %g %h", disk));
    String attributes = Shell.check("getfattr", "-d", disk);
    assertTrue(attributes.contains("user.sheepdog.vid=\""), attributes);
    assertTrue(attributes.contains("user.sheepdog.copies=\"1\""), attributes);
    String df = Shell.check("df", mounted.mountpoint().toString());
    assertTrue(df.contains(source(folder)), df);
    assertTrue(Files.readString(mounted.mountpoint().resolve("vdi/list")).contains("disk"));
  }

  @Test
  void qemuImg_createsConvertsComparesAndResizes() throws Exception {
    Shell.sh(
        """
        cd "$1"
        truncate -s 512M tree.img
        mkfs.ext4 -q -d "$2" tree.img
        qemu-img convert -O qcow2 tree.img tree.qcow2
        qemu-img convert -O raw tree.qcow2 mnt/volume/converted
        qemu-img compare tree.qcow2 mnt/volume/converted | grep -q identical
        qemu-img create -q -f raw mnt/volume/made 1G
        qemu-img resize -q -f raw mnt/volume/made 2G
        qemu-img info mnt/volume/made | grep -q '2 GiB'
        # qemu-img itself writes the first sector of an image, to find out the alignment
        [ "$(stat -c %b mnt/volume/made)" -le 8192 ]
        [ "$(stat -c %b mnt/volume/converted)" -lt "$(stat -c %s mnt/volume/converted | awk '{print $1/512}')" ]
        """,
        folder.toString(), MountedStore.ROOT.resolve("protocol/src").toString());
  }

  @Test
  void loopDevice_holdsAnExt4_thatStaysClean() throws Exception {
    Shell.sh(
        """
        cd "$1"
        truncate -s 1G mnt/volume/disk
        loop=$(losetup -f --show mnt/volume/disk)
        trap 'umount "$1/ext4" 2>/dev/null || true; losetup -d "$loop"' EXIT
        mkfs.ext4 -q "$loop"
        mkdir ext4
        mount "$loop" ext4
        mkdir ext4/doc
        tar -C /usr/share/doc -cf - . | tar -C ext4/doc -xf -
        sync -f ext4
        (cd ext4/doc && find . -type f -print0 | xargs -0 sha1sum) >sums
        umount ext4
        e2fsck -fn "$loop" >/dev/null
        mount "$loop" ext4
        (cd ext4/doc && sha1sum --quiet -c "$1/sums")
        before=$(stat -c %b mnt/volume/disk)
        rm -r ext4/doc
        sync -f ext4
        fstrim ext4
        umount ext4
        after=$(stat -c %b mnt/volume/disk)
        [ $((before - after)) -gt "$(($(du -sk /usr/share/doc | cut -f 1)))" ] \
          || { echo "fstrim gave back too little: $before, $after blocks"; exit 1; }
        """,
        folder.toString());
  }

  @Test
  void fio_sixteenJobsWithFsync_verify() throws Exception {
    Shell.sh(
        """
        cd "$1"
        fio --name=v --directory=mnt/volume --rw=randwrite --bs=4k --size=4M --numjobs=16 \
          --fsync=16 --verify=crc32c --do_verify=1 --verify_fatal=1 --group_reporting \
          --ioengine=psync --output=fio.log
        """,
        folder.toString());
  }

  @Test
  void qemuIo_patternsInEveryMode_readBack() throws Exception {
    long seed = Long.getLong("sheepfs.seed", System.nanoTime());
    System.out.println("qemu-io: -Dsheepfs.seed=" + seed);
    int count = Integer.getInteger("sheepfs.qemu.commands", 150);
    QemuPatterns disk = new QemuPatterns(mounted.volume("disk"), 5000, seed);
    Shell.check("truncate", "-s", Long.toString(disk.bytes()), mounted.volume("disk").toString());
    disk.run(count, "-t", "writeback");
    disk.run(count, "-t", "none");
    disk.run(count, "-t", "none", "-i", "native");
    disk.run(count, "-t", "writethrough");
    remount();
    disk.readAll("-t", "none");
  }

  @Test
  void stressNg_onAnExt4OnALoopDevice_findsNothingWrong() throws Exception {
    Shell.sh(
        """
        cd "$1"
        truncate -s 2G mnt/volume/disk
        loop=$(losetup -f --show --direct-io=on mnt/volume/disk)
        trap 'umount "$1/ext4" 2>/dev/null || true; losetup -d "$loop"' EXIT
        mkfs.ext4 -q "$loop"
        mkdir ext4
        mount "$loop" ext4
        # by name, since a class has what needs other hardware, or fills the disk
        stress-ng --temp-path ext4 --verify --timeout "$2" --no-rand-seed \
          --aio 1 --aiol 1 --copy-file 1 --copy-file-bytes 128M --dentry 1 --dir 1 --fallocate 1 --fallocate-bytes 16M --fpunch 1 \
          --hdd 1 --hdd-bytes 16M --hdd-opts direct,rd-rnd,wr-rnd --iomix 1 --iomix-bytes 16M --link 1 \
          --mmap 1 --mmap-file --mmap-bytes 16M --readahead 1 --readahead-bytes 16M --rename 1 --revio 1 --revio-bytes 16M \
          --seek 1 --sync-file 1 --symlink 1 --utime 1 --xattr 1
        umount ext4
        e2fsck -fn "$loop"
        """,
        folder.toString(),
        Long.getLong("sheepfs.stress.seconds", 3).toString());
  }

  @Test
  void processes_sixtyFourOnOneAndOnManyVdis_loseNothing() throws Exception {
    Path shared = mounted.volume("shared");
    Shell.check("truncate", "-s", "64M", shared.toString());
    List<Process> all = new ArrayList<>();
    for (int i = 0; i < 64; i++) {
      String script =
          "head -c 65536 /dev/zero | tr '\\0' '"
              + (char) ('A' + i % 26)
              + "' >own"
              + i
              + " && dd if=own"
              + i
              + " of=mnt/volume/shared bs=4k seek="
              + i * 16
              + " conv=notrunc,fsync status=none && cp own"
              + i
              + " mnt/volume/own"
              + i;
      all.add(
          new ProcessBuilder("/bin/sh", "-c", script)
              .directory(folder.toFile())
              .inheritIO()
              .start());
    }
    for (Process process : all) {
      assertTrue(process.waitFor(120, TimeUnit.SECONDS), "a process hangs");
      assertEquals(0, process.exitValue());
    }
    byte[] content = Files.readAllBytes(shared);
    for (int i = 0; i < 64; i++) {
      byte[] own = Files.readAllBytes(mounted.volume("own" + i));
      assertEquals(65536, own.length);
      for (int at = 0; at < own.length; at++) {
        assertEquals('A' + i % 26, own[at]);
        assertEquals('A' + i % 26, content[i * 65536 + at]);
      }
    }
  }

  @Test
  void kill9_atRandomMoments_losesNothingThatWasWritten() throws Exception {
    long seed = Long.getLong("sheepfs.seed", System.nanoTime());
    System.out.println("kill -9 rounds: -Dsheepfs.seed=" + seed);
    KillRounds rounds = new KillRounds(1, 4096, seed);
    List<Path> disk = List.of(mounted.volume("disk"));
    Shell.check("truncate", "-s", "16M", disk.get(0).toString());
    for (int round = 0; round < killRounds(); round++) {
      rounds.writeUntilKilled(disk, mounted, () -> {});
      mounted = start();
      rounds.verify(disk);
    }
    assertTrue(rounds.writes() >= killRounds(), "only " + rounds.writes() + " writes");
  }

  /** How often the mount is killed. */
  abstract int killRounds();

  /** How much is done to a file at random: 100,000 operations by the mounts that are everywhere. */
  long exercises() {
    return EXERCISES;
  }

  @Test
  void exerciser_findsNothingWrong() throws Exception {
    long seed = Long.getLong("sheepfs.seed", 20261121);
    System.out.println("exerciser: -Dsheepfs.seed=" + seed);
    long operations = Long.getLong("sheepfs.fsx.operations", exercises());
    Exerciser.Plan plan = new Exerciser.Plan(9 << 20, 1000, 8000, 20_000);
    try (Exerciser exerciser =
        new Exerciser(mounted.mountpoint(), "exercised", this::remount, plan, seed)) {
      exerciser.run(operations);
      System.out.println(exerciser.figures());
    }
  }

  @Test
  void sigterm_withOpenFiles_savesAndExitsWithZero() throws Exception {
    byte[] content = randomBytes(100_000, 7);
    try (FileChannel channel =
        FileChannel.open(
            mounted.volume("disk"), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.wrap(content));
      mounted.terminate();
    } catch (IOException closeOfACutOffFile) {
      // its mount is gone
    }
    mounted = start();
    assertArrayEquals(content, Files.readAllBytes(mounted.volume("disk")));
  }

  @Test
  void readOnlyMount_refusesEveryChange() throws Exception {
    Files.writeString(mounted.volume("disk"), "content");
    mounted.unmount();
    mounted = start("-o", "ro");
    assertEquals("content", Files.readString(mounted.volume("disk")));
    for (String change :
        new String[] {
          "echo x >mnt/volume/disk",
          "echo x >mnt/volume/new",
          "rm -f mnt/volume/disk",
          "truncate -s 0 mnt/volume/disk",
          "touch mnt/snapshot/disk/tag"
        }) {
      ProcessBuilder builder =
          new ProcessBuilder("/bin/sh", "-c", change).directory(folder.toFile());
      Shell.Result result = Shell.run(builder);
      assertTrue(result.exitCode() != 0, change);
      assertTrue(result.output().contains("Read-only"), change + ": " + result.output());
    }
  }
}
