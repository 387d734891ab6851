package io.sheepfs.fuse.transport.direct;

import io.sheepfs.fuse.transport.direct.FuseAbi.Attr;
import io.sheepfs.fuse.transport.direct.FuseAbi.AttrOut;
import io.sheepfs.fuse.transport.direct.FuseAbi.EntryOut;
import io.sheepfs.fuse.transport.direct.FuseAbi.StatxOut;
import io.sheepfs.fuse.tree.Attributes;
import io.sheepfs.fuse.tree.Node;
import java.nio.ByteBuffer;
import java.time.Instant;

/** Writes nodes as the kernel wants to see them. */
final class NodeReplies {

  static final int TYPE_DIRECTORY = 4;
  static final int TYPE_REGULAR = 8;

  /** How long the kernel may believe in names and attributes before it asks again. */
  private static final long VALID_SECONDS = 1;

  private static final int MODE_DIRECTORY = 040000;
  private static final int MODE_REGULAR = 0100000;
  private static final int STATX_BASIC_STATS = 0x7ff;
  private static final int STATX_BTIME = 0x800;
  private static final int SECTOR_BYTES = 512;
  private static final int BLOCK_BYTES = 4096;

  private NodeReplies() {}

  /** The file type bits of a node, as they stand in a mode. */
  static int type(Node node) {
    return node instanceof io.sheepfs.fuse.tree.Directory ? TYPE_DIRECTORY : TYPE_REGULAR;
  }

  /** Writes a {@code fuse_entry_out} at {@code at}; the bytes there are zero. */
  static void putEntry(ByteBuffer out, int at, long number, Attributes attributes) {
    out.putLong(at + EntryOut.NODEID, number);
    out.putLong(at + EntryOut.ENTRY_VALID, VALID_SECONDS);
    out.putLong(at + EntryOut.ATTR_VALID, VALID_SECONDS);
    putAttributes(out, at + EntryOut.ATTR, number, attributes);
  }

  /** Writes a {@code fuse_attr_out} at 0; the bytes there are zero. */
  static void putAttributeReply(ByteBuffer out, long number, Attributes attributes) {
    out.putLong(AttrOut.ATTR_VALID, VALID_SECONDS);
    putAttributes(out, AttrOut.ATTR, number, attributes);
  }

  /** Writes a {@code fuse_statx_out} at 0; the bytes there are zero. */
  static void putStatxReply(ByteBuffer out, long number, Attributes attributes) {
    out.putLong(StatxOut.ATTR_VALID, VALID_SECONDS);
    int at = StatxOut.STAT;
    out.putInt(at + StatxOut.MASK, STATX_BASIC_STATS | STATX_BTIME);
    out.putInt(at + StatxOut.BLKSIZE, BLOCK_BYTES);
    out.putInt(at + StatxOut.NLINK, links(attributes));
    out.putInt(at + StatxOut.UID, attributes.owner());
    out.putInt(at + StatxOut.GID, attributes.group());
    out.putShort(at + StatxOut.MODE, (short) mode(attributes));
    out.putLong(at + StatxOut.INO, number);
    out.putLong(at + StatxOut.SIZE_FIELD, attributes.sizeBytes());
    out.putLong(at + StatxOut.BLOCKS, attributes.allocatedBytes() / SECTOR_BYTES);
    putTime(out, at + StatxOut.ATIME, attributes.modified());
    putTime(out, at + StatxOut.BTIME, attributes.created());
    putTime(out, at + StatxOut.CTIME, attributes.modified());
    putTime(out, at + StatxOut.MTIME, attributes.modified());
  }

  private static void putTime(ByteBuffer out, int at, Instant time) {
    out.putLong(at, time.getEpochSecond());
    out.putInt(at + StatxOut.NSEC, time.getNano());
  }

  private static int mode(Attributes attributes) {
    return (attributes.directory() ? MODE_DIRECTORY : MODE_REGULAR) | attributes.permissions();
  }

  private static int links(Attributes attributes) {
    return attributes.directory() ? 2 : 1;
  }

  private static void putAttributes(ByteBuffer out, int at, long number, Attributes attributes) {
    Instant modified = attributes.modified();
    out.putLong(at + Attr.INO, number);
    out.putLong(at + Attr.SIZE_FIELD, attributes.sizeBytes());
    out.putLong(at + Attr.BLOCKS, attributes.allocatedBytes() / SECTOR_BYTES);
    out.putLong(at + Attr.ATIME, modified.getEpochSecond());
    out.putLong(at + Attr.MTIME, modified.getEpochSecond());
    out.putLong(at + Attr.CTIME, modified.getEpochSecond());
    out.putInt(at + Attr.ATIME_NSEC, modified.getNano());
    out.putInt(at + Attr.MTIME_NSEC, modified.getNano());
    out.putInt(at + Attr.CTIME_NSEC, modified.getNano());
    out.putInt(at + Attr.MODE, mode(attributes));
    out.putInt(at + Attr.NLINK, links(attributes));
    out.putInt(at + Attr.UID, attributes.owner());
    out.putInt(at + Attr.GID, attributes.group());
    out.putInt(at + Attr.BLKSIZE, BLOCK_BYTES);
  }
}
