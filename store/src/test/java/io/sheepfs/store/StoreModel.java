package io.sheepfs.store;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.SnapshotSelector;
import io.sheepfs.protocol.SnapshotTag;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiInfo;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiSpec;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;

/**
 * Random changes of a store, and what it may hold after each: VDIs and snapshots that are there,
 * and the values that each of their blocks may have after a power cut. While a change is under way
 * there are two answers, before it and after it.
 */
final class StoreModel {

  private static final int OBJECTS = 3;
  private static final int BLOCKS = 3;
  private static final int BLOCK_BYTES = 4096;
  private static final List<String> NAMES = List.of("a", "b", "c");

  /** What each block of one disk may hold after a cut; the last one is what it holds now. */
  private static final class Image {
    final List<Set<Integer>> allowed = new ArrayList<>();
    final int[] now = new int[OBJECTS * BLOCKS];

    Image() {
      for (int i = 0; i < now.length; i++) {
        allowed.add(new HashSet<>(Set.of(0)));
      }
    }

    Image copy() {
      Image copy = new Image();
      for (int i = 0; i < now.length; i++) {
        copy.allowed.set(i, new HashSet<>(allowed.get(i)));
        copy.now[i] = now[i];
      }
      return copy;
    }

    void write(int position, int value) {
      now[position] = value;
      allowed.get(position).add(value);
    }

    Image flushed() {
      Image copy = copy();
      for (int i = 0; i < now.length; i++) {
        copy.allowed.set(i, new HashSet<>(Set.of(now[i])));
      }
      return copy;
    }
  }

  private final Random random;
  private Map<String, Image> before = new TreeMap<>();
  private Map<String, Image> after = new TreeMap<>();
  private int value;
  private int tags;

  StoreModel(Random random) {
    this.random = random;
  }

  /** Changes something; what a failure leaves is as before or as after. */
  void step(LocalSheep sheep) throws SheepException {
    before = after;
    change(sheep);
    before = after;
  }

  /** Checks what a store has; returns the names it has. */
  Set<String> check(LocalSheep sheep) throws IOException {
    Set<String> found = names(sheep);
    Map<String, Image> expected = found.equals(after.keySet()) ? after : before;
    assertEquals(expected.keySet(), found);
    for (VdiInfo vdi : sheep.vdis().list()) {
      checkBlocks(sheep, vdi, key(vdi), Objects.requireNonNull(expected.get(key(vdi))));
    }
    return found;
  }

  private static Set<String> names(LocalSheep sheep) throws IOException {
    Set<String> found = new HashSet<>();
    for (VdiInfo vdi : sheep.vdis().list()) {
      found.add(key(vdi));
    }
    return found;
  }

  private static String key(VdiInfo vdi) {
    return vdi.isSnapshot() ? vdi.name() + "@" + vdi.tag() : vdi.name().value();
  }

  /** Flushes all working VDIs. */
  void flush(LocalSheep sheep) throws SheepException {
    for (String name : NAMES) {
      Image image = after.get(name);
      if (image != null) {
        sheep.objects().flush(sheep.vdis().lookup(new VdiName(name)).vid());
        Map<String, Image> next = new TreeMap<>(after);
        next.put(name, image.flushed());
        before = next;
        after = next;
      }
    }
  }

  /** After a step that failed: goes on with what the store, which still runs, has of it. */
  void resolve(LocalSheep sheep) throws IOException {
    Set<String> found = check(sheep);
    Map<String, Image> resolved = new TreeMap<>();
    for (VdiInfo vdi : sheep.vdis().list()) {
      Image image = new Image();
      for (int position = 0; position < OBJECTS * BLOCKS; position++) {
        Set<Integer> allowed = image.allowed.get(position);
        allowed.clear();
        for (Map<String, Image> each : List.of(before, after)) {
          Image one = each.get(key(vdi));
          if (one != null) {
            allowed.addAll(one.allowed.get(position));
          }
        }
        image.now[position] = content(sheep, vdi, position)[0];
      }
      resolved.put(key(vdi), image);
    }
    assertEquals(found, resolved.keySet());
    before = resolved;
    after = resolved;
  }

  private static void checkBlocks(LocalSheep sheep, VdiInfo vdi, String key, Image image)
      throws IOException {
    for (int position = 0; position < OBJECTS * BLOCKS; position++) {
      byte[] content = content(sheep, vdi, position);
      for (int i = 0; i < content.length; i++) {
        if (i > 0 && content[i] == content[i - 1]) {
          continue; // as the one before it, which was looked at
        }
        if (!image.allowed.get(position).contains((int) content[i])) {
          throw new AssertionError(
              String.format(
                  "%s block %d has %d at %d, not of %s",
                  key, position, content[i], i, image.allowed.get(position)));
        }
      }
    }
  }

  private static byte[] content(LocalSheep sheep, VdiInfo vdi, int position) throws IOException {
    int owner = LocalSheepTest.entry(sheep, vdi.vid(), position / BLOCKS);
    if (owner == 0) {
      return new byte[BLOCK_BYTES];
    }
    ObjectId oid = ObjectId.data(new VdiId(owner), position / BLOCKS);
    return LocalSheepTest.read(sheep, oid, offset(position), BLOCK_BYTES);
  }

  private static long offset(int position) {
    return (long) (position % BLOCKS) * BLOCK_BYTES;
  }

  private void change(LocalSheep sheep) throws SheepException {
    Map<String, Image> next = new TreeMap<>();
    before.forEach((key, image) -> next.put(key, image.copy()));
    String name = NAMES.get(random.nextInt(NAMES.size()));
    Image image = next.get(name);
    VdiName vdiName = new VdiName(name);
    if (image == null) {
      List<String> snapshots = next.keySet().stream().filter(key -> key.contains("@")).toList();
      if (snapshots.isEmpty() || random.nextBoolean()) {
        next.put(name, new Image());
        after = next;
        sheep.vdis().create(vdiName, VdiSpec.ofSize(64 << 20));
      } else {
        String snapshot = snapshots.get(random.nextInt(snapshots.size()));
        next.put(name, Objects.requireNonNull(next.get(snapshot)).copy());
        after = next;
        sheep.vdis().cloneSnapshot(find(sheep, snapshot), vdiName);
      }
      return;
    }
    switch (random.nextInt(16)) {
      case 0 -> {
        SnapshotTag tag = new SnapshotTag("t" + tags++);
        next.put(name, image.flushed());
        next.put(name + "@" + tag, image.flushed());
        after = next;
        sheep.vdis().snapshot(vdiName, tag);
      }
      case 1 -> {
        next.remove(name);
        after = next;
        sheep.vdis().delete(vdiName);
      }
      case 2 -> {
        List<String> snapshots = next.keySet().stream().filter(key -> key.contains("@")).toList();
        if (!snapshots.isEmpty()) {
          String snapshot = snapshots.get(random.nextInt(snapshots.size()));
          next.remove(snapshot);
          after = next;
          sheep.vdis().delete(nameOf(snapshot), tagOf(snapshot));
        }
      }
      case 3, 4, 5 -> {
        sheep.objects().flush(sheep.vdis().lookup(vdiName).vid());
        next.put(name, image.flushed());
        after = next;
      }
      case 6, 7 -> {
        int index = random.nextInt(OBJECTS);
        for (int block = 0; block < BLOCKS; block++) {
          image.write(index * BLOCKS + block, 0);
        }
        before = next;
        after = next;
        LocalSheepTest.setEntry(sheep, sheep.vdis().lookup(vdiName).vid(), index, 0);
      }
      default -> {
        int position = random.nextInt(OBJECTS * BLOCKS);
        value = value % 100 + 1;
        image.write(position, value);
        before = next;
        after = next;
        write(sheep, sheep.vdis().lookup(vdiName).vid(), position);
      }
    }
  }

  private void write(LocalSheep sheep, VdiId vid, int position) throws SheepException {
    int index = position / BLOCKS;
    int owner = LocalSheepTest.entry(sheep, vid, index);
    ObjectId oid = ObjectId.data(vid, index);
    ByteBuffer block = LocalSheepTest.bytes(BLOCK_BYTES, value);
    Durability durability = random.nextInt(4) == 0 ? Durability.STABLE : Durability.UNSTABLE;
    if (owner == vid.value()) {
      sheep.objects().write(oid, offset(position), block, durability);
      return;
    }
    if (owner == 0) {
      sheep.objects().create(oid, offset(position), block, durability);
    } else {
      ObjectId source = ObjectId.data(new VdiId(owner), index);
      sheep.objects().createCopy(oid, source, offset(position), block, durability);
    }
    LocalSheepTest.setEntry(sheep, vid, index, vid.value());
  }

  private static VdiName nameOf(String snapshot) {
    return new VdiName(snapshot.substring(0, snapshot.indexOf('@')));
  }

  private static SnapshotSelector tagOf(String snapshot) {
    return SnapshotSelector.tag(snapshot.substring(snapshot.indexOf('@') + 1));
  }

  private static VdiId find(LocalSheep sheep, String snapshot) throws SheepException {
    return sheep.vdis().lookup(nameOf(snapshot), tagOf(snapshot)).vid();
  }
}
