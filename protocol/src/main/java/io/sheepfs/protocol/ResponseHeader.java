package io.sheepfs.protocol;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The 48 bytes in front of every response. It encodes to exactly the bytes it was decoded from.
 *
 * @param protoVersion 0 from every sheep
 * @param opcodeCode that of the request
 * @param flags 0 from every sheep
 * @param epoch the cluster's, as the answering sheep knows it; 0 before it was formatted
 * @param id that of the request
 * @param dataLength bytes of the body
 * @param resultCode the result as it stands on the wire, known or not
 * @param union the part that depends on the opcode, with zeros in the place of the result
 */
public record ResponseHeader(
    int protoVersion,
    int opcodeCode,
    int flags,
    int epoch,
    int id,
    long dataLength,
    int resultCode,
    HeaderUnion union) {

  private static final long RESULT_MASK = 0xFFFF_FFFFL;

  public ResponseHeader {
    Unsigned.checkU8("proto_ver", protoVersion);
    Unsigned.checkU8("opcode", opcodeCode);
    Unsigned.checkU16("flags", flags);
    Unsigned.checkU32("data_length", dataLength);
    if ((union.word16() & RESULT_MASK) != 0) {
      throw new IllegalArgumentException("a field where the result is");
    }
  }

  /** The answer to {@code request}. */
  public static ResponseHeader to(
      RequestHeader request, int epoch, ResultCode result, long dataLength, ResponseFields fields) {
    return new ResponseHeader(
        0,
        request.opcodeCode(),
        0,
        epoch,
        request.id(),
        dataLength,
        result.code(),
        fields.encode());
  }

  /** Reads a header from {@code source}'s position on. */
  public static ResponseHeader decode(ByteBuffer source) {
    ByteBuffer bytes =
        source.slice(source.position(), HeaderLayout.SIZE_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    source.position(source.position() + HeaderLayout.SIZE_BYTES);
    return new ResponseHeader(
        Byte.toUnsignedInt(bytes.get(HeaderLayout.PROTO_VERSION)),
        Byte.toUnsignedInt(bytes.get(HeaderLayout.OPCODE)),
        Short.toUnsignedInt(bytes.getShort(HeaderLayout.FLAGS)),
        bytes.getInt(HeaderLayout.EPOCH),
        bytes.getInt(HeaderLayout.ID),
        Integer.toUnsignedLong(bytes.getInt(HeaderLayout.DATA_LENGTH)),
        bytes.getInt(HeaderLayout.RESULT),
        new HeaderUnion(
            bytes.getLong(HeaderLayout.UNION) & ~RESULT_MASK,
            bytes.getLong(HeaderLayout.UNION + 8),
            bytes.getLong(HeaderLayout.UNION + 16),
            bytes.getLong(HeaderLayout.UNION + 24)));
  }

  /** Writes the header at {@code target}'s position, which moves behind it. */
  public void encode(ByteBuffer target) {
    ByteBuffer bytes =
        target.slice(target.position(), HeaderLayout.SIZE_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    target.position(target.position() + HeaderLayout.SIZE_BYTES);
    bytes.put(HeaderLayout.PROTO_VERSION, (byte) protoVersion);
    bytes.put(HeaderLayout.OPCODE, (byte) opcodeCode);
    bytes.putShort(HeaderLayout.FLAGS, (short) flags);
    bytes.putInt(HeaderLayout.EPOCH, epoch);
    bytes.putInt(HeaderLayout.ID, id);
    bytes.putInt(HeaderLayout.DATA_LENGTH, (int) dataLength);
    bytes.putLong(HeaderLayout.UNION, union.word16());
    bytes.putInt(HeaderLayout.RESULT, resultCode);
    bytes.putLong(HeaderLayout.UNION + 8, union.word24());
    bytes.putLong(HeaderLayout.UNION + 16, union.word32());
    bytes.putLong(HeaderLayout.UNION + 24, union.word40());
  }

  /** The result; {@link ResultCode#UNKNOWN} for a code that is in no table. */
  public ResultCode result() {
    return ResultCode.of(resultCode);
  }

  /** The fields of an answer about an object. */
  public ResponseFields.Obj obj() {
    return ResponseFields.Obj.decode(union);
  }

  /** The fields of an answer about a VDI. */
  public ResponseFields.Vdi vdi() {
    return ResponseFields.Vdi.decode(union);
  }

  /** The fields of the answer to GET_NODE_LIST and STAT_SHEEP. */
  public ResponseFields.Node node() {
    return ResponseFields.Node.decode(union);
  }

  /** The fields of the answer to GET_HASH. */
  public ResponseFields.Hash hash() {
    return ResponseFields.Hash.decode(union);
  }

  /** The fields of the answer to GET_CLUSTER_DEFAULT. */
  public ResponseFields.ClusterDefault clusterDefault() {
    return ResponseFields.ClusterDefault.decode(union);
  }

  @Override
  public String toString() {
    Opcode opcode = Opcode.of(opcodeCode);
    return "answer to "
        + (opcode == null ? "opcode 0x" + Integer.toHexString(opcodeCode) : opcode.name())
        + "[id="
        + Integer.toUnsignedString(id)
        + ", result=0x"
        + Integer.toHexString(resultCode)
        + ", length="
        + dataLength
        + "]";
  }
}
