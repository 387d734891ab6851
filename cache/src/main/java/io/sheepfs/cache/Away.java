package io.sheepfs.cache;

import io.sheepfs.protocol.SheepException;

/** Tells failures that pass, when the cluster is back, from those that do not. */
final class Away {

  private Away() {}

  /** Whether it is worth to wait and ask again. */
  static boolean is(SheepException e) {
    return switch (e.result()) {
      case NETWORK_ERROR,
          OLD_NODE_VER,
          NEW_NODE_VER,
          NODE_IN_RECOVERY,
          AGAIN,
          HALT,
          STARTUP,
          SHUTDOWN,
          KILLED,
          WAIT_FOR_FORMAT,
          WAIT_FOR_JOIN,
          COLLECTING_CINFO,
          CLUSTER_ERROR ->
          true;
      default -> false;
    };
  }
}
