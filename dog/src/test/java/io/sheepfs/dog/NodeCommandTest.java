package io.sheepfs.dog;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.sheepfs.protocol.DiskList;
import io.sheepfs.protocol.MemoryCluster;
import io.sheepfs.protocol.NodeStat;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RecoveryProgress;
import io.sheepfs.protocol.RequestFlags;
import io.sheepfs.protocol.RequestHeader;
import io.sheepfs.protocol.ResponseFields;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.VdiAttribute;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Requests to nodes, with the recorded output of the original. */
final class NodeCommandTest {

  private final DogRunner dog = new DogRunner(new MemoryCluster());

  private void answerWith(Opcode opcode, ByteBuffer body) {
    byte[] bytes = new byte[body.remaining()];
    body.duplicate().get(bytes);
    dog.answer(
        (request, in) ->
            request.opcode() == opcode
                ? DogRunner.reply(request, ResultCode.SUCCESS, new ResponseFields.None(), bytes)
                : DogRunner.reply(request, ResultCode.NO_SUPPORT));
  }

  private void answerWith(ResultCode result) {
    dog.answer((request, in) -> DogRunner.reply(request, result));
  }

  @Test
  void mdInfo_disk_likeTheOriginal() {
    answerWith(
        Opcode.MD_INFO,
        new DiskList(List.of(new DiskList.Disk(0, 81_700_000_000L, 46_137_344, "/d/obj")))
            .encode());
    assertEquals(0, dog.run("node", "md", "info"), dog::err);
    assertEquals(
        "Id\tSize\tUsed\tAvail\tUse%\tPath\n 0\t76 GB\t44 MB\t76 GB\t  0%\t/d/obj\n", dog.out());
    assertEquals(0, dog.run("node", "md", "info", "-r"), dog::err);
    assertEquals("127.0.0.1:7000 0 81746137344 46137344 81700000000 0% /d/obj\n", dog.out());
  }

  @Test
  void stat_counters_headingsRightAndRawStable() {
    answerWith(
        Opcode.STAT,
        new NodeStat(0, 0, 134, 40, 1 << 20, 2 << 20, 3, 4, 0, 92, 40, 0, 0, 0, 38).encode());
    assertEquals(0, dog.run("node", "stat"), dog::err);
    assertEquals(
        List.of(
            "Request\tActive\tTotal\tWrite\tRead\tRemove\tFlush\tAll WR\tAll RD",
            "Client\t0\t134\t40\t92\t0\t0\t1.0 MB\t2.0 MB",
            "Peer\t0\t40\t38\t0\t0\t0\t0.0 MB\t0.0 MB"),
        dog.out().lines().toList());
    assertEquals(0, dog.run("node", "stat", "-r"), dog::err);
    assertEquals("0\t134\t92\t40\t0\t0\t1048576\t2097152\n0\t40\t0\t38\t0\t0\t3\t4\n", dog.out());
  }

  @Test
  void recovery_idle_headersOnly() {
    answerWith(Opcode.STAT_RECOVERY, new RecoveryProgress(false, 0, 0, 0).encode());
    assertEquals(0, dog.run("node", "recovery"), dog::err);
    assertEquals(
        "Nodes In Recovery:\n  Id   Host:Port         V-Nodes       Zone       Progress\n",
        dog.out());
  }

  @Test
  void stat_notOffered_saysSo() {
    answerWith(ResultCode.NO_SUPPORT);
    assertEquals(1, dog.run("node", "stat"));
    assertEquals(
        List.of(
            "ask for the counters: Operation is not supported",
            "The sheep at 127.0.0.1:7000 does not offer this."),
        dog.err().lines().toList());
  }

  @Test
  void lockList_none_headerOnly() {
    answerWith(Opcode.GET_VDI_COPIES, ByteBuffer.allocate(0));
    assertEquals(0, dog.run("vdi", "lock", "list"), dog::err);
    assertEquals("  Name         Id  VDI id  Tag            Owner node(s)\n", dog.out());
    assertEquals(1, dog.run("vdi", "lock", "unlock", "nosuch"));
    assertEquals("Failed to find VDI nosuch: No VDI found\n", dog.err());
  }

  @Test
  void attributes_results_exitCodesOfTheOriginal() {
    answerWith(ResultCode.VDI_EXIST);
    assertEquals(3, dog.run("vdi", "setattr", "-x", "test", "key1", "value2"));
    assertEquals("The attribute 'key1' already exists\n", dog.err());
    int flags = RequestFlags.WRITE | RequestFlags.CREATE | RequestFlags.EXCLUSIVE;
    assertEquals(flags, dog.requests().get(0).flags());
    answerWith(ResultCode.NO_OBJ);
    assertEquals(5, dog.run("vdi", "getattr", "test", "key1"));
    assertEquals("Attribute 'key1' not found\n", dog.err());
    answerWith(ResultCode.NO_VDI);
    assertEquals(5, dog.run("vdi", "getattr", "nosuch", "key1"));
    assertEquals("VDI not found\n", dog.err());
    assertEquals(64, dog.run(new byte[65_537], "vdi", "setattr", "test", "key1"));
  }

  @Test
  void getattr_value_asItIs() {
    VdiAttribute stored =
        new VdiAttribute("test", "", 0, 0, "key1", "value1".getBytes(StandardCharsets.UTF_8));
    byte[] body = new byte[VdiAttribute.SIZE_BYTES];
    stored.encode().get(0, body);
    dog.answer(
        (request, in) ->
            request.opcode() == Opcode.READ_OBJ
                ? DogRunner.reply(request, ResultCode.SUCCESS, new ResponseFields.None(), body)
                : DogRunner.reply(
                    request,
                    ResultCode.SUCCESS,
                    new ResponseFields.Vdi(0x7c2b25, 0x2a5a1a97, 1, 22),
                    new byte[0]));
    assertEquals(0, dog.run("vdi", "getattr", "test", "key1"), dog::err);
    assertEquals("value1", dog.out());
    RequestHeader read = dog.requests().get(1);
    assertEquals(0x207c2b252a5a1a97L, read.obj().oid());
  }

  @Test
  void format_notEmpty_asksFirst() {
    byte[] bitmap = new byte[1 << 21];
    bitmap[77] = 1;
    answerWith(Opcode.READ_VDIS, ByteBuffer.wrap(bitmap));
    assertEquals(1, dog.run("no\n".getBytes(StandardCharsets.US_ASCII), "cluster", "format"));
    assertEquals("Nothing was changed.\n", dog.err());
    assertEquals(1, dog.requests().size());
    answerWith(ResultCode.SUCCESS);
    assertEquals(0, dog.run("cluster", "format", "-f", "-c", "2", "-l"), dog::err);
    assertEquals("using backend plain store\n", dog.out());
    assertEquals(Opcode.MAKE_FS, dog.requests().get(0).opcode());
    assertEquals(2, dog.requests().get(0).cluster().copies());
    assertEquals(0x000C, dog.requests().get(0).cluster().flags());
  }
}
