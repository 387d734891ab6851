package io.sheepfs.fuse.tree;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.sheepfs.cache.CachedVdi;
import io.sheepfs.fuse.tree.TreeException.Reason;
import io.sheepfs.protocol.Cluster;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.SnapshotTag;
import io.sheepfs.protocol.VdiInfo;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.WriterMark;
import io.sheepfs.volume.Access;
import io.sheepfs.volume.Volume;
import java.io.IOException;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * volume/NAME: a working VDI.
 *
 * <p>All openers share one {@link Volume}. It is opened read-only until the first writer comes,
 * which takes the VDI's lock in the cluster; the last writer to close flushes and lets it go. A
 * volume whose flush failed stays open and locked, so that its data can still be saved when the
 * cluster is back: at the next close, or when the mount ends.
 *
 * <p>Removing an open VDI hides its name; the VDI itself goes at the last close.
 */
final class VolumeFile extends RegularFile {

  private static final Logger log = LoggerFactory.getLogger(VolumeFile.class);

  /** How long the kernel may take to tell of a close. */
  private static final long CLOSE_NANOS = TimeUnit.SECONDS.toNanos(4);

  private final ClusterTree tree;
  private final VolumesDirectory directory;
  private final VdiName name;

  /** Written under the lock of this; read without by attributes and I/O. */
  private volatile @Nullable Volume volume;

  private volatile boolean unlinked;

  /** It is open here, but somebody elsewhere has removed it. */
  private volatile boolean gone;

  private volatile @Nullable Instant modified;

  @GuardedBy("this")
  private final KeptPages pages;

  @GuardedBy("this")
  private int readers;

  @GuardedBy("this")
  private int writers;

  VolumeFile(ClusterTree tree, VolumesDirectory directory, VdiName name) {
    this.tree = tree;
    this.directory = directory;
    this.name = name;
    this.pages = new KeptPages(tree, name);
  }

  @Override
  public String toString() {
    return "volume/" + name;
  }

  VdiName name() {
    return name;
  }

  boolean isOpen() {
    return volume != null;
  }

  boolean isUnlinked() {
    return unlinked;
  }

  /** Whether somebody elsewhere has removed it while it is open here. */
  boolean isGone() {
    return gone;
  }

  @Override
  public Attributes attributes() throws IOException {
    Volume open = volume;
    if (open != null) {
      return attributes(open.info(), open.allocatedBytes());
    }
    try (Volume closed = Volume.open(tree.cluster, name, Access.READ_ONLY)) {
      return attributes(closed.info(), closed.allocatedBytes());
    }
  }

  private Attributes attributes(VdiInfo vdi, long allocatedBytes) {
    Instant touched = modified;
    return new Attributes(
        false,
        tree.readOnly ? tree.ownership.readOnlyMode() : tree.ownership.fileMode(),
        tree.ownership.user(),
        tree.ownership.group(),
        vdi.sizeBytes(),
        allocatedBytes,
        touched == null ? vdi.created() : touched,
        vdi.created());
  }

  @Override
  public void change(AttributeChange change) throws IOException {
    checkUnchanged(change.permissions(), tree.ownership.fileMode(), "mode");
    checkUnchanged(change.owner(), tree.ownership.user(), "owner");
    checkUnchanged(change.group(), tree.ownership.group(), "group");
    if (tree.readOnly) {
      throw new TreeException(Reason.READ_ONLY, "the mount is read-only");
    }
    Long size = change.sizeBytes();
    if (size != null) {
      resize(size);
    }
    if (change.modified() != null) {
      modified = change.modified();
    }
  }

  private static void checkUnchanged(@Nullable Integer wanted, int is, String what)
      throws TreeException {
    if (wanted != null && wanted != is) {
      throw new TreeException(
          Reason.NOT_PERMITTED, "the " + what + " of all VDIs is an option of the mount");
    }
  }

  private void resize(long sizeBytes) throws IOException {
    OpenFile handle = open(new OpenFlags(true, false, false, false, false));
    try {
      volume().resize(sizeBytes);
      touch();
      // truncate(2) has no close that would flush; ftruncate's comes anyway, and finds it done
      handle.flush();
    } finally {
      handle.release();
    }
  }

  @Override
  public List<String> extendedAttributes() {
    return VdiAttributes.NAMES;
  }

  @Override
  public byte[] extendedAttribute(String attribute) throws IOException {
    Volume open = volume;
    VdiInfo vdi = open != null ? open.info() : tree.cluster.vdis().lookup(name);
    return VdiAttributes.value(attribute, vdi, dirty(vdi, open));
  }

  /** The bytes that are not flushed; where nobody counts them, whether there are any. */
  private long dirty(VdiInfo vdi, @Nullable Volume open) {
    long unflushed = open != null && open.isDirty() ? 1 : 0;
    if (tree.cache == null) {
      return unflushed;
    }
    for (CachedVdi cached : tree.cache.vdis()) {
      if (cached.vid().equals(vdi.vid()) && cached.dirtyBytes() > 0) {
        return cached.dirtyBytes();
      }
    }
    return unflushed;
  }

  @Override
  public synchronized OpenFile open(OpenFlags flags) throws IOException {
    if (flags.write() && tree.readOnly) {
      throw new TreeException(Reason.READ_ONLY, "the mount is read-only");
    }
    Volume open = volume;
    boolean fresh = open == null;
    boolean written = open != null && open.isWritable();
    WriterMark before = written || flags.write() ? null : pages.mark();
    if (open == null) {
      open = Volume.open(tree.cluster, name, flags.write() ? Access.READ_WRITE : Access.READ_ONLY);
      volume = open;
    } else if (flags.write()) {
      open.becomeWritable();
    } else {
      open.refresh();
    }
    boolean done = false;
    try {
      if (flags.write() && flags.truncate()) {
        open.resize(0);
        touch();
      }
      done = true;
    } finally {
      if (!done && fresh) {
        volume = null;
        open.abandon();
      }
    }
    gone = false;
    boolean keepsPages;
    if (written) {
      keepsPages = pages.openedWhileLocked(open.info());
    } else if (flags.write()) {
      pages.locked(open.info());
      keepsPages = tree.alone;
    } else {
      keepsPages = pages.opened(open.info(), before);
    }
    if (flags.write()) {
      writers++;
    } else {
      readers++;
    }
    return new VolumeHandle(this, open, flags, keepsPages, tree.counters);
  }

  /**
   * Looks whether others have changed it while it is open here to read, and takes that over.
   *
   * @return whether its size or content may be others now
   * @throws IOException if nothing can be found out
   */
  synchronized boolean takeOverChanges() throws IOException {
    Volume open = volume;
    if (open == null || unlinked || open.isWritable()) {
      return false;
    }
    WriterMark mark = pages.mark();
    VdiInfo then = open.info();
    VdiInfo now;
    try {
      now = tree.cluster.vdis().lookup(name);
    } catch (SheepException e) {
      if (e.result() != ResultCode.NO_VDI) {
        throw e;
      }
      gone = true;
      return false;
    }
    boolean sameVdi = now.vid().equals(then.vid()) && now.created().equals(then.created());
    if (!gone && sameVdi && now.sizeBytes() == then.sizeBytes() && pages.current(now, mark)) {
      return false;
    }
    open.refresh();
    gone = false;
    // the pages that the kernel has now are not forgotten yet: the next open must not keep them
    pages.changed();
    return true;
  }

  /** Ends one handle's use. */
  synchronized void closed(boolean writer) throws IOException {
    if (writer) {
      writers--;
    } else {
      readers--;
    }
    Volume open = volume;
    if (open == null || writers > 0) {
      return;
    }
    if (readers == 0 && unlinked) {
      volume = null;
      try {
        open.abandon();
        delete();
      } finally {
        notifyAll();
      }
    } else if (readers == 0) {
      open.close();
      volume = null;
    } else if (writer && !unlinked) {
      open.becomeReadOnly();
    }
  }

  /** Removes the VDI, now or at the last close. */
  synchronized void unlink() throws IOException {
    Volume open = volume;
    if (open == null) {
      delete();
      return;
    }
    if (readers + writers == 0) {
      // kept open only since its last flush failed; what could not be saved is not wanted any more
      volume = null;
      open.abandon();
      delete();
      return;
    }
    // with the lock nobody else has it open for writing, and nobody will
    open.becomeWritable();
    unlinked = true;
  }

  /**
   * Waits a moment for the last close of one that was removed. close(2) returns when the data is
   * safe, but the kernel tells of the close itself a little later. Without the wait, a program that
   * closes a file, removes it and makes it anew would be told at random that it is busy.
   *
   * @return whether the name is free now
   */
  synchronized boolean awaitLastClose() {
    long deadline = System.nanoTime() + CLOSE_NANOS;
    while (unlinked && volume != null) {
      long left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
      if (left <= 0) {
        return false;
      }
      try {
        wait(left);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return false;
      }
    }
    return true;
  }

  private void delete() throws SheepException {
    try {
      tree.cluster.vdis().delete(name);
    } catch (SheepException e) {
      if (!unlinked || e.result() != ResultCode.NO_VDI) {
        unlinked = false;
        throw e;
      }
    }
    directory.forget(this);
  }

  /** Takes a snapshot of the VDI, with all that was written so far. Waits for a close under way. */
  synchronized void snapshot(SnapshotTag tag) throws IOException {
    Volume open = volume;
    if (open != null) {
      open.snapshot(tag);
    } else {
      tree.cluster.vdis().snapshot(name, tag);
    }
  }

  /** Flushes the volume if it is open; nobody waits for it but the caller. */
  void flushVolume() throws IOException {
    Volume open = unlinked ? null : volume;
    if (open == null) {
      return;
    }
    try {
      open.flush();
    } catch (SheepException | IllegalStateException e) {
      synchronized (this) { // who closes it holds this until that is done
        if (open == volume) {
          throw e;
        }
      }
      log.debug("{} was closed, and flushed by that, meanwhile", name, e);
    }
  }

  /** For the end of the mount: closes, whoever has it open. */
  synchronized void closeVolume(boolean flush) throws IOException {
    Volume open = volume;
    if (open == null) {
      return;
    }
    if (unlinked) {
      volume = null;
      open.abandon();
      delete();
      return;
    }
    log.debug("Closing {}", name);
    if (flush) {
      open.close();
    } else {
      open.abandon();
    }
    volume = null;
  }

  void touch() {
    modified = tree.clock.instant();
  }

  private Volume volume() throws TreeException {
    Volume open = volume;
    if (open == null) {
      throw new TreeException(Reason.BUSY, name + " was closed meanwhile");
    }
    return open;
  }

  /** The cluster it lives in. */
  Cluster cluster() {
    return tree.cluster;
  }
}
