package io.sheepfs.fuse.tree;

/**
 * How a file is opened.
 *
 * @param write whether for writing, too
 * @param truncate whether it is emptied first
 * @param exclusive whether creating must fail if it exists
 * @param direct whether past the page cache
 * @param sync whether each write is durable when it returns
 */
public record OpenFlags(
    boolean write, boolean truncate, boolean exclusive, boolean direct, boolean sync) {

  private static final int ACCESS_MODE = 3;
  private static final int EXCL = 0200;
  private static final int TRUNC = 01000;
  private static final int DSYNC = 010000;
  private static final int SYNC = 04010000;
  private static final int DIRECT =
      System.getProperty("os.arch", "").equals("aarch64") ? 0200000 : 040000;

  /** For reading alone. */
  public static final OpenFlags READ = new OpenFlags(false, false, false, false, false);

  /** The {@code O_*} flags of Linux. */
  public static OpenFlags ofLinux(int flags) {
    return new OpenFlags(
        (flags & ACCESS_MODE) != 0,
        (flags & TRUNC) != 0,
        (flags & EXCL) != 0,
        (flags & DIRECT) != 0,
        (flags & (SYNC | DSYNC)) != 0);
  }
}
