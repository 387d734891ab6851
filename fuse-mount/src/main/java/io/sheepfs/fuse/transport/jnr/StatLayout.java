package io.sheepfs.fuse.transport.jnr;

import io.sheepfs.fuse.tree.Attributes;
import io.sheepfs.fuse.tree.Directory;
import io.sheepfs.fuse.tree.Node;
import io.sheepfs.protocol.Space;
import java.time.Instant;
import jnr.ffi.Pointer;
import jnr.ffi.Runtime;
import jnr.ffi.Struct;
import ru.serce.jnrfuse.struct.FileStat;
import ru.serce.jnrfuse.struct.Statvfs;
import ru.serce.jnrfuse.struct.Timespec;

/** Writes attributes as {@code struct stat}, and space as {@code struct statvfs}. */
final class StatLayout {

  /** The size of a {@code struct stat}. */
  static final int STAT_BYTES =
      Struct.size(FileStat.of(Pointer.wrap(Runtime.getSystemRuntime(), 0L)));

  private static final int SECTOR_BYTES = 512;
  private static final int BLOCK_BYTES = 4096;
  private static final int MAX_NAME_BYTES = 255;

  private StatLayout() {}

  /** Writes what stat shows; libfuse has zeroed the rest. */
  static void put(long address, long inode, Attributes attributes) {
    FileStat stat = FileStat.of(Pointer.wrap(Runtime.getSystemRuntime(), address));
    stat.st_ino.set(inode);
    stat.st_mode.set(
        (attributes.directory() ? FileStat.S_IFDIR : FileStat.S_IFREG) | attributes.permissions());
    stat.st_nlink.set(attributes.directory() ? 2 : 1);
    stat.st_uid.set(attributes.owner());
    stat.st_gid.set(attributes.group());
    stat.st_size.set(attributes.sizeBytes());
    stat.st_blocks.set(attributes.allocatedBytes() / SECTOR_BYTES);
    stat.st_blksize.set(BLOCK_BYTES);
    putTime(stat.st_atim, attributes.modified());
    putTime(stat.st_mtim, attributes.modified());
    putTime(stat.st_ctim, attributes.modified());
  }

  private static void putTime(Timespec time, Instant instant) {
    time.tv_sec.set(instant.getEpochSecond());
    time.tv_nsec.set(instant.getNano());
  }

  /** Writes the little that a directory entry shows of a node. */
  static void putType(Pointer memory, Node node) {
    FileStat stat = FileStat.of(memory);
    stat.st_ino.set(node.inode());
    stat.st_mode.set(node instanceof Directory ? FileStat.S_IFDIR : FileStat.S_IFREG);
  }

  /** Writes what df shows; libfuse has zeroed the rest. */
  static void putSpace(long address, Space space, int blockSizeBytes) {
    Statvfs out = Statvfs.of(Pointer.wrap(Runtime.getSystemRuntime(), address));
    out.f_bsize.set(blockSizeBytes);
    out.f_frsize.set(blockSizeBytes);
    out.f_blocks.set(space.totalBytes() / blockSizeBytes);
    out.f_bfree.set(space.freeBytes() / blockSizeBytes);
    out.f_bavail.set(space.freeBytes() / blockSizeBytes);
    out.f_namemax.set(MAX_NAME_BYTES);
  }
}
