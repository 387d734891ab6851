package io.sheepfs.protocol;

/**
 * The right to write one VDI, from {@link VdiDirectory#lock} until {@link #close}. It follows the
 * VDI through snapshots. When the holder's process or connection dies, the cluster frees it after
 * the lease.
 */
public interface VdiLock extends AutoCloseable {

  /** The VDI as it was when the lock was taken. */
  VdiInfo vdi();

  /**
   * Whether the lock is still ours. Once false it stays false: the lease ran out, and somebody else
   * may have written.
   */
  boolean isHeld();

  /** Lets the lock go; again does nothing. */
  @Override
  void close() throws SheepException;
}
