package io.sheepfs.dog;

import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiInfo;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** One object of a VDI: {@code [-s SNAPSHOT] [-i INDEX] NAME}; the inode without {@code -i}. */
final class ObjectArgument {

  @Mixin private final VdiArgument vdi = new VdiArgument();

  @Option(
      names = {"-i", "--index"},
      paramLabel = "INDEX",
      description = "the number of a data object (default: the inode)")
  private @Nullable String index;

  /**
   * The object that was meant.
   *
   * @param index negative for the inode
   * @param oid null for a hole: an index without an object
   */
  record Found(VdiInfo vdi, int index, @Nullable ObjectId oid) {

    boolean isInode() {
      return index < 0;
    }

    /** What a hole is, in the original's words. */
    String notAllocated() {
      return "The inode object 0x" + vdi.vid() + " idx " + index + " is not allocated";
    }
  }

  /** Looks it up in the cluster, after what caches hold of the VDI has been written there. */
  Found find(Session session) throws SheepException, DogException {
    int wanted = index == null ? -1 : DogCommand.objectIndex(index);
    VdiInfo info = vdi.find(session);
    session.cluster().objects().flush(info.vid());
    if (wanted < 0) {
      return new Found(info, wanted, ObjectId.inode(info.vid()));
    }
    ObjectMap map = ObjectMap.read(session.cluster().objects(), info);
    boolean hole = wanted >= map.size() || map.owner(wanted) == 0;
    return new Found(info, wanted, hole ? null : map.object(wanted));
  }
}
