package io.sheepfs.protocol;

import static io.sheepfs.protocol.HeaderUnion.at;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * The part of a response's header that depends on the opcode. Each variant checks what it is made
 * of and throws {@link IllegalArgumentException}.
 */
public sealed interface ResponseFields {

  /** The bytes; those of the result are zeros. */
  HeaderUnion encode();

  /** No fields: all zeros. */
  record None() implements ResponseFields {
    @Override
    public HeaderUnion encode() {
      return HeaderUnion.EMPTY;
    }
  }

  /** The fields of another's answer, passed on as they are. */
  record Raw(HeaderUnion union) implements ResponseFields {
    @Override
    public HeaderUnion encode() {
      return union;
    }
  }

  /**
   * The answer to a request about an object. The original leaves it empty.
   *
   * @param offset of ours, to an unstable write and to FLUSH_VDI: the incarnation of the store
   */
  record Obj(int copies, long offset) implements ResponseFields {
    public Obj {
      Unsigned.checkU8("copies", copies);
    }

    @Override
    public HeaderUnion encode() {
      return new HeaderUnion(at(HeaderLayout.ANSWER_OBJ_COPIES, copies), offset, 0, 0);
    }

    static Obj decode(HeaderUnion union) {
      return new Obj(
          union.u8(HeaderLayout.ANSWER_OBJ_COPIES), union.u64(HeaderLayout.ANSWER_OBJ_OFFSET));
    }
  }

  /**
   * The answer to a request about a VDI.
   *
   * @param vdiId the VDI; 0 for none
   * @param attributeId GET_VDI_ATTR: the low half of the attribute object's id
   * @param blockSizeShift 0 from the original's release 0.9, which means 22
   */
  record Vdi(int vdiId, int attributeId, int copies, int blockSizeShift) implements ResponseFields {
    public Vdi {
      Unsigned.checkU8("copies", copies);
      Unsigned.checkU8("block_size_shift", blockSizeShift);
    }

    @Override
    public HeaderUnion encode() {
      return new HeaderUnion(
          0,
          at(HeaderLayout.ANSWER_VDI_ID, Integer.toUnsignedLong(vdiId))
              | at(HeaderLayout.ANSWER_VDI_ATTRIBUTE, attributeId),
          at(HeaderLayout.ANSWER_VDI_COPIES, copies)
              | at(HeaderLayout.ANSWER_VDI_BLOCK_SIZE_SHIFT, blockSizeShift),
          0);
    }

    static Vdi decode(HeaderUnion union) {
      return new Vdi(
          union.u32(HeaderLayout.ANSWER_VDI_ID),
          union.u32(HeaderLayout.ANSWER_VDI_ATTRIBUTE),
          union.u8(HeaderLayout.ANSWER_VDI_COPIES),
          union.u8(HeaderLayout.ANSWER_VDI_BLOCK_SIZE_SHIFT));
    }
  }

  /**
   * The answer to GET_NODE_LIST and STAT_SHEEP.
   *
   * @param nodes GET_NODE_LIST: how many
   * @param storeSize STAT_SHEEP: bytes of the node's disks
   * @param storeFree STAT_SHEEP: what is left of them
   */
  record Node(int nodes, long storeSize, long storeFree) implements ResponseFields {
    @Override
    public HeaderUnion encode() {
      return new HeaderUnion(at(HeaderLayout.ANSWER_NODES, nodes), 0, storeSize, storeFree);
    }

    static Node decode(HeaderUnion union) {
      return new Node(
          union.u32(HeaderLayout.ANSWER_NODES),
          union.u64(HeaderLayout.ANSWER_STORE_SIZE),
          union.u64(HeaderLayout.ANSWER_STORE_FREE));
    }
  }

  /**
   * The answer to GET_HASH.
   *
   * @param digest the SHA-1 of a stored object, 20 bytes
   * @param isServing of ours, to a node that recovers: whether this one serves clients
   */
  @SuppressWarnings("ArrayRecordComponent") // compared by equals() below
  record Hash(byte[] digest, boolean isServing) implements ResponseFields {
    public Hash(byte[] digest) {
      this(digest, false);
    }

    public Hash {
      if (digest.length != HeaderLayout.DIGEST_BYTES) {
        throw new IllegalArgumentException("a SHA-1 digest has 20 bytes, not " + digest.length);
      }
    }

    @Override
    public HeaderUnion encode() {
      ByteBuffer raw = ByteBuffer.allocate(3 * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
      raw.put(0, digest);
      long serving = at(HeaderLayout.ANSWER_HASH_SERVING, isServing ? 1 : 0);
      return new HeaderUnion(serving, raw.getLong(), raw.getLong(), raw.getLong());
    }

    static Hash decode(HeaderUnion union) {
      ByteBuffer raw = ByteBuffer.allocate(3 * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
      for (int i = 0; i < 3; i++) {
        raw.putLong(union.u64(HeaderLayout.ANSWER_DIGEST + i * Long.BYTES));
      }
      return new Hash(
          Arrays.copyOf(raw.array(), HeaderLayout.DIGEST_BYTES),
          union.u8(HeaderLayout.ANSWER_HASH_SERVING) != 0);
    }

    @Override
    public boolean equals(@Nullable Object other) {
      return other instanceof Hash that
          && isServing == that.isServing
          && Arrays.equals(digest, that.digest);
    }

    @Override
    public int hashCode() {
      return 31 * Arrays.hashCode(digest) + Boolean.hashCode(isServing);
    }

    @Override
    public String toString() {
      return "Hash[" + HexFormat.of().formatHex(digest) + (isServing ? ", serving]" : "]");
    }
  }

  /** The answer to GET_CLUSTER_DEFAULT. */
  record ClusterDefault(int copies, int copyPolicy, int blockSizeShift) implements ResponseFields {
    public ClusterDefault {
      Unsigned.checkU8("copies", copies);
      Unsigned.checkU8("copy_policy", copyPolicy);
      Unsigned.checkU8("block_size_shift", blockSizeShift);
    }

    @Override
    public HeaderUnion encode() {
      return new HeaderUnion(
          at(HeaderLayout.ANSWER_DEFAULT_COPIES, copies)
              | at(HeaderLayout.ANSWER_DEFAULT_COPY_POLICY, copyPolicy)
              | at(HeaderLayout.ANSWER_DEFAULT_BLOCK_SIZE_SHIFT, blockSizeShift),
          0,
          0,
          0);
    }

    static ClusterDefault decode(HeaderUnion union) {
      return new ClusterDefault(
          union.u8(HeaderLayout.ANSWER_DEFAULT_COPIES),
          union.u8(HeaderLayout.ANSWER_DEFAULT_COPY_POLICY),
          union.u8(HeaderLayout.ANSWER_DEFAULT_BLOCK_SIZE_SHIFT));
    }
  }
}
