package io.sheepfs.sbd.nbd;

/**
 * The numbers of the NBD protocol, as its public description gives them (fixed newstyle, simple and
 * structured replies, without the experimental extensions). All integers are big endian.
 *
 * <pre>
 *  server's greeting    0: magic (8) "NBDMAGIC"   8: magic (8) "IHAVEOPT"   16: handshake flags (2)
 *  client's flags       0: flags (4)
 *  option               0: magic (8) "IHAVEOPT"   8: option (4)   12: length (4)   16: data
 *  option reply         0: magic (8)   8: option (4)   12: type (4)   16: length (4)   20: data
 *  request              0: magic (4)   4: flags (2)   6: command (2)   8: cookie (8)
 *                      16: offset (8)   24: length (4)   28: data of a write
 *  simple reply         0: magic (4)   4: error (4)   8: cookie (8)   16: data of a read
 *  structured chunk     0: magic (4)   4: flags (2)   6: type (2)   8: cookie (8)
 *                      16: length (4)   20: data
 * </pre>
 */
final class Wire {

  static final long INIT_MAGIC = 0x4e42444d41474943L;
  static final long OPTION_MAGIC = 0x49484156454F5054L;
  static final long OPTION_REPLY_MAGIC = 0x0003e889045565a9L;
  static final int REQUEST_MAGIC = 0x25609513;
  static final int SIMPLE_REPLY_MAGIC = 0x67446698;
  static final int CHUNK_MAGIC = 0x668e33ef;

  static final int OPTION_HEADER_BYTES = 16;
  static final int REQUEST_BYTES = 28;
  static final int SIMPLE_REPLY_BYTES = 16;
  static final int CHUNK_HEADER_BYTES = 20;

  /** What follows the flags in the answer to EXPORT_NAME, unless the client asked to omit it. */
  static final int EXPORT_NAME_PADDING_BYTES = 124;

  // Handshake flags, and the client's, which mean the same.
  static final int FIXED_NEWSTYLE = 1;
  static final int NO_ZEROES = 1 << 1;

  // Types of option replies.
  static final int REPLY_ACK = 1;
  static final int REPLY_SERVER = 2;
  static final int REPLY_INFO = 3;
  static final int REPLY_META_CONTEXT = 4;
  static final int ERROR_UNSUPPORTED = 0x8000_0001;
  static final int ERROR_POLICY = 0x8000_0002;
  static final int ERROR_INVALID = 0x8000_0003;
  static final int ERROR_PLATFORM = 0x8000_0004;
  static final int ERROR_TLS_REQUIRED = 0x8000_0005;
  static final int ERROR_UNKNOWN = 0x8000_0006;
  static final int ERROR_SHUTDOWN = 0x8000_0007;

  // Types of information about an export.
  static final int INFO_EXPORT = 0;
  static final int INFO_NAME = 1;
  static final int INFO_BLOCK_SIZE = 3;

  // Transmission flags.
  static final int HAS_FLAGS = 1;
  static final int READ_ONLY = 1 << 1;
  static final int SEND_FLUSH = 1 << 2;
  static final int SEND_FUA = 1 << 3;
  static final int SEND_TRIM = 1 << 5;
  static final int SEND_WRITE_ZEROES = 1 << 6;
  static final int SEND_DF = 1 << 7;
  static final int CAN_MULTI_CONN = 1 << 8;
  static final int SEND_CACHE = 1 << 10;
  static final int SEND_FAST_ZERO = 1 << 11;

  // Flags of a request.
  static final int FUA = 1;
  static final int NO_HOLE = 1 << 1;
  static final int DONT_FRAGMENT = 1 << 2;
  static final int REQ_ONE = 1 << 3;
  static final int FAST_ZERO = 1 << 4;

  // Types and flags of chunks.
  static final int CHUNK_NONE = 0;
  static final int CHUNK_DATA = 1;
  static final int CHUNK_HOLE = 2;
  static final int CHUNK_BLOCK_STATUS = 5;
  static final int CHUNK_ERROR = 0x8001;
  static final int CHUNK_DONE = 1;

  // The metadata context of allocation, the only one there is.
  static final String BASE_NAMESPACE = "base:";
  static final String BASE_ALLOCATION = "base:allocation";
  static final int BASE_ALLOCATION_ID = 1;
  static final int STATE_HOLE = 1;
  static final int STATE_ZERO = 1 << 1;

  private Wire() {}
}
