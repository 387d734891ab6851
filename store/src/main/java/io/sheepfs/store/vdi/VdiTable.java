package io.sheepfs.store.vdi;

import io.sheepfs.protocol.InodeHeader;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.SnapshotSelector;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiInfo;
import io.sheepfs.protocol.VdiName;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * All inodes of a store, by id, by name and by parent. Held in memory and derived from the inodes'
 * headers, so that nothing can disagree with them.
 *
 * <p>Any thread may look; changes are made by one at a time.
 */
public final class VdiTable {

  private static final int BITMAP_BYTES = (VdiId.MAX + 1) / Byte.SIZE;

  private final Map<VdiId, Vdi> byId = new ConcurrentHashMap<>();
  private final Map<VdiName, List<Vdi>> byName = new ConcurrentHashMap<>();
  private final Map<Integer, List<Vdi>> children = new ConcurrentHashMap<>();

  /** Inodes of which nobody knows what they say. */
  private final Set<VdiId> damaged = ConcurrentHashMap.newKeySet();

  /** Whether an inode names what it cannot have been made from. */
  private volatile boolean isFamilyUnknown;

  VdiTable() {}

  /**
   * Notes an inode that its disk has changed or lost: there is no VDI of its id, nor will there be
   * one.
   */
  void addDamaged(VdiId vid) {
    damaged.add(vid);
  }

  /**
   * Whether there is any such inode, or one that names a parent which it cannot have. As long as
   * there is, it may name any object, and be of any family; so no object is without references for
   * sure.
   */
  boolean isReferenceUnknown() {
    return !damaged.isEmpty() || isFamilyUnknown;
  }

  /**
   * Fails if an inode is such a one.
   *
   * @throws SheepException {@link ResultCode#EIO}
   */
  void checkNotDamaged(VdiId vid) throws SheepException {
    if (damaged.contains(vid)) {
      throw new SheepException(ResultCode.EIO, "the inode of VDI " + vid + " is damaged");
    }
  }

  /**
   * Fails if a name that nothing has may be that of a VDI whose inode is damaged.
   *
   * @throws SheepException {@link ResultCode#EIO}
   */
  void checkNoneDamaged(VdiName name) throws SheepException {
    if (!damaged.isEmpty()) {
      throw new SheepException(
          ResultCode.EIO, "VDI '" + name + "' may be one whose inode is damaged: " + damaged);
    }
  }

  /** The inode with an id, deleted or not. */
  public @Nullable Vdi get(VdiId vid) {
    return byId.get(vid);
  }

  /** All inodes, in no order, tombstones too. */
  public Collection<Vdi> all() {
    return byId.values();
  }

  void add(Vdi vdi) {
    byId.put(vdi.vid(), vdi);
    VdiName name = vdi.name();
    if (name != null) {
      byName.merge(name, List.of(vdi), VdiTable::joined);
    }
    int parent = vdi.header().parentVdiId();
    if (parent != 0) {
      children.merge(parent, List.of(vdi), VdiTable::joined);
    }
  }

  private static List<Vdi> joined(List<Vdi> some, List<Vdi> more) {
    List<Vdi> all = new ArrayList<>(some);
    all.addAll(more);
    return List.copyOf(all);
  }

  /** Takes in a changed header; of the name it can only lose all. */
  void update(Vdi vdi, InodeHeader header) {
    VdiName name = vdi.name();
    vdi.setHeader(header);
    if (header.isDeleted() && name != null) {
      byName.computeIfPresent(
          name,
          (key, vdis) -> {
            List<Vdi> rest = vdis.stream().filter(other -> other != vdi).toList();
            return rest.isEmpty() ? null : rest;
          });
    }
  }

  /**
   * A working VDI becomes a snapshot, and another one goes on from it. At each moment one of the
   * two is the working VDI of the name.
   */
  synchronized void succeed(Vdi current, InodeHeader frozen, Vdi next) {
    add(next);
    update(current, frozen);
  }

  void clear() {
    byId.clear();
    byName.clear();
    children.clear();
    damaged.clear();
    isFamilyUnknown = false;
  }

  /** The working VDI of a name, or null. */
  public @Nullable Vdi working(VdiName name) {
    List<Vdi> vdis = byName.get(name);
    while (vdis != null) {
      for (Vdi vdi : vdis) {
        if (!vdi.isSnapshot()) {
          return vdi;
        }
      }
      // One of them may have become a snapshot just now: then its successor is there by now.
      List<Vdi> seen = vdis;
      vdis = byName.get(name);
      if (vdis == seen) {
        return null;
      }
    }
    return null;
  }

  /**
   * The working VDI of a name.
   *
   * @throws SheepException {@link ResultCode#NO_VDI}
   */
  public Vdi requireWorking(VdiName name) throws SheepException {
    Vdi vdi = working(name);
    if (vdi == null) {
      checkNoneDamaged(name);
      throw new SheepException(ResultCode.NO_VDI, "VDI '" + name + "'");
    }
    return vdi;
  }

  /** A snapshot, or null. */
  public @Nullable Vdi snapshot(VdiName name, SnapshotSelector selector) {
    for (Vdi vdi : byName.getOrDefault(name, List.of())) {
      VdiInfo info = vdi.info();
      if (info != null && info.isSnapshot() && matches(info, selector)) {
        return vdi;
      }
    }
    return null;
  }

  private static boolean matches(VdiInfo info, SnapshotSelector selector) {
    if (selector instanceof SnapshotSelector.ByTag byTag) {
      return byTag.tag().equals(info.tag());
    }
    return selector instanceof SnapshotSelector.ById byId && byId.snapshotId() == info.snapshotId();
  }

  /**
   * A snapshot.
   *
   * @throws SheepException {@link ResultCode#NO_VDI} if nothing has that name, {@link
   *     ResultCode#NO_TAG} if no snapshot of it is meant
   */
  public Vdi requireSnapshot(VdiName name, SnapshotSelector selector) throws SheepException {
    Vdi vdi = snapshot(name, selector);
    if (vdi == null) {
      checkNoneDamaged(name);
      ResultCode why = byName.containsKey(name) ? ResultCode.NO_TAG : ResultCode.NO_VDI;
      throw new SheepException(why, "snapshot '" + selector + "' of VDI '" + name + "'");
    }
    return vdi;
  }

  /** The number that the next generation of a name gets. */
  int nextSnapshotId(VdiName name) {
    int last = 0;
    for (Vdi vdi : byName.getOrDefault(name, List.of())) {
      last = Math.max(last, vdi.header().snapshotId());
    }
    return last + 1;
  }

  /**
   * The id that a new VDI of a name gets: the first that no VDI ever had, from the name's hash on.
   *
   * @throws SheepException {@link ResultCode#FULL_VDI}
   */
  VdiId freeId(VdiName name) throws SheepException {
    VdiId first = VdiId.hashOf(name);
    VdiId vid = first;
    while (byId.containsKey(vid) || damaged.contains(vid)) {
      vid = vid.next();
      if (vid.equals(first)) {
        throw new SheepException(ResultCode.FULL_VDI, "VDI '" + name + "'");
      }
    }
    return vid;
  }

  /** All working VDIs and snapshots, by id. */
  public synchronized List<VdiInfo> list() {
    List<VdiInfo> infos = new ArrayList<>();
    for (Vdi vdi : byId.values()) {
      VdiInfo info = vdi.info();
      if (info != null) {
        infos.add(info);
      }
    }
    infos.sort(Comparator.comparing(VdiInfo::vid));
    return infos;
  }

  /**
   * A VDI and all that were made from it, directly or not; only these can refer to its objects.
   * Tombstones are left out.
   */
  List<Vdi> livingFamily(VdiId ancestor) {
    List<Vdi> family = new ArrayList<>();
    Set<Vdi> seen = new HashSet<>(); // a disk may have made a circle of it
    Deque<Vdi> pending = new ArrayDeque<>();
    Vdi root = byId.get(ancestor);
    if (root != null) {
      pending.add(root);
    }
    while (!pending.isEmpty()) {
      Vdi vdi = pending.remove();
      if (seen.add(vdi)) {
        if (!vdi.isDeleted()) {
          family.add(vdi);
        }
        pending.addAll(children.getOrDefault(vdi.vid().value(), List.of()));
      }
    }
    return family;
  }

  /**
   * VDIs that cannot have been made from what they say: from nothing that is there, from what is no
   * snapshot, from themselves in the end; and with them those that are not there.
   */
  Set<VdiId> strangers() {
    Set<VdiId> strangers = new TreeSet<>();
    Set<Vdi> ends = new HashSet<>();
    for (Vdi vdi : byId.values()) {
      Set<Vdi> line = new HashSet<>();
      Vdi one = vdi;
      while (one != null && !ends.contains(one) && line.add(one)) {
        int parentId = one.header().parentVdiId();
        Vdi parent = parentId == 0 ? null : byId.get(new VdiId(parentId));
        if (parentId != 0 && !isPossibleParent(new VdiId(parentId), parent)) {
          strangers.add(one.vid());
          strangers.add(new VdiId(parentId));
        }
        one = parent;
      }
      if (one != null && line.contains(one)) {
        line.forEach(each -> strangers.add(each.vid()));
      }
      ends.addAll(line);
    }
    return strangers;
  }

  private boolean isPossibleParent(VdiId vid, @Nullable Vdi parent) {
    return parent == null ? damaged.contains(vid) : parent.isSnapshot();
  }

  /** Notes that these are strangers, and who can tell. */
  void distrust(Set<VdiId> strangers) {
    isFamilyUnknown = true;
    for (VdiId vid : strangers) {
      if (!byId.containsKey(vid)) {
        addDamaged(vid);
      }
    }
  }

  /** The ids that must not be given out again: bit n is bit n % 8 of byte n / 8. */
  public byte[] idsInUse() {
    List<VdiId> ids = new ArrayList<>(byId.keySet());
    ids.addAll(damaged);
    return bitmap(ids);
  }

  /** The ids among them of which only a tombstone is left, likewise. */
  public byte[] deletedIds() {
    return bitmap(byId.values().stream().filter(Vdi::isDeleted).map(Vdi::vid).toList());
  }

  private static byte[] bitmap(Collection<VdiId> vids) {
    byte[] bits = new byte[BITMAP_BYTES];
    for (VdiId vid : vids) {
      int id = vid.value();
      bits[id / Byte.SIZE] |= (byte) (1 << (id % Byte.SIZE));
    }
    return bits;
  }
}
