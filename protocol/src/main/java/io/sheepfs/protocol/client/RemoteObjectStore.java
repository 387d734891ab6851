package io.sheepfs.protocol.client;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.InodeHeader;
import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ObjectStore;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.OutcomeUnknownException;
import io.sheepfs.protocol.RequestFields;
import io.sheepfs.protocol.RequestFlags;
import io.sheepfs.protocol.ResponseHeader;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiSpec;
import io.sheepfs.protocol.client.SheepClient.Repeat;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The objects of a cluster over the network. Every operation may be repeated: the bytes and the
 * place are the same, and a VDI has one writer.
 *
 * <p>The original checks no bounds, so that they are checked here: the object size of a VDI is
 * learned from its inode once.
 */
final class RemoteObjectStore implements ObjectStore {

  private static final int MAX_BLOCK_SIZE_SHIFT = 31;

  private static final Logger log = LoggerFactory.getLogger(RemoteObjectStore.class);
  private static final ByteBuffer ZEROS = ByteBuffer.allocateDirect(1 << 20).asReadOnlyBuffer();

  private final SheepClient client;
  private final Map<VdiId, Integer> blockSizeShifts = new ConcurrentHashMap<>();
  private final Map<VdiId, RemoteLock> leases = new ConcurrentHashMap<>();
  private final Incarnations incarnations = new Incarnations();
  private final AtomicBoolean toldOfStableWrites = new AtomicBoolean();

  RemoteObjectStore(SheepClient client) {
    this.client = client;
  }

  @Override
  public void read(ObjectId oid, long offset, ByteBuffer dst) throws SheepException {
    checkBounds(oid, offset, dst.remaining());
    if (!dst.hasRemaining()) {
      return;
    }
    int start = dst.position();
    ResponseHeader answer =
        client.call(
            Opcode.READ_OBJ, 0, RequestFields.Obj.of(oid, offset), null, dst, Repeat.ALWAYS);
    check(answer, "read", oid);
    if (dst.hasRemaining()) {
      expand(oid, answer.obj().offset(), dst, start);
    }
  }

  /**
   * Puts the zeros back that a sheep may leave out at both ends of an answer: version 2 of the
   * protocol allows it, and {@code offset} tells how many are missing in front.
   */
  private static void expand(ObjectId oid, long leadingZeros, ByteBuffer dst, int start)
      throws SheepException {
    int received = dst.position() - start;
    if (leadingZeros < 0 || leadingZeros > dst.remaining()) {
      throw new SheepException(
          ResultCode.EIO,
          "read " + oid + ": the answer has " + received + " bytes for " + leadingZeros + " on");
    }
    int from = start + (int) leadingZeros;
    dst.put(from, dst, start, received);
    zero(dst, start, from);
    zero(dst, from + received, dst.limit());
    dst.position(dst.limit());
  }

  private static void zero(ByteBuffer dst, int from, int to) {
    for (int at = from; at < to; ) {
      int count = Math.min(to - at, ZEROS.capacity());
      dst.put(at, ZEROS, 0, count);
      at += count;
    }
  }

  @Override
  public void write(ObjectId oid, long offset, ByteBuffer src, Durability durability)
      throws SheepException {
    checkBounds(oid, offset, src.remaining());
    check(send(Opcode.WRITE_OBJ, flags(durability), oid, null, offset, src), "write", oid);
  }

  @Override
  public void create(ObjectId oid, long offset, ByteBuffer src, Durability durability)
      throws SheepException {
    checkBounds(oid, offset, src.remaining());
    check(
        send(Opcode.CREATE_AND_WRITE_OBJ, flags(durability), oid, null, offset, src),
        "create",
        oid);
  }

  @Override
  public void createCopy(
      ObjectId oid, ObjectId source, long offset, ByteBuffer src, Durability durability)
      throws SheepException {
    checkBounds(oid, offset, src.remaining());
    int flags = flags(durability) | RequestFlags.COW;
    check(
        send(Opcode.CREATE_AND_WRITE_OBJ, flags, oid, source, offset, src),
        "copy " + source + " to",
        oid);
  }

  @Override
  public void discard(ObjectId oid, long offset, long length, Durability durability)
      throws SheepException {
    checkBounds(oid, offset, length);
    for (long at = offset; at < offset + length; at += ZEROS.capacity()) {
      int count = (int) Math.min(ZEROS.capacity(), offset + length - at);
      ResponseHeader answer =
          send(Opcode.WRITE_OBJ, flags(durability), oid, null, at, ZEROS.slice(0, count));
      if (answer.result() == ResultCode.NO_OBJ) {
        return;
      }
      check(answer, "discard", oid);
    }
  }

  @Override
  public void remove(ObjectId oid) throws SheepException {
    ResponseHeader answer =
        client.call(Opcode.REMOVE_OBJ, 0, RequestFields.Obj.of(oid, 0), null, null, Repeat.ALWAYS);
    if (answer.result() != ResultCode.NO_OBJ) {
      check(answer, "remove", oid);
    }
  }

  /**
   * {@inheritDoc}
   *
   * <p>An original sheep without an object cache answers INVALID_PARMS: it makes every write
   * durable by itself, so that there is nothing to do.
   */
  @Override
  public void flush(VdiId vid) throws SheepException {
    ObjectId inode = ObjectId.inode(vid);
    ResponseHeader answer =
        client.call(Opcode.FLUSH_VDI, 0, RequestFields.Obj.of(inode, 0), null, null, Repeat.ALWAYS);
    if (answer.result() == ResultCode.INVALID_PARMS) {
      if (toldOfStableWrites.compareAndSet(false, true)) {
        log.info("{} knows no flush: its writes are durable at once", client.gatewayAddress());
      }
      return;
    }
    check(answer, "flush", inode);
    incarnations.flushed(vid, answer.obj().offset());
  }

  /**
   * {@inheritDoc}
   *
   * <p>Counts the changes of the number that our sheep send with each answer to an unstable write
   * and to a flush. An answer that was long on its way counts as a change to and fro, which does no
   * harm. An original sheep sends 0: its writes are all stable.
   */
  @Override
  public long losses(VdiId vid) {
    return incarnations.losses(vid);
  }

  /**
   * {@inheritDoc}
   *
   * <p>The sheep has flushed the snapshot. It is asked to do so once more, since only the answer
   * tells what was lost before. If the snapshot is gone, nobody tells, and it counts as lost.
   */
  @Override
  public void continueAs(VdiId snapshot, VdiId successor) throws SheepException {
    try {
      flush(snapshot);
    } catch (SheepException e) {
      switch (e.result()) {
        case NO_VDI, NO_OBJ, NOT_ALLOWED -> incarnations.lost(snapshot);
        default -> throw e;
      }
    }
    incarnations.continueAs(snapshot, successor);
  }

  /** Notes the object size of a VDI, which saves asking for it. */
  void learn(VdiId vid, int blockSizeShift) {
    blockSizeShifts.put(vid, blockSizeShift);
  }

  /** From now on the VDI is written under a lock. */
  void writeUnder(VdiId vid, RemoteLock lock) {
    leases.put(vid, lock);
  }

  /** The lock is given up. */
  void forget(RemoteLock lock) {
    leases.forEach(
        (vid, lease) -> {
          if (lease == lock) {
            leases.remove(vid, lock);
            incarnations.forget(vid);
          }
        });
  }

  private ResponseHeader send(
      Opcode opcode,
      int flags,
      ObjectId oid,
      @Nullable ObjectId source,
      long offset,
      ByteBuffer src)
      throws SheepException {
    long cowOid = source == null ? 0 : source.value();
    RemoteLock lease = oid.kind() == ObjectId.Kind.ATTRIBUTE ? null : leases.get(oid.vid());
    int start = src.position();
    long deadline = System.nanoTime() + client.requestTimeoutNanos();
    while (true) {
      int generation = lease == null ? 0 : lease.generation();
      int allFlags = flags | (generation == 0 ? 0 : RequestFlags.LEASE);
      RequestFields.Obj fields =
          new RequestFields.Obj(oid.value(), cowOid, 0, 0, 0, generation, offset);
      ResponseHeader answer;
      try {
        Repeat repeat = generation == 0 ? Repeat.ALWAYS : Repeat.IF_NOT_SENT;
        answer = client.call(opcode, allFlags, fields, src, null, repeat);
      } catch (OutcomeUnknownException e) {
        // what is still on its way must not come after later changes: another lease ends it
        if (lease == null || System.nanoTime() > deadline || !lease.awaitAnother(generation)) {
          throw e;
        }
        src.position(start);
        continue;
      }
      if (answer.result() == ResultCode.VDI_NOT_LOCKED
          && lease != null
          && lease.awaitAnother(generation)) {
        src.position(start);
        continue;
      }
      if ((flags & RequestFlags.CACHE) != 0) {
        incarnations.written(oid.vid(), answer.obj().offset());
      }
      return answer;
    }
  }

  private static int flags(Durability durability) {
    return durability == Durability.UNSTABLE ? RequestFlags.CACHE : 0;
  }

  private void checkBounds(ObjectId oid, long offset, long length) throws SheepException {
    long size =
        switch (oid.kind()) {
          case INODE -> InodeLayout.SIZE_BYTES;
          case DATA, VM_STATE -> 1L << blockSizeShift(oid.vid());
          case ATTRIBUTE, BTREE, LEDGER -> 1L << VdiSpec.DEFAULT_BLOCK_SIZE_SHIFT;
        };
    if (offset < 0 || length < 0 || offset > size - length) {
      throw new SheepException(
          ResultCode.INVALID_PARMS,
          length + " bytes at " + offset + " of object " + oid + " of " + size + " bytes");
    }
  }

  private int blockSizeShift(VdiId vid) throws SheepException {
    Integer known = blockSizeShifts.get(vid);
    if (known != null) {
      return known;
    }
    ByteBuffer bytes = ByteBuffer.allocate(InodeLayout.HEADER_BYTES);
    try {
      read(ObjectId.inode(vid), 0, bytes);
    } catch (SheepException e) {
      if (e.result() == ResultCode.NO_OBJ) {
        return VdiSpec.DEFAULT_BLOCK_SIZE_SHIFT;
      }
      if (e.result() == ResultCode.NOT_ALLOWED) { // the parent of a clone; the sheep knows
        learn(vid, MAX_BLOCK_SIZE_SHIFT);
        return MAX_BLOCK_SIZE_SHIFT;
      }
      throw e;
    }
    int shift = InodeHeader.decode(bytes.flip()).blockSizeShift();
    if (shift < 20 || shift > MAX_BLOCK_SIZE_SHIFT) {
      return VdiSpec.DEFAULT_BLOCK_SIZE_SHIFT; // release 0.9 knows one size, and writes 0
    }
    learn(vid, shift);
    return shift;
  }

  private static void check(ResponseHeader answer, String what, ObjectId oid)
      throws SheepException {
    if (answer.result() != ResultCode.SUCCESS) {
      throw new SheepException(answer.result(), what + " " + oid);
    }
  }
}
