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

  /** VDIs without a mark. */
  private final Map<VdiId, Seen> unmarked = new ConcurrentHashMap<>();

  /**
   * When it was looked for.
   *
   * @param vdis another one after each time in which another node led
   * @param attributeChanges that there had been
   */
  private record Seen(VdiStore vdis, long attributeChanges) {}

  StrangersWrites(SheepNode sheep) {
    this.sheep = sheep;
  }

  /** To be called before a change without a lease. */
  void before(ObjectId oid) throws SheepException {
    if (!oid.isData()) {
      return;
    }
    Seen now = new Seen(sheep.vdiStore(), attributeChanges.get());
    if (!now.equals(unmarked.get(oid.vid()))) {
      removeMark(oid.vid());
      unmarked.put(oid.vid(), now);
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
