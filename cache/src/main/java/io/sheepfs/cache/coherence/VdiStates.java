package io.sheepfs.cache.coherence;

import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiLock;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** The states of all VDIs that were used. Safe for any number of threads. */
final class VdiStates {

  private final Map<VdiId, VdiState> states = new ConcurrentHashMap<>();

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

  /** Expires all that others may have written, and that are not to be asked for anyway. */
  void expireAll() {
    for (VdiState state : states.values()) {
      if (!state.mustCheck && !state.settled) {
        state.expire();
      }
    }
  }

  void letGo(VdiLock lock) {
    states.values().forEach(state -> state.letGo(lock));
  }

  void remove(VdiId vid) {
    states.remove(vid);
  }
}
