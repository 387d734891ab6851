package io.sheepfs.cache.coherence;

import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiInfo;
import io.sheepfs.protocol.VdiLock;
import io.sheepfs.protocol.VdiName;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** The states of all VDIs that were used. Safe for any number of threads. */
final class VdiStates {

  private final Map<VdiId, VdiState> states = new ConcurrentHashMap<>();

  /** The working VDIs that were found, by name, and the snapshots. */
  private final Map<VdiName, VdiId> working = new ConcurrentHashMap<>();

  private final Set<VdiId> snapshots = ConcurrentHashMap.newKeySet();

  VdiState of(VdiId vid) {
    VdiState known = states.get(vid);
    return known != null ? known : states.computeIfAbsent(vid, VdiState::new);
  }

  boolean isHeld(VdiId vid) {
    VdiState state = states.get(vid);
    return state != null && state.isHeld();
  }

  void expire(VdiId vid) {
    VdiState state = states.get(vid);
    if (state != null) {
      state.expire();
    }
  }

  /**
   * Notes that a VDI or snapshot was found, so that whoever opens it now sees what was closed
   * before, in what it was made from, too.
   *
   * <p>What a VDI was made from are snapshots, which were such before the VDI was there. So all
   * states expire when a VDI is found for the first time; one that is checked after that has
   * learned that it is of a snapshot. From then on only a working VDI can have changed itself.
   */
  synchronized void found(VdiInfo vdi) {
    boolean fresh =
        vdi.isSnapshot()
            ? snapshots.add(vdi.vid())
            : !vdi.vid().equals(working.put(vdi.name(), vdi.vid()));
    if (fresh) {
      for (VdiState state : states.values()) {
        if (!state.mustCheck && !state.settled) {
          state.expire();
        }
      }
    } else if (!vdi.isSnapshot()) {
      expire(vdi.vid());
    }
  }

  /** The same for a list, from which snapshots are opened, but no working VDIs. */
  void listed(List<VdiInfo> list) {
    for (VdiInfo vdi : list) {
      if (vdi.isSnapshot() && !snapshots.contains(vdi.vid())) {
        found(vdi);
      }
    }
  }

  void letGo(VdiLock lock) {
    states.values().forEach(state -> state.letGo(lock));
  }

  synchronized void remove(VdiId vid) {
    states.remove(vid);
    snapshots.remove(vid);
    working.values().remove(vid);
  }
}
