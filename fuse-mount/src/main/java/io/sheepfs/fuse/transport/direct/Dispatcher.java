package io.sheepfs.fuse.transport.direct;

import static io.sheepfs.fuse.transport.Errno.EFBIG;
import static io.sheepfs.fuse.transport.Errno.EINVAL;
import static io.sheepfs.fuse.transport.Errno.EISDIR;
import static io.sheepfs.fuse.transport.Errno.ENOSYS;
import static io.sheepfs.fuse.transport.Errno.ENOTDIR;
import static io.sheepfs.fuse.transport.Errno.ENXIO;
import static io.sheepfs.fuse.transport.Errno.EOPNOTSUPP;
import static io.sheepfs.fuse.transport.Errno.ESTALE;

import io.sheepfs.fuse.transport.Errno;
import io.sheepfs.fuse.transport.HandleTable;
import io.sheepfs.fuse.transport.KernelTime;
import io.sheepfs.fuse.transport.MountRequest.PageCache;
import io.sheepfs.fuse.transport.direct.FuseAbi.AttrOut;
import io.sheepfs.fuse.transport.direct.FuseAbi.AttributeBit;
import io.sheepfs.fuse.transport.direct.FuseAbi.CopyIn;
import io.sheepfs.fuse.transport.direct.FuseAbi.EntryOut;
import io.sheepfs.fuse.transport.direct.FuseAbi.FallocateIn;
import io.sheepfs.fuse.transport.direct.FuseAbi.ForgetIn;
import io.sheepfs.fuse.transport.direct.FuseAbi.FsyncIn;
import io.sheepfs.fuse.transport.direct.FuseAbi.GetxattrIn;
import io.sheepfs.fuse.transport.direct.FuseAbi.HandleIn;
import io.sheepfs.fuse.transport.direct.FuseAbi.LseekIn;
import io.sheepfs.fuse.transport.direct.FuseAbi.NameIn;
import io.sheepfs.fuse.transport.direct.FuseAbi.Opcode;
import io.sheepfs.fuse.transport.direct.FuseAbi.OpenFlag;
import io.sheepfs.fuse.transport.direct.FuseAbi.OpenIn;
import io.sheepfs.fuse.transport.direct.FuseAbi.OpenOut;
import io.sheepfs.fuse.transport.direct.FuseAbi.ReadIn;
import io.sheepfs.fuse.transport.direct.FuseAbi.SetattrIn;
import io.sheepfs.fuse.transport.direct.FuseAbi.StatfsOut;
import io.sheepfs.fuse.transport.direct.FuseAbi.StatxOut;
import io.sheepfs.fuse.transport.direct.FuseAbi.WriteIn;
import io.sheepfs.fuse.transport.direct.FuseAbi.WriteOut;
import io.sheepfs.fuse.tree.AttributeChange;
import io.sheepfs.fuse.tree.Attributes;
import io.sheepfs.fuse.tree.Directory;
import io.sheepfs.fuse.tree.FileTree;
import io.sheepfs.fuse.tree.Node;
import io.sheepfs.fuse.tree.OpenFile;
import io.sheepfs.fuse.tree.OpenFlags;
import io.sheepfs.fuse.tree.RegularFile;
import io.sheepfs.protocol.Space;
import io.sheepfs.telemetry.RequestEvent;
import io.sheepfs.telemetry.SlowRequests;
import io.sheepfs.telemetry.Stage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Carries out the kernel's requests on a tree. Each request is answered before {@link #handle}
 * returns. Safe for any number of threads, each with a {@link Message} of its own.
 */
final class Dispatcher {

  private static final int FALLOC_KEEP_SIZE = 1;
  private static final int FALLOC_PUNCH_HOLE = 2;
  private static final int FALLOC_ZERO_RANGE = 16;
  private static final int SEEK_DATA = 3;
  private static final int SEEK_HOLE = 4;
  private static final int PERMISSION_BITS = 07777;
  private static final int MAX_NAME_BYTES = 255;

  private final FileTree tree;
  private final PageCache pageCache;
  private final NodeTable<Node> nodes;
  private final HandleTable<OpenFile> files = new HandleTable<>();
  private final HandleTable<Listing> listings = new HandleTable<>();

  Dispatcher(FileTree tree, PageCache pageCache) {
    this.tree = tree;
    this.pageCache = pageCache;
    this.nodes = new NodeTable<>(tree.root());
  }

  /**
   * Carries out one request and answers it.
   *
   * @throws IOException if the session is broken: the kernel sends or takes nonsense
   */
  void handle(Message message) throws IOException {
    int opcode = message.opcode();
    switch (opcode) {
      case Opcode.FORGET -> nodes.forget(message.nodeId(), message.argLong(ForgetIn.NLOOKUP));
      case Opcode.BATCH_FORGET -> batchForget(message);
      case Opcode.INTERRUPT -> {
        // What is under way goes on; its caller gets the answer.
      }
      default -> answer(opcode, message);
    }
  }

  private void answer(int opcode, Message message) throws IOException {
    SlowRequests.begin();
    RequestEvent event = RequestEvent.started();
    long begin = Stage.begin();
    int errno = 0;
    int size = 0;
    try {
      size = run(opcode, message);
    } catch (Refusal e) {
      errno = e.errno();
    } catch (IOException | RuntimeException e) {
      errno = Errno.of(e);
    }
    Stage stage = RequestText.stage(opcode);
    event.ended(stage);
    long nanos = stage.end(begin);
    if (SlowRequests.isSlow(nanos)) {
      SlowRequests.tell(stage, nanos, () -> RequestText.of(message, nodes::get, files::get));
    }
    message.reply(errno, size);
  }

  /** Returns the bytes of the result that stand in the message. */
  private int run(int opcode, Message message) throws IOException {
    return switch (opcode) {
      case Opcode.READ -> read(message);
      case Opcode.WRITE -> write(message);
      case Opcode.LOOKUP -> {
        Node found = directory(message).lookup(message.name(0));
        yield entry(message, found);
      }
      case Opcode.GETATTR -> attributes(message, node(message));
      case Opcode.SETATTR -> setattr(message);
      case Opcode.OPEN -> open(message);
      case Opcode.CREATE -> create(message);
      case Opcode.MKNOD -> makeNode(message);
      case Opcode.UNLINK -> {
        directory(message).unlink(message.name(0));
        yield 0;
      }
      case Opcode.LINK -> link(message);
      case Opcode.RENAME -> rename(message, NameIn.RENAME_SIZE);
      case Opcode.RENAME2 -> rename(message, NameIn.RENAME2_SIZE);
      case Opcode.MKDIR, Opcode.SYMLINK -> throw new Refusal(Errno.EPERM);
      case Opcode.RMDIR -> throw new Refusal(Errno.EPERM);
      case Opcode.STATFS -> statfs(message);
      case Opcode.FLUSH -> {
        file(message, HandleIn.FH).flush();
        yield 0;
      }
      case Opcode.FSYNC -> {
        file(message, FsyncIn.FH).sync();
        yield 0;
      }
      case Opcode.RELEASE -> release(message);
      case Opcode.OPENDIR -> opendir(message);
      case Opcode.READDIR -> readdir(message, false);
      case Opcode.READDIRPLUS -> readdir(message, true);
      case Opcode.RELEASEDIR -> {
        listings.remove(message.argLong(HandleIn.FH));
        yield 0;
      }
      case Opcode.FSYNCDIR, Opcode.DESTROY -> 0;
      case Opcode.GETXATTR -> getxattr(message);
      case Opcode.LISTXATTR -> listxattr(message);
      case Opcode.SETXATTR, Opcode.REMOVEXATTR -> throw new Refusal(EOPNOTSUPP);
      case Opcode.FALLOCATE -> fallocate(message);
      case Opcode.LSEEK -> seek(message);
      case Opcode.COPY_FILE_RANGE -> copyRange(message);
      case Opcode.STATX -> {
        Attributes found = node(message).attributes();
        NodeReplies.putStatxReply(message.result(StatxOut.SIZE), message.nodeId(), found);
        yield StatxOut.SIZE;
      }
      default -> throw new Refusal(ENOSYS);
    };
  }

  private int read(Message message) throws IOException {
    ByteBuffer room = message.replyPayload(message.argInt(ReadIn.SIZE_FIELD));
    return file(message, ReadIn.FH).read(nonNegative(message, ReadIn.OFFSET), room);
  }

  private int write(Message message) throws IOException {
    ByteBuffer payload = message.writePayload();
    int count = payload.remaining();
    file(message, WriteIn.FH).write(nonNegative(message, WriteIn.OFFSET), payload);
    message.result(WriteOut.SIZE).putInt(WriteOut.SIZE_FIELD, count);
    return WriteOut.SIZE;
  }

  private int entry(Message message, Node node) throws IOException {
    putEntry(message.result(EntryOut.SIZE), node);
    return EntryOut.SIZE;
  }

  private void putEntry(ByteBuffer out, Node node) throws IOException {
    NodeReplies.putEntry(out, 0, node.inode(), node.attributes());
    nodes.remember(node.inode(), node);
  }

  private int attributes(Message message, Node node) throws IOException {
    ByteBuffer out = message.result(AttrOut.SIZE);
    NodeReplies.putAttributeReply(out, message.nodeId(), node.attributes());
    return AttrOut.SIZE;
  }

  private int setattr(Message message) throws IOException {
    int valid = message.argInt(SetattrIn.VALID);
    Node node = node(message);
    node.change(
        new AttributeChange(
            (valid & AttributeBit.SIZE) == 0 ? null : nonNegative(message, SetattrIn.SIZE_FIELD),
            (valid & AttributeBit.MODE) == 0
                ? null
                : message.argInt(SetattrIn.MODE) & PERMISSION_BITS,
            (valid & AttributeBit.UID) == 0 ? null : message.argInt(SetattrIn.UID),
            (valid & AttributeBit.GID) == 0 ? null : message.argInt(SetattrIn.GID),
            modified(message, valid)));
    return attributes(message, node);
  }

  private static @Nullable Instant modified(Message message, int valid) throws IOException {
    if ((valid & AttributeBit.MTIME) == 0) {
      return null;
    }
    if ((valid & AttributeBit.MTIME_NOW) != 0) {
      return Instant.now();
    }
    return KernelTime.of(
        message.argLong(SetattrIn.MTIME),
        Integer.toUnsignedLong(message.argInt(SetattrIn.MTIME_NSEC)));
  }

  private int open(Message message) throws IOException {
    Node node = node(message);
    if (!(node instanceof RegularFile file)) {
      throw new Refusal(EISDIR);
    }
    OpenFlags flags = OpenFlags.ofLinux(message.argInt(OpenIn.FLAGS));
    OpenFile handle = file.open(flags);
    putOpen(message.result(OpenOut.SIZE), 0, handle, flags);
    return OpenOut.SIZE;
  }

  private void putOpen(ByteBuffer out, int at, OpenFile handle, OpenFlags flags) {
    int answer = 0;
    if (flags.direct() || handle.bypassesPageCache() || pageCache == PageCache.OFF) {
      answer = OpenFlag.DIRECT_IO | OpenFlag.PARALLEL_DIRECT_WRITES;
    } else if (handle.keepsPageCache()) {
      answer = OpenFlag.KEEP_CACHE;
    }
    out.putLong(at + OpenOut.FH, files.add(handle));
    out.putInt(at + OpenOut.OPEN_FLAGS, answer);
  }

  private int create(Message message) throws IOException {
    Directory directory = directory(message);
    OpenFlags flags = OpenFlags.ofLinux(message.argInt(OpenIn.FLAGS));
    OpenFile handle = directory.create(message.name(OpenIn.CREATE_SIZE), flags);
    boolean done = false;
    try {
      ByteBuffer out = message.result(EntryOut.SIZE + OpenOut.SIZE);
      putEntry(out, handle.file());
      putOpen(out, EntryOut.SIZE, handle, flags);
      done = true;
      return EntryOut.SIZE + OpenOut.SIZE;
    } finally {
      if (!done) {
        handle.release();
      }
    }
  }

  private int makeNode(Message message) throws IOException {
    int type = message.argInt(NameIn.MKNOD_MODE) >> 12;
    if (type != NodeReplies.TYPE_REGULAR && type != 0) {
      throw new Refusal(Errno.EPERM);
    }
    OpenFlags exclusive = new OpenFlags(true, false, true, false, false);
    OpenFile handle = directory(message).create(message.name(NameIn.MKNOD_SIZE), exclusive);
    handle.release();
    return entry(message, handle.file());
  }

  private int link(Message message) throws IOException {
    Node target = held(message.argLong(NameIn.LINK_OLDNODE));
    return entry(message, directory(message).link(target, message.name(NameIn.LINK_SIZE)));
  }

  private int rename(Message message, int names) throws IOException {
    if (!(held(message.argLong(NameIn.RENAME_NEWDIR)) instanceof Directory to)) {
      throw new Refusal(ENOTDIR);
    }
    String oldName = message.name(names);
    directory(message).rename(oldName, to, message.secondName(names));
    return 0;
  }

  private int statfs(Message message) throws IOException {
    Space space = tree.space();
    int block = tree.blockSizeBytes();
    ByteBuffer out = message.result(StatfsOut.SIZE);
    out.putLong(StatfsOut.BLOCKS, space.totalBytes() / block);
    out.putLong(StatfsOut.BFREE, space.freeBytes() / block);
    out.putLong(StatfsOut.BAVAIL, space.freeBytes() / block);
    out.putInt(StatfsOut.BSIZE, block);
    out.putInt(StatfsOut.FRSIZE, block);
    out.putInt(StatfsOut.NAMELEN, MAX_NAME_BYTES);
    return StatfsOut.SIZE;
  }

  private int release(Message message) throws IOException {
    OpenFile handle = files.remove(message.argLong(HandleIn.FH));
    if (handle != null) {
      handle.release();
    }
    return 0;
  }

  private int opendir(Message message) throws IOException {
    Listing listing = new Listing(directory(message), message.nodeId());
    ByteBuffer out = message.result(OpenOut.SIZE);
    out.putLong(OpenOut.FH, listings.add(listing));
    return OpenOut.SIZE;
  }

  private int readdir(Message message, boolean plus) throws IOException {
    Listing listing = listings.get(message.argLong(ReadIn.FH));
    if (listing == null) {
      throw new Refusal(EINVAL);
    }
    int size = message.argInt(ReadIn.SIZE_FIELD);
    message.replyPayload(size);
    return listing.fill(
        message.result(0),
        nonNegative(message, ReadIn.OFFSET),
        size,
        plus ? nodes::remember : null);
  }

  private int getxattr(Message message) throws IOException {
    byte[] value = node(message).extendedAttribute(message.name(GetxattrIn.SIZE));
    return sized(message, value);
  }

  private int listxattr(Message message) throws IOException {
    StringBuilder names = new StringBuilder();
    for (String name : node(message).extendedAttributes()) {
      names.append(name).append('\0');
    }
    return sized(message, names.toString().getBytes(StandardCharsets.UTF_8));
  }

  /** A value, or its length if that is what was asked for. */
  private static int sized(Message message, byte[] value) throws IOException {
    int size = message.argInt(GetxattrIn.SIZE_FIELD);
    if (size == 0) {
      message.result(GetxattrIn.SIZE_REPLY).putInt(0, value.length);
      return GetxattrIn.SIZE_REPLY;
    }
    if (size < value.length) {
      throw new Refusal(Errno.ERANGE);
    }
    message.result(0).put(0, value);
    return value.length;
  }

  private int fallocate(Message message) throws IOException {
    OpenFile file = file(message, FallocateIn.FH);
    long offset = nonNegative(message, FallocateIn.OFFSET);
    long length = nonNegative(message, FallocateIn.LENGTH);
    if (offset + length < 0) {
      throw new Refusal(EFBIG);
    }
    int mode = message.argInt(FallocateIn.MODE);
    switch (mode) {
      case 0 -> file.preallocate(offset + length);
      case FALLOC_KEEP_SIZE -> {
        // Objects come with the data; there is nothing to set aside.
      }
      case FALLOC_PUNCH_HOLE | FALLOC_KEEP_SIZE -> file.punchHole(offset, length);
      case FALLOC_ZERO_RANGE -> file.zeroRange(offset, length, false);
      case FALLOC_ZERO_RANGE | FALLOC_KEEP_SIZE -> file.zeroRange(offset, length, true);
      default -> throw new Refusal(EOPNOTSUPP);
    }
    return 0;
  }

  private int seek(Message message) throws IOException {
    OpenFile file = file(message, LseekIn.FH);
    long offset = message.argLong(LseekIn.OFFSET);
    if (offset < 0) {
      throw new Refusal(ENXIO); // any program may ask for that
    }
    long found =
        switch (message.argInt(LseekIn.WHENCE)) {
          case SEEK_DATA -> file.nextData(offset);
          case SEEK_HOLE -> file.nextHole(offset);
          default -> throw new Refusal(EINVAL);
        };
    if (found < 0) {
      throw new Refusal(ENXIO);
    }
    message.result(LseekIn.REPLY_SIZE).putLong(0, found);
    return LseekIn.REPLY_SIZE;
  }

  private int copyRange(Message message) throws IOException {
    if (message.argLong(CopyIn.FLAGS) != 0) {
      throw new Refusal(EINVAL);
    }
    OpenFile from = file(message, CopyIn.FH_IN);
    OpenFile to = file(message, CopyIn.FH_OUT);
    int copied =
        RangeCopy.copy(
            from,
            nonNegative(message, CopyIn.OFFSET_IN),
            to,
            nonNegative(message, CopyIn.OFFSET_OUT),
            nonNegative(message, CopyIn.LENGTH),
            message.replyPayload(Handshake.MAX_REQUEST_BYTES));
    message.result(WriteOut.SIZE).putInt(WriteOut.SIZE_FIELD, copied);
    return WriteOut.SIZE;
  }

  private void batchForget(Message message) throws IOException {
    int count = message.argInt(ForgetIn.BATCH_COUNT);
    int sent = message.tailEnd() - message.follows(ForgetIn.BATCH_SIZE);
    if (count < 0 || (long) count * ForgetIn.ONE_SIZE > sent) {
      throw new IOException("the kernel forgets " + count + " nodes in " + sent + " bytes");
    }
    for (int i = 0; i < count; i++) {
      int at = ForgetIn.BATCH_SIZE + i * ForgetIn.ONE_SIZE;
      nodes.forget(
          message.argLong(at + ForgetIn.ONE_NODEID), message.argLong(at + ForgetIn.ONE_NLOOKUP));
    }
  }

  /** An offset or a length. */
  private static long nonNegative(Message message, int at) throws Refusal {
    long number = message.argLong(at);
    if (number < 0) {
      throw new Refusal(EINVAL);
    }
    return number;
  }

  private Node held(long number) throws Refusal {
    Node node = nodes.get(number);
    if (node == null) {
      throw new Refusal(ESTALE);
    }
    return node;
  }

  private Node node(Message message) throws Refusal {
    return held(message.nodeId());
  }

  private Directory directory(Message message) throws Refusal {
    if (!(node(message) instanceof Directory directory)) {
      throw new Refusal(ENOTDIR);
    }
    return directory;
  }

  private OpenFile file(Message message, int offset) throws Refusal {
    OpenFile file = files.get(message.argLong(offset));
    if (file == null) {
      throw new Refusal(ESTALE);
    }
    return file;
  }
}
