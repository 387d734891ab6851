package io.sheepfs.store.server;

import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiInfo;
import io.sheepfs.protocol.WriterMarks;
import io.sheepfs.store.SheepNode;
import io.sheepfs.store.vdi.Vdi;
import io.sheepfs.store.vdi.VdiStore;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Clients of other makers write without a lease, and leave no mark as ours do ({@link
 * WriterMarks}). So the mark of a VDI that they write is taken away: then no cache is believed any
 * more that was filled before. It is looked for at their first write to a VDI, and again after any
 * attribute was written, since marks are attributes. Safe for any number of threads.
 */
final class StrangersWrites {

  private static final Logger log = LoggerFactory.getLogger(StrangersWrites.class);

  private final SheepNode sheep;
  private final AtomicLong attributeChanges = new AtomicLong();

  private volatile @Nullable Unmarked unmarked;

  /**
   * VDIs without a mark, and the {@link #attributeChanges} when that was seen.
   *
   * @param in another one after each time in which another node led
   */
  private record Unmarked(VdiStore in, Map<VdiId, Long> seen) {}

  StrangersWrites(SheepNode sheep) {
    this.sheep = sheep;
  }

  /** To be called before a change without a lease. */
  void before(ObjectId oid) throws SheepException {
    if (!oid.isData()) {
      return;
    }
    VdiStore vdis = sheep.vdiStore();
    Unmarked known = unmarked;
    if (known == null || !known.in.equals(vdis)) {
      known = new Unmarked(vdis, new ConcurrentHashMap<>());
      unmarked = known;
    }
    long now = attributeChanges.get();
    Long seen = known.seen.get(oid.vid());
    if (seen == null || seen != now) {
      removeMark(oid.vid());
      known.seen.put(oid.vid(), now);
    }
  }

  private void removeMark(VdiId vid) throws SheepException {
    Vdi vdi = sheep.vdiStore().table().get(vid);
    VdiInfo info = vdi == null || vdi.isSnapshot() ? null : vdi.info();
    if (info == null) {
      return;
    }
    WriterMarks marks = new WriterMarks(sheep.objects());
    if (marks.read(info.name()) != null) {
      log.info("VDI {} is written by a client that leaves no mark; caches drop it", info.name());
      marks.remove(info.name());
    }
  }

  /** To be called after any change. */
  void after(ObjectId oid) {
    if (oid.kind() == ObjectId.Kind.ATTRIBUTE) {
      attributeChanges.incrementAndGet();
    }
  }
}
