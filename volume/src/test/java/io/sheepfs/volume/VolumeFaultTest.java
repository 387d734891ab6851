package io.sheepfs.volume;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import io.sheepfs.protocol.MemoryCluster;
import io.sheepfs.protocol.MemoryCluster.Call;
import io.sheepfs.protocol.MemoryCluster.Fault;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.SnapshotSelector;
import io.sheepfs.protocol.SnapshotTag;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiSpec;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every request with its first, second, third... call to the cluster failing, in every way a call
 * can fail: the content is then the old or the new bytewise, a snapshot is as it was, and the
 * request succeeds when it is made again.
 */
final class VolumeFaultTest {

  private static final int OBJECT_BYTES = 1 << 20;
  private static final int SIZE = 3 * OBJECT_BYTES + 1000;
  private static final VdiName NAME = new VdiName("disk");

  /** A request to test. */
  private interface Request {
    void run(Volume volume) throws IOException;
  }

  /** What a request makes of the content. */
  private interface Effect {
    byte[] on(byte[] content);
  }

  static Stream<Arguments> cases() {
    return Stream.of(
            request(
                "write own and shared",
                v -> v.write(10, filled(OBJECT_BYTES, 9)),
                set(10, OBJECT_BYTES, 9)),
            request(
                "write shared and hole",
                v -> v.write(2 * OBJECT_BYTES - 10, filled(20, 9)),
                set(2 * OBJECT_BYTES - 10, 20, 9)),
            request(
                "grow by write", v -> v.write(SIZE + 5000, filled(9, 9)), set(SIZE + 5000, 9, 9)),
            request(
                "grow", v -> v.resize(6 * OBJECT_BYTES), c -> Arrays.copyOf(c, 6 * OBJECT_BYTES)),
            request("shrink", v -> v.resize(1234567), c -> Arrays.copyOf(c, 1234567)),
            request("shrink to nothing", v -> v.resize(0), c -> new byte[0]),
            request(
                "discard part",
                v -> v.discard(OBJECT_BYTES + 5, 100),
                set(OBJECT_BYTES + 5, 100, 0)),
            request("discard all", v -> v.discard(0, SIZE), c -> new byte[SIZE]),
            request("zero", v -> v.zero(5, SIZE), c -> set(5, SIZE, 0).on(c)),
            request("flush", Volume::flush, c -> c))
        .flatMap(
            each ->
                Stream.of("fails", "answer lost", "request lost", "cluster away")
                    .map(how -> Arguments.of(each.get()[0], how, each.get()[1], each.get()[2])));
  }

  private static Arguments request(String name, Request request, Effect effect) {
    return Arguments.of(name, request, effect);
  }

  private static Effect set(int offset, int length, int fill) {
    return content -> {
      byte[] after = Arrays.copyOf(content, Math.max(content.length, offset + length));
      Arrays.fill(after, offset, offset + length, (byte) fill);
      return after;
    };
  }

  private static ByteBuffer filled(int length, int fill) {
    byte[] bytes = new byte[length];
    Arrays.fill(bytes, (byte) fill);
    return ByteBuffer.wrap(bytes);
  }

  private static Fault fault(String how, long nth) {
    Predicate<Call> at = call -> call.number() == nth;
    return switch (how) {
      case "fails" -> Fault.failing(at, ResultCode.NO_SPACE);
      case "answer lost" -> Fault.losingAnswers(at);
      case "request lost" -> Fault.losingRequests(at);
      default -> Fault.failing(call -> call.number() >= nth, ResultCode.NETWORK_ERROR);
    };
  }

  @ParameterizedTest(name = "{0}, {1}")
  @MethodSource("cases")
  void request_nthCallFails_oldOrNewAndRepeatable(
      String name, String how, Request request, Effect effect) throws IOException {
    int nth = 1;
    while (!succeedsWithFault(request, effect, how, nth, false)) {
      succeedsWithFault(request, effect, how, nth, true);
      nth++;
    }
    assertTrue(nth > 1, "no call was made to fail");
  }

  private static boolean succeedsWithFault(
      Request request, Effect effect, String how, int nth, boolean crash) throws IOException {
    MemoryCluster base = new MemoryCluster(20);
    MemoryCluster session = base.newSession();
    Volume volume = prepared(base, session);
    byte[] before = content(volume);
    byte[] after = effect.on(before);
    session.resetCalls();
    session.setFault(fault(how, nth));
    boolean done = false;
    try {
      request.run(volume);
      done = true;
    } catch (SheepException e) {
      session.setFault(Fault.none());
    }
    session.setFault(Fault.none());
    if (crash) {
      session.close();
      session = base.newSession();
      volume = Volume.open(session, NAME, Access.READ_WRITE);
    }
    checkOldOrNew(content(volume), before, after, done);
    request.run(volume);
    assertArrayEquals(after, content(volume));
    volume.close();
    try (Volume again = Volume.open(base, NAME, Access.READ_ONLY)) {
      assertArrayEquals(after, content(again));
    }
    try (Volume snapshot = Volume.open(base, base.vdis().lookup(NAME, SnapshotSelector.tag("s")))) {
      assertArrayEquals(Arrays.copyOf(before, SIZE), withOwnObjectAsBefore(content(snapshot)));
    }
    return done && nth > session.calls();
  }

  /** Object 0 is our own, object 1 shared, object 2 a hole, the last shared in part. */
  private static Volume prepared(MemoryCluster base, MemoryCluster session) throws IOException {
    base.vdis().create(NAME, VdiSpec.ofSize(SIZE));
    Volume volume = Volume.open(session, NAME, Access.READ_WRITE);
    volume.write(OBJECT_BYTES, filled(OBJECT_BYTES, 2));
    volume.write(3 * OBJECT_BYTES, filled(1000, 3));
    volume.snapshot(new SnapshotTag("s"));
    volume.write(0, filled(OBJECT_BYTES, 1));
    return volume;
  }

  private static byte[] withOwnObjectAsBefore(byte[] snapshot) {
    assertArrayEquals(new byte[OBJECT_BYTES], Arrays.copyOf(snapshot, OBJECT_BYTES));
    Arrays.fill(snapshot, 0, OBJECT_BYTES, (byte) 1);
    return snapshot;
  }

  private static void checkOldOrNew(byte[] now, byte[] before, byte[] after, boolean done) {
    if (done) {
      assertArrayEquals(after, now);
    }
    assertTrue(now.length == before.length || now.length == after.length);
    byte[] old = Arrays.copyOf(before, now.length);
    byte[] wanted = Arrays.copyOf(after, now.length);
    for (int i = 0; i < now.length; i++) {
      if (now[i] != old[i] && now[i] != wanted[i]) {
        fail("byte " + i + " is " + now[i]);
      }
    }
  }

  private static byte[] content(Volume volume) throws SheepException {
    ByteBuffer bytes = ByteBuffer.allocate((int) volume.sizeBytes());
    assertEquals(bytes.capacity(), volume.read(0, bytes));
    return bytes.array();
  }
}
