package io.sheepfs.protocol;

/** What a sheep answers: the {@code SD_RES_*} codes of the wire protocol, version 1.0, and ours. */
public enum ResultCode {
  SUCCESS(0x00, "Success"),
  UNKNOWN(0x01, "Unknown error"),
  NO_OBJ(0x02, "No object found"),
  EIO(0x03, "I/O error"),
  VDI_EXIST(0x04, "VDI exists already"),
  INVALID_PARMS(0x05, "Invalid parameters"),
  SYSTEM_ERROR(0x06, "System error"),
  VDI_LOCKED(0x07, "VDI is already locked"),
  NO_VDI(0x08, "No VDI found"),
  NO_BASE_VDI(0x09, "No base VDI found"),
  VDI_READ(0x0A, "Failed to read from requested VDI"),
  VDI_WRITE(0x0B, "Failed to write to requested VDI"),
  BASE_VDI_READ(0x0C, "Failed to read from base VDI"),
  BASE_VDI_WRITE(0x0D, "Failed to write to base VDI"),
  NO_TAG(0x0E, "Failed to find requested tag"),
  STARTUP(0x0F, "System is still booting"),
  VDI_NOT_LOCKED(0x10, "VDI is not locked"),
  SHUTDOWN(0x11, "System is shutting down"),
  NO_MEM(0x12, "Out of memory on server"),
  FULL_VDI(0x13, "Maximum number of VDIs reached"),
  VER_MISMATCH(0x14, "Protocol version mismatch"),
  NO_SPACE(0x15, "Server has no space for new objects"),
  WAIT_FOR_FORMAT(0x16, "Waiting for cluster to be formatted"),
  WAIT_FOR_JOIN(0x17, "Waiting for other nodes to join cluster"),
  JOIN_FAILED(0x18, "Node has failed to join cluster"),
  HALT(0x19, "IO has halted as there are not enough living nodes"),
  READONLY(0x1A, "Object is read-only"),
  INODE_INVALIDATED(0x1D, "Inode object is invalidated"),
  OLD_NODE_VER(0x81, "Request has an old epoch"),
  NEW_NODE_VER(0x82, "Request has a new epoch"),
  NOT_FORMATTED(0x83, "Cluster has not been formatted"),
  INVALID_CTIME(0x84, "Creation times differ"),
  INVALID_EPOCH(0x85, "Invalid epoch"),
  NETWORK_ERROR(0x86, "Network error between sheep"),
  NO_CACHE(0x87, "No cache object found"),
  BUFFER_SMALL(0x88, "The buffer is too small"),
  FORCE_RECOVER(0x89, "Cluster is running/halted and cannot be force recovered"),
  NO_STORE(0x8A, "Targeted backend store is not found"),
  NO_SUPPORT(0x8B, "Operation is not supported"),
  NODE_IN_RECOVERY(0x8C, "Targeted node is in recovery"),
  KILLED(0x8D, "Node is killed"),
  OID_EXIST(0x8E, "Object ID exists already"),
  AGAIN(0x8F, "Ask to try again"),
  STALE_OBJ(0x90, "Object may be stale"),
  CLUSTER_ERROR(0x91, "Cluster driver error"),
  VDI_NOT_EMPTY(0x92, "VDI is not empty"),
  NOT_FOUND(0x93, "Not found"),
  INCOMPLETE(0x94, "Incomplete"),
  COLLECTING_CINFO(0x95, "Still collecting cluster information"),
  GATEWAY_MODE(0x97, "Targeted node is gateway mode"),
  INVALID_VNODES_STRATEGY(0x98, "Invalid cluster vnodes strategy"),
  NO_CHECKPOINT_ENTRY(0x99, "No checkpoint entry"),

  /** Our own: the certificate of whoever asks does not have the right to this. */
  NOT_ALLOWED(0xE0, "Permission denied");

  private static final ResultCode[] BY_CODE = new ResultCode[256];

  static {
    for (ResultCode result : values()) {
      BY_CODE[result.code] = result;
    }
  }

  private final int code;
  private final String text;

  ResultCode(int code, String text) {
    this.code = code;
    this.text = text;
  }

  /** The code on the wire. */
  public int code() {
    return code;
  }

  /** The original's text for the code. */
  public String text() {
    return text;
  }

  /** The result with a wire code; {@link #UNKNOWN} for one that is in no table. */
  public static ResultCode of(int code) {
    ResultCode result = code >= 0 && code < BY_CODE.length ? BY_CODE[code] : null;
    return result == null ? UNKNOWN : result;
  }
}
