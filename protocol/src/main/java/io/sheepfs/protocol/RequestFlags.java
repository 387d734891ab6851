package io.sheepfs.protocol;

/**
 * The bits of a request's {@code flags}. Two names can share a bit: the opcode tells them apart.
 */
public final class RequestFlags {

  /** A body of {@code data_length} bytes follows the header. */
  public static final int WRITE = 0x0001;

  /** CREATE_AND_WRITE_OBJ starts from a copy of {@code cow_oid}. */
  public static final int COW = 0x0002;

  /** The change may stay unstable until FLUSH_VDI. */
  public static final int CACHE = 0x0004;

  /** Past the object cache. */
  public static final int DIRECT = 0x0008;

  /** A request with a body that is answered with one, too. */
  public static final int PIGGYBACK = 0x0010;

  /** From an iSCSI target, which shares its lock with others. */
  public static final int TARGET = 0x0020;

  /** Sent by a gateway on behalf of a client. */
  public static final int FORWARD = 0x0040;

  /** A read for recovery; it never waits for recovery. */
  public static final int RECOVERY = 0x0080;

  /** A read for recovery that takes a copy of any epoch. */
  public static final int WILDCARD = 0x0100;

  /** GET_VDI_ATTR stores the attribute. */
  public static final int CREATE = 0x0100;

  /** GET_VDI_ATTR with CREATE fails if there is one. */
  public static final int EXCLUSIVE = 0x0200;

  /** GET_VDI_ATTR deletes the attribute. */
  public static final int DELETE = 0x0400;

  /**
   * Ours; the original ignores it. The lock of a LOCK_VDI lives as long as the connection it was
   * asked on, and is enforced whatever the cluster was formatted with. The answer says the lease's
   * generation, in the place of GET_VDI_ATTR's id.
   *
   * <p>A change of an object with this flag is refused with VDI_NOT_LOCKED unless the lease of its
   * VDI has the generation that is in the place of {@code tgt_epoch}.
   */
  public static final int LEASE = 0x0800;

  /**
   * Ours; the original ignores it. A NEW_VDI that takes a snapshot fails if its base is not the
   * working VDI any more, where it would otherwise go back to that base.
   */
  public static final int WORKING_BASE = 0x0800;

  /** All that mean something in some request. */
  public static final int KNOWN = 0x0fff;

  private RequestFlags() {}
}
