package io.sheepfs.store.vdi;

import io.sheepfs.protocol.InodeHeader;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiInfo;
import io.sheepfs.protocol.VdiName;
import java.util.concurrent.locks.StampedLock;
import org.jspecify.annotations.Nullable;

/** One inode of the store: a working VDI, a snapshot, or the tombstone of either. */
public final class Vdi {

  private final VdiId vid;
  private final StampedLock gate = new StampedLock();
  private volatile InodeHeader header;
  private volatile @Nullable VdiInfo info;

  Vdi(VdiId vid, InodeHeader header) {
    this.vid = vid;
    this.header = header;
    this.info = infoOf(header);
  }

  private static @Nullable VdiInfo infoOf(InodeHeader header) {
    return header.isDeleted() ? null : header.toVdiInfo();
  }

  /** The id. */
  public VdiId vid() {
    return vid;
  }

  /** The id of the inode object. */
  public ObjectId inode() {
    return ObjectId.inode(vid);
  }

  /** What its inode says. */
  public InodeHeader header() {
    return header;
  }

  void setHeader(InodeHeader changed) {
    header = changed;
    info = infoOf(changed);
  }

  /** The VDI as the rest of the system knows it; null for a tombstone. */
  public @Nullable VdiInfo info() {
    return info;
  }

  @Nullable VdiName name() {
    VdiInfo known = info;
    return known == null ? null : known.name();
  }

  /** Whether only the tombstone is left. */
  public boolean isDeleted() {
    return header.isDeleted();
  }

  /** Whether its data never changes. */
  public boolean isSnapshot() {
    return header.isSnapshot();
  }

  /**
   * Writers of its objects hold this in shared mode; who freezes, copies or deletes the VDI holds
   * it alone.
   */
  public StampedLock gate() {
    return gate;
  }
}
