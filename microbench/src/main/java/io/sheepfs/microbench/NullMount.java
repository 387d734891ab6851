package io.sheepfs.microbench;

import io.sheepfs.fuse.transport.MountRequest;
import io.sheepfs.fuse.transport.MountRequest.PageCache;
import io.sheepfs.fuse.transport.MountSession;
import io.sheepfs.fuse.transport.Transport;
import io.sheepfs.fuse.transport.direct.DirectTransport;
import io.sheepfs.fuse.transport.jnr.JnrTransport;
import io.sheepfs.fuse.tree.Attributes;
import io.sheepfs.fuse.tree.Directory;
import io.sheepfs.fuse.tree.FileTree;
import io.sheepfs.fuse.tree.Node;
import io.sheepfs.fuse.tree.OpenFile;
import io.sheepfs.fuse.tree.OpenFlags;
import io.sheepfs.fuse.tree.RegularFile;
import io.sheepfs.fuse.tree.TreeException;
import io.sheepfs.protocol.Space;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;

/**
 * Mounts a tree of one file that holds nothing: reads give what lies in the buffer, writes are
 * dropped. So the transport is all that is measured; {@code bench/nullfs.c} is the same in C.
 */
public final class NullMount {

  private NullMount() {}

  /**
   * Mounts and stays until it is unmounted.
   *
   * @param args the transport, the mountpoint, and the size of the file in bytes
   */
  public static void main(String[] args) throws IOException, InterruptedException {
    Transport transport =
        switch (args[0]) {
          case "uring" -> DirectTransport.rings();
          case "direct" -> DirectTransport.device();
          case "jnr" -> new JnrTransport();
          default -> throw new IllegalArgumentException("no transport " + args[0]);
        };
    Tree tree = new Tree(Long.parseLong(args[2]));
    MountRequest request =
        new MountRequest(
            Path.of(args[1]).toAbsolutePath().normalize(), "null", false, false, PageCache.ON);
    MountSession session = transport.mount(request, tree);
    if (!session.transport().equals(args[0])) {
      session.unmount();
      throw new IOException("no transport " + args[0] + " here");
    }
    session.awaitEnd();
  }

  private static final class Tree implements FileTree {
    private final Directory root;

    Tree(long bytes) {
      Disk disk = new Disk(bytes);
      root = new Root(disk);
    }

    @Override
    public Directory root() {
      return root;
    }

    @Override
    public Space space() {
      return new Space(1L << 40, 1L << 40);
    }

    @Override
    public int blockSizeBytes() {
      return 4096;
    }
  }

  private static final class Root extends Directory {
    private final Disk disk;

    Root(Disk disk) {
      this.disk = disk;
    }

    @Override
    public Node lookup(String name) throws IOException {
      if (name.equals("disk")) {
        return disk;
      }
      throw new TreeException(TreeException.Reason.NOT_FOUND, name);
    }

    @Override
    public List<Entry> list() {
      return List.of(new Entry("disk", disk));
    }

    @Override
    public Attributes attributes() {
      return new Attributes(true, 0700, 0, 0, 4096, 0, Instant.EPOCH, Instant.EPOCH);
    }
  }

  private static final class Disk extends RegularFile {
    private final long bytes;

    Disk(long bytes) {
      this.bytes = bytes;
    }

    @Override
    public Attributes attributes() {
      return new Attributes(false, 0600, 0, 0, bytes, bytes, Instant.EPOCH, Instant.EPOCH);
    }

    @Override
    public OpenFile open(OpenFlags flags) {
      return new Handle(this, bytes);
    }
  }

  private static final class Handle extends OpenFile {
    private final long bytes;

    Handle(Disk disk, long bytes) {
      super(disk);
      this.bytes = bytes;
    }

    @Override
    public int read(long offset, ByteBuffer dst) {
      int count = (int) Math.max(0, Math.min(dst.remaining(), bytes - offset));
      dst.position(dst.position() + count);
      return count;
    }

    @Override
    public void write(long offset, ByteBuffer src) {
      src.position(src.limit());
    }

    @Override
    public void release() {}
  }
}
