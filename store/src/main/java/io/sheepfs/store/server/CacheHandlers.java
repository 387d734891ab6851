package io.sheepfs.store.server;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.sheepfs.cache.CacheCommands;
import io.sheepfs.cache.CachedVdi;
import io.sheepfs.cache.ObjectCache;
import io.sheepfs.protocol.CacheCommand;
import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.InodeHeader;
import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.ObjectCacheRecord;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RequestFields;
import io.sheepfs.protocol.RequestFlags;
import io.sheepfs.protocol.ResponseFields;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.store.SheepNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.Lock;
import org.jspecify.annotations.Nullable;

/**
 * The operations of a sheep that has an object cache: those on data go through it, and those that
 * change VDIs tell it. They stand before the handlers of a sheep without one, and pass on what is
 * none of the cache's business.
 */
final class CacheHandlers {

  private final GatewayCache gateway;
  private final ObjectCache cache;
  private final SheepNode sheep;
  private final Acknowledgement done;
  private final int maxBodyBytes;

  private CacheHandlers(GatewayCache gateway, SheepNode sheep, int maxBodyBytes) {
    this.gateway = gateway;
    this.cache = gateway.objects();
    this.sheep = sheep;
    this.done = new Acknowledgement(sheep);
    this.maxBodyBytes = maxBodyBytes;
  }

  /** Puts a cache before handlers. */
  static void install(
      GatewayCache gateway, SheepNode sheep, int maxBodyBytes, Map<Opcode, Handler> handlers) {
    CacheHandlers own = new CacheHandlers(gateway, sheep, maxBodyBytes);
    handlers.put(Opcode.READ_OBJ, own::readObj);
    handlers.put(Opcode.READ_PEER, own::readObj);
    handlers.put(Opcode.WRITE_OBJ, own.sharing(own::writeObj));
    handlers.put(Opcode.CREATE_AND_WRITE_OBJ, own.sharing(own::createAndWriteObj));
    handlers.put(Opcode.REMOVE_OBJ, own.sharing(own::removeObj));
    handlers.put(Opcode.DISCARD_OBJ, own.sharing(own::discardObj));
    handlers.put(Opcode.FLUSH_VDI, own::flushVdi);
    handlers.put(Opcode.FLUSH_DEL_CACHE, own::flushDelCache);
    handlers.put(Opcode.DELETE_CACHE, own::deleteCache);
    handlers.put(Opcode.GET_CACHE_INFO, own::getCacheInfo);
    handlers.put(Opcode.CACHE_PURGE, own::cachePurge);
    handlers.put(Opcode.CACHE_COMMAND, own::cacheCommand);
    handlers.compute(Opcode.GET_HASH, (opcode, plain) -> own.afterFlush(require(plain)));
    handlers.compute(Opcode.NEW_VDI, (opcode, plain) -> own.snapshotting(require(plain)));
    handlers.compute(Opcode.DEL_VDI, (opcode, plain) -> own.deleting(require(plain)));
    handlers.compute(Opcode.RELEASE_VDI, (opcode, plain) -> own.releasing(require(plain)));
    handlers.compute(Opcode.MAKE_FS, (opcode, plain) -> own.formatting(require(plain)));
  }

  private static Handler require(@Nullable Handler plain) {
    if (plain == null) {
      throw new IllegalStateException("there is no handler to stand before");
    }
    return plain;
  }

  private static VdiId vid(Request request) {
    return request.header().obj().objectId().vid();
  }

  /** With the CACHE flag a write may wait in the cache; without, it is durable at once. */
  private static Durability durability(Request request) {
    return request.header().has(RequestFlags.CACHE) ? Durability.UNSTABLE : Durability.STABLE;
  }

  /** Writes go on beside each other, but not while a VDI becomes a snapshot. */
  private Handler sharing(Handler handler) {
    Lock lock = gateway.snapshots().readLock();
    return request -> {
      lock.lock();
      try {
        return handler.answer(request);
      } finally {
        lock.unlock();
      }
    };
  }

  Answer readObj(Request request) throws SheepException {
    RequestFields.Obj fields = request.header().obj();
    ObjectId oid = fields.objectId();
    int length = (int) Math.min(request.header().answerLimit(), Integer.MAX_VALUE);
    if (length > maxBodyBytes) {
      throw new SheepException(ResultCode.INVALID_PARMS, "read of " + length + " bytes of " + oid);
    }
    long size = sheep.objects().sizeBytes(oid);
    long offset = Math.min(fields.offset(), size);
    int stored = (int) Math.min(length, size - offset);
    ByteBuf body = length == 0 ? Unpooled.EMPTY_BUFFER : request.allocator().directBuffer(length);
    boolean filled = false;
    try {
      ByteBuffer target = length == 0 ? ByteBuffer.allocate(0) : body.internalNioBuffer(0, stored);
      cache.read(oid, offset, target);
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

  Answer writeObj(Request request) throws SheepException {
    long before = done.before(request);
    RequestFields.Obj fields = request.header().obj();
    cache.write(fields.objectId(), fields.offset(), request.bytes(), durability(request));
    return done.ofChange(request, before);
  }

  Answer createAndWriteObj(Request request) throws SheepException {
    long before = done.before(request);
    RequestFields.Obj fields = request.header().obj();
    ObjectId oid = fields.objectId();
    Durability durability = durability(request);
    if (request.header().has(RequestFlags.COW)) {
      cache.createCopy(oid, fields.cowObjectId(), fields.offset(), request.bytes(), durability);
    } else {
      cache.create(oid, fields.offset(), request.bytes(), durability);
    }
    return done.ofChange(request, before);
  }

  Answer removeObj(Request request) throws SheepException {
    ObjectId oid = request.header().obj().objectId();
    if (!sheep.objects().exists(oid)) {
      return Answer.of(ResultCode.NO_OBJ);
    }
    cache.remove(oid);
    return Answer.SUCCESS;
  }

  /** Empties an entry of the index, which the cache learns from the write of the inode. */
  Answer discardObj(Request request) throws SheepException {
    long before = done.before(request);
    ObjectId oid = request.header().obj().objectId();
    ObjectHandlers.discard(cache, oid, durability(request));
    return done.ofChange(request, before);
  }

  /** Pushes what is dirty of the VDI, and makes it durable. */
  Answer flushVdi(Request request) throws SheepException {
    cache.flush(vid(request));
    return done.ofFlush(request);
  }

  /** Pushes what is dirty of the VDI, and forgets the rest. */
  Answer flushDelCache(Request request) throws SheepException {
    gateway.flushAndPurge(vid(request));
    return done.ofFlush(request);
  }

  /** Forgets the VDI without pushing anything: its client does not want it any more. */
  Answer deleteCache(Request request) throws SheepException {
    cache.forget(vid(request));
    return Answer.SUCCESS;
  }

  /** How large the cache is, and how many objects of which VDIs are in it. */
  Answer getCacheInfo(Request request) {
    List<ObjectCacheRecord.CachedVdi> vdis = new ArrayList<>();
    for (CachedVdi cached : cache.vdis()) {
      if (vdis.size() < ObjectCacheRecord.MAX_CACHES) {
        vdis.add(
            new ObjectCacheRecord.CachedVdi(
                cached.vid().value(), cached.dirtyObjects(), cached.objects()));
      }
    }
    long used = cache.status().validBytes();
    return Answer.body(
        new ObjectCacheRecord(
                gateway.options().sizeBytes(), used, vdis, gateway.options().access().isDirect())
            .encode()
            .rewind());
  }

  /**
   * With the WRITE flag forgets one VDI, without it all. The original drops what is dirty, too; we
   * push it first, for the writes were answered.
   */
  Answer cachePurge(Request request) throws SheepException {
    if (request.header().has(RequestFlags.WRITE)) {
      gateway.flushAndPurge(vid(request));
      return Answer.SUCCESS;
    }
    for (CachedVdi cached : cache.vdis()) {
      gateway.flushAndPurge(cached.vid());
    }
    return Answer.SUCCESS;
  }

  /** Ours alone: carries out what {@link CacheCommands} understands. */
  Answer cacheCommand(Request request) throws SheepException {
    VdiId vid = vid(request);
    ByteBuffer body = request.bytes();
    if (body.remaining() != CacheCommand.SIZE_BYTES) {
      throw new SheepException(ResultCode.INVALID_PARMS, "a command of " + body.remaining());
    }
    ByteBuffer header = ByteBuffer.allocate(InodeLayout.HEADER_BYTES);
    sheep.objects().read(ObjectId.inode(vid), 0, header);
    try {
      VdiName name = InodeHeader.decode(header.flip()).toVdiInfo().name();
      String answer = gateway.commands().run(name, vid, CacheCommand.decode(body));
      return Answer.body(StandardCharsets.UTF_8.encode(answer));
    } catch (IllegalArgumentException e) {
      throw new SheepException(ResultCode.INVALID_PARMS, "command a cache", e);
    } catch (SheepException e) {
      throw e;
    } catch (IOException e) {
      throw new SheepException(ResultCode.EIO, "command a cache", e);
    }
  }

  /** What is computed from the store must see what is dirty. */
  private Handler afterFlush(Handler plain) {
    return request -> {
      cache.flush(vid(request));
      return plain.answer(request);
    };
  }

  /** What was written before a snapshot belongs to it, and nothing is held back for it later. */
  private Handler snapshotting(Handler plain) {
    return request -> {
      RequestFields.Vdi fields = request.header().vdi();
      if (fields.snapshotId() == 0 || fields.baseVdiId() == 0) {
        return plain.answer(request);
      }
      VdiId base = new VdiId(fields.baseVdiId());
      Lock lock = gateway.snapshots().writeLock();
      lock.lock();
      try {
        cache.flush(base);
        Answer answer = plain.answer(request);
        if (answer.result() == ResultCode.SUCCESS) {
          cache.freeze(base);
        }
        return answer;
      } finally {
        lock.unlock();
      }
    };
  }

  private Handler deleting(Handler plain) {
    return request -> {
      Answer answer = plain.answer(request);
      if (answer.result() == ResultCode.SUCCESS
          && answer.fields() instanceof ResponseFields.Vdi deleted) {
        cache.forget(new VdiId(deleted.vdiId()));
      }
      return answer;
    };
  }

  /** A client that is done with a VDI leaves nothing behind that is not in the store. */
  private Handler releasing(Handler plain) {
    return request -> {
      int vid = request.header().vdi().baseVdiId();
      if (vid != 0) {
        cache.flush(new VdiId(vid));
      }
      return plain.answer(request);
    };
  }

  private Handler formatting(Handler plain) {
    return request -> {
      Answer answer = plain.answer(request);
      if (answer.result() == ResultCode.SUCCESS) {
        for (CachedVdi cached : cache.vdis()) {
          cache.forget(cached.vid());
        }
      }
      return answer;
    };
  }
}
