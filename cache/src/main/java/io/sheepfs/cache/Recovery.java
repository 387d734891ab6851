package io.sheepfs.cache;

import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.VdiId;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes in what an earlier process left in the directory, as far as it is proved.
 *
 * <ul>
 *   <li>Of another cluster, or of a later version of this program: refused, and not touched.
 *   <li>With a state record that makes no sense: all is set aside, since nobody knows whose it is.
 *   <li>Left in this boot, or closed cleanly: the maps are believed.
 *   <li>Left in another boot without a close: dropped. What was fsynced is in the cluster.
 *   <li>A map file that makes no sense, or that is not as a clean close left it: the VDI is set
 *       aside.
 *   <li>Blocks are proved by their checksums when they are read.
 *   <li>A map without its file, or a file without its map: dropped.
 * </ul>
 */
final class Recovery {

  private static final Logger log = LoggerFactory.getLogger(Recovery.class);

  private final CacheIndex index;
  private final CacheDisk disk;
  private final String clusterId;
  private final long nowNanos;

  Recovery(CacheIndex index, String clusterId, long nowNanos) {
    this.index = index;
    this.disk = index.disk;
    this.clusterId = clusterId;
    this.nowNanos = nowNanos;
  }

  /**
   * Fills the index, and takes the mark of a clean close away, durably.
   *
   * @throws IOException with a message for the user if the directory is not ours, or cannot be read
   */
  void run() throws IOException {
    byte[] bytes = disk.readState();
    CacheState state = CacheState.parse(bytes);
    if (state != null && !state.cluster().equals(clusterId)) {
      throw new IOException(
          "the cache belongs to cluster " + state.cluster() + ", not to " + clusterId);
    }
    String boot = disk.bootId();
    boolean damaged = false;
    if (state == null && bytes != null) {
      damaged = true;
      log.warn("the state record of the cache is damaged: {}", printable(bytes));
    }
    for (VdiId vid : disk.vdis()) {
      if (damaged) {
        setAside(vid);
      } else if (state != null && state.isTrusted(boot)) {
        takeIn(vid, state.clean());
      } else {
        index.counters.dropped.add(disk.objects(vid).size());
        disk.deleteVdi(vid);
      }
    }
    if (index.counters.dropped.sum() > 0) {
      log.warn("{} cached objects were not proved and are dropped", index.counters.dropped.sum());
    }
    disk.writeState(new CacheState(clusterId, boot, false).toBytes());
  }

  private static String printable(byte[] bytes) {
    return new String(bytes, StandardCharsets.ISO_8859_1).replaceAll("[^ -~]", "?");
  }

  private void setAside(VdiId vid) throws IOException {
    int files = disk.objects(vid).size();
    index.counters.dropped.add(files);
    if (files == 0) {
      disk.deleteVdi(vid);
    } else {
      disk.quarantine(vid);
    }
  }

  private void takeIn(VdiId vid, boolean sealed) throws IOException {
    int shift = MapFile.blockSizeShift(disk, vid);
    MapFile maps = shift == 0 ? null : MapFile.load(disk, vid, shift);
    List<BlockMap> slots = maps == null ? null : maps.readSlots();
    if (slots == null) {
      setAside(vid);
      return;
    }
    if (sealed && !slots.stream().allMatch(BlockMap::isIntact)) {
      log.warn("the map file of VDI {} in the cache is damaged", vid);
      setAside(vid);
      return;
    }
    List<Integer> files = disk.objects(vid);
    if (slots.isEmpty()) {
      disk.deleteVdi(vid);
      return;
    }
    VdiCache vdi =
        new VdiCache(vid, shift, index.shares.of(MapFile.name(disk, vid)), index.files, maps);
    index.add(vdi);
    for (BlockMap slot : slots) {
      if (!files.remove((Integer) slot.index())) {
        index.counters.dropped.increment();
        vdi.free(slot);
        continue;
      }
      CachedObject object = new CachedObject(ObjectId.data(vid, slot.index()), vdi, index.counters);
      object.recover(slot, nowNanos);
      try {
        object.close(disk);
      } catch (IOException e) {
        log.warn("cannot read what was being written to cached object {}", object.oid, e);
      }
      index.add(object);
    }
    for (int left : files) {
      disk.delete(vid, left);
    }
  }
}
