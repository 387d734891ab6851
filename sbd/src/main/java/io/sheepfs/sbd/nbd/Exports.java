package io.sheepfs.sbd.nbd;

import io.sheepfs.protocol.Cluster;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.SnapshotSelector;
import io.sheepfs.protocol.SnapshotTag;
import io.sheepfs.protocol.VdiInfo;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.tls.AllowList.Grant;
import io.sheepfs.protocol.tls.AllowList.Right;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The exports of a cluster: each working VDI by its name, each snapshot as {@code NAME@TAG} (or
 * {@code NAME@NUMBER}), which is read-only. A VDI that has an {@code @} in its name is found first.
 *
 * <p>Safe for any number of threads. Calls block.
 */
final class Exports {

  private static final Logger log = LoggerFactory.getLogger(Exports.class);

  private final Cluster cluster;
  private final boolean readOnly;
  private final @Nullable String defaultName;

  /** What is open, or was not closed for want of a flush. */
  private final Map<String, SharedVolume> open = new ConcurrentHashMap<>();

  /**
   * The exports.
   *
   * @param readOnly whether nothing may be written; then no VDI is locked
   * @param defaultName the VDI or snapshot that clients get who name none; null to refuse them
   */
  Exports(Cluster cluster, boolean readOnly, @Nullable String defaultName) {
    this.cluster = cluster;
    this.readOnly = readOnly;
    this.defaultName = defaultName;
  }

  /**
   * An export before it is used.
   *
   * @param name its full name, also if the client asked for the default
   */
  record Description(String name, long sizeBytes, boolean readOnly) {}

  private static boolean permits(@Nullable Grant grant, Right right, VdiInfo vdi) {
    return grant == null || grant.permits(right, vdi.name());
  }

  /**
   * The names of all exports that may be read, in order.
   *
   * @param grant what the client may do; null for everything
   */
  List<String> names(@Nullable Grant grant) throws SheepException {
    List<String> names = new ArrayList<>();
    for (VdiInfo vdi : cluster.vdis().list()) {
      if (!permits(grant, Right.READ, vdi)) {
        continue;
      }
      SnapshotTag tag = vdi.tag();
      if (!vdi.isSnapshot()) {
        names.add(vdi.name().value());
      } else {
        names.add(vdi.name() + "@" + (tag != null ? tag.value() : vdi.snapshotId()));
      }
    }
    Collections.sort(names);
    return names;
  }

  /**
   * What an export is, without opening it.
   *
   * @param grant what the client may do; null for everything
   * @throws SheepException {@link ResultCode#NO_VDI} or {@link ResultCode#NO_TAG} if there is none,
   *     {@link ResultCode#NOT_ALLOWED}
   */
  Description describe(String asked, @Nullable Grant grant) throws SheepException {
    VdiInfo vdi = find(asked, grant);
    String name = fullName(asked);
    SharedVolume shared = open.get(name);
    long size = shared == null ? vdi.sizeBytes() : shared.sizeOr(vdi.sizeBytes());
    return new Description(
        name, size, readOnly || vdi.isSnapshot() || !permits(grant, Right.WRITE, vdi));
  }

  /**
   * Opens an export for one more connection; a VDI is locked by the first that may write it.
   *
   * @param grant what the client may do; null for everything
   * @throws SheepException as {@link #describe}, and {@link ResultCode#VDI_LOCKED} if somebody else
   *     writes the VDI
   */
  Attachment attach(String asked, @Nullable Grant grant) throws IOException {
    VdiInfo vdi = find(asked, grant);
    boolean mayWrite = permits(grant, Right.WRITE, vdi);
    String name = fullName(asked);
    while (true) {
      SharedVolume shared =
          open.computeIfAbsent(name, absent -> new SharedVolume(cluster, name, readOnly));
      if (shared.enter(vdi, mayWrite)) {
        return new Attachment(this, shared, mayWrite);
      }
      open.remove(name, shared);
    }
  }

  int openCount() {
    return open.size();
  }

  /** One connection less. The last one flushes and closes the volume. */
  void detach(SharedVolume shared) {
    try {
      if (shared.leave()) {
        open.remove(shared.name(), shared);
      }
    } catch (IOException e) {
      log.error("{} stays open and locked: it cannot be flushed", shared.name(), e);
    }
  }

  /**
   * Flushes and closes what is open.
   *
   * @throws IOException the first failure; the others are suppressed in it
   */
  void close() throws IOException {
    IOException first = null;
    for (SharedVolume shared : open.values()) {
      try {
        shared.end();
      } catch (IOException e) {
        if (first == null) {
          first = e;
        } else {
          first.addSuppressed(e);
        }
      }
    }
    if (first != null) {
      throw first;
    }
  }

  private String fullName(String asked) {
    return asked.isEmpty() && defaultName != null ? defaultName : asked;
  }

  private VdiInfo find(String asked, @Nullable Grant grant) throws SheepException {
    VdiInfo vdi = find(asked);
    if (!permits(grant, Right.READ, vdi)) {
      throw new SheepException(ResultCode.NOT_ALLOWED, "export '" + asked + "'");
    }
    return vdi;
  }

  private VdiInfo find(String asked) throws SheepException {
    String name = fullName(asked);
    try {
      return cluster.vdis().lookup(vdiName(name));
    } catch (SheepException e) {
      int at = name.lastIndexOf('@');
      if (e.result() != ResultCode.NO_VDI || at < 1 || at == name.length() - 1) {
        throw e;
      }
      return findSnapshot(vdiName(name.substring(0, at)), name.substring(at + 1));
    }
  }

  private VdiInfo findSnapshot(VdiName vdi, String tag) throws SheepException {
    try {
      return cluster.vdis().lookup(vdi, SnapshotSelector.tag(tag));
    } catch (IllegalArgumentException e) {
      throw new SheepException(ResultCode.NO_TAG, "snapshot '" + tag + "' of " + vdi, e);
    } catch (SheepException e) {
      if (e.result() != ResultCode.NO_TAG || !tag.matches("[1-9][0-9]{0,8}")) {
        throw e;
      }
      return cluster.vdis().lookup(vdi, SnapshotSelector.id(Integer.parseInt(tag)));
    }
  }

  private static VdiName vdiName(String name) throws SheepException {
    try {
      return new VdiName(name);
    } catch (IllegalArgumentException e) {
      throw new SheepException(ResultCode.NO_VDI, "export '" + name + "'", e);
    }
  }
}
