package io.sheepfs.store;

import io.sheepfs.protocol.ClusterInfo;
import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.Space;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiSpec;
import io.sheepfs.store.vdi.VdiStore;
import java.nio.file.Path;
import java.util.List;

/**
 * What a server serves: one sheep, alone ({@link LocalSheep}) or as one of a cluster. Safe for any
 * number of threads.
 */
public interface SheepNode {

  /** Why no request can be served, or {@link ResultCode#SUCCESS}. */
  ResultCode state();

  /** The epoch for the header of an answer; 0 before the first. */
  int epoch();

  /**
   * The objects, as clients see them.
   *
   * @throws SheepException if this node cannot carry out requests of clients now
   */
  LocalObjects objects() throws SheepException;

  /**
   * Changes of VDIs by id.
   *
   * @throws SheepException if this node cannot carry out requests of clients now
   */
  VdiStore vdiStore() throws SheepException;

  /**
   * A number that is another one whenever unflushed changes of a VDI may have been lost on all
   * replicas; 0 if this node never can tell.
   *
   * @throws SheepException if it cannot tell now
   */
  default long incarnation(VdiId vid) throws SheepException {
    return 0;
  }

  /** Whether a client that can do so should turn to another node, as this one is cut off. */
  default boolean isAside() {
    return false;
  }

  /** Ends the leases of a client that is gone. */
  void releaseLeases(Object owner);

  /**
   * {@code spec} with the defaults of the store where it leaves them open.
   *
   * @throws SheepException {@link ResultCode#INVALID_PARMS} if the size is too large for them
   */
  VdiSpec withDefaults(VdiSpec spec) throws SheepException;

  /**
   * Empties the store and makes it a new one: the MAKE_FS operation.
   *
   * @param createTime as on the wire: seconds in the high half, nanoseconds in the low one; not 0
   * @param copies replicas of an object; 0 for the default
   * @param blockSizeShift 0 for the default
   * @param flags {@code SD_CLUSTER_FLAG_*}
   * @param storeDriver the name of the original's store driver to be reported
   * @throws SheepException {@link ResultCode#NO_STORE} for a driver that the original does not have
   */
  void format(long createTime, int copies, int blockSizeShift, int flags, String storeDriver)
      throws SheepException;

  /** The flags the store was formatted with. */
  int flags();

  /** When the store was formatted, as on the wire; 0 if it was not. */
  long createTime();

  /** The state of the cluster and its epochs. */
  ClusterInfo info() throws SheepException;

  /** The nodes, by id. */
  List<NodeInfo> nodes() throws SheepException;

  /** This node. */
  NodeInfo self() throws SheepException;

  /** The space of this node. */
  Space space() throws SheepException;

  /** Where the objects of this node are, a directory on each disk. */
  default List<Path> disks() {
    return List.of(root().resolve("obj"));
  }

  /** The space of one of {@link #disks}. */
  default Space spaceOf(Path disk) throws SheepException {
    return space();
  }

  /** The directory of this node. */
  Path root();
}
