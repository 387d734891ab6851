package io.sheepfs.fuse.transport.jnr;

import static com.kenai.jffi.Type.POINTER;
import static com.kenai.jffi.Type.SINT;
import static com.kenai.jffi.Type.SINT64;
import static com.kenai.jffi.Type.UINT;
import static com.kenai.jffi.Type.UINT64;

import com.kenai.jffi.CallContext;
import com.kenai.jffi.Closure;
import com.kenai.jffi.Invoker;
import com.kenai.jffi.MemoryIO;
import com.kenai.jffi.Type;
import io.sheepfs.fuse.transport.Errno;
import io.sheepfs.fuse.transport.HandleTable;
import io.sheepfs.fuse.transport.KernelTime;
import io.sheepfs.fuse.transport.LibC;
import io.sheepfs.fuse.transport.MountRequest.PageCache;
import io.sheepfs.fuse.transport.jnr.Callbacks.Refusal;
import io.sheepfs.fuse.tree.AttributeChange;
import io.sheepfs.fuse.tree.Directory;
import io.sheepfs.fuse.tree.FileTree;
import io.sheepfs.fuse.tree.Node;
import io.sheepfs.fuse.tree.OpenFile;
import io.sheepfs.fuse.tree.OpenFlags;
import io.sheepfs.fuse.tree.RegularFile;
import io.sheepfs.protocol.Space;
import io.sheepfs.telemetry.Stage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.function.BooleanSupplier;
import jnr.ffi.Memory;
import jnr.ffi.Pointer;
import jnr.ffi.Runtime;
import org.jspecify.annotations.Nullable;
import ru.serce.jnrfuse.struct.FuseOperations;

/**
 * Carries out libfuse's callbacks on a tree. What has an open file goes by its number in {@code
 * fuse_file_info}; the rest goes by path. Safe for any number of threads.
 */
final class Operations {

  private static final int FALLOC_KEEP_SIZE = 1;
  private static final int FALLOC_PUNCH_HOLE = 2;
  private static final int FALLOC_ZERO_RANGE = 16;
  private static final int PERMISSION_BITS = 07777;
  private static final int UNCHANGED = -1;
  private static final int MTIME_OFFSET = 16;
  private static final long UTIME_NOW = (1L << 30) - 1;
  private static final long UTIME_OMIT = (1L << 30) - 2;

  private static final CallContext FILLER =
      new CallContext(SINT, POINTER, POINTER, POINTER, SINT64);

  private final FileTree tree;
  private final PageCache pageCache;
  private final BooleanSupplier removing;
  private final PathResolver paths;
  private final HandleTable<OpenFile> files = new HandleTable<>();
  private final HandleTable<Directory> directories = new HandleTable<>();
  private final MemoryIO memory = MemoryIO.getInstance();

  /**
   * Operations on {@code tree}.
   *
   * @param removing whether the request that the calling thread carries out is an unlink: a rename
   *     is libfuse's own then, to hide an open file
   */
  Operations(FileTree tree, PageCache pageCache, BooleanSupplier removing) {
    this.tree = tree;
    this.pageCache = pageCache;
    this.removing = removing;
    this.paths = new PathResolver(tree.root());
  }

  /** Fills the entries. */
  void install(Callbacks callbacks) {
    installFiles(callbacks);
    installNames(callbacks);
    installAttributes(callbacks);
  }

  private void installFiles(Callbacks callbacks) {
    FuseOperations at = callbacks.layout();
    callbacks.set(
        Stage.FUSE_READ, at.read.offset(), this::read, POINTER, POINTER, UINT64, SINT64, POINTER);
    callbacks.set(
        Stage.FUSE_WRITE,
        at.write.offset(),
        this::write,
        POINTER,
        POINTER,
        UINT64,
        SINT64,
        POINTER);
    callbacks.set(at.open.offset(), this::open, POINTER, POINTER);
    callbacks.set(at.create.offset(), this::create, POINTER, UINT, POINTER);
    callbacks.set(
        Stage.FUSE_FLUSH,
        at.flush.offset(),
        arguments -> {
          file(arguments.getAddress(1)).flush();
          return 0;
        },
        POINTER,
        POINTER);
    callbacks.set(
        Stage.FUSE_FLUSH,
        at.fsync.offset(),
        arguments -> {
          file(arguments.getAddress(2)).sync();
          return 0;
        },
        POINTER,
        SINT,
        POINTER);
    callbacks.set(at.release.offset(), this::release, POINTER, POINTER);
    callbacks.set(at.fallocate.offset(), this::fallocate, POINTER, SINT, SINT64, SINT64, POINTER);
    callbacks.set(
        at.ftruncate.offset(),
        arguments -> {
          RegularFile file = file(arguments.getAddress(2)).file();
          file.change(AttributeChange.size(arguments.getLong(1)));
          return 0;
        },
        POINTER,
        SINT64,
        POINTER);
    callbacks.set(
        at.fgetattr.offset(),
        arguments -> {
          putStat(arguments.getAddress(1), file(arguments.getAddress(2)).file());
          return 0;
        },
        POINTER,
        POINTER,
        POINTER);
  }

  private void installNames(Callbacks callbacks) {
    FuseOperations at = callbacks.layout();
    callbacks.set(
        at.unlink.offset(),
        arguments -> {
          paths.unlink(text(arguments, 0));
          return 0;
        },
        POINTER);
    callbacks.set(at.rename.offset(), this::rename, POINTER, POINTER);
    callbacks.set(at.link.offset(), this::link, POINTER, POINTER);
    refuse(callbacks, at.mknod.offset(), Errno.EPERM, POINTER, UINT, UINT64);
    refuse(callbacks, at.mkdir.offset(), Errno.EPERM, POINTER, UINT);
    refuse(callbacks, at.rmdir.offset(), Errno.EPERM, POINTER);
    refuse(callbacks, at.symlink.offset(), Errno.EPERM, POINTER, POINTER);
    callbacks.set(
        at.opendir.offset(),
        arguments -> {
          Directory directory = paths.directory(text(arguments, 0));
          FileInfo.setHandle(memory, arguments.getAddress(1), directories.add(directory));
          return 0;
        },
        POINTER,
        POINTER);
    callbacks.set(at.readdir.offset(), this::readdir, POINTER, POINTER, POINTER, SINT64, POINTER);
    callbacks.set(
        at.releasedir.offset(),
        arguments -> {
          directories.remove(FileInfo.handle(memory, arguments.getAddress(1)));
          return 0;
        },
        POINTER,
        POINTER);
    callbacks.set(at.fsyncdir.offset(), arguments -> 0, POINTER, SINT, POINTER);
  }

  private void installAttributes(Callbacks callbacks) {
    FuseOperations at = callbacks.layout();
    callbacks.set(
        at.getattr.offset(),
        arguments -> {
          putStat(arguments.getAddress(1), node(arguments));
          return 0;
        },
        POINTER,
        POINTER);
    callbacks.set(
        at.truncate.offset(),
        arguments -> {
          node(arguments).change(AttributeChange.size(arguments.getLong(1)));
          return 0;
        },
        POINTER,
        SINT64);
    callbacks.set(at.chmod.offset(), this::chmod, POINTER, UINT);
    callbacks.set(at.chown.offset(), this::chown, POINTER, UINT, UINT);
    callbacks.set(at.utimens.offset(), this::utimens, POINTER, POINTER);
    callbacks.set(at.statfs.offset(), this::statfs, POINTER, POINTER);
    callbacks.set(at.getxattr.offset(), this::getxattr, POINTER, POINTER, POINTER, UINT64);
    callbacks.set(at.listxattr.offset(), this::listxattr, POINTER, POINTER, UINT64);
    refuse(
        callbacks, at.setxattr.offset(), Errno.EOPNOTSUPP, POINTER, POINTER, POINTER, UINT64, SINT);
    refuse(callbacks, at.removexattr.offset(), Errno.EOPNOTSUPP, POINTER, POINTER);
  }

  private static void refuse(Callbacks callbacks, long offset, int errno, Type... parameters) {
    callbacks.set(
        offset,
        arguments -> {
          throw new Refusal(errno);
        },
        parameters);
  }

  private int read(Closure.Buffer arguments) throws IOException {
    OpenFile file = file(arguments.getAddress(4));
    ByteBuffer room = LibC.buffer(arguments.getAddress(1), (int) arguments.getLong(2));
    return file.read(arguments.getLong(3), room);
  }

  private int write(Closure.Buffer arguments) throws IOException {
    OpenFile file = file(arguments.getAddress(4));
    int count = (int) arguments.getLong(2);
    file.write(arguments.getLong(3), LibC.buffer(arguments.getAddress(1), count));
    return count;
  }

  private int open(Closure.Buffer arguments) throws IOException {
    if (!(node(arguments) instanceof RegularFile file)) {
      throw new Refusal(Errno.EISDIR);
    }
    long info = arguments.getAddress(1);
    OpenFlags flags = OpenFlags.ofLinux(FileInfo.flags(memory, info));
    putOpen(info, file.open(flags), flags);
    return 0;
  }

  private int create(Closure.Buffer arguments) throws IOException {
    String path = text(arguments, 0);
    long info = arguments.getAddress(2);
    OpenFlags flags = OpenFlags.ofLinux(FileInfo.flags(memory, info));
    OpenFile handle = paths.parent(path).create(PathResolver.name(path), flags);
    putOpen(info, handle, flags);
    return 0;
  }

  private void putOpen(long info, OpenFile handle, OpenFlags flags) {
    FileInfo.setHandle(memory, info, files.add(handle));
    if (flags.direct() || handle.bypassesPageCache() || pageCache == PageCache.OFF) {
      FileInfo.setDirectIo(memory, info);
    } else if (handle.keepsPageCache()) {
      FileInfo.setKeepCache(memory, info);
    }
  }

  private int release(Closure.Buffer arguments) throws IOException {
    OpenFile handle = files.remove(FileInfo.handle(memory, arguments.getAddress(1)));
    if (handle != null) {
      handle.release();
    }
    return 0;
  }

  private int fallocate(Closure.Buffer arguments) throws IOException {
    OpenFile file = file(arguments.getAddress(4));
    long offset = arguments.getLong(2);
    long length = arguments.getLong(3);
    switch (arguments.getInt(1)) {
      case 0 -> file.preallocate(offset + length);
      case FALLOC_KEEP_SIZE -> {
        // Objects come with the data; there is nothing to set aside.
      }
      case FALLOC_PUNCH_HOLE | FALLOC_KEEP_SIZE -> file.punchHole(offset, length);
      case FALLOC_ZERO_RANGE -> file.zeroRange(offset, length, false);
      case FALLOC_ZERO_RANGE | FALLOC_KEEP_SIZE -> file.zeroRange(offset, length, true);
      default -> throw new Refusal(Errno.EOPNOTSUPP);
    }
    return 0;
  }

  private int rename(Closure.Buffer arguments) throws IOException {
    String from = text(arguments, 0);
    String to = text(arguments, 1);
    if (removing.getAsBoolean()) {
      paths.hide(from, to);
    } else {
      paths.parent(from).rename(PathResolver.name(from), paths.parent(to), PathResolver.name(to));
    }
    return 0;
  }

  private int link(Closure.Buffer arguments) throws IOException {
    Node target = node(arguments);
    String path = text(arguments, 1);
    paths.parent(path).link(target, PathResolver.name(path));
    return 0;
  }

  /** Hands out all entries at once; libfuse cuts them into replies. */
  private int readdir(Closure.Buffer arguments) throws IOException {
    Directory directory = directories.get(FileInfo.handle(memory, arguments.getAddress(4)));
    if (directory == null) {
      throw new Refusal(Errno.ESTALE);
    }
    long buffer = arguments.getAddress(1);
    long filler = arguments.getAddress(2);
    Pointer stat = Memory.allocateDirect(Runtime.getSystemRuntime(), StatLayout.STAT_BYTES, true);
    fill(filler, buffer, ".", stat, directory);
    fill(filler, buffer, "..", stat, tree.root());
    for (Directory.Entry entry : directory.list()) {
      fill(filler, buffer, entry.name(), stat, entry.node());
    }
    return 0;
  }

  private void fill(long filler, long buffer, String name, Pointer stat, Node node) throws Refusal {
    StatLayout.putType(stat, node);
    byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
    Pointer text = Memory.allocateDirect(Runtime.getSystemRuntime(), bytes.length + 1, true);
    text.put(0, bytes, 0, bytes.length);
    if (Invoker.getInstance().invokeN4(FILLER, filler, buffer, text.address(), stat.address(), 0)
        != 0) {
      throw new Refusal(Errno.ENOMEM);
    }
  }

  private int chmod(Closure.Buffer arguments) throws IOException {
    int mode = arguments.getInt(1) & PERMISSION_BITS;
    node(arguments).change(new AttributeChange(null, mode, null, null, null));
    return 0;
  }

  private int chown(Closure.Buffer arguments) throws IOException {
    int user = arguments.getInt(1);
    int group = arguments.getInt(2);
    node(arguments)
        .change(
            new AttributeChange(
                null,
                null,
                user == UNCHANGED ? null : user,
                group == UNCHANGED ? null : group,
                null));
    return 0;
  }

  private int utimens(Closure.Buffer arguments) throws IOException {
    long times = arguments.getAddress(1);
    Instant modified = times == 0 ? Instant.now() : modified(times + MTIME_OFFSET);
    if (modified != null) {
      node(arguments).change(new AttributeChange(null, null, null, null, modified));
    }
    return 0;
  }

  private @Nullable Instant modified(long timespec) throws IOException {
    long nanos = memory.getLong(timespec + Long.BYTES);
    if (nanos == UTIME_OMIT) {
      return null;
    }
    return nanos == UTIME_NOW ? Instant.now() : KernelTime.of(memory.getLong(timespec), nanos);
  }

  private int statfs(Closure.Buffer arguments) throws IOException {
    Space space = tree.space();
    StatLayout.putSpace(arguments.getAddress(1), space, tree.blockSizeBytes());
    return 0;
  }

  private int getxattr(Closure.Buffer arguments) throws IOException {
    byte[] value = node(arguments).extendedAttribute(text(arguments, 1));
    return sized(value, arguments.getAddress(2), arguments.getLong(3));
  }

  private int listxattr(Closure.Buffer arguments) throws IOException {
    StringBuilder names = new StringBuilder();
    for (String name : node(arguments).extendedAttributes()) {
      names.append(name).append('\0');
    }
    byte[] bytes = names.toString().getBytes(StandardCharsets.UTF_8);
    return sized(bytes, arguments.getAddress(1), arguments.getLong(2));
  }

  /** Gives a value, if there is room for it, or only its length, if none was offered. */
  private int sized(byte[] value, long room, long size) throws Refusal {
    if (size == 0) {
      return value.length;
    }
    if (size < value.length) {
      throw new Refusal(Errno.ERANGE);
    }
    memory.putByteArray(room, value, 0, value.length);
    return value.length;
  }

  private static void putStat(long address, Node node) throws IOException {
    StatLayout.put(address, node.inode(), node.attributes());
  }

  private Node node(Closure.Buffer arguments) throws IOException {
    return paths.node(text(arguments, 0));
  }

  private String text(Closure.Buffer arguments, int index) {
    byte[] bytes = memory.getZeroTerminatedByteArray(arguments.getAddress(index));
    return new String(bytes, StandardCharsets.UTF_8);
  }

  private OpenFile file(long info) throws Refusal {
    OpenFile file = files.get(FileInfo.handle(memory, info));
    if (file == null) {
      throw new Refusal(Errno.ESTALE);
    }
    return file;
  }
}
