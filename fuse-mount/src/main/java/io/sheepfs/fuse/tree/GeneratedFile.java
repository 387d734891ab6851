package io.sheepfs.fuse.tree;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;

/**
 * A read-only file whose text is made when somebody looks. The text stays for a moment, so that the
 * size that stat tells and what an open reads right after it belong together.
 */
final class GeneratedFile extends RegularFile {

  /** Makes the text. */
  interface Content {
    String text() throws IOException;
  }

  private static final Duration FRESH = Duration.ofSeconds(1);

  private final ClusterTree tree;
  private final Content content;

  @GuardedBy("this")
  private byte[] bytes = {};

  @GuardedBy("this")
  private Instant made = Instant.EPOCH;

  GeneratedFile(ClusterTree tree, Content content) {
    this.tree = tree;
    this.content = content;
  }

  private synchronized byte[] bytes() throws IOException {
    Instant now = tree.clock.instant();
    boolean fresh = !now.isAfter(made.plus(FRESH)) && !now.isBefore(made);
    return fresh ? bytes : makeBytes();
  }

  private synchronized byte[] makeBytes() throws IOException {
    bytes = content.text().getBytes(StandardCharsets.UTF_8);
    made = tree.clock.instant();
    return bytes;
  }

  @Override
  public Attributes attributes() throws IOException {
    Ownership ownership = tree.ownership;
    return new Attributes(
        false,
        ownership.readOnlyMode(),
        ownership.user(),
        ownership.group(),
        bytes().length,
        0,
        tree.clock.instant(),
        tree.mounted);
  }

  @Override
  public OpenFile open(OpenFlags flags) throws IOException {
    if (flags.write()) {
      throw new TreeException(TreeException.Reason.READ_ONLY, "it can only be read");
    }
    return new TextHandle(this, makeBytes());
  }

  /** A text as one opener sees it: it does not change under the reader. */
  static class TextHandle extends OpenFile {
    private final byte[] bytes;

    TextHandle(RegularFile file, byte[] bytes) {
      super(file);
      this.bytes = bytes;
    }

    @Override
    public boolean bypassesPageCache() {
      return true;
    }

    @Override
    public int read(long offset, ByteBuffer dst) {
      if (offset >= bytes.length) {
        return 0;
      }
      int count = (int) Math.min(dst.remaining(), bytes.length - offset);
      dst.put(bytes, (int) offset, count);
      return count;
    }

    @Override
    public void release() {}
  }
}
