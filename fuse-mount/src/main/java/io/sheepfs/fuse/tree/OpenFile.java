package io.sheepfs.fuse.tree;

import io.sheepfs.fuse.tree.TreeException.Reason;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * A file as one opener has it. Safe for any number of threads. The buffers are the caller's again
 * when a call returns; direct ones are passed on without a copy.
 */
public abstract class OpenFile {

  private final RegularFile file;

  /** A handle of {@code file}. */
  protected OpenFile(RegularFile file) {
    this.file = file;
  }

  /** What was opened. */
  public final RegularFile file() {
    return file;
  }

  /**
   * Whether pages that the kernel cached in earlier opens are still good. If not, it drops them.
   */
  public boolean keepsPageCache() {
    return false;
  }

  /** Whether the kernel must not cache at all, since the size is not known beforehand. */
  public boolean bypassesPageCache() {
    return false;
  }

  /**
   * Reads into {@code dst}.
   *
   * @return the bytes read; fewer than there is room for only at the end of the file
   */
  public abstract int read(long offset, ByteBuffer dst) throws IOException;

  /** Writes all of {@code src}. */
  public void write(long offset, ByteBuffer src) throws IOException {
    throw new TreeException(Reason.READ_ONLY, "it cannot be written");
  }

  /** Called at each close of a descriptor; what fails here fails the close. */
  public void flush() throws IOException {}

  /** Makes durable, on all replicas, what was written before. */
  public void sync() throws IOException {}

  /** Makes a range read as zeros and gives its space back. The size stays. */
  public void punchHole(long offset, long length) throws IOException {
    throw new TreeException(Reason.NOT_SUPPORTED, "it has no holes");
  }

  /** Makes a range read as zeros; the file grows to hold it unless {@code keepSize}. */
  public void zeroRange(long offset, long length, boolean keepSize) throws IOException {
    throw new TreeException(Reason.NOT_SUPPORTED, "it has no holes");
  }

  /** Makes the file at least so large. Space is not set aside: objects come with the data. */
  public void preallocate(long endBytes) throws IOException {
    throw new TreeException(Reason.NOT_SUPPORTED, "it cannot be preallocated");
  }

  /** The first byte of data at or behind {@code offset}; -1 if there is none. */
  public long nextData(long offset) throws IOException {
    return offset < file.attributes().sizeBytes() ? offset : -1;
  }

  /** The first byte of a hole at or behind {@code offset}; -1 if that is behind the end. */
  public long nextHole(long offset) throws IOException {
    long size = file.attributes().sizeBytes();
    return offset < size ? size : -1;
  }

  /** Ends the use of the handle, once. */
  public abstract void release() throws IOException;
}
