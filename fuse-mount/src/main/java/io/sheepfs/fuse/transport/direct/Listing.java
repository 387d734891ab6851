package io.sheepfs.fuse.transport.direct;

import io.sheepfs.fuse.transport.direct.FuseAbi.Dirent;
import io.sheepfs.fuse.transport.direct.FuseAbi.EntryOut;
import io.sheepfs.fuse.tree.Directory;
import io.sheepfs.fuse.tree.Node;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An open directory: what it held when its listing was begun. The offset of an entry is its
 * position plus one. Reading from 0 looks anew.
 *
 * <p>For one reader at a time, as the kernel does it.
 */
final class Listing {

  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Item(byte[] name, @Nullable Node node, long number, int type) {}

  private final Directory directory;
  private final long number;
  private List<Item> items = List.of();

  Listing(Directory directory, long number) {
    this.directory = directory;
    this.number = number;
  }

  /** Tells the kernel's table of each node that a READDIRPLUS hands out. */
  interface Remember {
    void node(long number, Node node);
  }

  /**
   * Fills a READDIR or READDIRPLUS reply.
   *
   * @param offset where the last one ended; 0 at first
   * @param size the room for it
   * @param plus null for plain entries; else told of each node whose attributes are in the reply
   * @return the bytes written
   */
  synchronized int fill(ByteBuffer out, long offset, int size, @Nullable Remember plus)
      throws IOException {
    if (offset == 0) {
      load();
    }
    int at = 0;
    for (int i = (int) Math.min(offset, items.size()); i < items.size(); i++) {
      Item item = items.get(i);
      int head = plus == null ? 0 : EntryOut.SIZE;
      int unpadded = head + Dirent.NAME + item.name().length;
      int padded = (unpadded + Dirent.ALIGNMENT - 1) / Dirent.ALIGNMENT * Dirent.ALIGNMENT;
      if (at + padded > size) {
        break;
      }
      for (int zero = at; zero < at + padded; zero += Long.BYTES) {
        out.putLong(zero, 0);
      }
      if (plus != null && item.node() != null) {
        putNode(out, at, item.node(), item.number(), plus);
      }
      out.putLong(at + head + Dirent.INO, item.number());
      out.putLong(at + head + Dirent.OFFSET, i + 1L);
      out.putInt(at + head + Dirent.NAMELEN, item.name().length);
      out.putInt(at + head + Dirent.TYPE, item.type());
      out.put(at + head + Dirent.NAME, item.name());
      at += padded;
    }
    return at;
  }

  /**
   * An entry whose attributes cannot be had has the node number 0: the kernel looks it up later.
   */
  private static void putNode(ByteBuffer out, int at, Node node, long number, Remember remember) {
    try {
      NodeReplies.putEntry(out, at, number, node.attributes());
    } catch (IOException gone) {
      return;
    }
    remember.node(number, node);
  }

  private void load() throws IOException {
    List<Item> loaded = new ArrayList<>();
    loaded.add(item(".", null, number, NodeReplies.TYPE_DIRECTORY));
    loaded.add(item("..", null, FuseAbi.ROOT_ID, NodeReplies.TYPE_DIRECTORY));
    for (Directory.Entry entry : directory.list()) {
      Node node = entry.node();
      loaded.add(item(entry.name(), node, node.inode(), NodeReplies.type(node)));
    }
    items = loaded;
  }

  private static Item item(String name, @Nullable Node node, long number, int type) {
    return new Item(name.getBytes(StandardCharsets.UTF_8), node, number, type);
  }
}
