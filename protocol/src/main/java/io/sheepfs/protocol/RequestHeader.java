package io.sheepfs.protocol;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/**
 * The 48 bytes in front of every request. It encodes to exactly the bytes it was decoded from.
 *
 * @param protoVersion which vocabulary the opcode is from; see {@link Opcode#accepts}
 * @param opcodeCode the opcode as it stands on the wire, known or not
 * @param flags the bits of {@link RequestFlags}
 * @param epoch the sender's, an unsigned 32-bit number; clients send 0
 * @param id comes back in the response, which is how the two are matched
 * @param dataLength bytes of the body; without {@link RequestFlags#WRITE} there is none, and this
 *     is how much the sender takes as an answer
 * @param union the part that depends on the opcode
 */
public record RequestHeader(
    int protoVersion,
    int opcodeCode,
    int flags,
    int epoch,
    int id,
    long dataLength,
    HeaderUnion union) {

  public RequestHeader {
    Unsigned.checkU8("proto_ver", protoVersion);
    Unsigned.checkU8("opcode", opcodeCode);
    Unsigned.checkU16("flags", flags);
    Unsigned.checkU32("data_length", dataLength);
  }

  /** A request of a client: id and epoch are 0. */
  public static RequestHeader of(Opcode opcode, int flags, long dataLength, RequestFields fields) {
    return new RequestHeader(
        opcode.protoVersion(), opcode.code(), flags, 0, 0, dataLength, fields.encode());
  }

  /** Reads a header from {@code source}'s position on. */
  public static RequestHeader decode(ByteBuffer source) {
    ByteBuffer bytes =
        source.slice(source.position(), HeaderLayout.SIZE_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    source.position(source.position() + HeaderLayout.SIZE_BYTES);
    return new RequestHeader(
        Byte.toUnsignedInt(bytes.get(HeaderLayout.PROTO_VERSION)),
        Byte.toUnsignedInt(bytes.get(HeaderLayout.OPCODE)),
        Short.toUnsignedInt(bytes.getShort(HeaderLayout.FLAGS)),
        bytes.getInt(HeaderLayout.EPOCH),
        bytes.getInt(HeaderLayout.ID),
        Integer.toUnsignedLong(bytes.getInt(HeaderLayout.DATA_LENGTH)),
        new HeaderUnion(
            bytes.getLong(HeaderLayout.UNION),
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
    bytes.putLong(HeaderLayout.UNION + 8, union.word24());
    bytes.putLong(HeaderLayout.UNION + 16, union.word32());
    bytes.putLong(HeaderLayout.UNION + 24, union.word40());
  }

  /** The operation; null if the code is in no table. */
  public @Nullable Opcode opcode() {
    return Opcode.of(opcodeCode);
  }

  /** Whether all bits of {@code mask} are set. */
  public boolean has(int mask) {
    return (flags & mask) == mask;
  }

  /** Bytes that follow the header: {@link #dataLength} with the WRITE flag, else none. */
  public long bodyLength() {
    return has(RequestFlags.WRITE) ? dataLength : 0;
  }

  /**
   * The most bytes that the sender reads as an answer. A sender of a plain WRITE reads none, so
   * that an answer with a body would be taken for the next header.
   */
  public long answerLimit() {
    return has(RequestFlags.WRITE) && !has(RequestFlags.PIGGYBACK) ? 0 : dataLength;
  }

  /** The fields of a request about an object. */
  public RequestFields.Obj obj() {
    return RequestFields.Obj.decode(union);
  }

  /** The fields of a request about a VDI. */
  public RequestFields.Vdi vdi() {
    return RequestFields.Vdi.decode(union);
  }

  /** The fields of a request about the cluster. */
  public RequestFields.ClusterWide cluster() {
    return RequestFields.ClusterWide.decode(union);
  }

  /** The fields of NOTIFY_VDI_ADD and ALTER_VDI_COPY. */
  public RequestFields.VdiChange vdiChange() {
    return RequestFields.VdiChange.decode(union);
  }

  /** The fields of DECREF_OBJ and DECREF_PEER. */
  public RequestFields.Reference reference() {
    return RequestFields.Reference.decode(union);
  }

  /** The fields of REPAIR_REPLICA. */
  public RequestFields.Forward forward() {
    return RequestFields.Forward.decode(union);
  }

  /** The fields of VDI_STATE_CHECKPOINT_CTL. */
  public RequestFields.Checkpoint checkpoint() {
    return RequestFields.Checkpoint.decode(union);
  }

  /** The fields of INODE_COHERENCE. */
  public RequestFields.Coherence coherence() {
    return RequestFields.Coherence.decode(union);
  }

  /** The same request under another id. */
  public RequestHeader withId(int newId) {
    return new RequestHeader(protoVersion, opcodeCode, flags, epoch, newId, dataLength, union);
  }

  /** The same request as of another epoch. */
  public RequestHeader withEpoch(int newEpoch) {
    return new RequestHeader(protoVersion, opcodeCode, flags, newEpoch, id, dataLength, union);
  }

  @Override
  public String toString() {
    Opcode opcode = opcode();
    return (opcode == null ? "opcode 0x" + Integer.toHexString(opcodeCode) : opcode.name())
        + "[id="
        + Integer.toUnsignedString(id)
        + ", flags=0x"
        + Integer.toHexString(flags)
        + ", length="
        + dataLength
        + "]";
  }
}
