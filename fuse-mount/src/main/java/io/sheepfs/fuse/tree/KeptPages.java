package io.sheepfs.fuse.tree;

import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiDirectory;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiInfo;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.WriterMark;
import java.time.Instant;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whether the pages that the kernel has of one VDI are still right when it is opened again. They
 * are as long as nobody else wrote in between, which the marks of the writers tell: whose mark was
 * closed when the pages began to be read, and is still the last one, wrote the last of what they
 * hold. While we hold the writer's lock the mark is ours.
 *
 * <p>A mark is always read before the pages that it stands for, so that who writes in between makes
 * them count as old, never as new. Marks are believed where the object cache believes them, too; a
 * store that nobody else can reach needs none.
 *
 * <p>Not safe for several threads.
 */
final class KeptPages {

  private static final Logger log = LoggerFactory.getLogger(KeptPages.class);

  private record Known(VdiId vid, Instant created, UUID token) {}

  private final VdiDirectory vdis;
  private final VdiName name;
  private final boolean alone;
  private final boolean marked;

  /** What the pages are right as of; null if they are not trusted. */
  private @Nullable Known known;

  KeptPages(ClusterTree tree, VdiName name) {
    this.vdis = tree.cluster.vdis();
    this.name = name;
    this.alone = tree.alone;
    this.marked = !tree.alone && tree.cache != null;
  }

  /** The mark of the last writer, if marks are used here and it can be had. */
  @Nullable WriterMark mark() {
    if (!marked) {
      return null;
    }
    try {
      return vdis.lastWriter(name);
    } catch (SheepException e) {
      log.debug("cannot tell who wrote {} last", name, e);
      return null;
    }
  }

  /**
   * Notes that the VDI is opened to read, and nobody here writes it.
   *
   * @param mark the mark as it was before {@code vdi} was read
   * @return whether the pages of earlier opens are still right
   */
  boolean opened(VdiInfo vdi, @Nullable WriterMark mark) {
    Known now = closed(vdi, mark);
    boolean kept = alone || (now != null && now.equals(known));
    known = now;
    return kept;
  }

  /** Notes that we are the writer, and that the kernel drops its pages unless they are right. */
  void locked(VdiInfo vdi) {
    WriterMark own = mark();
    known = own == null ? null : new Known(vdi.vid(), vdi.created(), own.token());
  }

  /**
   * Notes that it is opened once more while we are its writer.
   *
   * @return whether the pages read since {@link #locked} are right: the lock may have been lost
   */
  boolean openedWhileLocked(VdiInfo vdi) {
    Known before = known;
    locked(vdi);
    return alone || (known != null && known.equals(before));
  }

  /** Notes that somebody else may have written. */
  void changed() {
    known = null;
  }

  /** Whether a mark, if there is one, says that nobody else wrote since the pages were read. */
  boolean current(VdiInfo vdi, @Nullable WriterMark mark) {
    return mark == null || (known != null && known.equals(closed(vdi, mark)));
  }

  private static @Nullable Known closed(VdiInfo vdi, @Nullable WriterMark mark) {
    return mark == null || mark.open() ? null : new Known(vdi.vid(), vdi.created(), mark.token());
  }
}
