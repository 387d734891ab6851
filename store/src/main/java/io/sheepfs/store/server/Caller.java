package io.sheepfs.store.server;

/** A client at the other end of a connection. Safe for any number of threads. */
interface Caller {
  /** The name in its certificate; "" if it has none. */
  default String certificateName() {
    return "";
  }

  /**
   * Whether the process stood still since the client came, so that it may have gone to another
   * sheep with what it sent.
   */
  boolean isOutlived();

  /**
   * Whether the client has gone, or was told to turn to another node: what it sent must not be
   * passed on later than what it sends there.
   */
  boolean hasTurnedAway();

  /** Notes that the client is being told to turn to another node. */
  void turnAway();

  /** Ends the connection, for what the client holds through it has ended. */
  void abandon();
}
