package io.sheepfs.fuse.transport.direct;

import io.sheepfs.fuse.transport.direct.FuseAbi.FsyncIn;
import io.sheepfs.fuse.transport.direct.FuseAbi.HandleIn;
import io.sheepfs.fuse.transport.direct.FuseAbi.Opcode;
import io.sheepfs.fuse.transport.direct.FuseAbi.ReadIn;
import io.sheepfs.fuse.transport.direct.FuseAbi.WriteIn;
import io.sheepfs.fuse.tree.Node;
import io.sheepfs.fuse.tree.OpenFile;
import io.sheepfs.telemetry.Stage;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;

/** What people are told of a request. */
final class RequestText {

  private RequestText() {}

  /** Which histogram a request is counted in. */
  static Stage stage(int opcode) {
    return switch (opcode) {
      case Opcode.READ -> Stage.FUSE_READ;
      case Opcode.WRITE -> Stage.FUSE_WRITE;
      case Opcode.FSYNC, Opcode.FLUSH -> Stage.FUSE_FLUSH;
      default -> Stage.FUSE_OTHER;
    };
  }

  /**
   * One line: what, how much, where.
   *
   * @param nodes the nodes by number
   * @param files the open files by handle
   */
  static String of(
      Message message, LongFunction<@Nullable Node> nodes, LongFunction<@Nullable OpenFile> files) {
    return switch (message.opcode()) {
      case Opcode.READ ->
          "read of "
              + message.argInt(ReadIn.SIZE_FIELD)
              + " bytes at "
              + message.argLong(ReadIn.OFFSET)
              + name(files.apply(message.argLong(ReadIn.FH)));
      case Opcode.WRITE ->
          "write of "
              + message.argInt(WriteIn.SIZE_FIELD)
              + " bytes at "
              + message.argLong(WriteIn.OFFSET)
              + name(files.apply(message.argLong(WriteIn.FH)));
      case Opcode.FSYNC -> "fsync" + name(files.apply(message.argLong(FsyncIn.FH)));
      case Opcode.FLUSH -> "close" + name(files.apply(message.argLong(HandleIn.FH)));
      default -> verb(message.opcode()) + name(nodes.apply(message.nodeId()));
    };
  }

  private static String verb(int opcode) {
    return switch (opcode) {
      case Opcode.LOOKUP -> "lookup";
      case Opcode.GETATTR, Opcode.STATX -> "stat";
      case Opcode.SETATTR -> "change of attributes";
      case Opcode.OPEN -> "open";
      case Opcode.CREATE -> "create";
      case Opcode.UNLINK -> "unlink";
      case Opcode.LINK -> "link";
      case Opcode.RENAME, Opcode.RENAME2 -> "rename";
      case Opcode.RELEASE -> "release";
      case Opcode.STATFS -> "statfs";
      case Opcode.GETXATTR -> "getxattr";
      case Opcode.FALLOCATE -> "fallocate";
      case Opcode.READDIR, Opcode.READDIRPLUS -> "readdir";
      default -> "request " + opcode;
    };
  }

  private static String name(@Nullable OpenFile file) {
    return file == null ? "" : name(file.file());
  }

  private static String name(@Nullable Node node) {
    return node == null ? "" : " of " + node;
  }
}
