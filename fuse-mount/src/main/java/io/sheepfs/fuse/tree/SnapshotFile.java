package io.sheepfs.fuse.tree;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.sheepfs.fuse.tree.TreeException.Reason;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiInfo;
import io.sheepfs.volume.Volume;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** snapshot/NAME/TAG: a VDI as it was. All openers share one volume. */
final class SnapshotFile extends RegularFile {

  private final ClusterTree tree;
  private final VdiInfo snapshot;

  @GuardedBy("this")
  private @Nullable Volume volume;

  @GuardedBy("this")
  private int readers;

  SnapshotFile(ClusterTree tree, VdiInfo snapshot) {
    this.tree = tree;
    this.snapshot = snapshot;
  }

  VdiInfo snapshot() {
    return snapshot;
  }

  VdiId vid() {
    return snapshot.vid();
  }

  synchronized boolean isOpen() {
    return readers > 0;
  }

  @Override
  public String toString() {
    return "snapshot " + snapshot.snapshotId() + " of " + snapshot.name();
  }

  @Override
  public Attributes attributes() throws IOException {
    Instant taken = snapshot.snapshotTaken();
    return new Attributes(
        false,
        tree.ownership.readOnlyMode(),
        tree.ownership.user(),
        tree.ownership.group(),
        snapshot.sizeBytes(),
        allocatedBytes(),
        taken == null ? snapshot.created() : taken,
        snapshot.created());
  }

  private long allocatedBytes() throws IOException {
    Volume open = acquire();
    try {
      return open.allocatedBytes();
    } finally {
      release();
    }
  }

  /** Times and modes of a snapshot stay as they are; {@code touch} may set them all the same. */
  @Override
  public void change(AttributeChange change) throws IOException {
    if (change.sizeBytes() != null) {
      throw new TreeException(Reason.READ_ONLY, "a snapshot cannot be changed");
    }
    if (change.permissions() != null || change.owner() != null || change.group() != null) {
      super.change(change);
    }
  }

  @Override
  public List<String> extendedAttributes() {
    return VdiAttributes.NAMES;
  }

  @Override
  public byte[] extendedAttribute(String attribute) throws IOException {
    return VdiAttributes.value(attribute, snapshot, 0);
  }

  @Override
  public OpenFile open(OpenFlags flags) throws IOException {
    if (flags.write()) {
      throw new TreeException(Reason.READ_ONLY, "a snapshot cannot be written");
    }
    return openToRead();
  }

  /** A handle that reads, whatever its opener asked for. */
  OpenFile openToRead() throws IOException {
    Volume open = acquire();
    return new OpenFile(this) {
      @Override
      public boolean keepsPageCache() {
        return true;
      }

      @Override
      public int read(long offset, ByteBuffer dst) throws IOException {
        int count = open.read(offset, dst);
        tree.counters.reads.increment();
        tree.counters.readBytes.add(count);
        return count;
      }

      @Override
      public long nextData(long offset) throws IOException {
        return open.nextData(offset);
      }

      @Override
      public long nextHole(long offset) throws IOException {
        return open.nextHole(offset);
      }

      @Override
      public void release() throws IOException {
        SnapshotFile.this.release();
      }
    };
  }

  private synchronized Volume acquire() throws IOException {
    Volume open = volume;
    if (open == null) {
      open = Volume.open(tree.cluster, snapshot);
      volume = open;
    }
    readers++;
    return open;
  }

  private synchronized void release() throws IOException {
    readers--;
    Volume open = volume;
    if (readers == 0 && open != null) {
      volume = null;
      open.close();
    }
  }
}
