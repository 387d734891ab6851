package io.sheepfs.store.cluster;

import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.store.StoreDisks;
import io.sheepfs.store.StoreDisks.Leaving;
import io.sheepfs.store.object.DiskSet;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The disks that an administrator adds to this node and takes away. The objects of one that is to
 * leave are moved to the others, one after the other, while clients go on; then it is forgotten. No
 * other node is concerned.
 *
 * <p>Safe for any number of threads. One thread moves.
 */
public final class Departures implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(Departures.class);

  private static final Duration PAUSE = Duration.ofSeconds(30);

  private final @Nullable StoreDisks disks;
  private final Replica replica;
  private final Signal signal = new Signal();
  private volatile boolean closed;

  Departures(@Nullable StoreDisks disks, Replica replica) {
    this.disks = disks;
    this.replica = replica;
  }

  /** Goes on with what an earlier process began. */
  void start() {
    StoreDisks all = disks;
    if (all != null) {
      Thread thread = new Thread(() -> run(all), "sheep-departures");
      thread.setDaemon(true);
      thread.start();
    }
  }

  private StoreDisks disks() throws SheepException {
    StoreDisks all = disks;
    if (all == null) {
      throw new SheepException(ResultCode.NO_SUPPORT, "disks that come and go");
    }
    return all;
  }

  /**
   * Adds disks.
   *
   * @throws SheepException {@link ResultCode#INVALID_PARMS} if one is in use by another, or not
   *     empty
   */
  public void plug(List<Path> paths) throws SheepException {
    for (Path path : paths) {
      try {
        disks().plug(path);
      } catch (SheepException e) {
        throw e;
      } catch (IOException e) {
        throw new SheepException(ResultCode.INVALID_PARMS, "plug " + path, e);
      }
    }
  }

  /**
   * Begins to take disks away. Who wants to know when they can be removed looks at the list of the
   * disks.
   *
   * @throws SheepException as {@link StoreDisks#unplug} says
   */
  public void unplug(List<Path> paths) throws SheepException {
    try {
      for (Path path : paths) {
        disks().unplug(path);
      }
    } catch (SheepException e) {
      throw e;
    } catch (IOException e) {
      throw new SheepException(ResultCode.EIO, "unplug", e);
    } finally {
      signal.raise();
    }
  }

  private void run(StoreDisks all) {
    while (!closed) {
      for (Leaving leaving : all.leaving()) {
        try {
          moveAll(all, leaving);
        } catch (IOException e) {
          log.warn("{} cannot be emptied now", leaving.objects(), e);
        } catch (RuntimeException e) {
          log.error("{} cannot be emptied, which is a bug", leaving.objects(), e);
        }
      }
      try {
        signal.await(PAUSE);
      } catch (InterruptedException e) {
        return;
      }
    }
  }

  private void moveAll(StoreDisks all, Leaving leaving) throws IOException {
    DiskSet set = all.objects();
    int moved = 0;
    List<ObjectId> oids = set.list(leaving.key());
    log.info("moving {} objects from {} to the other disks", oids.size(), leaving.objects());
    while (!oids.isEmpty()) {
      for (ObjectId oid : oids) {
        if (closed) {
          return;
        }
        try {
          replica.undisturbed(oid, () -> set.move(oid, leaving.key()));
          moved++;
        } catch (SheepException e) {
          if (e.result() != ResultCode.NO_SPACE) {
            throw e;
          }
          log.error("{} stays: the other disks have no room", leaving.objects(), e);
          all.stays(leaving);
          return;
        }
      }
      oids = set.list(leaving.key());
    }
    all.left(leaving);
    log.info("{} objects were moved from {}", moved, leaving.objects());
  }

  @Override
  public void close() {
    closed = true;
    signal.raise();
  }
}
