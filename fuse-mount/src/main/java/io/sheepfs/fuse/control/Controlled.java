package io.sheepfs.fuse.control;

import java.io.IOException;

/** What can be asked of a running mount. Safe for any number of threads. */
public interface Controlled {

  /** What is to be known of it: lines of a name, a blank and a value. */
  String status() throws IOException;

  /** What it counts, in the text format of Prometheus. */
  String metrics();

  /** Makes durable in the cluster all that was written before the call. */
  void flush() throws IOException;

  /** Whether the end of the mount leaves in the cache what the cluster does not have yet. */
  void leaveDirty(boolean leave);
}
