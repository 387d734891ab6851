package io.sheepfs.fuse.tree;

import io.sheepfs.fuse.tree.TreeException.Reason;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** A file that takes one name per write, as the original's vdi/mount and vdi/unmount do. */
final class CommandFile extends RegularFile {

  /** Carries out what was written. */
  interface Command {
    void run(String name) throws IOException;
  }

  private static final int MAX_BYTES = 512;

  private final ClusterTree tree;
  private final GeneratedFile.Content content;
  private final Command command;

  CommandFile(ClusterTree tree, GeneratedFile.Content content, Command command) {
    this.tree = tree;
    this.content = content;
    this.command = command;
  }

  private byte[] bytes() throws IOException {
    return content.text().getBytes(StandardCharsets.UTF_8);
  }

  @Override
  public Attributes attributes() throws IOException {
    return new Attributes(
        false,
        tree.ownership.fileMode(),
        tree.ownership.user(),
        tree.ownership.group(),
        bytes().length,
        0,
        tree.clock.instant(),
        tree.mounted);
  }

  @Override
  public void change(AttributeChange change) throws IOException {
    if (change.permissions() != null || change.owner() != null || change.group() != null) {
      super.change(change);
    }
    // a shell truncates it before it writes a name, which means nothing here
  }

  @Override
  public OpenFile open(OpenFlags flags) throws IOException {
    return new GeneratedFile.TextHandle(this, bytes()) {
      @Override
      public void write(long offset, ByteBuffer src) throws IOException {
        if (src.remaining() > MAX_BYTES) {
          throw new TreeException(Reason.INVALID, "a name has at most 255 bytes");
        }
        byte[] bytes = new byte[src.remaining()];
        src.get(bytes);
        command.run(new String(bytes, StandardCharsets.UTF_8).strip());
      }
    };
  }
}
