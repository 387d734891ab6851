package io.sheepfs.store.cluster;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.RequestFlags;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.store.object.NodeObjects;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes an object here what it is on other nodes. Whom to believe, others decide.
 *
 * <p>Safe for any number of threads, as long as nobody else changes the same object here.
 */
final class Fetcher {

  private static final Logger log = LoggerFactory.getLogger(Fetcher.class);

  private final NodeObjects files;
  private final PeerCalls peers;
  private final ObjectDigests digests;
  private final Headroom headroom;
  private final BooleanSupplier isEnding;
  private final Consumer<ObjectId> changed;

  /**
   * Has fetched nothing yet.
   *
   * @param isEnding whether somebody waits for the end of the epoch: nothing more is copied then
   * @param changed told of each object that is another one now
   */
  Fetcher(
      NodeObjects files,
      PeerCalls peers,
      ObjectDigests digests,
      Headroom headroom,
      BooleanSupplier isEnding,
      Consumer<ObjectId> changed) {
    this.files = files;
    this.peers = peers;
    this.digests = digests;
    this.headroom = headroom;
    this.isEnding = isEnding;
    this.changed = changed;
  }

  /**
   * Makes the object here what it is at {@code sources}, or removes it if it is not there. They
   * should all have the same; where they do not, a disk has changed a copy, if it is not that a
   * change is under way. So what is here stays if one of them has it, too: else the damaged copy
   * would become what most have.
   *
   * @param leavesRoom whether an object that is not here yet has to leave {@link Headroom}
   * @throws SheepException if that fails; the old copy is still there then
   */
  void copy(int epoch, ObjectId oid, List<NodeInfo> sources, boolean leavesRoom)
      throws SheepException {
    if (isEnding.getAsBoolean()) {
      throw new SheepException(ResultCode.OLD_NODE_VER, "the epoch ends");
    }
    byte[] own = files.exists(oid) ? digests.of(oid) : null;
    SheepException unreadable = null;
    NodeInfo other = null;
    for (NodeInfo source : sources) {
      try {
        if (own == null) {
          takeOrRemove(epoch, oid, source, leavesRoom);
          return;
        }
        if (Arrays.equals(own, digestAt(epoch, oid, source))) {
          if (other != null) {
            log.warn(
                "{} at port {} differs from that here and at {}", oid, other.port(), source.port());
          }
          return;
        }
        other = other == null ? source : other;
      } catch (SheepException e) {
        if (e.result() != ResultCode.EIO) {
          throw e;
        }
        unreadable = e;
      }
    }
    if (other != null) {
      takeOrRemove(epoch, oid, other, leavesRoom);
    } else if (unreadable != null) {
      throw unreadable;
    }
  }

  private void takeOrRemove(int epoch, ObjectId oid, NodeInfo source, boolean leavesRoom)
      throws SheepException {
    try {
      take(epoch, oid, source, leavesRoom, Durability.UNSTABLE);
    } catch (SheepException e) {
      if (e.result() != ResultCode.NO_OBJ) {
        throw e;
      }
      boolean unused = files.remove(oid);
      changed.accept(oid);
    }
  }

  /** The digest of another node's copy; null if it has none. */
  private byte @Nullable [] digestAt(int epoch, ObjectId oid, NodeInfo source)
      throws SheepException {
    try {
      return peers.digest(source, epoch, oid);
    } catch (SheepException e) {
      if (e.result() == ResultCode.NO_OBJ) {
        return null;
      }
      throw e;
    } catch (IOException e) {
      throw new SheepException(ResultCode.NETWORK_ERROR, "digest of " + oid, e);
    }
  }

  /**
   * Takes an object anew from a node, whatever is here.
   *
   * @param leavesRoom as with {@link #copy}
   * @throws SheepException if that fails; the old copy is still there then
   */
  void take(int epoch, ObjectId oid, NodeInfo source, boolean leavesRoom, Durability durability)
      throws SheepException {
    try {
      int flags = RequestFlags.RECOVERY;
      int length = Math.toIntExact(peers.storedBytes(source, epoch, flags, oid));
      if (leavesRoom && !files.exists(oid)) {
        headroom.check(oid, length);
      }
      ByteBuffer content = ByteBuffer.allocateDirect(length);
      if (length > 0) {
        peers.read(source, epoch, flags, oid, 0, content);
      }
      files.create(oid, 0, content.flip(), durability);
      changed.accept(oid);
    } catch (SheepException e) {
      throw e;
    } catch (IOException e) {
      throw new SheepException(ResultCode.NETWORK_ERROR, "copy of " + oid, e);
    }
  }
}
