package io.sheepfs.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.common.jimfs.Configuration;
import com.google.common.jimfs.Jimfs;
import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.SnapshotSelector;
import io.sheepfs.protocol.SnapshotTag;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiInfo;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiSpec;
import io.sheepfs.store.StoreImage.Entry;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.opentest4j.AssertionFailedError;

/**
 * A disk gives back something else than was written, of one file besides those with data: flipped
 * bits, zeros, nonsense, less, more, or what belongs to another file. A store says which of its
 * small files it is, or does without it; of inodes it takes none for a deletion. Nothing is lost by
 * opening it. {@code -Dsheepfs.flips=N} says how many, {@code -Dsheepfs.seed=N} repeats them.
 */
@Timeout(value = 30, unit = TimeUnit.MINUTES)
final class MetadataDamageTest {

  private static final int ROUNDS = Integer.getInteger("sheepfs.flips", 1000);
  private static final int DELETED = 2;
  private static final VdiName DISK = new VdiName("disk");
  private static final VdiName CLONE = new VdiName("clone");
  private static final VdiName GONE = new VdiName("gone");
  private static final SnapshotTag TAG = new SnapshotTag("tag");

  private final long seed = Long.getLong("sheepfs.seed", 20261123);
  private final FileSystem memory =
      Jimfs.newFileSystem(
          Configuration.unix().toBuilder().setAttributeViews("basic", "posix").build());
  private final Path base = memory.getPath("/work");
  private final Path store = base.resolve("store");

  @AfterEach
  void closeMemory() throws IOException {
    memory.close();
  }

  /** All objects but inodes, by name. */
  private Set<String> data() throws IOException {
    Set<String> names = new TreeSet<>();
    try (Stream<Path> files = Files.walk(base)) {
      files
          .filter(Files::isRegularFile)
          .map(file -> String.valueOf(file.getFileName()))
          .filter(name -> name.matches("00\\p{XDigit}{14}"))
          .forEach(names::add);
    }
    return names;
  }

  // --- damage ---

  private static byte[] damaged(Random random, byte[] right, List<byte[]> others) {
    while (true) {
      byte[] changed = right.clone();
      int length = right.length;
      int at = random.nextInt(length);
      switch (random.nextInt(8)) {
        case 0 -> changed[at] ^= (byte) (1 << random.nextInt(8));
        case 1 -> {
          for (int i = random.nextInt(20); i >= 0; i--) {
            changed[random.nextInt(length)] ^= (byte) (1 << random.nextInt(8));
          }
        }
        case 2 -> changed = Arrays.copyOf(right, random.nextBoolean() ? at : at & ~511);
        case 3 -> changed = Arrays.copyOf(right, length + 1 + random.nextInt(100));
        case 4 -> Arrays.fill(changed, at, Math.min(length, at + 1 + random.nextInt(64)), (byte) 0);
        case 5 -> {
          int sector = random.nextBoolean() ? 512 : 4096;
          int start = at / sector * sector;
          Arrays.fill(changed, start, Math.min(length, start + sector), (byte) 0);
        }
        case 6 -> random.nextBytes(changed);
        default -> changed = others.get(random.nextInt(others.size())).clone();
      }
      if (!Arrays.equals(changed, right)) {
        return changed;
      }
    }
  }

  /** Runs a round, and says how to repeat it if it fails. */
  private void rounds(Round round) {
    for (int i = 0; i < ROUNDS; i++) {
      try {
        round.run(new Random(seed + i));
      } catch (IOException | RuntimeException | AssertionError e) {
        throw new AssertionFailedError(
            "replay with -Dsheepfs.flips=1 -Dsheepfs.seed=" + (seed + i), e);
      }
    }
    System.out.printf("%d rounds from seed %d on%n", ROUNDS, seed);
  }

  private interface Round {
    void run(Random random) throws IOException;
  }

  // --- a store alone ---

  private LocalSheep open() throws IOException {
    return LocalSheep.open(store, LocalSheepOptions.defaults());
  }

  /** What it has after a clean end, and after a kill long after all was written. */
  private List<StoreImage> images() throws IOException {
    LocalSheep sheep = open();
    VdiId first = sheep.vdis().create(DISK, VdiSpec.ofSize(1 << 30)).vid();
    for (int i = 0; i < 4; i++) {
      LocalSheepTest.allocate(sheep, first, i, i + 1, Durability.STABLE);
    }
    sheep.vdis().snapshot(DISK, TAG);
    VdiId second = sheep.vdis().lookup(DISK).vid();
    LocalSheepTest.allocate(sheep, second, 1, 11, Durability.STABLE);
    VdiId clone = sheep.vdis().cloneSnapshot(first, CLONE).vid();
    LocalSheepTest.allocate(sheep, clone, 2, 12, Durability.STABLE);
    VdiId gone = sheep.vdis().create(GONE, VdiSpec.ofSize(1 << 30)).vid();
    LocalSheepTest.allocate(sheep, gone, 0, 1, Durability.STABLE);
    sheep.vdis().delete(GONE);
    sheep.vdis().delete(DISK, new SnapshotSelector.ByTag(TAG)); // others name what it had
    FileTime old = FileTime.from(Instant.now().minusSeconds(3600));
    try (Stream<Path> objects = Files.list(store.resolve("obj"))) {
      for (Path object : objects.toList()) {
        Files.setLastModifiedTime(object, old);
      }
    }
    StoreImage killed = StoreImage.of(base);
    sheep.objects().flush(second);
    sheep.objects().flush(clone);
    sheep.objects().flush(gone);
    sheep.close();
    assertFalse(Files.exists(store.resolve("running")), "it ended cleanly");
    return List.of(StoreImage.of(base), killed);
  }

  /** That all is there. */
  private void checkWhole(LocalSheep sheep, List<VdiInfo> vdis, Set<String> data)
      throws IOException {
    assertEquals(vdis, sheep.vdis().list());
    assertEquals(data, data());
    assertEquals(1, sheep.info().epochs().size());
    VdiId working = sheep.vdis().lookup(DISK).vid();
    assertEquals(11, LocalSheepTest.read(sheep, ObjectId.data(working, 1), 0, 1)[0]);
    assertEquals(working.value(), LocalSheepTest.entry(sheep, working, 1));
  }

  @Test
  void smallFiles_ofAStoreAlone_areRightOrRefused() throws IOException {
    List<StoreImage> images = images();
    List<VdiInfo> vdis;
    try (LocalSheep sheep = open()) {
      vdis = sheep.vdis().list();
      assertEquals(2, vdis.size());
    }
    Set<String> data = data();
    int[] refused = new int[1];
    rounds(
        random -> {
          StoreImage image = images.get(random.nextInt(images.size()));
          List<Entry> small =
              image.entries().stream()
                  .filter(entry -> !entry.isObject())
                  .filter(entry -> entry.content().length > 0)
                  .toList();
          Entry one = small.get(random.nextInt(small.size()));
          List<byte[]> others = small.stream().map(Entry::content).toList();
          image.restore();
          Files.write(one.path(), damaged(random, one.content(), others));
          boolean mayBeRefused = one.path().endsWith("config");
          try (LocalSheep sheep = open()) {
            checkWhole(sheep, vdis, data);
            assertTrue(!mayBeRefused, "opened with another config");
          } catch (IOException e) {
            assertTrue(mayBeRefused, e::toString);
            assertTrue(String.valueOf(e.getMessage()).contains("config"), e::toString);
            refused[0]++;
          }
          assertEquals(data, data());
        });
    assertTrue(refused[0] > 0);
    images.get(0).restore();
    try (LocalSheep sheep = open()) {
      checkWhole(sheep, vdis, data);
    }
  }

  @Test
  void inodes_ofAStoreAlone_areNeverTakenForDeletions() throws IOException {
    List<StoreImage> images = images();
    List<VdiInfo> vdis;
    try (LocalSheep sheep = open()) {
      vdis = sheep.vdis().list();
    }
    Set<String> data = data();
    int[] leftOut = new int[1];
    rounds(
        random -> {
          int state = random.nextInt(images.size());
          StoreImage image = images.get(state);
          List<Entry> inodes =
              image.entries().stream()
                  .filter(entry -> String.valueOf(entry.path().getFileName()).startsWith("80"))
                  .toList();
          Entry one = inodes.get(random.nextInt(inodes.size()));
          List<byte[]> others =
              inodes.stream()
                  .filter(entry -> !entry.path().equals(one.path()))
                  .map(Entry::content)
                  .toList();
          image.restore();
          byte[] changed = damaged(random, one.content(), others);
          Files.write(one.path(), changed);
          if (state == 1 && random.nextBoolean()) {
            Files.writeString(store.resolve("running"), "another boot\n");
          }
          Set<String> mayGo = state == 0 ? Set.of() : notNamed(one.content(), changed);
          boolean isWhole;
          try (LocalSheep sheep = open()) {
            int known = used(sheep) - sheep.vdis().list().size() - DELETED;
            leftOut[0] += known > 0 ? 1 : 0;
            assertGoneAtMost(data, known > 0 ? Set.of() : mayGo);
            isWhole = data.equals(data());
            if (random.nextBoolean()) {
              use(sheep);
              if (known > 0) {
                assertGoneAtMost(data, Set.of());
              }
              return;
            }
          }
          if (isWhole) {
            Files.write(one.path(), one.content());
            try (LocalSheep sheep = open()) {
              checkWhole(sheep, vdis, data);
            }
          }
        });
    assertTrue(leftOut[0] > 0);
  }

  /** The objects that the index of an inode named, and does not any more. */
  private static Set<String> notNamed(byte[] before, byte[] now) {
    Set<String> names = new HashSet<>();
    for (int at = InodeLayout.INDEX; at + 4 <= before.length; at += 4) {
      int owner = ByteBuffer.wrap(before).order(ByteOrder.LITTLE_ENDIAN).getInt(at);
      byte[] entry = Arrays.copyOfRange(now, Math.min(at, now.length), at + 4);
      if (VdiId.isValid(owner) && !Arrays.equals(entry, Arrays.copyOfRange(before, at, at + 4))) {
        names.add(ObjectId.data(new VdiId(owner), (at - InodeLayout.INDEX) / 4).toString());
      }
    }
    return names;
  }

  private void assertGoneAtMost(Set<String> data, Set<String> mayGo) throws IOException {
    Set<String> gone = new TreeSet<>(data);
    gone.removeAll(data());
    gone.removeAll(mayGo);
    assertEquals(Set.of(), gone, "removed");
  }

  /** How many ids are in use. */
  private static int used(LocalSheep sheep) {
    int count = 0;
    for (byte eight : sheep.vdiStore().table().idsInUse()) {
      count += Integer.bitCount(eight & 0xFF);
    }
    return count;
  }

  /** What it says of VDIs can be nonsense now, but all of it is answered. */
  private static void use(LocalSheep sheep) throws IOException {
    for (VdiInfo vdi : sheep.vdis().list()) {
      try {
        sheep.objects().read(ObjectId.inode(vdi.vid()), 0, ByteBuffer.allocate(8192));
        LocalSheepTest.allocate(sheep, vdi.vid(), 5, 5, Durability.STABLE);
        if (!vdi.isSnapshot()) {
          sheep.vdis().resize(vdi.name(), 3 << 20);
        }
        sheep.objects().flush(vdi.vid());
      } catch (SheepException refused) {
        assertNotNull(refused.result());
      }
    }
    for (VdiInfo vdi : sheep.vdis().list()) {
      try {
        if (vdi.isSnapshot()) {
          SnapshotSelector id = new SnapshotSelector.ById(vdi.snapshotId());
          sheep.vdis().delete(vdi.name(), id);
        } else {
          sheep.vdis().delete(vdi.name());
        }
      } catch (SheepException refused) {
        assertNotNull(refused.result());
      }
    }
  }

  // --- a node of a cluster ---

  private ClusterStore openMember() throws IOException {
    return ClusterStore.open(store, List.of(base.resolve("a"), base.resolve("b")));
  }

  @Test
  void smallFiles_ofANodeOfACluster_areRightOrRefused() throws IOException {
    ClusterStore member = openMember();
    member.formatted(5L << 32, 0, 3, 22, "plain");
    List<ObjectId> objects = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      ObjectId oid = ObjectId.data(new VdiId(7), i);
      member.files().create(oid, 0, LocalSheepTest.bytes(8, i), Durability.STABLE);
      objects.add(oid);
    }
    member.close(objects.subList(3, 7));
    StoreImage image = StoreImage.of(base);
    Set<String> data = data();
    List<Entry> small =
        image.entries().stream()
            .filter(entry -> !entry.isObject())
            .filter(entry -> entry.content().length > 0)
            .toList();
    List<byte[]> others = small.stream().map(Entry::content).toList();
    Set<String> refused = new TreeSet<>();
    rounds(
        random -> {
          Entry one = small.get(random.nextInt(small.size()));
          image.restore();
          byte[] changed = damaged(random, one.content(), others);
          Files.write(one.path(), changed);
          // a mark of a disk that lost its seal, and nothing else, is as older versions made it
          byte[] unsealed = Arrays.copyOf(one.content(), one.content().length - 16);
          boolean mayBeRight =
              one.path().endsWith("suspects")
                  || (one.path().endsWith("disk") && Arrays.equals(changed, unsealed));
          try {
            ClusterStore damaged = openMember();
            assertEquals(5L << 32, damaged.createTime());
            List<ObjectId> found = new ArrayList<>(damaged.files().list());
            found.sort(null);
            assertEquals(objects, found);
            assertTrue(damaged.suspects().containsAll(objects.subList(3, 7)), "suspects");
            damaged.close(List.of());
            assertTrue(mayBeRight, one.path() + " is another one now");
          } catch (IOException e) {
            String name = String.valueOf(one.path().getFileName());
            assertTrue(String.valueOf(e.getMessage()).contains(name), e::toString);
            refused.add(one.path().toString());
          }
          assertEquals(data, data());
        });
    assertEquals(small.size() - 1, refused.size(), () -> "refused: " + refused);
    image.restore();
    openMember().close(List.of());
  }
}
