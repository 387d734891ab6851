package io.sheepfs.fuse.transport.direct;

/**
 * Opcodes, flags and structure layouts of the FUSE protocol, as {@code linux/fuse.h} names them.
 * Integers are native-endian; every structure is padded to 8 bytes. The layouts are the same on all
 * 64-bit architectures.
 *
 * <pre>
 *   request:  InHeader (40)  | arguments of the opcode | names, NUL-terminated, or payload
 *   reply:    OutHeader (16) | result of the opcode    | payload
 * </pre>
 */
final class FuseAbi {

  static final int KERNEL_VERSION = 7;
  static final int KERNEL_MINOR_VERSION = 36;

  /**
   * The oldest minor version we speak: Linux 5.4, with max_pages and splice-free 1 MiB requests.
   */
  static final int OLDEST_MINOR_VERSION = 31;

  static final long ROOT_ID = 1;

  /** {@code FUSE_DEV_IOC_CLONE}: makes a fresh {@code /dev/fuse} fd serve an existing session. */
  static final long DEV_IOC_CLONE = 0x8004E500L;

  private FuseAbi() {}

  static final class Opcode {
    static final int LOOKUP = 1;
    static final int FORGET = 2;
    static final int GETATTR = 3;
    static final int SETATTR = 4;
    static final int READLINK = 5;
    static final int SYMLINK = 6;
    static final int MKNOD = 8;
    static final int MKDIR = 9;
    static final int UNLINK = 10;
    static final int RMDIR = 11;
    static final int RENAME = 12;
    static final int LINK = 13;
    static final int OPEN = 14;
    static final int READ = 15;
    static final int WRITE = 16;
    static final int STATFS = 17;
    static final int RELEASE = 18;
    static final int FSYNC = 20;
    static final int SETXATTR = 21;
    static final int GETXATTR = 22;
    static final int LISTXATTR = 23;
    static final int REMOVEXATTR = 24;
    static final int FLUSH = 25;
    static final int INIT = 26;
    static final int OPENDIR = 27;
    static final int READDIR = 28;
    static final int RELEASEDIR = 29;
    static final int FSYNCDIR = 30;
    static final int ACCESS = 34;
    static final int CREATE = 35;
    static final int INTERRUPT = 36;
    static final int DESTROY = 38;
    static final int BATCH_FORGET = 42;
    static final int FALLOCATE = 43;
    static final int READDIRPLUS = 44;
    static final int RENAME2 = 45;
    static final int LSEEK = 46;
    static final int COPY_FILE_RANGE = 47;
    static final int SYNCFS = 50;
    static final int STATX = 52;

    private Opcode() {}
  }

  /** {@code FUSE_*} flags of INIT. */
  static final class InitFlag {
    static final int ASYNC_READ = 1;
    static final int ATOMIC_O_TRUNC = 1 << 3;
    static final int BIG_WRITES = 1 << 5;
    static final int DONT_MASK = 1 << 6;
    static final int AUTO_INVAL_DATA = 1 << 12;
    static final int DO_READDIRPLUS = 1 << 13;
    static final int READDIRPLUS_AUTO = 1 << 14;
    static final int ASYNC_DIO = 1 << 15;
    static final int WRITEBACK_CACHE = 1 << 16;
    static final int PARALLEL_DIROPS = 1 << 18;
    static final int MAX_PAGES = 1 << 22;
    static final int HANDLE_KILLPRIV_V2 = 1 << 28;

    /** There are {@link InitFlag2}s. */
    static final int INIT_EXT = 1 << 30;

    private InitFlag() {}
  }

  /** The upper 32 of the {@code FUSE_*} flags of INIT. */
  static final class InitFlag2 {
    static final int OVER_IO_URING = 1 << 9;

    private InitFlag2() {}
  }

  /** {@code FOPEN_*} flags of the reply to OPEN and CREATE. */
  static final class OpenFlag {
    static final int DIRECT_IO = 1;
    static final int KEEP_CACHE = 1 << 1;
    static final int PARALLEL_DIRECT_WRITES = 1 << 6;

    private OpenFlag() {}
  }

  /** {@code FATTR_*}: which fields of SETATTR are meant. */
  static final class AttributeBit {
    static final int MODE = 1;
    static final int UID = 1 << 1;
    static final int GID = 1 << 2;
    static final int SIZE = 1 << 3;
    static final int ATIME = 1 << 4;
    static final int MTIME = 1 << 5;
    static final int FH = 1 << 6;
    static final int ATIME_NOW = 1 << 7;
    static final int MTIME_NOW = 1 << 8;

    private AttributeBit() {}
  }

  /** {@code fuse_notify_code}: messages that we send unasked, with {@code unique} 0. */
  static final class Notify {
    static final int INVAL_INODE = 2;
    static final int INVAL_ENTRY = 3;

    private Notify() {}
  }

  /** {@code fuse_in_header}. */
  static final class InHeader {
    static final int LEN = 0;
    static final int OPCODE = 4;
    static final int UNIQUE = 8;
    static final int NODEID = 16;
    static final int UID = 24;
    static final int GID = 28;
    static final int PID = 32;
    static final int SIZE = 40;

    private InHeader() {}
  }

  /** {@code fuse_out_header}. */
  static final class OutHeader {
    static final int LEN = 0;
    static final int ERROR = 4;
    static final int UNIQUE = 8;
    static final int SIZE = 16;

    private OutHeader() {}
  }

  /** {@code fuse_init_in}; flags2 exists from minor version 36 on. */
  static final class InitIn {
    static final int MAJOR = 0;
    static final int MINOR = 4;
    static final int MAX_READAHEAD = 8;
    static final int FLAGS = 12;
    static final int FLAGS2 = 16;

    private InitIn() {}
  }

  /** {@code fuse_init_out}. */
  static final class InitOut {
    static final int MAJOR = 0;
    static final int MINOR = 4;
    static final int MAX_READAHEAD = 8;
    static final int FLAGS = 12;
    static final int MAX_BACKGROUND = 16;
    static final int CONGESTION_THRESHOLD = 18;
    static final int MAX_WRITE = 20;
    static final int TIME_GRAN = 24;
    static final int MAX_PAGES = 28;
    static final int FLAGS2 = 32;
    static final int SIZE = 64;

    private InitOut() {}
  }

  /** {@code fuse_attr}. */
  static final class Attr {
    static final int INO = 0;
    static final int SIZE_FIELD = 8;
    static final int BLOCKS = 16;
    static final int ATIME = 24;
    static final int MTIME = 32;
    static final int CTIME = 40;
    static final int ATIME_NSEC = 48;
    static final int MTIME_NSEC = 52;
    static final int CTIME_NSEC = 56;
    static final int MODE = 60;
    static final int NLINK = 64;
    static final int UID = 68;
    static final int GID = 72;
    static final int RDEV = 76;
    static final int BLKSIZE = 80;
    static final int SIZE = 88;

    private Attr() {}
  }

  /** {@code fuse_entry_out}. */
  static final class EntryOut {
    static final int NODEID = 0;
    static final int GENERATION = 8;
    static final int ENTRY_VALID = 16;
    static final int ATTR_VALID = 24;
    static final int ENTRY_VALID_NSEC = 32;
    static final int ATTR_VALID_NSEC = 36;
    static final int ATTR = 40;
    static final int SIZE = 128;

    private EntryOut() {}
  }

  /** {@code fuse_attr_out}. */
  static final class AttrOut {
    static final int ATTR_VALID = 0;
    static final int ATTR_VALID_NSEC = 8;
    static final int ATTR = 16;
    static final int SIZE = 104;

    private AttrOut() {}
  }

  /** {@code fuse_open_in}; CREATE has {@code fuse_create_in} with the same flags and a mode. */
  static final class OpenIn {
    static final int FLAGS = 0;
    static final int MODE = 4;
    static final int OPEN_SIZE = 8;
    static final int CREATE_SIZE = 16;

    private OpenIn() {}
  }

  /** {@code fuse_open_out}. */
  static final class OpenOut {
    static final int FH = 0;
    static final int OPEN_FLAGS = 8;
    static final int SIZE = 16;

    private OpenOut() {}
  }

  /** {@code fuse_read_in}, also of READDIR; {@code fuse_write_in} begins alike. */
  static final class ReadIn {
    static final int FH = 0;
    static final int OFFSET = 8;
    static final int SIZE_FIELD = 16;
    static final int SIZE = 40;

    private ReadIn() {}
  }

  /** {@code fuse_write_in}. */
  static final class WriteIn {
    static final int FH = 0;
    static final int OFFSET = 8;
    static final int SIZE_FIELD = 16;
    static final int WRITE_FLAGS = 20;
    static final int FLAGS = 32;
    static final int SIZE = 40;

    private WriteIn() {}
  }

  /** {@code fuse_write_out}. */
  static final class WriteOut {
    static final int SIZE_FIELD = 0;
    static final int SIZE = 8;

    private WriteOut() {}
  }

  /** {@code fuse_setattr_in}. */
  static final class SetattrIn {
    static final int VALID = 0;
    static final int FH = 8;
    static final int SIZE_FIELD = 16;
    static final int ATIME = 32;
    static final int MTIME = 40;
    static final int ATIME_NSEC = 56;
    static final int MTIME_NSEC = 60;
    static final int MODE = 68;
    static final int UID = 76;
    static final int GID = 80;
    static final int SIZE = 88;

    private SetattrIn() {}
  }

  /** {@code fuse_getattr_in}. */
  static final class GetattrIn {
    static final int FLAGS = 0;
    static final int FH = 8;
    static final int SIZE = 16;

    private GetattrIn() {}
  }

  /** {@code fuse_kstatfs}. */
  static final class StatfsOut {
    static final int BLOCKS = 0;
    static final int BFREE = 8;
    static final int BAVAIL = 16;
    static final int FILES = 24;
    static final int FFREE = 32;
    static final int BSIZE = 40;
    static final int NAMELEN = 44;
    static final int FRSIZE = 48;
    static final int SIZE = 80;

    private StatfsOut() {}
  }

  /** {@code fuse_fsync_in}, also of FSYNCDIR. */
  static final class FsyncIn {
    static final int FH = 0;
    static final int FLAGS = 8;
    static final int DATA_ONLY = 1;

    private FsyncIn() {}
  }

  /** {@code fuse_release_in} and {@code fuse_flush_in}: both begin with the handle. */
  static final class HandleIn {
    static final int FH = 0;

    private HandleIn() {}
  }

  /** {@code fuse_getxattr_in}; LISTXATTR has the same. The reply to size 0 is 8 bytes. */
  static final class GetxattrIn {
    static final int SIZE_FIELD = 0;
    static final int SIZE = 8;
    static final int SIZE_REPLY = 8;

    private GetxattrIn() {}
  }

  /** {@code fuse_setxattr_in} without the extension, which must be asked for. */
  static final class SetxattrIn {
    static final int SIZE_FIELD = 0;
    static final int FLAGS = 4;
    static final int SIZE = 8;

    private SetxattrIn() {}
  }

  /** {@code fuse_fallocate_in}. */
  static final class FallocateIn {
    static final int FH = 0;
    static final int OFFSET = 8;
    static final int LENGTH = 16;
    static final int MODE = 24;

    private FallocateIn() {}
  }

  /** {@code fuse_lseek_in}; the reply is the offset, 8 bytes. */
  static final class LseekIn {
    static final int FH = 0;
    static final int OFFSET = 8;
    static final int WHENCE = 16;
    static final int REPLY_SIZE = 8;

    private LseekIn() {}
  }

  /** {@code fuse_copy_file_range_in}; the reply is that of WRITE. */
  static final class CopyIn {
    static final int FH_IN = 0;
    static final int OFFSET_IN = 8;
    static final int NODEID_OUT = 16;
    static final int FH_OUT = 24;
    static final int OFFSET_OUT = 32;
    static final int LENGTH = 40;
    static final int FLAGS = 48;

    private CopyIn() {}
  }

  /** {@code fuse_statx_out} with its {@code fuse_statx}. */
  static final class StatxOut {
    static final int ATTR_VALID = 0;
    static final int STAT = 32;
    static final int MASK = 0;
    static final int BLKSIZE = 4;
    static final int NLINK = 16;
    static final int UID = 20;
    static final int GID = 24;
    static final int MODE = 28;
    static final int INO = 32;
    static final int SIZE_FIELD = 40;
    static final int BLOCKS = 48;
    static final int ATIME = 64;
    static final int BTIME = 80;
    static final int CTIME = 96;
    static final int MTIME = 112;

    /** In each of the times. */
    static final int NSEC = 8;

    static final int SIZE = 288;

    private StatxOut() {}
  }

  /** Arguments that stand before the names of MKNOD, MKDIR, RENAME, RENAME2 and LINK. */
  static final class NameIn {
    static final int MKNOD_MODE = 0;
    static final int MKNOD_SIZE = 16;
    static final int MKDIR_MODE = 0;
    static final int MKDIR_SIZE = 8;
    static final int RENAME_NEWDIR = 0;
    static final int RENAME_SIZE = 8;
    static final int RENAME2_FLAGS = 8;
    static final int RENAME2_SIZE = 16;
    static final int LINK_OLDNODE = 0;
    static final int LINK_SIZE = 8;

    private NameIn() {}
  }

  /** {@code fuse_forget_in} and {@code fuse_batch_forget_in} with its {@code fuse_forget_one}s. */
  static final class ForgetIn {
    static final int NLOOKUP = 0;
    static final int BATCH_COUNT = 0;
    static final int BATCH_SIZE = 8;
    static final int ONE_NODEID = 0;
    static final int ONE_NLOOKUP = 8;
    static final int ONE_SIZE = 16;

    private ForgetIn() {}
  }

  /** {@code fuse_dirent}; READDIRPLUS puts a {@code fuse_entry_out} before each. */
  static final class Dirent {
    static final int INO = 0;
    static final int OFFSET = 8;
    static final int NAMELEN = 16;
    static final int TYPE = 20;
    static final int NAME = 24;
    static final int ALIGNMENT = 8;

    private Dirent() {}
  }

  /** {@code fuse_notify_inval_inode_out} and {@code fuse_notify_inval_entry_out}. */
  static final class InvalOut {
    static final int INODE_INO = 0;
    static final int INODE_OFFSET = 8;
    static final int INODE_LENGTH = 16;
    static final int INODE_SIZE = 24;
    static final int ENTRY_PARENT = 0;
    static final int ENTRY_NAMELEN = 8;
    static final int ENTRY_SIZE = 16;

    private InvalOut() {}
  }

  /** {@code fuse_uring_cmd}: what an io_uring command asks of the session. */
  static final class UringCommand {
    static final int REGISTER = 1;
    static final int COMMIT_AND_FETCH = 2;

    private UringCommand() {}
  }

  /** {@code fuse_uring_cmd_req}: the arguments in the command area of an io_uring submission. */
  static final class UringRequest {
    static final int FLAGS = 0;
    static final int COMMIT_ID = 8;
    static final int QID = 16;
    static final int SIZE = 24;

    private UringRequest() {}
  }

  /**
   * {@code fuse_uring_req_header} with its {@code fuse_uring_ent_in_out}: what a ring entry shares
   * with the kernel beside the payload. The in header and the out header begin at 0.
   */
  static final class UringHeader {
    static final int OP_IN = 128;
    static final int ENTRY = 256;
    static final int ENTRY_COMMIT_ID = 8;
    static final int ENTRY_PAYLOAD_SIZE = 16;
    static final int SIZE = 288;

    private UringHeader() {}
  }
}
