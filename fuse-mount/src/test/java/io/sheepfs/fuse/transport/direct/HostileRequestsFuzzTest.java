package io.sheepfs.fuse.transport.direct;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.fuse.transport.Errno;
import io.sheepfs.fuse.transport.MountRequest.PageCache;
import io.sheepfs.fuse.transport.direct.FuseAbi.AttributeBit;
import io.sheepfs.fuse.transport.direct.FuseAbi.EntryOut;
import io.sheepfs.fuse.transport.direct.FuseAbi.InHeader;
import io.sheepfs.fuse.transport.direct.FuseAbi.NameIn;
import io.sheepfs.fuse.transport.direct.FuseAbi.Opcode;
import io.sheepfs.fuse.transport.direct.FuseAbi.OpenIn;
import io.sheepfs.fuse.transport.direct.FuseAbi.OpenOut;
import io.sheepfs.fuse.transport.direct.FuseAbi.ReadIn;
import io.sheepfs.fuse.transport.direct.FuseAbi.SetattrIn;
import io.sheepfs.fuse.transport.direct.FuseAbi.WriteIn;
import io.sheepfs.fuse.tree.ClusterTree;
import io.sheepfs.fuse.tree.MountSettings;
import io.sheepfs.fuse.tree.Ownership;
import io.sheepfs.protocol.MemoryCluster;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Requests of a kernel that says anything: right numbers and wrong ones, arguments out of all
 * ranges, names of any bytes or without an end, payloads of another length than is said. Each is
 * answered once, in the bounds of the reply, and never by the failure that nobody expected; the
 * mount works afterwards.
 */
@Timeout(300)
final class HostileRequestsFuzzTest {

  private static final int TAIL_BYTES = 1 << 16;
  private static final int ARGUMENTS = InHeader.SIZE;
  private static final int LARGEST_ERRNO = 4095;
  private static final int MOST_KEPT = 40;
  private static final int MOUNT_REQUESTS = 20_000;

  private static final int[] OPCODES = {
    Opcode.LOOKUP,
    Opcode.GETATTR,
    Opcode.SETATTR,
    Opcode.READLINK,
    Opcode.SYMLINK,
    Opcode.MKNOD,
    Opcode.MKDIR,
    Opcode.UNLINK,
    Opcode.RMDIR,
    Opcode.RENAME,
    Opcode.LINK,
    Opcode.OPEN,
    Opcode.READ,
    Opcode.WRITE,
    Opcode.STATFS,
    Opcode.RELEASE,
    Opcode.FSYNC,
    Opcode.SETXATTR,
    Opcode.GETXATTR,
    Opcode.LISTXATTR,
    Opcode.REMOVEXATTR,
    Opcode.FLUSH,
    Opcode.OPENDIR,
    Opcode.READDIR,
    Opcode.RELEASEDIR,
    Opcode.FSYNCDIR,
    Opcode.ACCESS,
    Opcode.CREATE,
    Opcode.FALLOCATE,
    Opcode.READDIRPLUS,
    Opcode.RENAME2,
    Opcode.LSEEK,
    Opcode.COPY_FILE_RANGE,
    Opcode.SYNCFS,
    Opcode.STATX,
    Opcode.CREATE,
    Opcode.OPEN,
    Opcode.LOOKUP,
    Opcode.LOOKUP,
    Opcode.READ,
    Opcode.WRITE,
    Opcode.OPENDIR
  };

  private static final List<String> NAMES =
      List.of(
          "volume",
          "snapshot",
          "vdi",
          "cluster",
          "node",
          "config",
          ".stats",
          "list",
          "cache",
          "info",
          "a",
          "b",
          "c",
          "d",
          "",
          ".",
          "..",
          "a/b",
          "a@b",
          "x".repeat(255),
          "y".repeat(256),
          "\u00e4\u20ac");

  /** A request in memory, and what was answered. */
  private static final class MemoryMessage extends Message {
    private final ByteBuffer request;
    private final ByteBuffer reply;
    private int length;
    private int replies;
    private int errno;
    private int size;

    MemoryMessage() {
      this(
          ByteBuffer.allocate(ARGUMENTS + WriteIn.SIZE + TAIL_BYTES).order(ByteOrder.nativeOrder()),
          ByteBuffer.allocate(Handshake.MAX_REQUEST_BYTES + PAGE).order(ByteOrder.nativeOrder()));
    }

    private MemoryMessage(ByteBuffer request, ByteBuffer reply) {
      super(request, 0, ARGUMENTS, request.slice(ARGUMENTS + WriteIn.SIZE, TAIL_BYTES), reply);
      this.request = request;
      this.reply = reply;
    }

    @Override
    int receive() {
      return length;
    }

    @Override
    void free() {}

    @Override
    void reply(int error, int bytes) {
      replies++;
      errno = error;
      size = bytes;
    }

    @Override
    ByteBuffer tail() {
      return request;
    }

    @Override
    int follows(int argumentBytes) {
      return ARGUMENTS + argumentBytes;
    }

    @Override
    int tailEnd() {
      return length;
    }
  }

  private final Random random;
  private final MemoryMessage message = new MemoryMessage();
  private Dispatcher dispatcher = mount();
  private final List<Long> nodes = new ArrayList<>(List.of(FuseAbi.ROOT_ID));
  private final List<Long> handles = new ArrayList<>();
  private final int[] answers = new int[LARGEST_ERRNO + 1];

  private static Dispatcher mount() {
    return new Dispatcher(
        new ClusterTree(
            new MemoryCluster(),
            false,
            new Ownership(10, 20, 077),
            false,
            InstantSource.system(),
            new MountSettings("on", "off", "somewhere:7000")),
        PageCache.ON);
  }

  HostileRequestsFuzzTest() {
    long seed = Long.getLong("fuzz.seed", System.nanoTime());
    System.out.println("requests of the kernel: -Dfuzz.seed=" + seed);
    random = new Random(seed);
  }

  @Test
  void requests_ofAnyKind_areAnsweredOnce_andTheMountWorksAfterwards() throws IOException {
    int count = Integer.getInteger("fuzz.frames", 100_000);
    for (int i = 1; i <= count; i++) {
      fill();
      carryOut();
      learn();
      if (i % MOUNT_REQUESTS == 0) {
        checkThatAllWorks();
        dispatcher = mount(); // what is deleted stays in the memory of the other
        nodes.subList(1, nodes.size()).clear();
        handles.clear();
      }
    }
    assertTrue(answers[0] > count / 10, "only " + answers[0] + " succeeded");
    assertTrue(answers[Errno.EINVAL] > 0 && answers[Errno.ENOENT] > 0, Arrays.toString(answers));
    System.out.println(count + " requests, of which " + answers[0] + " succeeded");
  }

  private <T> T one(List<T> of) {
    return of.get(random.nextInt(of.size()));
  }

  private void fill() {
    byte[] noise = new byte[ARGUMENTS + SetattrIn.SIZE];
    random.nextBytes(noise);
    message.request.put(0, noise);
    int opcode =
        random.nextInt(200) == 0 ? random.nextInt() : OPCODES[random.nextInt(OPCODES.length)];
    begin(opcode, random.nextInt(20) == 0 ? random.nextLong() : one(nodes));
    for (int at = 0; at < SetattrIn.SIZE; at += Long.BYTES) {
      message.request.putLong(ARGUMENTS + at, number());
    }
    switch (opcode) {
      case Opcode.LOOKUP, Opcode.UNLINK, Opcode.RMDIR -> names(0, 1);
      case Opcode.CREATE -> {
        message.request.putInt(ARGUMENTS + OpenIn.FLAGS, random.nextInt(4));
        names(OpenIn.CREATE_SIZE, 1);
      }
      case Opcode.MKNOD -> {
        message.request.putInt(ARGUMENTS + NameIn.MKNOD_MODE, random.nextInt(20) << 12);
        names(NameIn.MKNOD_SIZE, 1);
      }
      case Opcode.MKDIR -> names(NameIn.MKDIR_SIZE, 1);
      case Opcode.LINK -> {
        message.request.putLong(ARGUMENTS, one(nodes));
        names(NameIn.LINK_SIZE, 1);
      }
      case Opcode.RENAME -> {
        message.request.putLong(ARGUMENTS, one(nodes));
        names(NameIn.RENAME_SIZE, 2);
      }
      case Opcode.RENAME2 -> {
        message.request.putLong(ARGUMENTS, one(nodes));
        names(NameIn.RENAME2_SIZE, 2);
      }
      case Opcode.GETXATTR, Opcode.REMOVEXATTR -> names(FuseAbi.GetxattrIn.SIZE, 1);
      case Opcode.SYMLINK -> names(0, 2);
      case Opcode.WRITE -> {
        handle(WriteIn.FH);
        // where it is possible at all, near the beginning: what is written stays in memory
        message.request.putLong(ARGUMENTS + WriteIn.OFFSET, offset());
        int said = random.nextInt(1, 5000);
        int sent = random.nextInt(50) == 0 ? random.nextInt(5000) : said;
        message.request.putInt(ARGUMENTS + WriteIn.SIZE_FIELD, said);
        message.length = ARGUMENTS + WriteIn.SIZE + sent;
      }
      case Opcode.READ, Opcode.READDIR, Opcode.READDIRPLUS -> {
        handle(ReadIn.FH);
        message.request.putLong(ARGUMENTS + ReadIn.OFFSET, offset());
        if (random.nextInt(20) != 0) {
          message.request.putInt(ARGUMENTS + ReadIn.SIZE_FIELD, random.nextInt(1 << 17));
        }
      }
      case Opcode.SETATTR -> {
        int few = random.nextInt(1 << 9) & (random.nextInt(4) == 0 ? -1 : ~AttributeBit.SIZE);
        message.request.putInt(ARGUMENTS + SetattrIn.VALID, few);
        if (random.nextInt(4) != 0) {
          message.request.putLong(ARGUMENTS + SetattrIn.SIZE_FIELD, random.nextInt(16 << 20));
        }
      }
      case Opcode.OPEN -> message.request.putInt(ARGUMENTS, random.nextInt(4));
      default -> handle(0);
    }
    if (opcode == Opcode.COPY_FILE_RANGE) {
      handle(FuseAbi.CopyIn.FH_OUT);
      message.request.putLong(ARGUMENTS + FuseAbi.CopyIn.FLAGS, 0);
      message.request.putLong(ARGUMENTS + FuseAbi.CopyIn.OFFSET_OUT, offset());
    } else if (opcode == Opcode.FALLOCATE) {
      message.request.putLong(ARGUMENTS + FuseAbi.FallocateIn.OFFSET, offset());
      message.request.putInt(ARGUMENTS + FuseAbi.FallocateIn.MODE, random.nextInt(32));
    }
  }

  private void begin(int opcode, long node) {
    message.request.putInt(InHeader.OPCODE, opcode).putLong(InHeader.NODEID, node);
    message.length = ARGUMENTS + SetattrIn.SIZE;
  }

  /** Small ones, and those at which sums overflow. */
  private long number() {
    return switch (random.nextInt(6)) {
      case 0 -> random.nextLong();
      case 1 -> Long.MAX_VALUE - random.nextInt(3);
      case 2 -> -1L - random.nextInt(3);
      default -> random.nextInt(16 << 20);
    };
  }

  private long offset() {
    return random.nextInt(10) == 0 ? number() : random.nextInt(16 << 20);
  }

  private void handle(int at) {
    if (!handles.isEmpty() && random.nextInt(20) != 0) {
      message.request.putLong(ARGUMENTS + at, one(handles));
    }
  }

  private void names(int argumentBytes, int count) {
    int at = ARGUMENTS + argumentBytes;
    for (int i = 0; i < count; i++) {
      byte[] name;
      if (random.nextInt(20) == 0) {
        name = new byte[random.nextInt(300)];
        random.nextBytes(name);
      } else {
        name = one(NAMES).getBytes(UTF_8);
      }
      message.request.put(at, name).put(at + name.length, (byte) 0);
      at += name.length + 1;
    }
    message.length = random.nextInt(100) == 0 ? at - 1 : at;
  }

  private void carryOut() throws IOException {
    message.replies = 0;
    dispatcher.handle(message);
    assertEquals(1, message.replies);
    assertTrue(message.errno >= 0 && message.errno <= LARGEST_ERRNO, () -> "" + message.errno);
    assertNotEquals(Errno.EIO, message.errno, () -> "the answer to request " + message.opcode());
    assertTrue(
        message.size >= 0 && message.size <= Handshake.MAX_REQUEST_BYTES, () -> "" + message.size);
    answers[message.errno]++;
  }

  private void learn() throws IOException {
    if (message.errno != 0) {
      return;
    }
    switch (message.opcode()) {
      case Opcode.LOOKUP, Opcode.MKNOD, Opcode.LINK -> keep(nodes, message.reply.getLong(0));
      case Opcode.OPEN, Opcode.OPENDIR -> keep(handles, message.reply.getLong(OpenOut.FH));
      case Opcode.CREATE -> {
        keep(nodes, message.reply.getLong(EntryOut.NODEID));
        keep(handles, message.reply.getLong(EntryOut.SIZE + OpenOut.FH));
      }
      case Opcode.UNLINK -> releaseAll(); // who uses the name now waits for the last close
      default -> {}
    }
  }

  private void keep(List<Long> list, long number) throws IOException {
    if (list.size() == MOST_KEPT && list == handles) {
      releaseAll();
    } else if (list.size() == MOST_KEPT) {
      list.remove(1);
    }
    list.add(number);
  }

  private void releaseAll() throws IOException {
    for (long handle : handles) {
      begin(Opcode.RELEASE, FuseAbi.ROOT_ID);
      message.request.putLong(ARGUMENTS, handle);
      carryOut();
    }
    handles.clear();
  }

  private long lookUp(long parent, String name) throws IOException {
    begin(Opcode.LOOKUP, parent);
    text(0, name);
    carryOut();
    assertEquals(0, message.errno);
    return message.reply.getLong(EntryOut.NODEID);
  }

  private void text(int argumentBytes, String name) {
    byte[] bytes = name.getBytes(UTF_8);
    int at = ARGUMENTS + argumentBytes;
    message.request.put(at, bytes).put(at + bytes.length, (byte) 0);
    message.length = at + bytes.length + 1;
  }

  private void checkThatAllWorks() throws IOException {
    begin(Opcode.CREATE, lookUp(FuseAbi.ROOT_ID, "volume"));
    message.request.putInt(ARGUMENTS + OpenIn.FLAGS, 2);
    text(OpenIn.CREATE_SIZE, "after all");
    carryOut();
    assertEquals(0, message.errno);
    long handle = message.reply.getLong(EntryOut.SIZE + OpenOut.FH);
    begin(Opcode.WRITE, 0);
    message.request.putLong(ARGUMENTS + WriteIn.FH, handle);
    message.request.putLong(ARGUMENTS + WriteIn.OFFSET, 5_000_000);
    message.request.putInt(ARGUMENTS + WriteIn.SIZE_FIELD, 3);
    message.request.put(ARGUMENTS + WriteIn.SIZE, "abc".getBytes(UTF_8));
    message.length = ARGUMENTS + WriteIn.SIZE + 3;
    carryOut();
    assertEquals(0, message.errno);
    begin(Opcode.READ, 0);
    message.request.putLong(ARGUMENTS + ReadIn.FH, handle);
    message.request.putLong(ARGUMENTS + ReadIn.OFFSET, 4_999_999);
    message.request.putInt(ARGUMENTS + ReadIn.SIZE_FIELD, 100);
    carryOut();
    byte[] read = new byte[message.size];
    message.reply.get(0, read);
    assertEquals("\0abc", new String(read, UTF_8));
  }
}
