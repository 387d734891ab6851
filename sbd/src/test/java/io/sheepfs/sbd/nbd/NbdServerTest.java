package io.sheepfs.sbd.nbd;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.channel.Channel;
import io.sheepfs.protocol.MemoryCluster;
import io.sheepfs.protocol.MemoryCluster.Fault;
import io.sheepfs.protocol.MemoryCluster.Operation;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.SnapshotTag;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiSpec;
import io.sheepfs.sbd.nbd.NbdClient.Answer;
import io.sheepfs.sbd.nbd.NbdClient.Reply;
import io.sheepfs.volume.Access;
import io.sheepfs.volume.Volume;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The server over real sockets, on a cluster in memory. */
class NbdServerTest {

  private static final int MEBIBYTE = 1 << 20;
  private static final VdiName DISK = new VdiName("disk");
  private static final long DISK_BYTES = 40L * MEBIBYTE;

  private static final byte[] NOTHING = new byte[0];

  private final MemoryCluster cluster = new MemoryCluster();

  @SuppressWarnings("NullAway.Init")
  private NbdServer server;

  @BeforeEach
  void start() throws IOException {
    cluster.vdis().create(DISK, VdiSpec.ofSize(DISK_BYTES));
    server = start(NbdServerOptions.DEFAULTS);
  }

  @AfterEach
  void stop() throws IOException {
    cluster.setFault(Fault.none());
    server.close();
  }

  private NbdServer start(NbdServerOptions options) throws IOException {
    return NbdServer.start(
        cluster, new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), options);
  }

  private NbdClient use(String export) throws IOException {
    return NbdClient.using(server.port(), export);
  }

  private static byte[] randomBytes(int size, long seed) {
    byte[] bytes = new byte[size];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }

  private static int typeOf(List<Reply> replies) {
    return NbdClient.last(replies).type();
  }

  @Test
  void list_namesVdisAndSnapshots() throws IOException {
    cluster.vdis().snapshot(DISK, new SnapshotTag("monday"));
    cluster.vdis().create(new VdiName("other"), VdiSpec.ofSize(0));
    try (NbdClient client = NbdClient.greeted(server.port())) {
      List<String> names = new ArrayList<>();
      for (Reply reply : client.option(Option.LIST, new byte[0])) {
        if (reply.type() == Wire.REPLY_SERVER) {
          names.add(reply.text().substring(Integer.BYTES));
        }
      }
      assertEquals(List.of("disk", "disk@monday", "other"), names);
      assertEquals(Wire.ERROR_INVALID, typeOf(client.option(Option.LIST, new byte[1])));
    }
  }

  @Test
  void options_unknownOrMalformedOrOutOfOrder_getErrorsAndTheNextIsAnswered() throws IOException {
    try (NbdClient client = NbdClient.greeted(server.port())) {
      client.sendOption(99, new byte[7]);
      assertEquals(Wire.ERROR_UNSUPPORTED, typeOf(client.replies(99)));
      assertEquals(Wire.ERROR_INVALID, typeOf(client.context("disk")));
      assertEquals(Wire.ERROR_INVALID, typeOf(client.option(Option.GO, new byte[3])));
      byte[] lying = NbdClient.useData("disk");
      lying[3] = 100;
      assertEquals(Wire.ERROR_INVALID, typeOf(client.option(Option.INFO, lying)));
      assertEquals(Wire.ERROR_POLICY, typeOf(client.option(Option.STARTTLS, new byte[0])));
      assertEquals(Wire.ERROR_UNKNOWN, typeOf(client.go("nothing")));
      assertEquals(Wire.ERROR_UNKNOWN, typeOf(client.go("disk@nothing")));
      assertEquals(Wire.ERROR_UNKNOWN, typeOf(client.go("")));
      assertEquals(Wire.ERROR_UNKNOWN, typeOf(client.go("a/b")));
      client.structure();
      List<Reply> none =
          client.option(Option.SET_META_CONTEXT, NbdClient.contextData("disk", "qemu:dirty"));
      assertEquals(1, none.size());
      List<Reply> listed =
          client.option(Option.LIST_META_CONTEXT, NbdClient.contextData("disk", "base:"));
      assertEquals("base:allocation", listed.get(0).text().substring(Integer.BYTES));
      assertEquals(Wire.REPLY_ACK, typeOf(client.option(Option.ABORT, new byte[0])));
      assertTrue(client.isCutOff());
    }
  }

  @Test
  void negotiation_withWhatIsNone_isCutOff() throws IOException {
    try (NbdClient flags = new NbdClient(server.port())) {
      flags.out.writeInt(0x80);
      assertTrue(flags.isCutOff());
    }
    try (NbdClient magic = NbdClient.greeted(server.port())) {
      magic.out.write(new byte[16]);
      assertTrue(magic.isCutOff());
    }
    try (NbdClient tooLong = NbdClient.greeted(server.port())) {
      tooLong.out.writeLong(Wire.OPTION_MAGIC);
      tooLong.out.writeInt(Option.GO.code());
      tooLong.out.writeInt(0x7FFF_FFFF);
      assertTrue(tooLong.isCutOff());
    }
  }

  @Test
  void exportName_answersOrCutsOff() throws IOException {
    try (NbdClient client = new NbdClient(server.port())) {
      client.out.writeInt(Wire.FIXED_NEWSTYLE);
      client.sendOption(Option.EXPORT_NAME.code(), "disk".getBytes(UTF_8));
      assertEquals(DISK_BYTES, client.in.readLong());
      assertTrue((client.in.readUnsignedShort() & Wire.HAS_FLAGS) != 0);
      assertArrayEquals(new byte[124], client.in.readNBytes(124));
      byte[] data = randomBytes(5000, 1);
      assertEquals(0, client.write(7, data, 0));
      assertArrayEquals(data, client.read(7, data.length));
      client.disconnect();
      assertTrue(client.isCutOff());
    }
    try (NbdClient client = NbdClient.greeted(server.port())) {
      client.sendOption(Option.EXPORT_NAME.code(), "nothing".getBytes(UTF_8));
      assertTrue(client.isCutOff());
    }
  }

  @Test
  void write_large_isReadFromTheSocketToWhereItBelongs() throws Exception {
    byte[] data = randomBytes(4 * MEBIBYTE, 20261122);
    try (NbdClient client = use("disk")) {
      assertEquals(0, client.write(MEBIBYTE, data, 0));
      assertArrayEquals(data, client.read(MEBIBYTE, data.length));
      Channel channel = server.clients().iterator().next();
      Transmission connection = channel.pipeline().get(Transmission.class);
      assertTrue(channel.eventLoop().submit(connection::readsInPlace).get() > 0);
    }
  }

  @Test
  void writes_ofManySizes_readTheSame_hereAndInTheCluster() throws Exception {
    byte[] disk = new byte[(int) DISK_BYTES];
    Random random = new Random(2);
    try (NbdClient client = use("disk");
        NbdClient other = use("disk")) {
      for (int i = 0; i < 60; i++) {
        int length = 1 + random.nextInt(i % 4 == 0 ? 6 * MEBIBYTE : 70_000);
        int offset = random.nextInt(disk.length - length);
        byte[] data = randomBytes(length, i);
        assertEquals(0, client.write(offset, data, 0));
        System.arraycopy(data, 0, disk, offset, length);
        assertArrayEquals(data, other.read(offset, length));
      }
      for (int at = 0; at < disk.length; at += 8 * MEBIBYTE) {
        byte[] there = client.read(at, 8 * MEBIBYTE);
        assertArrayEquals(Arrays.copyOfRange(disk, at, at + there.length), there);
      }
      assertEquals(0, client.call(Command.FLUSH, 0, 0, 0).error());
      client.disconnect();
      other.disconnect();
      assertTrue(client.isCutOff() && other.isCutOff());
    }
    Eventually.is("everything is given back", () -> server.takenBytes() == 0);
    try (Volume volume = Volume.open(cluster, DISK, Access.READ_ONLY)) {
      ByteBuffer content = ByteBuffer.allocate(disk.length);
      assertEquals(disk.length, volume.read(0, content));
      assertArrayEquals(disk, content.array());
    }
  }

  @Test
  void requests_manyUnderWay_areAllAnswered() throws IOException {
    int count = 2000;
    try (NbdClient client = use("disk")) {
      Thread sender =
          new Thread(
              () -> {
                try {
                  for (int i = 0; i < count; i++) {
                    byte[] data = new byte[4096];
                    Arrays.fill(data, (byte) i);
                    client.send(Command.WRITE.code(), 0, i * 4096L, 4096, data);
                  }
                } catch (IOException e) {
                  throw new AssertionError(e);
                }
              });
      sender.start();
      boolean[] answered = new boolean[count + 1];
      for (int i = 0; i < count; i++) {
        assertEquals(Wire.SIMPLE_REPLY_MAGIC, client.in.readInt());
        assertEquals(0, client.in.readInt());
        int cookie = (int) client.in.readLong();
        assertTrue(!answered[cookie]);
        answered[cookie] = true;
      }
      for (int i = 0; i < count; i += 97) {
        assertEquals((byte) i, client.read(i * 4096L, 1)[0]);
      }
    }
  }

  @Test
  void reads_withoutAWorker_answerAndFailLikeOthers() throws IOException {
    server.close();
    server = start(NbdServerOptions.DEFAULTS.withQuickObjects());
    byte[] data = randomBytes(MEBIBYTE, 6);
    try (NbdClient client = use("disk")) {
      assertEquals(0, client.write(0, data, 0));
      for (int round = 0; round < 20; round++) {
        List<Long> sent = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
          sent.add(client.send(Command.READ.code(), Wire.DONT_FRAGMENT, i * 4096L, 4096, NOTHING));
        }
        Map<Long, byte[]> answers = client.reads(50, 4096);
        for (int i = 0; i < 50; i++) {
          byte[] expected = Arrays.copyOfRange(data, i * 4096, (i + 1) * 4096);
          assertArrayEquals(expected, answers.get(sent.get(i)));
        }
      }
      cluster.setFault(Fault.failing(call -> true, ResultCode.EIO));
      assertEquals(NbdError.IO.code(), client.call(Command.READ, 0, 0, 1).error());
      cluster.setFault(
          call -> {
            throw new IllegalStateException("a defect");
          });
      for (int i = 0; i < 100; i++) {
        assertEquals(NbdError.IO.code(), client.call(Command.READ, 0, 0, 1).error());
      }
      cluster.setFault(Fault.none());
      assertArrayEquals(data, client.read(0, data.length));
    }
  }

  @Test
  void blockStatus_isTheAllocation_withoutAnyInput() throws IOException {
    try (NbdClient client = use("disk")) {
      assertEquals(0, client.write(8L * MEBIBYTE + 5, new byte[10], 0));
      cluster.resetCalls();
      Answer answer = client.call(Command.BLOCK_STATUS, 0, MEBIBYTE, DISK_BYTES - MEBIBYTE);
      assertEquals(0, answer.error());
      int hole = Wire.STATE_HOLE | Wire.STATE_ZERO;
      assertEquals(3, answer.extents().size());
      assertArrayEquals(new int[] {7 * MEBIBYTE, hole}, answer.extents().get(0));
      assertArrayEquals(new int[] {4 * MEBIBYTE, 0}, answer.extents().get(1));
      assertArrayEquals(new int[] {28 * MEBIBYTE, hole}, answer.extents().get(2));
      Answer one = client.call(Command.BLOCK_STATUS, Wire.REQ_ONE, 0, 12L * MEBIBYTE);
      assertEquals(1, one.extents().size());
      assertEquals(0, cluster.calls());
      Answer read = client.call(Command.READ, 0, 0, 16 * MEBIBYTE);
      assertEquals(2, read.holes());
      assertEquals(1, cluster.calls());
      Answer whole = client.call(Command.READ, Wire.DONT_FRAGMENT, 0, 16 * MEBIBYTE);
      assertEquals(0, whole.holes());
      assertArrayEquals(read.data(), whole.data());
    }
  }

  @Test
  void zeroesAndTrim_freeObjectsOrKeepThem() throws IOException {
    int object = 4 * MEBIBYTE;
    byte[] data = randomBytes(2 * object, 3);
    try (NbdClient client = use("disk")) {
      assertEquals(0, client.write(0, data, 0));
      assertEquals(2, cluster.dataObjects().size());
      assertEquals(0, client.call(Command.TRIM, 0, 0, object).error());
      assertEquals(1, cluster.dataObjects().size());
      assertArrayEquals(new byte[object], client.read(0, object));
      assertEquals(0, client.call(Command.WRITE_ZEROES, 0, object, 4096).error());
      assertArrayEquals(new byte[4096], client.read(object, 4096));
      assertEquals(data[object + 4096], client.read(object + 4096, 1)[0]);
      int noHole = Wire.NO_HOLE;
      assertEquals(0, client.call(Command.WRITE_ZEROES, noHole, 0, 3L * object).error());
      assertEquals(3, cluster.dataObjects().size());
      assertArrayEquals(new byte[object], client.read(2L * object, object));
      int error = NbdError.NOT_SUPPORTED.code();
      int flags = noHole | Wire.FAST_ZERO;
      assertEquals(error, client.call(Command.WRITE_ZEROES, flags, 0, 4096).error());
      flags = Wire.FAST_ZERO | Wire.FUA;
      assertEquals(0, client.call(Command.WRITE_ZEROES, flags, 0, 3L * object).error());
      assertEquals(0, cluster.dataObjects().size());
    }
  }

  @Test
  void flushAndFua_reachTheClusterOnceThereIsSomething() throws IOException {
    try (NbdClient client = use("disk");
        NbdClient other = use("disk")) {
      cluster.resetCalls();
      assertEquals(0, client.call(Command.FLUSH, 0, 0, 0).error());
      assertEquals(0, cluster.calls(Operation.FLUSH));
      assertEquals(0, client.write(0, new byte[1], 0));
      assertEquals(0, other.call(Command.FLUSH, 0, 0, 0).error());
      assertEquals(1, cluster.calls(Operation.FLUSH));
      assertEquals(0, client.write(0, new byte[1], Wire.FUA));
      assertEquals(2, cluster.calls(Operation.FLUSH));
      assertEquals(0, client.call(Command.TRIM, Wire.FUA, 0, 1).error());
      assertEquals(3, cluster.calls(Operation.FLUSH));
    }
  }

  @Test
  void requests_wrong_getTheirErrors_andTheNextIsAnswered() throws IOException {
    int invalid = NbdError.INVALID.code();
    int noSpace = NbdError.NO_SPACE.code();
    try (NbdClient client = use("disk")) {
      assertEquals(invalid, client.call(Command.READ, 0, DISK_BYTES - 1, 2).error());
      assertEquals(invalid, client.call(Command.READ, 0, -1, 2).error());
      assertEquals(invalid, client.call(Command.READ, 0, 0, 33L * MEBIBYTE).error());
      assertEquals(invalid, client.call(Command.READ, Wire.NO_HOLE, 0, 1).error());
      assertEquals(noSpace, client.write(DISK_BYTES - 1, new byte[2], 0));
      assertEquals(noSpace, client.write(Long.MAX_VALUE, new byte[100_000], 0));
      assertEquals(invalid, client.call(Command.TRIM, 0, DISK_BYTES, 1).error());
      assertEquals(noSpace, client.call(Command.WRITE_ZEROES, 0, DISK_BYTES, 1).error());
      assertEquals(invalid, client.call(Command.BLOCK_STATUS, 0, 0, 0).error());
      assertEquals(invalid, client.answer(client.send(8, 0, 0, 0, new byte[0]), 0, 0).error());
      assertEquals(0, client.call(Command.READ, 0, DISK_BYTES, 0).error());
      assertEquals(0, client.call(Command.CACHE, 0, 0, DISK_BYTES).error());
      assertEquals(0, client.write(DISK_BYTES - 1, new byte[1], 0));
      client.send(Command.WRITE.code(), 0, 0, 33L * MEBIBYTE, new byte[0]);
      assertTrue(client.isCutOff());
    }
    try (NbdClient client = NbdClient.greeted(server.port())) {
      client.go("disk");
      assertEquals(invalid, client.call(Command.BLOCK_STATUS, 0, 0, 1).error());
      assertEquals(invalid, client.call(Command.READ, Wire.DONT_FRAGMENT, 0, 1).error());
      client.out.write(new byte[Wire.REQUEST_BYTES]);
      assertTrue(client.isCutOff());
    }
  }

  @Test
  void failure_inTheCluster_isAnErrorAndNotTheEnd() throws IOException {
    try (NbdClient client = use("disk")) {
      assertEquals(0, client.write(0, new byte[1], 0));
      cluster.setFault(Fault.failing(call -> true, ResultCode.EIO));
      assertEquals(NbdError.IO.code(), client.call(Command.READ, 0, 0, 1).error());
      assertEquals(NbdError.IO.code(), client.call(Command.FLUSH, 0, 0, 0).error());
      cluster.setFault(Fault.failing(call -> true, ResultCode.NO_SPACE));
      assertEquals(NbdError.NO_SPACE.code(), client.write(4 * MEBIBYTE, new byte[1], 0));
      cluster.setFault(
          call -> {
            throw new IllegalStateException("a defect");
          });
      assertEquals(NbdError.IO.code(), client.call(Command.READ, 0, 0, 1).error());
      cluster.setFault(Fault.none());
      assertEquals(0, client.call(Command.READ, 0, 0, 1).error());
      assertEquals(0, client.call(Command.FLUSH, 0, 0, 0).error());
    }
  }

  @Test
  void vdi_isLockedWhileAttached_andFreedByTheLastClient() throws Exception {
    MemoryCluster elsewhere = cluster.newSession();
    NbdClient first = use("disk");
    NbdClient second = use("disk");
    SheepException refused = assertThrows(SheepException.class, () -> elsewhere.vdis().lock(DISK));
    assertEquals(ResultCode.VDI_LOCKED, refused.result());
    assertEquals(0, first.write(0, new byte[1], 0));
    first.close();
    assertEquals(0, second.write(1, new byte[1], 0));
    cluster.resetCalls();
    second.close();
    try (Volume writer =
            Eventually.succeeds(() -> Volume.open(elsewhere, DISK, Access.READ_WRITE));
        NbdClient client = NbdClient.greeted(server.port())) {
      assertEquals(1, cluster.calls(Operation.FLUSH));
      assertEquals(Wire.ERROR_POLICY, typeOf(client.go("disk")));
      client.takeExport(client.option(Option.INFO, NbdClient.useData("disk")));
      assertEquals(writer.sizeBytes(), client.sizeBytes);
    }
  }

  @Test
  void lastClient_whoseFlushFails_leavesTheDataForTheNext() throws Exception {
    NbdClient client = use("disk");
    assertEquals(0, client.write(0, new byte[] {42}, 0));
    cluster.setFault(Fault.failing(call -> call.operation() == Operation.FLUSH, ResultCode.EIO));
    cluster.resetCalls();
    client.close();
    Eventually.is("it tried to flush", () -> cluster.calls(Operation.FLUSH) > 0);
    try (NbdClient next = use("disk")) {
      assertEquals(42, next.read(0, 1)[0]);
      assertEquals(NbdError.IO.code(), next.call(Command.FLUSH, 0, 0, 0).error());
      cluster.setFault(Fault.none());
      assertEquals(0, next.call(Command.FLUSH, 0, 0, 0).error());
    }
  }

  @Test
  void snapshot_takenWhileAttached_isAReadOnlyExport() throws IOException {
    byte[] before = randomBytes(3 * MEBIBYTE, 4);
    byte[] after = randomBytes(3 * MEBIBYTE, 5);
    try (NbdClient client = use("disk")) {
      assertEquals(0, client.write(MEBIBYTE, before, 0));
      cluster.newSession().vdis().snapshot(DISK, new SnapshotTag("live"));
      assertEquals(0, client.write(MEBIBYTE, after, Wire.FUA));
      assertArrayEquals(after, client.read(MEBIBYTE, after.length));
      try (NbdClient snapshot = use("disk@live");
          NbdClient byNumber = use("disk@1")) {
        assertTrue((snapshot.flags & Wire.READ_ONLY) != 0);
        assertArrayEquals(before, snapshot.read(MEBIBYTE, before.length));
        assertArrayEquals(before, byNumber.read(MEBIBYTE, before.length));
        int refused = NbdError.NOT_PERMITTED.code();
        assertEquals(refused, snapshot.write(0, new byte[50_000], 0));
        assertEquals(refused, snapshot.call(Command.TRIM, 0, 0, 1).error());
        assertEquals(refused, snapshot.call(Command.WRITE_ZEROES, 0, 0, 1).error());
        assertEquals(0, snapshot.call(Command.FLUSH, 0, 0, 0).error());
      }
    }
  }

  @Test
  void size_enlargedElsewhere_isSeenByNewClients() throws IOException {
    try (NbdClient before = use("disk")) {
      cluster.newSession().vdis().resize(DISK, DISK_BYTES + MEBIBYTE);
      try (NbdClient after = use("disk")) {
        assertEquals(DISK_BYTES + MEBIBYTE, after.sizeBytes);
        assertEquals(0, after.write(DISK_BYTES, new byte[MEBIBYTE], 0));
        assertEquals(NbdError.NO_SPACE.code(), before.write(DISK_BYTES, new byte[1], 0));
      }
    }
  }

  @Test
  void budget_smallerThanTheRequests_slowsThemDownOnly() throws Exception {
    server.close();
    ServerLimits tight =
        ServerLimits.DEFAULTS.withWorkers(2).withBudgets(MEBIBYTE, MEBIBYTE, MEBIBYTE + 100);
    server = start(NbdServerOptions.DEFAULTS.withLimits(tight));
    List<NbdClient> clients = new ArrayList<>();
    List<Thread> threads = new ArrayList<>();
    List<Throwable> failures = java.util.Collections.synchronizedList(new ArrayList<>());
    for (int i = 0; i < 8; i++) {
      int number = i;
      NbdClient client = use("disk");
      clients.add(client);
      Thread thread =
          new Thread(
              () -> {
                try {
                  for (int round = 0; round < 10; round++) {
                    byte[] data = randomBytes(MEBIBYTE, number * 100 + round);
                    assertEquals(0, client.write((long) number * MEBIBYTE, data, 0));
                    assertArrayEquals(data, client.read((long) number * MEBIBYTE, MEBIBYTE));
                    assertTrue(server.takenBytes() <= 2 * MEBIBYTE);
                  }
                } catch (Throwable e) {
                  failures.add(e);
                }
              });
      thread.start();
      threads.add(thread);
    }
    for (Thread thread : threads) {
      thread.join();
    }
    assertEquals(List.of(), failures);
    for (NbdClient client : clients) {
      client.close();
    }
    Eventually.is("everything is given back", () -> server.takenBytes() == 0);
  }

  @Test
  void client_goneInTheMiddleOfAWrite_leavesNothingBehind() throws Exception {
    for (int i = 0; i < 50; i++) {
      NbdClient client = use("disk");
      client.send(Command.WRITE.code(), 0, 0, 8L * MEBIBYTE, new byte[i * 1000]);
      client.close();
    }
    Eventually.is("everything is given back", () -> server.takenBytes() == 0);
    Eventually.is("nobody is connected", () -> server.connections() == 0);
    Eventually.succeeds(() -> Volume.open(cluster.newSession(), DISK, Access.READ_WRITE)).close();
  }

  @Test
  void close_answersWhatIsUnderWay_andFlushes() throws IOException {
    try (NbdClient client = use("disk")) {
      assertEquals(0, client.write(0, new byte[] {7}, 0));
      cluster.resetCalls();
      server.close();
      assertTrue(client.isCutOff());
      assertEquals(1, cluster.calls(Operation.FLUSH));
    }
  }
}
