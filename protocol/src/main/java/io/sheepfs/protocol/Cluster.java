package io.sheepfs.protocol;

import java.io.Closeable;
import java.io.IOException;
import java.util.List;

/**
 * A Sheepdog cluster as one client holds it: over the network, or embedded in this process. Safe
 * for any number of threads.
 */
public interface Cluster extends Closeable {

  /** The objects. */
  ObjectStore objects();

  /** The VDIs. */
  VdiDirectory vdis();

  /**
   * The nodes, by id (address, then port).
   *
   * @throws SheepException if none can be reached
   */
  List<NodeInfo> nodes() throws SheepException;

  /** The disk space of the whole cluster, raw: a byte stored in three copies counts thrice. */
  Space space() throws SheepException;

  /** The state of the cluster, and the epochs it went through. */
  ClusterInfo info() throws SheepException;

  /**
   * Ends the session: frees its locks. It does not flush; unflushed writes are as after a crash.
   */
  @Override
  void close() throws IOException;
}
