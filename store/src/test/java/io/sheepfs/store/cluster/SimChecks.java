package io.sheepfs.store.cluster;

import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.store.sim.SimStore;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** What has to be true of the disks when a cluster has settled. */
final class SimChecks {

  private final Map<String, Map<ObjectId, byte[]>> disks = new TreeMap<>();
  private final List<SimClient> clients;
  private final View view;
  private final List<String> wrong = new ArrayList<>();

  SimChecks(List<SimStore> stores, List<SimClient> clients, View view) {
    stores.forEach(store -> disks.put(store.id(), store.disk().content()));
    this.clients = clients;
    this.view = view;
  }

  void check() {
    Set<ObjectId> all = new TreeSet<>();
    disks.values().forEach(disk -> all.addAll(disk.keySet()));
    for (ObjectId oid : all) {
      checkCopies(oid);
    }
    for (SimClient client : clients) {
      for (SimClient.Disk disk : client.disks()) {
        checkDisk(disk, all);
      }
    }
    if (!wrong.isEmpty()) {
      throw new AssertionError(String.join("\n", wrong));
    }
  }

  private int copies(VdiId vid) {
    for (Map<ObjectId, byte[]> disk : disks.values()) {
      byte[] inode = disk.get(ObjectId.inode(vid));
      if (inode != null) {
        return inode[InodeLayout.COPIES];
      }
    }
    return view.layout().copies();
  }

  /** Each of its places has it, all the same, and nobody else. */
  private void checkCopies(ObjectId oid) {
    int copies = oid.isData() ? copies(oid.vid()) : Replica.MAX_NODES;
    Set<String> places = new TreeSet<>();
    view.places(oid, copies).forEach(peer -> places.add(peer.member().storeId()));
    byte[] right = null;
    for (Map.Entry<String, Map<ObjectId, byte[]>> disk : disks.entrySet()) {
      byte[] found = disk.getValue().get(oid);
      boolean isPlace = places.contains(disk.getKey());
      if (isPlace && found == null) {
        wrong.add(oid + " is missing at " + disk.getKey());
      } else if (!isPlace && found != null) {
        wrong.add(oid + " is at " + disk.getKey() + ", which is no place of it");
      } else if (found != null) {
        byte[] whole = withoutZeros(found);
        if (right != null && !Arrays.equals(right, whole)) {
          wrong.add(oid + " differs at " + disk.getKey());
        }
        right = whole;
      }
    }
  }

  private List<String> holders(ObjectId oid) {
    return disks.keySet().stream().filter(id -> hasObject(id, oid)).toList();
  }

  private boolean hasObject(String id, ObjectId oid) {
    Map<ObjectId, byte[]> disk = disks.get(id);
    return disk != null && disk.containsKey(oid);
  }

  static byte[] withoutZeros(byte[] bytes) {
    int end = bytes.length;
    while (end > 0 && bytes[end - 1] == 0) {
      end--;
    }
    return Arrays.copyOf(bytes, end);
  }

  private void checkDisk(SimClient.Disk disk, Set<ObjectId> all) {
    if (!all.contains(ObjectId.inode(disk.vid))) {
      wrong.add("the inode of " + disk.name + " is missing");
    }
    for (int i = 0; i < disk.made.length; i++) {
      ObjectId oid = ObjectId.data(disk.vid, i);
      if (disk.deleted && all.contains(oid)) {
        wrong.add(oid + " of the deleted " + disk.name + " is still at " + holders(oid));
      }
      if (!disk.deleted && !disk.maybeDeleted && disk.made[i] && !all.contains(oid)) {
        wrong.add(oid + " of " + disk.name + " is missing");
      }
    }
  }
}
