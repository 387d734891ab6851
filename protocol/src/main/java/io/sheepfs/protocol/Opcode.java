package io.sheepfs.protocol;

import org.jspecify.annotations.Nullable;

/** What a request asks for: the operations of the wire protocol, version 1.0, and those of 0.9. */
public enum Opcode {
  // Public: a client's own.
  CREATE_AND_WRITE_OBJ(0x01, Scope.GATEWAY, false),
  READ_OBJ(0x02, Scope.GATEWAY, false),
  WRITE_OBJ(0x03, Scope.GATEWAY, false),
  REMOVE_OBJ(0x04, Scope.GATEWAY, false),
  DISCARD_OBJ(0x05, Scope.LOCAL, false),
  NEW_VDI(0x11, Scope.CLUSTER, false),
  LOCK_VDI(0x12, Scope.CLUSTER, false),
  RELEASE_VDI(0x13, Scope.CLUSTER, false),
  GET_VDI_INFO(0x14, Scope.CLUSTER, false),
  READ_VDIS(0x15, Scope.LOCAL, true),
  FLUSH_VDI(0x16, Scope.LOCAL, false),
  DEL_VDI(0x17, Scope.CLUSTER, false),
  GET_CLUSTER_DEFAULT(0x18, Scope.LOCAL, true),

  // Internal: administration.
  GET_NODE_LIST(0x82, Scope.LOCAL, true),
  MAKE_FS(0x84, Scope.CLUSTER, true),
  SHUTDOWN(0x85, Scope.CLUSTER, true),
  STAT_SHEEP(0x86, Scope.LOCAL, false),
  STAT_CLUSTER(0x87, Scope.LOCAL, true),
  GET_VDI_ATTR(0x89, Scope.CLUSTER, false),
  FORCE_RECOVER(0x8A, Scope.CLUSTER, true),
  GET_STORE_LIST(0x90, Scope.LOCAL, true),
  CLEANUP(0x94, Scope.CLUSTER, true),
  TRACE_ENABLE(0x95, Scope.LOCAL, true),
  TRACE_DISABLE(0x96, Scope.LOCAL, true),
  STAT_RECOVERY(0x97, Scope.LOCAL, false),
  FLUSH_DEL_CACHE(0x98, Scope.LOCAL, false),
  NOTIFY_VDI_DEL(0x99, Scope.CLUSTER, true),
  KILL_NODE(0x9A, Scope.LOCAL, true),
  TRACE_STATUS(0x9B, Scope.LOCAL, true),
  TRACE_READ_BUF(0x9C, Scope.LOCAL, true),
  ENABLE_RECOVER(0xA8, Scope.CLUSTER, false),
  DISABLE_RECOVER(0xA9, Scope.CLUSTER, false),
  GET_VDI_COPIES(0xAB, Scope.LOCAL, true),
  COMPLETE_RECOVERY(0xAC, Scope.CLUSTER, true),
  NOTIFY_VDI_ADD(0xAF, Scope.CLUSTER, true),
  DELETE_CACHE(0xB0, Scope.CLUSTER, false),
  MD_INFO(0xB1, Scope.LOCAL, false),
  MD_PLUG(0xB2, Scope.LOCAL, false),
  MD_UNPLUG(0xB3, Scope.LOCAL, false),
  GET_HASH(0xB4, Scope.LOCAL, false),
  REWEIGHT(0xB5, Scope.CLUSTER, false),
  GET_CACHE_INFO(0xB6, Scope.LOCAL, false),
  CACHE_PURGE(0xB7, Scope.LOCAL, false),
  STAT(0xB8, Scope.LOCAL, false),
  GET_LOGLEVEL(0xB9, Scope.LOCAL, true),
  SET_LOGLEVEL(0xBA, Scope.LOCAL, true),
  NFS_CREATE(0xBB, Scope.LOCAL, false),
  NFS_DELETE(0xBC, Scope.LOCAL, false),
  EXIST(0xBD, Scope.LOCAL, true),
  CLUSTER_INFO(0xBE, Scope.LOCAL, true),
  ALTER_CLUSTER_COPY(0xBF, Scope.CLUSTER, false),
  ALTER_VDI_COPY(0xC0, Scope.CLUSTER, false),
  DECREF_OBJ(0xC1, Scope.GATEWAY, false),
  PREVENT_INODE_UPDATE(0xC3, Scope.LOCAL, false),
  ALLOW_INODE_UPDATE(0xC4, Scope.LOCAL, false),
  REPAIR_REPLICA(0xC5, Scope.LOCAL, false),
  OIDS_EXIST(0xC6, Scope.LOCAL, true),
  VDI_STATE_CHECKPOINT_CTL(0xC7, Scope.LOCAL, true),
  INODE_COHERENCE(0xC8, Scope.CLUSTER, false),
  READ_DEL_VDIS(0xC9, Scope.LOCAL, true),
  GET_RECOVERY(0xCA, Scope.LOCAL, true),
  SET_RECOVERY(0xCB, Scope.LOCAL, true),
  SET_VNODES(0xCC, Scope.LOCAL, false),
  GET_VNODES(0xCD, Scope.LOCAL, false),

  /**
   * Our own: a command for the object cache of the sheep about the VDI whose inode is {@code oid}.
   * {@link CacheCommand} says what the bodies are.
   */
  CACHE_COMMAND(0xE0, Scope.LOCAL, false),

  // Between sheep.
  GET_OBJ_LIST(0xA1, Scope.PEER, false),
  GET_EPOCH(0xA2, Scope.PEER, false),
  CREATE_AND_WRITE_PEER(0xA3, Scope.PEER, false),
  READ_PEER(0xA4, Scope.PEER, false),
  WRITE_PEER(0xA5, Scope.PEER, false),
  REMOVE_PEER(0xA6, Scope.PEER, false),
  DECREF_PEER(0xC2, Scope.PEER, false),

  /** Not in 1.0, where nothing is flushed. */
  FLUSH_PEER(0xAE, Scope.PEER, false);

  /** The version of the public operations: codes below 0x80. Lower ones are taken too. */
  public static final int PUBLIC_VERSION = 0x02;

  /** The version of all other operations, of the original's release 1.0. It must match exactly. */
  public static final int INTERNAL_VERSION = 0x0A;

  /** The same of its release 0.9. */
  public static final int INTERNAL_VERSION_0_9 = 0x09;

  private static final int FIRST_INTERNAL = 0x80;

  /** Who sends an operation. */
  public enum Kind {
    /** Clients; stable since the first release. */
    PUBLIC,
    /** Administration tools, and sheep. */
    INTERNAL,
    /** Sheep, to the sheep that stores an object. */
    PEER
  }

  /** Who carries an operation out. */
  public enum Scope {
    /** The replicas of the object, on behalf of the sheep that was asked. */
    GATEWAY,
    /** The sheep that was asked, on its own disks. */
    PEER,
    /** The sheep that was asked. */
    LOCAL,
    /** All sheep, in one order for the whole cluster. */
    CLUSTER
  }

  private static final @Nullable Opcode[] BY_CODE = new @Nullable Opcode[256];

  static {
    for (Opcode opcode : values()) {
      BY_CODE[opcode.code] = opcode;
    }
  }

  private final int code;
  private final Scope scope;
  private final boolean servedWhileWaiting;

  Opcode(int code, Scope scope, boolean servedWhileWaiting) {
    this.code = code;
    this.scope = scope;
    this.servedWhileWaiting = servedWhileWaiting;
  }

  /** The operation with a wire code; null if there is none. */
  public static @Nullable Opcode of(int code) {
    return code >= 0 && code < BY_CODE.length ? BY_CODE[code] : null;
  }

  /** The code on the wire, 0 to 255. */
  public int code() {
    return code;
  }

  /** Who sends it. */
  public Kind kind() {
    if (code < FIRST_INTERNAL) {
      return Kind.PUBLIC;
    }
    return scope == Scope.PEER ? Kind.PEER : Kind.INTERNAL;
  }

  /** Who carries it out. */
  public Scope scope() {
    return scope;
  }

  /** Whether a sheep serves it although the cluster is not formatted or lacks nodes. */
  public boolean servedWhileWaiting() {
    return servedWhileWaiting;
  }

  /** The {@code proto_ver} to send it with. */
  public int protoVersion() {
    return code < FIRST_INTERNAL ? PUBLIC_VERSION : INTERNAL_VERSION;
  }

  /** Whether a 1.0 sheep takes a request with this code, known or not, and this version. */
  public static boolean accepts(int code, int protoVersion) {
    return code < FIRST_INTERNAL
        ? protoVersion <= PUBLIC_VERSION
        : protoVersion == INTERNAL_VERSION;
  }
}
