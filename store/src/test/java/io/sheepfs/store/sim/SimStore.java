package io.sheepfs.store.sim;

import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.Space;
import io.sheepfs.store.Loss;
import io.sheepfs.store.NodeStore;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

/** The directory of a node, as {@link io.sheepfs.store.ClusterStore} keeps it. */
public final class SimStore implements NodeStore {

  private final String id;
  private final SimDisk disk = new SimDisk();
  private List<ObjectId> suspects = List.of();
  private List<ObjectId> noted = List.of();
  private boolean isMarked;
  private boolean powerWasCut;
  private long runStart;
  private long createTime;

  /** A new one. */
  public SimStore(String id) {
    this.id = id;
  }

  /** A process takes it. */
  public void open() {
    if (isMarked) {
      List<ObjectId> found = powerWasCut ? disk.list() : disk.writtenSince(runStart);
      if (!powerWasCut) {
        disk.processDied(found);
      }
      suspects = new ArrayList<>(noted);
      suspects.addAll(found);
    } else {
      suspects = List.copyOf(noted);
      isMarked = true;
      runStart = Sim.now();
    }
  }

  @Override
  public Loss loss() {
    return powerWasCut ? Loss.UNFLUSHED : Loss.NONE;
  }

  @Override
  public void settled() {
    if (powerWasCut) {
      powerWasCut = false;
      runStart = Sim.now();
    }
    noted = List.of();
  }

  /** The process that had it is gone, and perhaps the power of its machine. */
  public void ended(boolean powerCut) {
    if (powerCut && isMarked) {
      disk.powerCut();
      powerWasCut = true;
    }
  }

  /** The disk. */
  public SimDisk disk() {
    return disk;
  }

  @Override
  public String id() {
    return id;
  }

  @Override
  public SimDisk files() {
    return disk;
  }

  @Override
  public List<ObjectId> suspects() {
    return suspects;
  }

  @Override
  public long createTime() {
    return createTime;
  }

  @Override
  public void formatted(long newTime, int flags, int copies, int blockSizeShift, String driver) {
    Sim.point();
    createTime = newTime;
  }

  @Override
  public Path root() {
    return Path.of("/" + id);
  }

  @Override
  public Space space() {
    return new Space(1L << 40, disk.isFull() ? 0 : 1L << 39);
  }

  @Override
  public void close(Collection<ObjectId> changing) throws IOException {
    disk.flushAll();
    if (disk.isAllSynced()) {
      noted = List.copyOf(changing);
      isMarked = powerWasCut;
    }
  }
}
