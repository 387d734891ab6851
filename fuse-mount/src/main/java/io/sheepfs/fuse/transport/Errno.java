package io.sheepfs.fuse.transport;

import io.sheepfs.fuse.tree.TreeException;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.volume.SizeLimitException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The one place where failures become error numbers of Linux. */
public final class Errno {

  public static final int EPERM = 1;
  public static final int ENOENT = 2;
  public static final int EIO = 5;
  public static final int ENXIO = 6;
  public static final int EAGAIN = 11;
  public static final int ENOMEM = 12;
  public static final int EACCES = 13;
  public static final int EBUSY = 16;
  public static final int EEXIST = 17;
  public static final int EXDEV = 18;
  public static final int ENOTDIR = 20;
  public static final int EISDIR = 21;
  public static final int EINVAL = 22;
  public static final int ENFILE = 23;
  public static final int EFBIG = 27;
  public static final int ENOSPC = 28;
  public static final int EROFS = 30;
  public static final int ERANGE = 34;
  public static final int ENAMETOOLONG = 36;
  public static final int ENOSYS = 38;
  public static final int ENOTEMPTY = 39;
  public static final int ENODATA = 61;
  public static final int EPROTO = 71;
  public static final int EOPNOTSUPP = 95;
  public static final int ESHUTDOWN = 108;
  public static final int ESTALE = 116;

  private static final Logger log = LoggerFactory.getLogger(Errno.class);

  private Errno() {}

  /**
   * The error number of a failure; what nobody expected is logged and becomes {@link #EIO}. A
   * refusal that only tells what the caller did wrong is not logged.
   */
  public static int of(Exception failure) {
    if (failure instanceof TreeException refusal) {
      return of(refusal.reason());
    }
    if (failure instanceof SheepException refusal) {
      int errno = of(refusal.result());
      if (errno == EIO) {
        log.error("I/O error: {}", refusal.getMessage(), refusal);
      }
      return errno;
    }
    if (failure instanceof SizeLimitException) {
      return EFBIG;
    }
    log.error("Unexpected failure, answered as an I/O error", failure);
    return EIO;
  }

  /** The error number of a refusal of the tree. */
  public static int of(TreeException.Reason reason) {
    return switch (reason) {
      case NOT_FOUND -> ENOENT;
      case EXISTS -> EEXIST;
      case BUSY -> EBUSY;
      case NOT_PERMITTED -> EPERM;
      case READ_ONLY -> EROFS;
      case CROSS_DEVICE -> EXDEV;
      case INVALID -> EINVAL;
      case NAME_TOO_LONG -> ENAMETOOLONG;
      case NOT_SUPPORTED -> EOPNOTSUPP;
      case NO_ATTRIBUTE -> ENODATA;
      case RANGE -> ERANGE;
      case NOT_EMPTY -> ENOTEMPTY;
    };
  }

  /** The error number of a sheep's answer. */
  public static int of(ResultCode result) {
    return switch (result) {
      case SUCCESS -> 0;
      case NO_VDI, NO_TAG, NO_BASE_VDI, NOT_FOUND -> ENOENT;
      case VDI_EXIST, OID_EXIST -> EEXIST;
      case VDI_LOCKED -> EBUSY;
      case VDI_NOT_LOCKED, INODE_INVALIDATED, STALE_OBJ -> ESTALE;
      case INVALID_PARMS -> EINVAL;
      case NO_MEM -> ENOMEM;
      case FULL_VDI -> ENFILE;
      case NO_SPACE -> ENOSPC;
      case READONLY -> EROFS;
      case NOT_ALLOWED -> EACCES;
      case VDI_NOT_EMPTY -> ENOTEMPTY;
      case NO_SUPPORT, NO_STORE, INVALID_VNODES_STRATEGY -> EOPNOTSUPP;
      case AGAIN, NODE_IN_RECOVERY, COLLECTING_CINFO -> EAGAIN;
      case SHUTDOWN, KILLED -> ESHUTDOWN;
      case VER_MISMATCH -> EPROTO;
      case UNKNOWN,
          NO_OBJ,
          EIO,
          SYSTEM_ERROR,
          VDI_READ,
          VDI_WRITE,
          BASE_VDI_READ,
          BASE_VDI_WRITE,
          STARTUP,
          WAIT_FOR_FORMAT,
          WAIT_FOR_JOIN,
          JOIN_FAILED,
          HALT,
          OLD_NODE_VER,
          NEW_NODE_VER,
          NOT_FORMATTED,
          INVALID_CTIME,
          INVALID_EPOCH,
          NO_CACHE,
          BUFFER_SMALL,
          FORCE_RECOVER,
          CLUSTER_ERROR,
          NETWORK_ERROR,
          INCOMPLETE,
          GATEWAY_MODE,
          NO_CHECKPOINT_ENTRY ->
          EIO;
    };
  }
}
