package io.sheepfs.store.cluster;

import io.sheepfs.protocol.ObjectId;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.BooleanSupplier;

/**
 * What a node of {@link ClusterModel} stores, on two disks with each second object. The node can
 * lose one of them and go on without it, step by step, by the rules of {@link DiskLoss}; then
 * another one is in its place.
 */
final class ModelDisks {

  private final Map<ObjectId, Content> objects = new HashMap<>();
  private Losing losing = Losing.NOTHING;

  /** Which of them is lost next. */
  private boolean second;

  /** Whether they say that objects may be missing. */
  private boolean incomplete;

  private int losses;

  /** The state of an object; both halves are 0 if it is not there. */
  record Content(int one, int two) {
    static final Content NONE = new Content(0, 0);
  }

  /** How far the node is with going on without a disk. */
  private enum Losing {
    NOTHING,
    /** It was allowed to. */
    ALLOWED,
    /** It does not take part in anything any more. */
    CLOSED,
    /** Its directory says that it is incomplete. */
    INCOMPLETE
  }

  /** What the process of the node has to do after a step. */
  enum Then {
    GO_ON,
    CLOSE,
    RESTART
  }

  Content get(ObjectId oid) {
    return objects.getOrDefault(oid, Content.NONE);
  }

  void put(ObjectId oid, Content content) {
    if (content.equals(Content.NONE)) {
      objects.remove(oid);
    } else {
      objects.put(oid, content);
    }
  }

  boolean has(ObjectId oid) {
    return objects.containsKey(oid);
  }

  Set<ObjectId> list() {
    return new HashSet<>(objects.keySet());
  }

  /** A process begins: if another was on the way to do without a disk, that one is gone now. */
  void started() {
    if (incomplete) {
      objects.keySet().removeIf(oid -> oid.hashCode() % 2 == 0 != second);
      second = !second;
    }
  }

  /** The process ends. */
  void ended() {
    losing = Losing.NOTHING;
  }

  /** The next step of going on without a disk. */
  Then lose(BooleanSupplier isAllowed, BooleanSupplier haveOthersAll) {
    switch (losing) {
      case NOTHING -> {
        if (isAllowed.getAsBoolean()) {
          losing = Losing.ALLOWED;
        }
        return Then.GO_ON;
      }
      case ALLOWED -> {
        losing = Losing.CLOSED;
        return Then.CLOSE;
      }
      case CLOSED -> {
        if (!haveOthersAll.getAsBoolean()) {
          return Then.RESTART;
        }
        incomplete = true;
        losing = Losing.INCOMPLETE;
        return Then.GO_ON;
      }
      case INCOMPLETE -> losses++;
    }
    return Then.RESTART;
  }

  boolean isLosing() {
    return losing != Losing.NOTHING;
  }

  /** Whether the node does not take part in anything any more. */
  boolean isClosed() {
    return losing.compareTo(Losing.CLOSED) >= 0;
  }

  boolean isIncomplete() {
    return incomplete;
  }

  /** Everything is there again. */
  void complete() {
    incomplete = false;
  }

  /** How often the node went on without a disk. */
  int losses() {
    return losses;
  }
}
