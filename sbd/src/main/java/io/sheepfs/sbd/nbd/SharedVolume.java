package io.sheepfs.sbd.nbd;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.sheepfs.protocol.Cluster;
import io.sheepfs.protocol.VdiInfo;
import io.sheepfs.volume.Access;
import io.sheepfs.volume.Volume;
import java.io.IOException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A volume that all connections of one export use together: what one writes the others read, and a
 * flush by one covers the writes of all.
 */
final class SharedVolume {

  private static final Logger log = LoggerFactory.getLogger(SharedVolume.class);

  private final Cluster cluster;
  private final String name;
  private final boolean serverReadOnly;

  /** Written under the lock of this. */
  private volatile @Nullable Volume volume;

  @GuardedBy("this")
  private int users;

  @GuardedBy("this")
  private boolean dead;

  SharedVolume(Cluster cluster, String name, boolean serverReadOnly) {
    this.cluster = cluster;
    this.name = name;
    this.serverReadOnly = serverReadOnly;
  }

  String name() {
    return name;
  }

  /** The size of the open volume, or another if it is not open. */
  long sizeOr(long sizeBytes) {
    Volume current = volume;
    return current == null ? sizeBytes : Math.max(sizeBytes, current.sizeBytes());
  }

  Volume volume() {
    Volume current = volume;
    if (current == null) {
      throw new IllegalStateException(name + " is not open");
    }
    return current;
  }

  boolean isReadOnly() {
    return !volume().isWritable();
  }

  /**
   * One more connection.
   *
   * @param vdi what the name means now
   * @param writes whether the connection may write; the first that may locks the VDI
   * @return false if the last connection has just left; then ask for another
   */
  synchronized boolean enter(VdiInfo vdi, boolean writes) throws IOException {
    if (dead) {
      return false;
    }
    Volume current = volume;
    boolean done = false;
    try {
      if (current == null) {
        volume = openVolume(vdi, writes);
      } else {
        reuse(current, vdi, writes);
      }
      users++;
      done = true;
      return true;
    } finally {
      // nobody shall find what could not be opened, but a volume that waits for its flush stays
      dead = !done && users == 0 && volume == null;
    }
  }

  private Volume openVolume(VdiInfo vdi, boolean writes) throws IOException {
    Volume opened =
        vdi.isSnapshot()
            ? Volume.open(cluster, vdi)
            : Volume.open(
                cluster,
                vdi.name(),
                serverReadOnly || !writes ? Access.READ_ONLY : Access.READ_WRITE);
    log.info("{} is open{}", name, opened.isWritable() ? " and locked" : ", read-only");
    return opened;
  }

  /** A lock that was lost is taken again; a size that somebody has enlarged is taken over. */
  private void reuse(Volume current, VdiInfo vdi, boolean writes) throws IOException {
    boolean stays = serverReadOnly || vdi.isSnapshot() || !writes;
    if (!current.isWritable() && stays) {
      current.refresh();
      return;
    }
    current.becomeWritable();
    if (vdi.sizeBytes() > current.sizeBytes()) {
      log.info("{} has grown to {} bytes", name, vdi.sizeBytes());
      current.ensureSize(vdi.sizeBytes());
    }
  }

  /**
   * One connection less.
   *
   * @return whether it was the last one, and the volume is closed
   * @throws IOException if it could not be flushed; it stays open, for the next connection or the
   *     end of the server to try again
   */
  synchronized boolean leave() throws IOException {
    users--;
    Volume current = volume;
    if (users > 0 || current == null) {
      return false;
    }
    current.close();
    volume = null;
    dead = true;
    log.info("{} is closed", name);
    return true;
  }

  /** Flushes and closes, whoever uses it. */
  synchronized void end() throws IOException {
    Volume current = volume;
    if (current != null) {
      current.close();
      volume = null;
    }
    dead = true;
  }
}
