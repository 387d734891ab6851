package io.sheepfs.cache;

import io.sheepfs.protocol.Cluster;
import io.sheepfs.protocol.ClusterInfo;
import io.sheepfs.protocol.MemoryCluster;
import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.protocol.ObjectStore;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.SnapshotSelector;
import io.sheepfs.protocol.SnapshotTag;
import io.sheepfs.protocol.Space;
import io.sheepfs.protocol.VdiDirectory;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiInfo;
import io.sheepfs.protocol.VdiLock;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiSpec;
import io.sheepfs.protocol.WriterHandover;
import io.sheepfs.protocol.WriterMark;
import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A cluster in memory with a cache in front, wired as a mount would. */
record CachedMemory(MemoryCluster memory, ObjectCache cache) implements Cluster {

  @Override
  public ObjectStore objects() {
    return cache;
  }

  @Override
  public VdiDirectory vdis() {
    return new Vdis(memory.vdis());
  }

  @Override
  public List<NodeInfo> nodes() {
    return memory.nodes();
  }

  @Override
  public Space space() {
    return memory.space();
  }

  @Override
  public ClusterInfo info() {
    return memory.info();
  }

  @Override
  public void close() throws IOException {
    cache.close();
    memory.close();
  }

  private final class Vdis implements VdiDirectory {
    private final VdiDirectory vdis;

    Vdis(VdiDirectory vdis) {
      this.vdis = vdis;
    }

    @Override
    public List<VdiInfo> list() throws SheepException {
      return vdis.list();
    }

    @Override
    public VdiInfo lookup(VdiName name) throws SheepException {
      return vdis.lookup(name);
    }

    @Override
    public VdiInfo lookup(VdiName name, SnapshotSelector snapshot) throws SheepException {
      return vdis.lookup(name, snapshot);
    }

    @Override
    public VdiInfo create(VdiName name, VdiSpec spec) throws SheepException {
      return vdis.create(name, spec);
    }

    @Override
    public VdiInfo snapshot(VdiName name, SnapshotTag tag) throws SheepException {
      VdiId before = vdis.lookup(name).vid();
      cache.flush(before);
      VdiInfo working = vdis.snapshot(name, tag);
      cache.freeze(before);
      return working;
    }

    @Override
    public VdiInfo cloneSnapshot(VdiId snapshot, VdiName name) throws SheepException {
      return vdis.cloneSnapshot(snapshot, name);
    }

    @Override
    public VdiInfo resize(VdiName name, long sizeBytes) throws SheepException {
      return vdis.resize(name, sizeBytes);
    }

    @Override
    public void delete(VdiName name) throws SheepException {
      VdiId vid = vdis.lookup(name).vid();
      vdis.delete(name);
      cache.forget(vid);
    }

    @Override
    public void delete(VdiName name, SnapshotSelector snapshot) throws SheepException {
      VdiId vid = vdis.lookup(name, snapshot).vid();
      vdis.delete(name, snapshot);
      cache.forget(vid);
    }

    @Override
    public VdiLock lock(VdiName name, @Nullable WriterHandover handover) throws SheepException {
      return vdis.lock(name, handover);
    }

    @Override
    public @Nullable WriterMark lastWriter(VdiName name) throws SheepException {
      return vdis.lastWriter(name);
    }
  }
}
