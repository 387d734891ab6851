package io.sheepfs.store.server;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RequestFields;
import io.sheepfs.protocol.RequestFlags;
import io.sheepfs.protocol.RequestHeader;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiBitmap;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiNameRecord;
import io.sheepfs.protocol.tls.AllowList;
import io.sheepfs.protocol.tls.AllowList.Right;
import io.sheepfs.protocol.tls.AllowListFile;
import io.sheepfs.store.SheepNode;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Refuses what the certificate of a client does not allow. A request is checked by the sheep that
 * the client is connected to, before anything else is done about it; other sheep, and this one for
 * itself, ask with a certificate that allows everything.
 *
 * <p>Rights go by the names of VDIs. What belongs to an id has the name in its inode, which is
 * remembered, for an id never gets another name. An object of somebody else's VDI can be read by
 * those who have a clone: if the index of a VDI that they may read has it.
 *
 * <p>Safe for any number of threads.
 */
final class Access {

  private static final Logger log = LoggerFactory.getLogger(Access.class);

  private static final int MAX_NAMES = 100_000;
  private static final int MAX_SHARED = 100_000;
  private static final int MAX_REFUSALS = 1000;

  /**
   * Where the part of an attribute ends that says whose it is: the name of its VDI, and the tag.
   */
  private static final int ATTRIBUTE_OWNER_BYTES = InodeLayout.NAME_BYTES + InodeLayout.TAG_BYTES;

  private final AllowListFile file;
  private final SheepNode sheep;

  /** Carries out what this asks for itself. */
  private final Function<Request, Answer> inner;

  /** What was refused within a minute, so as not to fill the log. */
  private final Cache<String, Boolean> refusals =
      Caffeine.newBuilder()
          .maximumSize(MAX_REFUSALS)
          .expireAfterWrite(Duration.ofMinutes(1))
          .build();

  private volatile State state;

  /** What holds for one content of the file, and one format of the store. */
  private record State(
      AllowList rules, long createTime, Cache<VdiId, VdiName> names, Map<String, Client> clients) {

    State(AllowList rules, long createTime) {
      this(
          rules,
          createTime,
          Caffeine.newBuilder().maximumSize(MAX_NAMES).build(),
          new ConcurrentHashMap<>());
    }

    Client client(String certificate) {
      return clients.computeIfAbsent(certificate, name -> new Client(rules.of(name)));
    }
  }

  /** The holders of certificates of one name. */
  private static final class Client {
    private final AllowList.Grant grant;
    private final boolean all;

    /** VDIs that were asked for and may be read: whose clones they are is looked for here first. */
    private final Set<VdiId> used = ConcurrentHashMap.newKeySet();

    /** Objects of other VDIs that are in the index of one that may be read. */
    private final Cache<ObjectId, Boolean> shared =
        Caffeine.newBuilder().maximumSize(MAX_SHARED).build();

    /** The same that are in none, for a moment: looking takes a while. */
    private final Cache<ObjectId, Boolean> foreign =
        Caffeine.newBuilder()
            .maximumSize(MAX_REFUSALS)
            .expireAfterWrite(Duration.ofSeconds(1))
            .build();

    Client(AllowList.Grant grant) {
      this.grant = grant;
      this.all = grant.isAll();
    }
  }

  Access(AllowListFile file, SheepNode sheep, Function<Request, Answer> inner) {
    this.file = file;
    this.sheep = sheep;
    this.inner = inner;
    this.state = new State(file.current(), sheep.createTime());
  }

  private State state() {
    State now = state;
    AllowList rules = file.current();
    long createTime = sheep.createTime();
    if (now.rules != rules || now.createTime != createTime) {
      now = new State(rules, createTime);
      state = now;
    }
    return now;
  }

  /** The answer to a request that is not to be carried out; null for one that is. */
  @Nullable Answer refusal(Request request, Opcode opcode) {
    if (!(request.connection() instanceof Caller caller)) {
      return null; // this sheep itself
    }
    State now = state();
    Client client = now.client(caller.certificateName());
    if (client.all) {
      return null;
    }
    try {
      if (isPermitted(now, client, request, opcode)) {
        return null;
      }
    } catch (SheepException e) {
      return Answer.of(e.result());
    } catch (IllegalArgumentException e) {
      log.debug("{} is impossible: {}", request.header(), e.toString());
      return Answer.of(ResultCode.INVALID_PARMS);
    }
    String what = "'" + caller.certificateName() + "' is not allowed to " + opcode;
    if (refusals.asMap().putIfAbsent(what, true) == null) {
      log.warn("{}: {}", what, request.header());
    }
    return Answer.of(ResultCode.NOT_ALLOWED);
  }

  /** An answer of READ_VDIS or READ_DEL_VDIS without the VDIs that the client may not read. */
  Answer visible(Request request, Answer answer) {
    if (!(request.connection() instanceof Caller caller)
        || answer.body().readableBytes() != VdiBitmap.SIZE_BYTES) {
      return answer;
    }
    State now = state();
    Client client = now.client(caller.certificateName());
    if (client.all) {
      return answer;
    }
    try {
      VdiBitmap all = VdiBitmap.decode(answer.body().nioBuffer());
      return Answer.body(
          VdiBitmap.of(all.vids().filter(vid -> permitsQuietly(now, client, vid))).encode());
    } finally {
      answer.body().release();
    }
  }

  private boolean permitsQuietly(State now, Client client, VdiId vid) {
    try {
      return permits(now, client, Right.READ, vid);
    } catch (SheepException e) {
      return false; // it has just gone
    }
  }

  private boolean isPermitted(State now, Client client, Request request, Opcode opcode)
      throws SheepException {
    RequestHeader header = request.header();
    return switch (opcode) {
      case GET_CLUSTER_DEFAULT,
          GET_NODE_LIST,
          STAT_SHEEP,
          STAT_CLUSTER,
          GET_STORE_LIST,
          STAT,
          STAT_RECOVERY,
          MD_INFO,
          GET_LOGLEVEL,
          CLUSTER_INFO,
          GET_RECOVERY,
          GET_VNODES,
          GET_EPOCH,
          READ_VDIS,
          READ_DEL_VDIS ->
          !client.grant.isEmpty();
      case READ_OBJ, EXIST, GET_HASH -> mayRead(now, client, header.obj().objectId());
      case FLUSH_VDI, FLUSH_DEL_CACHE ->
          permits(now, client, Right.READ, header.obj().objectId().vid());
      case WRITE_OBJ -> mayWrite(now, client, request);
      case CREATE_AND_WRITE_OBJ -> mayCreate(now, client, request);
      case REMOVE_OBJ -> {
        ObjectId doomed = header.obj().objectId();
        yield isAttribute(doomed)
            ? permitsAttribute(client, Right.WRITE, doomed)
            : permits(now, client, Right.WRITE, doomed.vid());
      }
      case DISCARD_OBJ, DELETE_CACHE, CACHE_COMMAND ->
          permits(now, client, Right.WRITE, header.obj().objectId().vid());
      case CACHE_PURGE ->
          header.has(RequestFlags.WRITE)
              && permits(now, client, Right.WRITE, header.obj().objectId().vid());
      case GET_VDI_INFO -> client.grant.permits(Right.READ, named(request));
      case LOCK_VDI, DEL_VDI -> client.grant.permits(Right.WRITE, named(request));
      case RELEASE_VDI -> permits(now, client, Right.WRITE, new VdiId(header.vdi().baseVdiId()));
      case NEW_VDI -> mayMake(now, client, request);
      case GET_VDI_ATTR -> {
        boolean change = header.has(RequestFlags.CREATE) || header.has(RequestFlags.DELETE);
        VdiName owner = nameAt(request.bytes());
        yield owner != null && client.grant.permits(change ? Right.WRITE : Right.READ, owner);
      }
      default -> false;
    };
  }

  private static VdiName named(Request request) {
    return new VdiName(VdiHandlers.text(VdiNameRecord.decode(request.bytes()).name()));
  }

  /** The name that an inode or an attribute begins with; null for one that was deleted. */
  private static @Nullable VdiName nameAt(ByteBuffer source) {
    byte[] name = new byte[Math.min(InodeLayout.NAME_BYTES, source.remaining())];
    source.duplicate().get(name);
    int length = 0;
    while (length < name.length && name[length] != 0) {
      length++;
    }
    return length == 0 ? null : new VdiName(VdiHandlers.text(Arrays.copyOf(name, length)));
  }

  private boolean permits(State now, Client client, Right right, VdiId vid) throws SheepException {
    VdiName name = now.names.getIfPresent(vid);
    if (name == null) {
      name = nameAt(read(ObjectId.inode(vid), 0, InodeLayout.NAME_BYTES));
      if (name == null) {
        return false;
      }
      now.names.put(vid, name);
    }
    if (!client.grant.permits(right, name)) {
      return false;
    }
    client.used.add(vid);
    return true;
  }

  private static boolean isAttribute(ObjectId oid) {
    return oid.kind() == ObjectId.Kind.ATTRIBUTE;
  }

  private boolean mayRead(State now, Client client, ObjectId oid) throws SheepException {
    if (isAttribute(oid)) {
      return permitsAttribute(client, Right.READ, oid);
    }
    if (oid.isData() && client.shared.getIfPresent(oid) != null) {
      return true;
    }
    return permits(now, client, Right.READ, oid.vid())
        || (oid.isData() && isShared(now, client, oid));
  }

  /** Whether a VDI that the client may read goes on to use an object of one that it may not. */
  private boolean isShared(State now, Client client, ObjectId oid) throws SheepException {
    if (client.foreign.getIfPresent(oid) != null) {
      return false;
    }
    boolean found = isIn(client.used, client, oid) || isIn(readable(now, client), client, oid);
    (found ? client.shared : client.foreign).put(oid, true);
    return found;
  }

  private boolean isIn(Iterable<VdiId> vids, Client client, ObjectId oid) throws SheepException {
    for (VdiId vid : vids) {
      try {
        int offset = InodeLayout.indexOffset(oid.index());
        int owner = read(ObjectId.inode(vid), offset, InodeLayout.INDEX_ENTRY_BYTES).getInt();
        if (owner == oid.vid().value()) {
          return true;
        }
      } catch (SheepException e) {
        if (e.result() != ResultCode.NO_OBJ) {
          throw e;
        }
        client.used.remove(vid);
      }
    }
    return false;
  }

  private Iterable<VdiId> readable(State now, Client client) throws SheepException {
    ByteBuffer bitmap = ask(Opcode.READ_VDIS, VdiBitmap.SIZE_BYTES, new RequestFields.None());
    return VdiBitmap.decode(bitmap).vids().filter(vid -> permitsQuietly(now, client, vid)).toList();
  }

  private boolean mayWrite(State now, Client client, Request request) throws SheepException {
    RequestFields.Obj fields = request.header().obj();
    ObjectId oid = fields.objectId();
    if (!isAttribute(oid)) {
      return permits(now, client, Right.WRITE, oid.vid());
    }
    // whose it is may not change; that nobody's name is there any more is how it is deleted
    ByteBuffer body = request.bytes();
    boolean deletes = fields.offset() == 0 && body.hasRemaining() && body.get(body.position()) == 0;
    return (deletes || fields.offset() >= ATTRIBUTE_OWNER_BYTES)
        && permitsAttribute(client, Right.WRITE, oid);
  }

  private boolean mayCreate(State now, Client client, Request request) throws SheepException {
    RequestFields.Obj fields = request.header().obj();
    ObjectId oid = fields.objectId();
    if (isAttribute(oid)) {
      VdiName owner = fields.offset() == 0 ? nameAt(request.bytes()) : null;
      return owner != null
          && client.grant.permits(Right.WRITE, owner)
          && permitsAttribute(client, Right.WRITE, oid);
    }
    return permits(now, client, Right.WRITE, oid.vid())
        && (!request.header().has(RequestFlags.COW) || mayRead(now, client, fields.cowObjectId()));
  }

  private boolean mayMake(State now, Client client, Request request) throws SheepException {
    int base = request.header().vdi().baseVdiId();
    return client.grant.permits(Right.WRITE, named(request))
        && (base == 0 || permits(now, client, Right.READ, new VdiId(base)));
  }

  /** An attribute says itself whose it is. One that is not there, or was deleted, is anybody's. */
  private boolean permitsAttribute(Client client, Right right, ObjectId oid) throws SheepException {
    try {
      VdiName owner = nameAt(read(oid, 0, InodeLayout.NAME_BYTES));
      return owner == null ? !client.grant.isEmpty() : client.grant.permits(right, owner);
    } catch (SheepException e) {
      if (e.result() == ResultCode.NO_OBJ) {
        return !client.grant.isEmpty();
      }
      throw e;
    }
  }

  private ByteBuffer read(ObjectId oid, long offset, int length) throws SheepException {
    return ask(Opcode.READ_OBJ, length, RequestFields.Obj.of(oid, offset));
  }

  private ByteBuffer ask(Opcode opcode, int length, RequestFields fields) throws SheepException {
    RequestHeader header = RequestHeader.of(opcode, 0, length, fields);
    Answer answer =
        inner.apply(
            new Request(header, Unpooled.EMPTY_BUFFER, this, UnpooledByteBufAllocator.DEFAULT));
    ByteBuf body = answer.body();
    try {
      if (answer.result() != ResultCode.SUCCESS) {
        throw new SheepException(answer.result(), header + " to see whose it is");
      }
      if (body.readableBytes() != length) {
        throw new SheepException(ResultCode.SYSTEM_ERROR, header + " was answered in part");
      }
      ByteBuffer copy = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
      body.readBytes(copy);
      return copy.rewind();
    } finally {
      body.release();
    }
  }
}
