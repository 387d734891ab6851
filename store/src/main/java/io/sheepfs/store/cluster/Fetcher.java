package io.sheepfs.store.cluster;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.RequestFlags;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.store.object.NodeObjects;
import io.sheepfs.store.vdi.Headers;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
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

  private static final int MOST_TOLD = 1000;

  private final NodeObjects files;
  private final PeerCalls peers;
  private final ObjectDigests digests;
  private final Headroom headroom;
  private final BooleanSupplier isEnding;
  private final Consumer<ObjectId> changed;

  /** What was said of damage elsewhere, which is found again with each attempt. */
  private final Set<String> told = ConcurrentHashMap.newKeySet();

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
   * Makes the object here what it is at {@code sources}, or removes it if none has it. They should
   * all have the same; where they do not, a disk has changed or lost a copy, if it is not that a
   * change is under way. So what is here stays if one of them has it, too: else the damaged copy
   * would become what most have. An inode that cannot be believed is taken from nobody.
   *
   * @param leavesRoom whether an object that is not here yet has to leave {@link Headroom}
   * @return false if nobody can give it, as the disk of one has damaged it; what is here stays then
   * @throws SheepException if that fails; the old copy is still there then
   */
  boolean copy(int epoch, ObjectId oid, List<NodeInfo> sources, boolean leavesRoom)
      throws SheepException {
    if (isEnding.getAsBoolean()) {
      throw new SheepException(ResultCode.OLD_NODE_VER, "the epoch ends");
    }
    byte[] own = ownDigest(oid);
    List<NodeInfo> different = new ArrayList<>();
    int damaged = 0;
    for (NodeInfo source : sources) {
      try {
        if (own == null || !Arrays.equals(own, digestAt(epoch, oid, source))) {
          different.add(source);
          continue;
        }
      } catch (SheepException e) {
        damaged += oneIfDamaged(source, e);
        continue;
      }
      for (NodeInfo other : different) {
        log.warn("{} at port {} is not what is here and at {}", oid, other.port(), source.port());
      }
      return true;
    }
    for (NodeInfo source : different) {
      ByteBuffer content;
      try {
        content = contentAt(epoch, oid, source, leavesRoom);
      } catch (SheepException e) {
        damaged += oneIfDamaged(source, e);
        continue;
      }
      if (content != null) {
        put(oid, content, Durability.UNSTABLE);
        return true;
      }
    }
    if (damaged == 0) {
      boolean unused = files.remove(oid);
      changed.accept(oid);
    }
    return damaged == 0;
  }

  /** The digest of what is here; null if there is nothing, or nothing that can be used. */
  private byte @Nullable [] ownDigest(ObjectId oid) throws SheepException {
    if (!files.exists(oid)) {
      return null;
    }
    try {
      boolean isInode = oid.kind() == ObjectId.Kind.INODE;
      return isInode && Headers.sound(files, oid) == null ? null : digests.of(oid);
    } catch (SheepException e) {
      if (e.result() != ResultCode.EIO) {
        throw e;
      }
      log.warn("{} cannot be read here, and is fetched anew: {}", oid, e.getMessage());
      return null;
    }
  }

  private int oneIfDamaged(NodeInfo source, SheepException e) throws SheepException {
    if (e.result() != ResultCode.EIO) {
      throw e;
    }
    if (told.size() < MOST_TOLD && told.add(e.getMessage())) {
      log.warn("port {} has a damaged object: {}", source.port(), e.getMessage());
    }
    return 1;
  }

  /** The digest of another node's copy; null if it has none. */
  private byte @Nullable [] digestAt(int epoch, ObjectId oid, NodeInfo source)
      throws SheepException {
    try {
      return peers.digest(source, epoch, oid);
    } catch (IOException e) {
      checkMissing(oid, e);
      return null;
    }
  }

  /** Another node's copy; null if it has none. */
  private @Nullable ByteBuffer contentAt(
      int epoch, ObjectId oid, NodeInfo source, boolean leavesRoom) throws SheepException {
    int flags = RequestFlags.RECOVERY;
    ByteBuffer content;
    try {
      content =
          ByteBuffer.allocateDirect(Math.toIntExact(peers.storedBytes(source, epoch, flags, oid)));
      if (leavesRoom) {
        checkRoom(oid, content.capacity());
      }
      if (content.hasRemaining()) {
        peers.read(source, epoch, flags, oid, 0, content);
      }
    } catch (IOException e) {
      checkMissing(oid, e);
      return null;
    }
    if (oid.kind() == ObjectId.Kind.INODE && !isSound(oid, content.flip())) {
      throw new SheepException(ResultCode.EIO, "damaged inode " + oid + " at " + source.port());
    }
    return content.rewind();
  }

  /** Fails for want of room; an error of the disk here is not taken for damage elsewhere. */
  private void checkRoom(ObjectId oid, int bytes) throws SheepException {
    try {
      if (!files.exists(oid)) {
        headroom.check(oid, bytes);
      }
    } catch (SheepException e) {
      throw e.result() == ResultCode.EIO
          ? new SheepException(ResultCode.SYSTEM_ERROR, "room for " + oid, e)
          : e;
    }
  }

  /** Fails, but if it is for want of the object. */
  private static void checkMissing(ObjectId oid, IOException e) throws SheepException {
    if (!(e instanceof SheepException known)) {
      throw new SheepException(ResultCode.NETWORK_ERROR, "copy of " + oid, e);
    }
    if (known.result() != ResultCode.NO_OBJ) {
      throw known;
    }
  }

  private static boolean isSound(ObjectId inode, ByteBuffer content) {
    ByteBuffer header = ByteBuffer.allocate(InodeLayout.HEADER_BYTES);
    header.put(content.slice(0, Math.min(content.remaining(), header.remaining()))).clear();
    return Headers.sound(inode.vid(), header) != null;
  }

  /**
   * Takes an object anew from a node, whatever is here.
   *
   * @param leavesRoom as with {@link #copy}
   * @throws SheepException if that fails; the old copy is still there then
   */
  void take(int epoch, ObjectId oid, NodeInfo source, boolean leavesRoom, Durability durability)
      throws SheepException {
    ByteBuffer content = contentAt(epoch, oid, source, leavesRoom);
    if (content == null) {
      throw new SheepException(ResultCode.NO_OBJ, "copy of " + oid + " at " + source.port());
    }
    put(oid, content, durability);
  }

  private void put(ObjectId oid, ByteBuffer content, Durability durability) throws SheepException {
    files.create(oid, 0, content, durability);
    changed.accept(oid);
  }
}
