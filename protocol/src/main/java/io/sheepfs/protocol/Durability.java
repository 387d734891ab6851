package io.sheepfs.protocol;

/** When a change is on stable storage. */
public enum Durability {
  /** On every replica before the call returns. */
  STABLE,

  /**
   * On every replica at the next {@link ObjectStore#flush} of its VDI. Until then it survives the
   * death of a process but not a power cut. On the wire this is the CACHE flag.
   */
  UNSTABLE
}
