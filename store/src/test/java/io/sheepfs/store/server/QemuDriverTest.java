package io.sheepfs.store.server;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import io.sheepfs.protocol.Fnv1a;
import io.sheepfs.protocol.HeaderLayout;
import io.sheepfs.protocol.ResponseHeader;
import io.sheepfs.protocol.ResultCode;
import java.io.Closeable;
import java.io.IOException;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The requests of QEMU's sheepdog driver, byte for byte as its source makes them: versions 0 and 1,
 * ids that count, many requests in flight, the CACHE flag on each (cache=writeback), the first
 * 4,198,968 bytes of an inode, index updates of a range, RELEASE_VDI with the name.
 */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
final class QemuDriverTest {

  private static final int WRITE = 0x01;
  private static final int COW = 0x02;
  private static final int CACHE = 0x04;
  private static final int QEMU_INODE_BYTES = 4_198_968;
  private static final int HEADER_BYTES = 4664;
  private static final int INDEX_AT = 4664;
  private static final long OBJECT_BYTES = 4 << 20;

  /** What lies where in a request about an object, and one about a VDI. */
  private static ByteBuffer header(int version, int opcode, int flags, int id, int length) {
    ByteBuffer header = ByteBuffer.allocate(HeaderLayout.SIZE_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    return header
        .put(0, (byte) version)
        .put(1, (byte) opcode)
        .putShort(2, (short) flags)
        .putInt(8, id)
        .putInt(12, length);
  }

  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Reply(ResponseHeader header, byte[] body) {
    Reply ok() {
      assertEquals(ResultCode.SUCCESS, header.result(), header::toString);
      return this;
    }
  }

  /** One connection; replies are matched by id. */
  private static final class Wire implements Closeable {
    private final Socket socket;
    private final Map<Integer, Reply> early = new HashMap<>();

    Wire(ServedStore store) throws IOException {
      socket = new Socket(store.address().getAddress(), store.address().getPort());
      socket.setTcpNoDelay(true);
      socket.setSoTimeout(60_000);
    }

    void send(ByteBuffer header, byte... body) throws IOException {
      ByteBuffer all = ByteBuffer.allocate(HeaderLayout.SIZE_BYTES + body.length);
      socket.getOutputStream().write(all.put(header.position(0)).put(body).array());
    }

    Reply receive(int id) throws IOException {
      while (!early.containsKey(id)) {
        byte[] bytes = socket.getInputStream().readNBytes(HeaderLayout.SIZE_BYTES);
        ResponseHeader header = ResponseHeader.decode(ByteBuffer.wrap(bytes));
        byte[] body = socket.getInputStream().readNBytes((int) header.dataLength());
        early.put(header.id(), new Reply(header, body));
      }
      return early.remove(id);
    }

    Reply call(ByteBuffer header, byte... body) throws IOException {
      send(header, body);
      return receive(header.getInt(8));
    }

    @Override
    public void close() throws IOException {
      socket.close();
    }
  }

  /** An open disk of the driver. */
  private static final class Driver implements Closeable {
    private final ServedStore store;
    private final Wire io;
    private final String name;
    private int vid;
    private ByteBuffer inode;
    private int nextId;

    /** Opens: a lock over a connection of its own, then the inode over the one that stays. */
    Driver(ServedStore store, String name) throws IOException {
      this.store = store;
      this.name = name;
      try (Wire temporary = new Wire(store)) {
        ByteBuffer lock = header(1, 0x12, WRITE, 0, 512);
        vid = temporary.call(lock, names(name, "", 512)).ok().header.vdi().vdiId();
      }
      io = new Wire(store);
      inode = ByteBuffer.allocate(0);
      readInode(QEMU_INODE_BYTES);
    }

    final void readInode(int length) throws IOException {
      ByteBuffer read = object(0x02, CACHE, length, inodeOid(), 0);
      ByteBuffer found = ByteBuffer.wrap(io.call(read).ok().body).order(ByteOrder.LITTLE_ENDIAN);
      if (length == QEMU_INODE_BYTES) {
        inode = found;
      } else {
        inode.put(0, found.array());
      }
      assertEquals(name, text(inode));
    }

    private static String text(ByteBuffer inode) {
      byte[] field = new byte[256];
      inode.get(0, field);
      String all = new String(field, StandardCharsets.UTF_8);
      return all.substring(0, all.indexOf('\0'));
    }

    private long inodeOid() {
      return (0x80L << 56) | ((long) vid << 32);
    }

    private ByteBuffer object(int opcode, int flags, int length, long oid, long offset) {
      return header(1, opcode, flags, nextId++, length)
          .putLong(16, oid)
          .put(32, (byte) 1)
          .putLong(40, offset);
    }

    private int owner(int index) {
      return inode.getInt(INDEX_AT + 4 * index);
    }

    private long oid(int owner, int index) {
      return ((long) owner << 32) | index;
    }

    /** Sends a write and says which id its reply has; the index entry is kept for later. */
    int startWrite(int index, int offset, byte[] data) throws IOException {
      int owner = owner(index);
      int opcode = owner == vid ? 0x03 : 0x01;
      int flags = WRITE | CACHE | (owner != 0 && owner != vid ? COW : 0);
      ByteBuffer write = object(opcode, flags, data.length, oid(vid, index), offset);
      if ((flags & COW) != 0) {
        write.putLong(24, oid(owner, index));
      }
      io.send(write, data);
      return write.getInt(8);
    }

    /** Index entries from one to another, in one write, as a request's end does it. */
    void writeIndex(int first, int last) throws IOException {
      for (int i = first; i <= last; i++) {
        inode.putInt(INDEX_AT + 4 * i, vid);
      }
      putIndex(first, last);
    }

    private void putIndex(int first, int last) throws IOException {
      byte[] entries =
          Arrays.copyOfRange(inode.array(), INDEX_AT + 4 * first, INDEX_AT + 4 * (last + 1));
      ByteBuffer update =
          object(0x03, WRITE | CACHE, entries.length, inodeOid(), INDEX_AT + 4 * first);
      io.call(update, entries).ok();
    }

    Reply write(int index, int offset, byte[] data) throws IOException {
      Reply reply = io.receive(startWrite(index, offset, data));
      if (reply.header.result() == ResultCode.SUCCESS && owner(index) != vid) {
        writeIndex(index, index);
      }
      return reply;
    }

    byte[] read(int index, int offset, int length) throws IOException {
      if (owner(index) == 0) {
        return new byte[length];
      }
      return io.call(object(0x02, CACHE, length, oid(owner(index), index), offset)).ok().body;
    }

    /** A whole object: the driver only empties the entry. */
    void discard(int index) throws IOException {
      inode.putInt(INDEX_AT + 4 * index, 0);
      putIndex(index, index);
    }

    void flush() throws IOException {
      io.call(object(0x16, 0, 0, inodeOid(), 0)).ok();
    }

    /** Tag into the header, then a new VDI over the old one, whose header is read. */
    void snapshot(String tag) throws IOException {
      byte[] bytes = tag.getBytes(StandardCharsets.UTF_8);
      for (int i = 0; i < bytes.length; i++) {
        inode.put(256 + i, bytes[i]);
      }
      byte[] header = Arrays.copyOf(inode.array(), HEADER_BYTES);
      io.call(object(0x03, WRITE, HEADER_BYTES, inodeOid(), 0), header).ok();
      ByteBuffer create = header(0, 0x11, WRITE, nextId++, 256).putLong(16, inode.getLong(536));
      create.putInt(24, vid).put(28, (byte) 1).putInt(32, 1);
      vid = io.call(create, names(name, "", 256)).ok().header.vdi().vdiId();
      readInode(HEADER_BYTES);
    }

    /** After READONLY: somebody took a snapshot, so the name has another id. */
    void reload() throws IOException {
      try (Wire temporary = new Wire(store)) {
        ByteBuffer find = header(1, 0x14, WRITE, 0, 512);
        vid = temporary.call(find, names(name, "", 512)).ok().header.vdi().vdiId();
      }
      readInode(HEADER_BYTES);
    }

    @Override
    public void close() throws IOException {
      try (Wire temporary = new Wire(store)) {
        byte[] terminated = Arrays.copyOf(name.getBytes(StandardCharsets.UTF_8), name.length() + 1);
        ByteBuffer release = header(0, 0x13, WRITE, 0, terminated.length).putInt(24, vid);
        temporary.call(release, terminated).ok();
      }
      io.close();
    }
  }

  private static byte[] names(String name, String tag, int length) {
    byte[] body = new byte[length];
    byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
    System.arraycopy(bytes, 0, body, 0, bytes.length);
    byte[] tagBytes = tag.getBytes(StandardCharsets.UTF_8);
    System.arraycopy(tagBytes, 0, body, length == 512 ? 256 : 0, tagBytes.length);
    return length == 512 ? body : Arrays.copyOf(names(name, "", 512), length);
  }

  private static void create(ServedStore store, String name, long size) throws IOException {
    try (Wire wire = new Wire(store)) {
      wire.call(header(1, 0x18, 0, 0, 0)).ok();
      ByteBuffer create = header(0, 0x11, WRITE, 1, 256).putLong(16, size).put(31, (byte) 22);
      int vid = wire.call(create, names(name, "", 256)).ok().header.vdi().vdiId();
      assertEquals((int) Fnv1a.hash(name.getBytes(StandardCharsets.UTF_8)) & 0xFF_FFFF, vid);
    }
  }

  private static byte[] filled(int length, int value) {
    byte[] bytes = new byte[length];
    Arrays.fill(bytes, (byte) value);
    return bytes;
  }

  @Test
  void driver_wholeLifeOfADisk_answersAsItExpects() throws IOException {
    try (ServedStore store = new ServedStore(true, ServerOptions.DEFAULTS)) {
      create(store, "vm", 16 * OBJECT_BYTES);
      try (Driver disk = new Driver(store, "vm")) {
        assertEquals(16 * OBJECT_BYTES, disk.inode.getLong(536));
        int[] ids = new int[8];
        for (int i = 0; i < ids.length; i++) {
          ids[i] = disk.startWrite(i, 4096 * i, filled(65_536, i + 1)); // all in flight
        }
        for (int i = ids.length - 1; i >= 0; i--) {
          disk.io.receive(ids[i]).ok();
        }
        disk.writeIndex(0, 7);
        disk.flush();
        disk.write(3, 100, filled(10, 99)).ok();
        assertArrayEquals(filled(10, 99), disk.read(3, 100, 10));
        assertArrayEquals(filled(65_536, 6), disk.read(5, 4096 * 5, 65_536));
        int before = disk.vid;
        disk.snapshot("one");
        assertNotEquals(before, disk.vid);
        assertEquals(before, disk.owner(5), "the index is the snapshot's still");
        disk.write(5, 4096 * 5 + 512, filled(512, 77)).ok(); // copy on write
        assertEquals(disk.vid, disk.owner(5));
        assertArrayEquals(filled(512, 6), disk.read(5, 4096 * 5, 512));
        assertArrayEquals(filled(512, 77), disk.read(5, 4096 * 5 + 512, 512));
        disk.discard(4);
        assertArrayEquals(new byte[512], disk.read(4, 4096 * 4, 512));
        disk.flush();
      }
      try (Driver again = new Driver(store, "vm")) {
        assertEquals(0, again.owner(4));
        assertArrayEquals(filled(512, 77), again.read(5, 4096 * 5 + 512, 512));
        again.inode.putLong(536, 32 * OBJECT_BYTES); // a write behind the end makes it grow
        byte[] header = Arrays.copyOf(again.inode.array(), HEADER_BYTES);
        again
            .io
            .call(again.object(0x03, WRITE | CACHE, HEADER_BYTES, again.inodeOid(), 0), header)
            .ok();
        again.write(31, 0, filled(512, 5)).ok();
        again.flush();
        again.readInode(QEMU_INODE_BYTES);
        assertEquals(32 * OBJECT_BYTES, again.inode.getLong(536));
        assertEquals(again.vid, again.owner(31));
      }
    }
  }

  /** One takes a snapshot; the other is told that its VDI is one now, and goes on in the new. */
  @Test
  void twoDrivers_snapshotByOne_otherIsSentToTheNewVdi() throws IOException {
    try (ServedStore store = new ServedStore(true, ServerOptions.DEFAULTS)) {
      create(store, "vm", 4 * OBJECT_BYTES);
      try (Driver one = new Driver(store, "vm");
          Driver other = new Driver(store, "vm")) {
        other.write(0, 0, filled(4096, 1)).ok();
        one.readInode(QEMU_INODE_BYTES);
        one.snapshot("live");
        assertEquals(ResultCode.READONLY, other.write(0, 0, filled(4096, 2)).header.result());
        other.reload();
        assertEquals(one.vid, other.vid);
        other.write(0, 512, filled(512, 2)).ok();
        assertArrayEquals(filled(512, 1), other.read(0, 0, 512));
        one.readInode(QEMU_INODE_BYTES);
        assertArrayEquals(filled(512, 2), one.read(0, 512, 512));
      }
    }
  }
}
