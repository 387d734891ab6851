package io.sheepfs.dog;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ObjectStore;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RequestFields;
import io.sheepfs.protocol.RequestFlags;
import io.sheepfs.protocol.RequestHeader;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import java.nio.ByteBuffer;

/** The objects, through a connection. */
final class TcpObjects implements ObjectStore {

  private static final int ZEROS_BYTES = 1 << 20;

  private final Sheep sheep;

  TcpObjects(Sheep sheep) {
    this.sheep = sheep;
  }

  @Override
  public void read(ObjectId oid, long offset, ByteBuffer dst) throws SheepException {
    ByteBuffer body =
        sheep
            .call(
                RequestHeader.of(
                    Opcode.READ_OBJ, 0, dst.remaining(), RequestFields.Obj.of(oid, offset)))
            .orThrow("read object " + oid)
            .body();
    if (body.remaining() != dst.remaining()) {
      throw new SheepException(
          ResultCode.EIO, "read " + dst.remaining() + " bytes of object " + oid);
    }
    dst.put(body);
  }

  @Override
  public void write(ObjectId oid, long offset, ByteBuffer src, Durability durability)
      throws SheepException {
    send(Opcode.WRITE_OBJ, flags(durability), RequestFields.Obj.of(oid, offset), src)
        .orThrow("write object " + oid);
  }

  @Override
  public void create(ObjectId oid, long offset, ByteBuffer src, Durability durability)
      throws SheepException {
    send(Opcode.CREATE_AND_WRITE_OBJ, flags(durability), RequestFields.Obj.of(oid, offset), src)
        .orThrow("create object " + oid);
  }

  @Override
  public void createCopy(
      ObjectId oid, ObjectId source, long offset, ByteBuffer src, Durability durability)
      throws SheepException {
    send(
            Opcode.CREATE_AND_WRITE_OBJ,
            flags(durability) | RequestFlags.COW,
            new RequestFields.Obj(oid.value(), source.value(), 0, 0, 0, 0, offset),
            src)
        .orThrow("create object " + oid + " as a copy of " + source);
  }

  @Override
  public void discard(ObjectId oid, long offset, long length, Durability durability)
      throws SheepException {
    ByteBuffer zeros = ByteBuffer.allocate((int) Math.min(length, ZEROS_BYTES));
    for (long done = 0; done < length; done += zeros.limit()) {
      zeros.position(0).limit((int) Math.min(length - done, ZEROS_BYTES));
      Reply reply =
          send(
              Opcode.WRITE_OBJ, flags(durability), RequestFields.Obj.of(oid, offset + done), zeros);
      if (reply.result() == ResultCode.NO_OBJ) {
        return;
      }
      reply.orThrow("zero a part of object " + oid);
    }
  }

  @Override
  public void remove(ObjectId oid) throws SheepException {
    Reply reply =
        sheep.call(RequestHeader.of(Opcode.REMOVE_OBJ, 0, 0, RequestFields.Obj.of(oid, 0)));
    if (reply.result() != ResultCode.NO_OBJ) {
      reply.orThrow("remove object " + oid);
    }
  }

  /** A sheep that has nothing to flush, since it writes everything at once, refuses the request. */
  @Override
  public void flush(VdiId vid) throws SheepException {
    Reply reply =
        sheep.call(
            RequestHeader.of(Opcode.FLUSH_VDI, 0, 0, RequestFields.Obj.of(ObjectId.inode(vid), 0)));
    if (reply.result() != ResultCode.INVALID_PARMS) {
      reply.orThrow("flush VDI " + vid);
    }
  }

  private Reply send(Opcode opcode, int flags, RequestFields.Obj fields, ByteBuffer src)
      throws SheepException {
    return sheep.call(
        RequestHeader.of(opcode, flags | RequestFlags.WRITE, src.remaining(), fields), src);
  }

  private static int flags(Durability durability) {
    return durability == Durability.UNSTABLE ? RequestFlags.CACHE : 0;
  }
}
