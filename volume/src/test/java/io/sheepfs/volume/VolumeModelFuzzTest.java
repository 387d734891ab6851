package io.sheepfs.volume;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import io.sheepfs.protocol.MemoryCluster;
import io.sheepfs.protocol.MemoryCluster.Fault;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.SnapshotSelector;
import io.sheepfs.protocol.SnapshotTag;
import io.sheepfs.protocol.VdiInfo;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiSpec;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Random requests, crashes and failures against a volume and a byte array. */
final class VolumeModelFuzzTest {

  private static final int OBJECT_BYTES = 1 << 20;
  private static final int MAX_BYTES = 4 * OBJECT_BYTES;
  private static final int STEPS = 120;
  private static final VdiName NAME = new VdiName("disk");

  private interface Request {
    void run() throws IOException;
  }

  static long[] seeds() {
    String replay = System.getProperty("sheepfs.seed");
    return replay != null ? new long[] {Long.parseLong(replay)} : new Random().longs(6).toArray();
  }

  private final MemoryCluster base = new MemoryCluster(20);
  private MemoryCluster session = base.newSession();
  private Random random = new Random();
  private Volume volume;
  private byte[] model = new byte[0];
  private final Map<String, byte[]> snapshots = new TreeMap<>();
  private final StringBuilder history = new StringBuilder();

  VolumeModelFuzzTest() throws SheepException {
    base.vdis().create(NAME, VdiSpec.ofSize(0));
    volume = Volume.open(session, NAME, Access.READ_WRITE);
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void requestsAndCrashes_noFailures_asTheModel(long seed) throws IOException {
    run(seed, 0);
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void requestsAndCrashes_callsFail_oldOrNewAndUsable(long seed) throws IOException {
    run(seed, 0.15);
  }

  private void run(long seed, double failureRate) throws IOException {
    random = new Random(seed);
    try {
      for (int step = 0; step < STEPS; step++) {
        if (random.nextDouble() < failureRate) {
          session.setFault(randomFault(1 + random.nextInt(6)));
        }
        step();
        session.setFault(Fault.none());
        verify();
      }
      verifySnapshots();
      verifyNothingLeaks();
    } catch (IOException | RuntimeException | AssertionError e) {
      throw new AssertionError("replay with -Dsheepfs.seed=" + seed + history, e);
    }
  }

  private Fault randomFault(int nth) {
    long at = session.calls() + nth;
    return switch (random.nextInt(3)) {
      case 0 -> Fault.failing(call -> call.number() >= at, ResultCode.EIO);
      case 1 -> Fault.losingAnswers(call -> call.number() == at);
      default -> Fault.losingRequests(call -> call.number() == at);
    };
  }

  private void step() throws IOException {
    int kind = random.nextInt(100);
    if (kind < 45) {
      write();
    } else if (kind < 58) {
      discard();
    } else if (kind < 62) {
      zero();
    } else if (kind < 74) {
      resize();
    } else if (kind < 80) {
      history.append("\nflush");
      attempt(() -> volume.flush());
    } else if (kind < 85) {
      snapshotHere();
    } else if (kind < 89) {
      snapshotElsewhere();
    } else if (kind < 93) {
      history.append("\nread-only and back");
      boolean done =
          attempt(
              () -> {
                volume.becomeReadOnly();
                volume.becomeWritable();
              });
      if (!done) {
        crash(); // the answer that brought the lock may be lost, and the lock with it
      }
    } else {
      crash();
    }
  }

  private int randomOffset() {
    int offset = random.nextInt(MAX_BYTES);
    return switch (random.nextInt(4)) {
      case 0 -> offset & -OBJECT_BYTES;
      case 1 -> offset & -4096;
      case 2 -> Math.min(offset, model.length);
      default -> offset;
    };
  }

  private int randomLength(int offset) {
    int length =
        switch (random.nextInt(4)) {
          case 0 -> 1 + random.nextInt(100);
          case 1 -> 4096 * (1 + random.nextInt(16));
          case 2 -> OBJECT_BYTES * (1 + random.nextInt(3));
          default -> 1 + random.nextInt(2 * OBJECT_BYTES);
        };
    return Math.min(length, MAX_BYTES - offset);
  }

  private void write() throws IOException {
    int offset = randomOffset();
    int length = randomLength(offset);
    byte[] data = new byte[length];
    random.nextBytes(data);
    byte[] after = Arrays.copyOf(model, Math.max(model.length, offset + length));
    System.arraycopy(data, 0, after, offset, length);
    ByteBuffer src =
        random.nextBoolean()
            ? ByteBuffer.wrap(data)
            : ByteBuffer.allocateDirect(length).put(data).flip();
    change("write " + offset + "+" + length, () -> volume.write(offset, src), after);
  }

  private void discard() throws IOException {
    int offset = randomOffset();
    int length = random.nextInt(10) == 0 ? MAX_BYTES : randomLength(offset);
    byte[] after = model.clone();
    if (offset < after.length) {
      Arrays.fill(after, offset, Math.min(after.length, offset + length), (byte) 0);
    }
    change("discard " + offset + "+" + length, () -> volume.discard(offset, length), after);
  }

  private void zero() throws IOException {
    int offset = randomOffset();
    int length = randomLength(offset);
    byte[] after = Arrays.copyOf(model, Math.max(model.length, offset + length));
    Arrays.fill(after, offset, offset + length, (byte) 0);
    change("zero " + offset + "+" + length, () -> volume.zero(offset, length), after);
  }

  private void resize() throws IOException {
    int size = random.nextInt(8) == 0 ? 0 : randomOffset();
    change("resize " + size, () -> volume.resize(size), Arrays.copyOf(model, size));
  }

  /** Runs a request; if it fails, takes over what it did, which must be old or new bytewise. */
  private void change(String what, Request request, byte[] expected) throws IOException {
    history.append('\n').append(what);
    if (attempt(request)) {
      model = expected;
      return;
    }
    session.setFault(Fault.none());
    if (random.nextBoolean()) {
      volume.flush();
    } else {
      crash();
      long size = volume.sizeBytes();
      assertTrue(
          size == model.length || size == expected.length,
          "size " + size + " is neither " + model.length + " nor " + expected.length);
    }
    byte[] now = content(volume);
    byte[] before = Arrays.copyOf(model, now.length);
    byte[] after = Arrays.copyOf(expected, now.length);
    for (int i = 0; i < now.length; i++) {
      if (now[i] != before[i] && now[i] != after[i]) {
        fail("byte " + i + " is " + now[i] + ", was " + before[i] + ", should be " + after[i]);
      }
    }
    model = now;
    history.append(" (failed; size ").append(now.length).append(')');
  }

  private boolean attempt(Request request) throws IOException {
    try {
      request.run();
      return true;
    } catch (SheepException e) {
      if (session.calls() == 0 || !String.valueOf(rootOf(e).getMessage()).contains("injected")) {
        throw e;
      }
      return false;
    }
  }

  private static Throwable rootOf(Throwable e) {
    Throwable root = e;
    while (root.getCause() instanceof SheepException cause) {
      root = cause;
    }
    return root;
  }

  private void snapshotHere() throws IOException {
    SnapshotTag tag = new SnapshotTag("s" + snapshots.size());
    history.append("\nsnapshot ").append(tag);
    boolean done = attempt(() -> volume.snapshot(tag));
    session.setFault(Fault.none());
    if (done || exists(tag)) {
      snapshots.put(tag.value(), model.clone());
    }
  }

  private boolean exists(SnapshotTag tag) throws SheepException {
    return base.vdis().list().stream().anyMatch(info -> tag.equals(info.tag()));
  }

  private void snapshotElsewhere() throws SheepException {
    SnapshotTag tag = new SnapshotTag("s" + snapshots.size());
    history.append("\nsnapshot elsewhere ").append(tag);
    base.vdis().snapshot(NAME, tag);
    snapshots.put(tag.value(), model.clone());
  }

  private void crash() throws SheepException {
    history.append("\ncrash");
    session.close();
    session = base.newSession();
    volume = Volume.open(session, NAME, Access.READ_WRITE);
  }

  private static byte[] content(Volume volume) throws SheepException {
    ByteBuffer bytes = ByteBuffer.allocate((int) volume.sizeBytes() + 10);
    assertEquals(volume.sizeBytes(), volume.read(0, bytes));
    return Arrays.copyOf(bytes.array(), bytes.position());
  }

  private void verify() throws SheepException {
    assertEquals(model.length, volume.sizeBytes());
    assertArrayEquals(model, content(volume));
    if (model.length > 0) {
      int offset = random.nextInt(model.length);
      ByteBuffer some = ByteBuffer.allocateDirect(1 + random.nextInt(OBJECT_BYTES));
      int count = volume.read(offset, some);
      assertEquals(Math.min(some.capacity(), model.length - offset), count);
      byte[] read = new byte[count];
      some.flip().get(read);
      assertArrayEquals(Arrays.copyOfRange(model, offset, offset + count), read);
      long hole = volume.nextHole(offset);
      long data = volume.nextData(offset);
      assertTrue(hole == offset || data == offset);
      for (long i = offset; i < (data < 0 ? model.length : data); i++) {
        assertEquals(0, model[(int) i]);
      }
    }
  }

  private void verifySnapshots() throws SheepException {
    for (Map.Entry<String, byte[]> each : snapshots.entrySet()) {
      VdiInfo info = base.vdis().lookup(NAME, SnapshotSelector.tag(each.getKey()));
      try (Volume snapshot = Volume.open(base, info)) {
        assertArrayEquals(each.getValue(), content(snapshot), each.getKey());
      }
    }
  }

  /** Every object that an index within the size names is there; after a growth nothing else is. */
  private void verifyNothingLeaks() throws IOException {
    volume.resize(0);
    volume.resize(MAX_BYTES);
    assertEquals(0, volume.allocatedBytes());
    volume.close();
    session.vdis().delete(NAME);
    for (String tag : snapshots.keySet()) {
      session.vdis().delete(NAME, SnapshotSelector.tag(tag));
    }
    Set<ObjectId> left = new HashSet<>(base.dataObjects());
    left.removeIf(oid -> history.indexOf("failed") >= 0);
    assertEquals(Set.of(), left);
  }
}
