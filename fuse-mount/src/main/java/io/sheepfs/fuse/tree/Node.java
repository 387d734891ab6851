package io.sheepfs.fuse.tree;

import io.sheepfs.fuse.tree.TreeException.Reason;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A directory or file of the tree. The same thing is the same object as long as it exists; what is
 * made anew under an old name is another. Safe for any number of threads.
 *
 * <p>Methods fail with {@link TreeException}, {@code SheepException} or {@code SizeLimitException}.
 */
public abstract sealed class Node permits Directory, RegularFile {

  private static final AtomicLong NUMBERS = new AtomicLong(1);

  private final long inode = NUMBERS.incrementAndGet();

  /** A number that no other node of this process ever has; never 1, which stands for a root. */
  public final long inode() {
    return inode;
  }

  /** What stat shows. */
  public abstract Attributes attributes() throws IOException;

  /** Changes what can be changed; as a whole or not at all. */
  public void change(AttributeChange change) throws IOException {
    throw new TreeException(Reason.NOT_PERMITTED, "its attributes cannot be changed");
  }

  /** The names of the extended attributes. */
  public List<String> extendedAttributes() throws IOException {
    return List.of();
  }

  /**
   * An extended attribute.
   *
   * @throws TreeException {@link Reason#NO_ATTRIBUTE}
   */
  public byte[] extendedAttribute(String name) throws IOException {
    throw new TreeException(Reason.NO_ATTRIBUTE, "no attribute " + name);
  }
}
