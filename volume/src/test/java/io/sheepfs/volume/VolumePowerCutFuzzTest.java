package io.sheepfs.volume;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import io.sheepfs.protocol.MemoryCluster;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.SnapshotTag;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiSpec;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Power cuts that keep a random part of what was not flushed, page by page and in any order. What
 * was flushed must be there, or something newer; never anything older, and no zeros that nobody
 * wrote.
 */
final class VolumePowerCutFuzzTest {

  private static final int BLOCK = 4096;
  private static final int OBJECT_BYTES = 1 << 20;
  private static final int MAX_BYTES = 4 * OBJECT_BYTES;
  private static final VdiName NAME = new VdiName("disk");

  static long[] seeds() {
    String replay = System.getProperty("sheepfs.seed");
    return replay != null ? new long[] {Long.parseLong(replay)} : new Random().longs(5).toArray();
  }

  private final MemoryCluster base = new MemoryCluster(20).rememberForPowerCut();
  private MemoryCluster session = base.newSession();
  private Volume volume;

  /** What each block, and the size, was at the last flush and ever since. */
  private final List<List<byte[]>> versions = new ArrayList<>();

  private final List<Long> sizes = new ArrayList<>();
  private final StringBuilder history = new StringBuilder();

  VolumePowerCutFuzzTest() throws SheepException {
    base.vdis().create(NAME, VdiSpec.ofSize(0));
    volume = Volume.open(session, NAME, Access.READ_WRITE);
    for (int block = 0; block < MAX_BYTES / BLOCK; block++) {
      versions.add(new ArrayList<>(List.of(new byte[BLOCK])));
    }
    sizes.add(0L);
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void powerCut_atAnyTime_flushedDataStays(long seed) throws IOException {
    Random random = new Random(seed);
    try {
      for (int step = 0; step < 200; step++) {
        step(random, step);
      }
    } catch (IOException | RuntimeException | AssertionError e) {
      throw new AssertionError("replay with -Dsheepfs.seed=" + seed + history, e);
    }
  }

  private void step(Random random, int step) throws IOException {
    int kind = random.nextInt(20);
    int offset = random.nextInt(MAX_BYTES / BLOCK) * BLOCK;
    int length = Math.min(MAX_BYTES - offset, BLOCK * (1 + random.nextInt(400)));
    if (kind < 8) {
      history.append("\nwrite ").append(offset).append('+').append(length);
      byte[] data = new byte[length];
      random.nextBytes(data);
      volume.write(offset, ByteBuffer.wrap(data));
      remember();
    } else if (kind < 11) {
      history.append("\ndiscard ").append(offset).append('+').append(length);
      volume.discard(offset, length);
      remember();
    } else if (kind < 14) {
      int size = offset + random.nextInt(BLOCK);
      history.append("\nresize ").append(size);
      volume.resize(size);
      remember();
    } else if (kind < 16) {
      history.append("\nflush");
      volume.flush();
      forget();
    } else if (kind < 17) {
      history.append("\nsnapshot");
      volume.snapshot(new SnapshotTag("s" + step));
      forget();
    } else {
      history.append("\npower cut");
      session.powerCut(random);
      session = base.newSession();
      volume = Volume.open(session, NAME, Access.READ_WRITE);
      verify();
      forget();
    }
  }

  private void remember() throws SheepException {
    byte[] now = content();
    for (int block = 0; block < versions.size(); block++) {
      byte[] version = Arrays.copyOfRange(now, block * BLOCK, (block + 1) * BLOCK);
      List<byte[]> known = versions.get(block);
      if (!Arrays.equals(version, known.get(known.size() - 1))) {
        known.add(version);
      }
    }
    sizes.add(volume.sizeBytes());
  }

  private void forget() throws SheepException {
    remember();
    versions.forEach(known -> known.subList(0, known.size() - 1).clear());
    sizes.subList(0, sizes.size() - 1).clear();
  }

  /** The content, with zeros behind the end. */
  private byte[] content() throws SheepException {
    ByteBuffer bytes = ByteBuffer.allocate(MAX_BYTES);
    volume.read(0, bytes);
    return bytes.array();
  }

  private void verify() throws SheepException {
    long size = volume.sizeBytes();
    assertTrue(sizes.contains(size), "size " + size + " was never one of " + sizes);
    byte[] now = content();
    for (int block = 0; block < versions.size(); block++) {
      int start = block * BLOCK;
      int end = start + (int) Math.max(0, Math.min(BLOCK, size - start));
      boolean known = false;
      for (byte[] version : versions.get(block)) {
        known |= Arrays.equals(now, start, end, version, 0, end - start);
      }
      if (!known) {
        fail("block " + block + " is none of its " + versions.get(block).size() + " versions");
      }
    }
  }
}
