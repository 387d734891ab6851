package io.sheepfs.store.server;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ObjectStore;
import io.sheepfs.protocol.RequestFields;
import io.sheepfs.protocol.RequestFlags;
import io.sheepfs.protocol.ResponseFields;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.store.LocalObjects;
import io.sheepfs.store.SheepNode;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/** The operations on objects, each named after its opcode. */
final class ObjectHandlers {

  private final SheepNode sheep;
  private final Acknowledgement done;
  private final int maxBodyBytes;

  ObjectHandlers(SheepNode sheep, int maxBodyBytes) {
    this.sheep = sheep;
    this.done = new Acknowledgement(sheep);
    this.maxBodyBytes = maxBodyBytes;
  }

  private LocalObjects objects() throws SheepException {
    return sheep.objects();
  }

  /** A write is durable before its answer, unless the client says that it will flush. */
  private static Durability durability(Request request) {
    return request.header().has(RequestFlags.CACHE) ? Durability.UNSTABLE : Durability.STABLE;
  }

  /**
   * The body has exactly the length that was asked for. What lies behind the end of the object is
   * read as zeros, where the original sends whatever its buffer held.
   */
  Answer readObj(Request request) throws SheepException {
    RequestFields.Obj fields = request.header().obj();
    ObjectId oid = fields.objectId();
    int length = (int) Math.min(request.header().answerLimit(), Integer.MAX_VALUE);
    if (length > maxBodyBytes) {
      throw new SheepException(ResultCode.INVALID_PARMS, "read of " + length + " bytes of " + oid);
    }
    long size = objects().sizeBytes(oid);
    long offset = Math.min(fields.offset(), size);
    int stored = (int) Math.min(length, size - offset);
    ByteBuf body = length == 0 ? Unpooled.EMPTY_BUFFER : request.allocator().directBuffer(length);
    boolean filled = false;
    try {
      ByteBuffer target = length == 0 ? ByteBuffer.allocate(0) : body.internalNioBuffer(0, stored);
      objects().read(oid, offset, target);
      if (length > 0) {
        body.writerIndex(stored).writeZero(length - stored);
      }
      filled = true;
      return Answer.body(body);
    } finally {
      if (!filled) {
        body.release();
      }
    }
  }

  /** A missing object is NO_OBJ; a data object of a snapshot is READONLY. */
  Answer writeObj(Request request) throws SheepException {
    long before = done.before(request);
    RequestFields.Obj fields = request.header().obj();
    objects().write(fields.objectId(), fields.offset(), request.bytes(), durability(request));
    return done.ofChange(request, before);
  }

  /**
   * Replaces the object if there is one. With the COW flag, what the body does not cover comes from
   * {@code cow_oid}.
   */
  Answer createAndWriteObj(Request request) throws SheepException {
    long before = done.before(request);
    RequestFields.Obj fields = request.header().obj();
    if (request.header().has(RequestFlags.COW)) {
      objects()
          .createCopy(
              fields.objectId(),
              fields.cowObjectId(),
              fields.offset(),
              request.bytes(),
              durability(request));
    } else {
      objects().create(fields.objectId(), fields.offset(), request.bytes(), durability(request));
    }
    return done.ofChange(request, before);
  }

  /** Removes the object, whoever refers to it. */
  Answer removeObj(Request request) throws SheepException {
    ObjectId oid = request.header().obj().objectId();
    if (!objects().exists(oid)) {
      return Answer.of(ResultCode.NO_OBJ);
    }
    objects().remove(oid);
    return Answer.SUCCESS;
  }

  /** Empties the entry in the index of the VDI; the store then removes the object. */
  Answer discardObj(Request request) throws SheepException {
    long before = done.before(request);
    discard(objects(), request.header().obj().objectId(), durability(request));
    return done.ofChange(request, before);
  }

  static void discard(ObjectStore store, ObjectId oid, Durability durability)
      throws SheepException {
    if (!oid.isData() || oid.index() < 0 || oid.index() >= InodeLayout.INDEX_ENTRIES) {
      throw new SheepException(ResultCode.INVALID_PARMS, "discard of " + oid);
    }
    store.write(
        ObjectId.inode(oid.vid()),
        InodeLayout.indexOffset(oid.index()),
        ByteBuffer.allocate(InodeLayout.INDEX_ENTRY_BYTES),
        durability);
  }

  /** Makes every earlier unstable change of the VDI durable. 1.0 refuses; 0.9 with a cache does. */
  Answer flushVdi(Request request) throws SheepException {
    objects().flush(request.header().obj().objectId().vid());
    return done.ofFlush(request);
  }

  /** Says whether this node has the object. */
  Answer exist(Request request) throws SheepException {
    boolean exists = objects().exists(request.header().obj().objectId());
    return Answer.of(exists ? ResultCode.SUCCESS : ResultCode.NO_OBJ);
  }

  /** The SHA-1 of the whole object. */
  Answer getHash(Request request) throws SheepException {
    byte[] digest = objects().digest(request.header().obj().objectId());
    return Answer.fields(new ResponseFields.Hash(digest));
  }

  /** Of the objects in the body, sends back those that are missing here; NO_OBJ if any is. */
  Answer oidsExist(Request request) throws SheepException {
    ByteBuffer asked = request.bytes().order(ByteOrder.LITTLE_ENDIAN);
    if (asked.remaining() % Long.BYTES != 0) {
      throw new SheepException(ResultCode.INVALID_PARMS, asked.remaining() + " bytes of ids");
    }
    ByteBuffer missing = ByteBuffer.allocate(asked.remaining()).order(ByteOrder.LITTLE_ENDIAN);
    while (asked.hasRemaining()) {
      long value = asked.getLong();
      if (!ObjectId.isValid(value) || !objects().exists(new ObjectId(value))) {
        missing.putLong(value);
      }
    }
    missing.flip();
    return missing.hasRemaining()
        ? new Answer(ResultCode.NO_OBJ, new ResponseFields.None(), Unpooled.wrappedBuffer(missing))
        : Answer.SUCCESS;
  }

  /** The ids of all objects here, ascending. */
  Answer getObjList(Request request) throws SheepException {
    List<ObjectId> oids = objects().list();
    if ((long) oids.size() * Long.BYTES > request.header().answerLimit()) {
      return Answer.of(ResultCode.BUFFER_SMALL);
    }
    ByteBuffer body = ByteBuffer.allocate(oids.size() * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    oids.forEach(oid -> body.putLong(oid.value()));
    return Answer.body(body.flip());
  }
}
