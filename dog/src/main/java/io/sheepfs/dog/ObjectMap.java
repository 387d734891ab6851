package io.sheepfs.dog;

import io.sheepfs.protocol.Cluster;
import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ObjectStore;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiInfo;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.IntBuffer;
import java.util.ArrayList;
import java.util.List;

/** Which VDI owns each object of a VDI, as its inode says. */
final class ObjectMap {

  private final VdiInfo vdi;
  private final IntBuffer owners;

  private ObjectMap(VdiInfo vdi, IntBuffer owners) {
    this.vdi = vdi;
    this.owners = owners;
  }

  /** Reads the map from the cluster. */
  static ObjectMap read(ObjectStore objects, VdiInfo vdi) throws SheepException {
    ByteBuffer bytes =
        ByteBuffer.allocate(vdi.objectCount() * InodeLayout.INDEX_ENTRY_BYTES)
            .order(ByteOrder.LITTLE_ENDIAN);
    if (bytes.hasRemaining()) {
      objects.read(ObjectId.inode(vdi.vid()), InodeLayout.INDEX, bytes);
    }
    return new ObjectMap(vdi, bytes.flip().asIntBuffer());
  }

  /**
   * Whether a working VDI is as the snapshot that it goes on from: of the same size, and with the
   * same objects and holes. Objects of its own alone do not tell: what was discarded leaves none.
   */
  static boolean isAsItsParent(Cluster cluster, VdiInfo working) throws SheepException {
    VdiId parent = working.parent();
    ObjectMap map = read(cluster.objects(), working);
    if (parent == null || map.ownBytes() > 0) {
      return false;
    }
    for (VdiInfo vdi : cluster.vdis().list()) {
      if (vdi.vid().equals(parent)) {
        return vdi.sizeBytes() == working.sizeBytes()
            && map.owners.equals(read(cluster.objects(), vdi).owners);
      }
    }
    return false;
  }

  /** Objects that the size spans, holes included. */
  int size() {
    return owners.limit();
  }

  /** The id of the owner of an object; 0 for a hole. */
  int owner(int index) {
    return owners.get(index);
  }

  /** Whether there is an object from {@code start} to before {@code end}. */
  boolean isUsed(int start, int end) {
    for (int index = start; index < end; index++) {
      if (owner(index) != 0) {
        return true;
      }
    }
    return false;
  }

  /** The object of an index, which is no hole. */
  ObjectId object(int index) {
    return ObjectId.data(new VdiId(owner(index)), index);
  }

  /** Whether a data object is one of this VDI's. */
  boolean refersTo(ObjectId oid) {
    int index = oid.index();
    return index >= 0 && index < size() && owner(index) == oid.vid().value();
  }

  /** The objects, shared ones included, in the order of the disk. */
  List<ObjectId> objects() {
    List<ObjectId> oids = new ArrayList<>();
    for (int index = 0; index < size(); index++) {
      if (owner(index) != 0) {
        oids.add(object(index));
      }
    }
    return oids;
  }

  /** Bytes of the objects that only this VDI, and later ones, have. */
  long ownBytes() {
    long own = 0;
    for (int index = 0; index < size(); index++) {
      own += owner(index) == vdi.vid().value() ? vdi.objectSizeBytes() : 0;
    }
    return own;
  }

  /** Bytes of the objects that belong to an earlier VDI. */
  long sharedBytes() {
    long shared = 0;
    for (int index = 0; index < size(); index++) {
      int owner = owner(index);
      shared += owner != 0 && owner != vdi.vid().value() ? vdi.objectSizeBytes() : 0;
    }
    return shared;
  }
}
