package io.sheepfs.protocol;

/**
 * Where everything lies in the header of a request and of a response. Little-endian throughout.
 *
 * <pre>
 *        request                             response
 *     0 +---------------------------+       +---------------------------+
 *       | proto_ver            (u8) |       | 0                    (u8) |
 *     1 | opcode               (u8) |       | opcode               (u8) |
 *     2 | flags               (u16) |       | flags               (u16) |
 *     4 | epoch               (u32) |       | epoch               (u32) |
 *     8 | id                  (u32) |       | id                  (u32) |
 *    12 | data_length         (u32) |       | data_length         (u32) |
 *    16 +---------------------------+       +---------------------------+
 *       | by opcode                 |       | result              (u32) |
 *    20 |                           |       +---------------------------+
 *       |                           |       | by opcode                 |
 *    48 +---------------------------+       +---------------------------+
 *
 *    request, by opcode:
 *       16      20      24      28    32 33 34 35 36      40      44    48
 *      +-------+-------+-------+-------+--+--+--+--+-------+-------+-------+
 *  obj |      oid      |    cow_oid    |co|po|ec|  | tgt_ep|     offset    |
 *      +-------+-------+-------+-------+--+--+--+--+-------+-------+-------+
 *  vdi |    vdi_size   |  base |c|p|s|b| snapid    |  type |               |
 *      +-------+-------+-------+-------+-----------+-------+-------+-------+
 *  clu |      oid      |     ctime     |co|po|flags|  tag  | nodes |b|     |
 *      +-------+-------+-------+-------+--+--+-----+-------+-------+-------+
 *  sta |old_vid|new_vid|c|s|p|b|       |           |       |               |
 *      +-------+-------+-------+-------+-----------+-------+---------------+
 *  ref |      oid      | gener.| count |           |       |               |
 *      +-------+-------+-------+-------+-----------+-------+----+----------+
 *  for |      oid      |             addr (16)             |port|          |
 *      +-------+-------+-------+-------+-----------+-------+----+----------+
 *  chk |  get  | tgt_ep|  vid  |       |           |       |               |
 *      +-------+-------+-------+-------+-----------+-------+---------------+
 *  coh |  vid  | valid.|       |       |           |       |               |
 *      +-------+-------+-------+-------+-----------+-------+---------------+
 *
 *    response, by opcode:
 *       16      20      24      28    32 33       36      40              48
 *      +-------+-------+-------+-------+--+--+----+-------+---------------+
 *  obj | result|co|    |     offset    |          |       |               |
 *  vdi |       |       | vdi_id|attr_id|co|b |    |       |               |
 *  nod |       | nodes |               |   store_size     |   store_free  |
 *  has |       |       |            digest (20)           |               |
 *  def |       |c|p|b| |               |          |       |               |
 *      +-------+-------+---------------+----------+-------+---------------+
 * </pre>
 */
public final class HeaderLayout {

  /** Bytes of either header. */
  public static final int SIZE_BYTES = 48;

  static final int PROTO_VERSION = 0;
  static final int OPCODE = 1;
  static final int FLAGS = 2;
  static final int EPOCH = 4;
  static final int ID = 8;
  static final int DATA_LENGTH = 12;

  /** Where a header's part by opcode starts; a response has its result in front of it. */
  static final int UNION = 16;

  static final int RESULT = 16;

  static final int OBJ_OID = 16;
  static final int OBJ_COW_OID = 24;
  static final int OBJ_COPIES = 32;
  static final int OBJ_COPY_POLICY = 33;
  static final int OBJ_EC_INDEX = 34;
  static final int OBJ_TARGET_EPOCH = 36;

  /** A u32 with padding in the sheep, a u64 in QEMU: read and written as a u64. */
  static final int OBJ_OFFSET = 40;

  static final int VDI_SIZE = 16;
  static final int VDI_BASE = 24;
  static final int VDI_COPIES = 28;
  static final int VDI_COPY_POLICY = 29;
  static final int VDI_STORE_POLICY = 30;
  static final int VDI_BLOCK_SIZE_SHIFT = 31;
  static final int VDI_SNAPSHOT_ID = 32;
  static final int VDI_LOCK_TYPE = 36;

  static final int CLUSTER_OID = 16;
  static final int CLUSTER_CREATE_TIME = 24;
  static final int CLUSTER_COPIES = 32;
  static final int CLUSTER_COPY_POLICY = 33;
  static final int CLUSTER_FLAGS = 34;
  static final int CLUSTER_TAG = 36;
  static final int CLUSTER_NODES = 40;
  static final int CLUSTER_BLOCK_SIZE_SHIFT = 44;

  static final int STATE_OLD_VID = 16;
  static final int STATE_NEW_VID = 20;
  static final int STATE_COPIES = 24;
  static final int STATE_SET_BITMAP = 25;
  static final int STATE_COPY_POLICY = 26;
  static final int STATE_BLOCK_SIZE_SHIFT = 27;

  static final int REFERENCE_OID = 16;
  static final int REFERENCE_GENERATION = 24;
  static final int REFERENCE_COUNT = 28;

  static final int FORWARD_OID = 16;
  static final int FORWARD_ADDRESS = 24;
  static final int FORWARD_PORT = 40;

  static final int CHECKPOINT_GET = 16;
  static final int CHECKPOINT_TARGET_EPOCH = 20;
  static final int CHECKPOINT_VID = 24;

  static final int COHERENCE_VID = 16;
  static final int COHERENCE_VALIDATE = 20;

  static final int ANSWER_OBJ_COPIES = 20;
  static final int ANSWER_OBJ_OFFSET = 24;

  static final int ANSWER_VDI_ID = 24;
  static final int ANSWER_VDI_ATTRIBUTE = 28;
  static final int ANSWER_VDI_COPIES = 32;
  static final int ANSWER_VDI_BLOCK_SIZE_SHIFT = 33;

  static final int ANSWER_NODES = 20;
  static final int ANSWER_STORE_SIZE = 32;
  static final int ANSWER_STORE_FREE = 40;

  static final int ANSWER_HASH_SERVING = 20;
  static final int ANSWER_DIGEST = 24;
  static final int DIGEST_BYTES = 20;

  static final int ANSWER_DEFAULT_COPIES = 20;
  static final int ANSWER_DEFAULT_COPY_POLICY = 21;
  static final int ANSWER_DEFAULT_BLOCK_SIZE_SHIFT = 22;

  private HeaderLayout() {}
}
