package io.sheepfs.store;

/** What a node may have lost since it last took part in its cluster; the worse comes later. */
public enum Loss {
  /** Nothing. */
  NONE,
  /** What was not flushed: its machine died. */
  UNFLUSHED,
  /** Objects: it goes on without one of its disks. */
  OBJECTS
}
