package io.sheepfs.store;

import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.Space;
import io.sheepfs.store.object.NodeObjects;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a node of a cluster keeps, held by one process alone: {@link ClusterStore}. */
public interface NodeStore {

  /** What it was given when it was made. */
  String id();

  /** The objects in it. */
  NodeObjects files();

  /** The objects that may have been changing when the last run ended. */
  List<ObjectId> suspects();

  /** What may be lost of what was here when this node last took part. */
  Loss loss();

  /**
   * Tells that all nodes have made those objects agree. Until then the next run gets them, too.
   *
   * @throws IOException if that cannot be noted; the next run gets them, too, then
   */
  void settled() throws IOException;

  /** When the cluster was formatted that the objects belong to; 0 for none. */
  long createTime();

  /** Notes that the cluster was formatted; the objects are gone. Durable on return. */
  void formatted(long newTime, int flags, int copies, int blockSizeShift, String driver)
      throws IOException;

  /** The directory. */
  Path root();

  /** Notes that no object is missing any more; durable on return. */
  default void complete() throws IOException {}

  /** The disks, if they can come and go. */
  default @Nullable StoreDisks storeDisks() {
    return null;
  }

  /** Where the objects are, a directory on each disk. */
  default List<Path> disks() {
    return List.of(root().resolve("obj"));
  }

  /** The space of one of {@link #disks}. */
  default Space spaceOf(Path disk) throws SheepException {
    return space();
  }

  /** The space for objects. */
  Space space() throws SheepException;

  /**
   * Makes everything durable and lets the directory go.
   *
   * @param changing the objects that may be half changed
   */
  void close(Collection<ObjectId> changing) throws IOException;
}
