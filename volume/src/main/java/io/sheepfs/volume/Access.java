package io.sheepfs.volume;

/** What a volume is opened for. */
public enum Access {
  /** To look. Takes no lock; what others write meanwhile shows after {@link Volume#refresh}. */
  READ_ONLY,

  /** To write: takes the one writer's lock of the VDI. */
  READ_WRITE
}
