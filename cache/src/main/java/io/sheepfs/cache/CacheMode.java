package io.sheepfs.cache;

/** What a cache does with writes. */
public enum CacheMode {
  /** Takes them at once and hands them on later, at the latest when the VDI is flushed. */
  WRITEBACK,

  /** Hands them on at once and keeps a copy for reads. */
  WRITETHROUGH,

  /** Hands everything on and keeps nothing: the DIRECT flag. */
  OFF
}
