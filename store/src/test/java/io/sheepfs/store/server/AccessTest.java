package io.sheepfs.store.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.errorprone.annotations.CanIgnoreReturnValue;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RequestFields;
import io.sheepfs.protocol.RequestFlags;
import io.sheepfs.protocol.RequestHeader;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.SnapshotTag;
import io.sheepfs.protocol.VdiAttribute;
import io.sheepfs.protocol.VdiBitmap;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiNameRecord;
import io.sheepfs.protocol.VdiSpec;
import io.sheepfs.protocol.tls.AllowListFile;
import io.sheepfs.store.LocalSheep;
import io.sheepfs.store.LocalSheepOptions;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What certificates may do, request by request. */
final class AccessTest {

  private static final VdiName DESK = new VdiName("desk-1");
  private static final VdiName SECRET = new VdiName("secret");
  private static final int MIB = 1 << 20;
  private static final int OBJECT = 4 * MIB;

  /** What everybody may ask who may do anything at all. */
  private static final Set<Opcode> FOR_ALL =
      EnumSet.of(
          Opcode.GET_CLUSTER_DEFAULT,
          Opcode.GET_NODE_LIST,
          Opcode.STAT_SHEEP,
          Opcode.STAT_CLUSTER,
          Opcode.GET_STORE_LIST,
          Opcode.STAT,
          Opcode.STAT_RECOVERY,
          Opcode.MD_INFO,
          Opcode.GET_LOGLEVEL,
          Opcode.CLUSTER_INFO,
          Opcode.GET_RECOVERY,
          Opcode.GET_VNODES,
          Opcode.GET_EPOCH,
          Opcode.READ_VDIS,
          Opcode.READ_DEL_VDIS);

  private record Client(String certificateName) implements Caller {
    @Override
    public boolean isOutlived() {
      return false;
    }

    @Override
    public boolean hasTurnedAway() {
      return false;
    }

    @Override
    public void turnAway() {}

    @Override
    public void abandon() {}
  }

  private static final Client ADMIN = new Client("admin");
  private static final Client ALICE = new Client("alice");
  private static final Client READER = new Client("reader");
  private static final Client STRANGER = new Client("stranger");

  private final LocalSheep sheep;
  private final Dispatcher dispatcher;
  private final Access access;
  private VdiId desk = new VdiId(1);
  private VdiId secret = new VdiId(1);

  AccessTest(@TempDir Path directory) throws IOException {
    Path file = directory.resolve("allow");
    Files.write(
        file, List.of("admin all", "alice rw desk-*", "reader ro desk-*", "reader ro golden"));
    sheep =
        LocalSheep.open(
            directory.resolve("store"), LocalSheepOptions.defaults().withFormatIfNew(true));
    dispatcher = new Dispatcher(sheep, new Counters(), ServerOptions.DEFAULTS, () -> {});
    access = new Access(AllowListFile.open(file), sheep, dispatcher::answer);
  }

  @BeforeEach
  void make() throws SheepException {
    desk = make(DESK);
    secret = make(SECRET);
  }

  @AfterEach
  void close() throws IOException {
    sheep.close();
  }

  private VdiId make(VdiName name) throws SheepException {
    VdiId vid = sheep.vdis().create(name, VdiSpec.ofSize(4L * OBJECT)).vid();
    for (int i = 0; i < 2; i++) {
      put(vid, i, 'a' + i);
    }
    return vid;
  }

  private void put(VdiId vid, int index, int content) throws SheepException {
    byte[] bytes = new byte[4096];
    Arrays.fill(bytes, (byte) content);
    ObjectId oid = ObjectId.data(vid, index);
    sheep.objects().create(oid, 0, ByteBuffer.wrap(bytes), Durability.STABLE);
    ByteBuffer entry = ByteBuffer.allocate(4).order(java.nio.ByteOrder.LITTLE_ENDIAN);
    entry.putInt(vid.value()).flip();
    sheep
        .objects()
        .write(ObjectId.inode(vid), InodeLayout.indexOffset(index), entry, Durability.STABLE);
  }

  private Answer ask(Client who, Opcode opcode, int flags, RequestFields fields, byte[] body) {
    boolean sends = (flags & RequestFlags.WRITE) != 0;
    int length =
        sends
            ? body.length
            : switch (opcode) {
              case READ_VDIS, READ_DEL_VDIS -> VdiBitmap.SIZE_BYTES;
              default -> 4096;
            };
    RequestHeader header = RequestHeader.of(opcode, flags, length, fields);
    Request request =
        new Request(header, Unpooled.wrappedBuffer(body), who, UnpooledByteBufAllocator.DEFAULT);
    Answer refusal = access.refusal(request, opcode);
    if (refusal != null) {
      return refusal;
    }
    return access.visible(request, dispatcher.answer(request));
  }

  private ResultCode result(
      Client who, Opcode opcode, int flags, RequestFields fields, byte[] body) {
    Answer answer = ask(who, opcode, flags, fields, body);
    answer.body().release();
    return answer.result();
  }

  private ResultCode onObject(Client who, Opcode opcode, ObjectId oid) {
    boolean sends = opcode == Opcode.WRITE_OBJ || opcode == Opcode.CREATE_AND_WRITE_OBJ;
    return result(
        who,
        opcode,
        sends ? RequestFlags.WRITE : 0,
        RequestFields.Obj.of(oid, 0),
        sends ? new byte[] {1} : new byte[0]);
  }

  private ResultCode onName(Client who, Opcode opcode, VdiName name, RequestFields.Vdi fields) {
    byte[] body = new byte[VdiNameRecord.NAME_BYTES];
    VdiNameRecord.of(name).encode().get(body);
    return result(who, opcode, RequestFlags.WRITE, fields, body);
  }

  private static RequestFields.Vdi vdi(VdiId base, int snapshotId) {
    return new RequestFields.Vdi(OBJECT, base.value(), 1, 0, 0, 22, snapshotId, 0);
  }

  private static final RequestFields.Vdi NEW = new RequestFields.Vdi(OBJECT, 0, 1, 0, 0, 22, 0, 0);

  @Test
  void othersVdi_everyOperationIsRefused() {
    for (Opcode opcode : Opcode.values()) {
      if (FOR_ALL.contains(opcode)) {
        continue;
      }
      for (int flags :
          new int[] {0, RequestFlags.WRITE, RequestFlags.WRITE | RequestFlags.CREATE}) {
        RequestFields fields =
            switch (opcode) {
              case NEW_VDI, LOCK_VDI, RELEASE_VDI, GET_VDI_INFO, DEL_VDI -> vdi(secret, 0);
              default -> RequestFields.Obj.of(ObjectId.inode(secret), 0);
            };
        byte[] name = new byte[VdiNameRecord.NAME_BYTES];
        VdiNameRecord.of(SECRET).encode().get(name);
        for (Client who : List.of(ALICE, READER, STRANGER, new Client(""))) {
          assertEquals(
              ResultCode.NOT_ALLOWED,
              result(who, opcode, flags, fields, name),
              () -> who + " " + opcode);
        }
      }
    }
    assertTrue(sheep.vdiStore().table().working(SECRET) != null);
  }

  @Test
  void everybodysQuestions_areNotForStrangers() {
    for (Opcode opcode : FOR_ALL) {
      RequestFields none = new RequestFields.None();
      assertEquals(
          ResultCode.NOT_ALLOWED, result(STRANGER, opcode, 0, none, new byte[0]), opcode::name);
      assertNotEquals(
          ResultCode.NOT_ALLOWED, result(ALICE, opcode, 0, none, new byte[0]), opcode::name);
    }
  }

  @Test
  void ownVdi_canBeUsed_andOnlyReadByReaders() {
    ObjectId data = ObjectId.data(desk, 0);
    for (Opcode opcode : List.of(Opcode.READ_OBJ, Opcode.GET_HASH, Opcode.FLUSH_VDI)) {
      assertEquals(ResultCode.SUCCESS, onObject(ALICE, opcode, data), opcode::name);
      assertEquals(ResultCode.SUCCESS, onObject(READER, opcode, data), opcode::name);
    }
    for (Opcode opcode :
        List.of(Opcode.CREATE_AND_WRITE_OBJ, Opcode.WRITE_OBJ, Opcode.DISCARD_OBJ)) {
      assertEquals(ResultCode.NOT_ALLOWED, onObject(READER, opcode, data), opcode::name);
      assertEquals(ResultCode.SUCCESS, onObject(ALICE, opcode, data), opcode::name);
    }
    assertEquals(ResultCode.SUCCESS, onName(READER, Opcode.GET_VDI_INFO, DESK, NEW));
    assertEquals(ResultCode.NOT_ALLOWED, onName(READER, Opcode.LOCK_VDI, DESK, NEW));
    assertEquals(ResultCode.NOT_ALLOWED, onName(READER, Opcode.DEL_VDI, DESK, NEW));
    assertEquals(ResultCode.SUCCESS, onName(ALICE, Opcode.LOCK_VDI, DESK, NEW));
    assertEquals(ResultCode.SUCCESS, onName(ALICE, Opcode.DEL_VDI, DESK, NEW));
  }

  @Test
  void names_boundWhatIsMade() {
    assertEquals(ResultCode.SUCCESS, onName(ALICE, Opcode.NEW_VDI, new VdiName("desk-2"), NEW));
    assertEquals(ResultCode.NOT_ALLOWED, onName(ALICE, Opcode.NEW_VDI, new VdiName("mine"), NEW));
    assertEquals(
        ResultCode.NOT_ALLOWED,
        onName(ALICE, Opcode.NEW_VDI, new VdiName("desk-3"), vdi(secret, 0)),
        "a clone of what may not be read");
    assertEquals(ResultCode.SUCCESS, onName(ADMIN, Opcode.NEW_VDI, new VdiName("mine"), NEW));
  }

  @Test
  void lists_haveOnlyWhatMayBeRead() {
    assertEquals(Set.of(desk), listed(ALICE));
    assertEquals(Set.of(desk, secret), listed(ADMIN));
  }

  private Set<VdiId> listed(Client who) {
    Answer answer = ask(who, Opcode.READ_VDIS, 0, new RequestFields.None(), new byte[0]);
    assertEquals(ResultCode.SUCCESS, answer.result());
    try {
      return Set.copyOf(VdiBitmap.decode(answer.body().nioBuffer()).vids().toList());
    } finally {
      answer.body().release();
    }
  }

  @Test
  void clone_readsWhatItHasOfItsParent_andNothingElse() throws SheepException {
    VdiId other = make(new VdiName("unrelated"));
    VdiId clone = cloneOfSecret();
    // after a reconnect the first thing that a client asks for may be an object
    assertEquals(ResultCode.SUCCESS, onObject(ALICE, Opcode.READ_OBJ, ObjectId.data(secret, 0)));
    assertEquals(ResultCode.SUCCESS, onObject(READER, Opcode.READ_OBJ, ObjectId.data(secret, 1)));
    assertEquals(ResultCode.NOT_ALLOWED, onObject(ALICE, Opcode.READ_OBJ, ObjectId.data(other, 0)));
    assertEquals(ResultCode.NOT_ALLOWED, onObject(ALICE, Opcode.READ_OBJ, ObjectId.inode(secret)));
    assertEquals(
        ResultCode.NOT_ALLOWED, onObject(ALICE, Opcode.WRITE_OBJ, ObjectId.data(secret, 0)));

    ObjectId copy = ObjectId.data(clone, 1);
    RequestFields fromParent =
        new RequestFields.Obj(copy.value(), ObjectId.data(secret, 1).value(), 0, 0, 0, 0, 0);
    RequestFields fromOther =
        new RequestFields.Obj(copy.value(), ObjectId.data(other, 1).value(), 0, 0, 0, 0, 0);
    int flags = RequestFlags.WRITE | RequestFlags.COW;
    assertEquals(
        ResultCode.NOT_ALLOWED,
        result(ALICE, Opcode.CREATE_AND_WRITE_OBJ, flags, fromOther, new byte[] {1}));
    assertEquals(
        ResultCode.SUCCESS,
        result(ALICE, Opcode.CREATE_AND_WRITE_OBJ, flags, fromParent, new byte[] {1}));
  }

  @CanIgnoreReturnValue
  private VdiId cloneOfSecret() throws SheepException {
    sheep.vdis().snapshot(SECRET, new SnapshotTag("s"));
    return sheep.vdis().cloneSnapshot(secret, new VdiName("desk-clone")).vid();
  }

  @Test
  void whatTheParentGotLater_isNotTheClones() throws SheepException {
    cloneOfSecret();
    VdiId now = sheep.vdis().lookup(SECRET).vid();
    put(now, 2, 'z');
    assertEquals(ResultCode.NOT_ALLOWED, onObject(ALICE, Opcode.READ_OBJ, ObjectId.data(now, 2)));
  }

  @Test
  void attributes_belongToTheVdiTheyName() {
    assertEquals(ResultCode.SUCCESS, attribute(ALICE, RequestFlags.CREATE, DESK));
    assertEquals(ResultCode.SUCCESS, attribute(READER, 0, DESK));
    assertEquals(ResultCode.NOT_ALLOWED, attribute(READER, RequestFlags.CREATE, DESK));
    assertEquals(ResultCode.NOT_ALLOWED, attribute(ALICE, 0, SECRET));
    assertEquals(ResultCode.SUCCESS, attribute(ADMIN, RequestFlags.CREATE, SECRET));

    ObjectId own = attributeOf(DESK);
    ObjectId foreign = attributeOf(SECRET);
    assertEquals(ResultCode.SUCCESS, onObject(ALICE, Opcode.READ_OBJ, own));
    assertEquals(ResultCode.NOT_ALLOWED, onObject(ALICE, Opcode.READ_OBJ, foreign));
    assertEquals(ResultCode.NOT_ALLOWED, onObject(ALICE, Opcode.WRITE_OBJ, own), "another name");
    assertEquals(ResultCode.SUCCESS, write(ALICE, own, 784, 1));
    assertEquals(ResultCode.NOT_ALLOWED, write(ALICE, foreign, 784, 1));
    assertEquals(ResultCode.NOT_ALLOWED, write(ALICE, foreign, 0, 0));
    assertEquals(ResultCode.NOT_ALLOWED, write(READER, own, 0, 0));
    assertEquals(ResultCode.NOT_ALLOWED, onObject(READER, Opcode.REMOVE_OBJ, own));
    assertEquals(ResultCode.NOT_ALLOWED, onObject(ALICE, Opcode.REMOVE_OBJ, foreign));
    assertEquals(ResultCode.SUCCESS, write(ALICE, own, 0, 0), "the deletion");
  }

  @Test
  void attributeOfAVdiWhoseIdIsTakenByAnother_isNotTheOthers() throws SheepException {
    // an id comes from a name's hash; who can choose names can take the id that a name would get
    int number = 0;
    VdiId slot = VdiId.hashOf(new VdiName("victim"));
    while (!VdiId.hashOf(new VdiName("desk-" + number)).equals(slot)) {
      number++;
    }
    assertEquals(slot, make(new VdiName("desk-" + number)));
    VdiName victim = new VdiName("victim");
    assertNotEquals(slot, make(victim));
    assertEquals(ResultCode.SUCCESS, attribute(ADMIN, RequestFlags.CREATE, victim));
    ObjectId attribute = attributeOf(victim);
    for (Opcode opcode : List.of(Opcode.READ_OBJ, Opcode.WRITE_OBJ, Opcode.REMOVE_OBJ)) {
      assertEquals(ResultCode.NOT_ALLOWED, onObject(ALICE, opcode, attribute), opcode::name);
    }
    assertEquals(ResultCode.NOT_ALLOWED, attribute(ALICE, 0, victim));
  }

  private ResultCode write(Client who, ObjectId oid, long offset, int value) {
    RequestFields fields = RequestFields.Obj.of(oid, offset);
    return result(who, Opcode.WRITE_OBJ, RequestFlags.WRITE, fields, new byte[] {(byte) value});
  }

  private ResultCode attribute(Client who, int flags, VdiName name) {
    byte[] body = new byte[VdiAttribute.SIZE_BYTES];
    System.arraycopy(name.toBytes(), 0, body, 0, name.toBytes().length);
    byte[] key = "key".getBytes(StandardCharsets.UTF_8);
    System.arraycopy(key, 0, body, 528, key.length);
    return result(who, Opcode.GET_VDI_ATTR, RequestFlags.WRITE | flags, NEW, body);
  }

  private ObjectId attributeOf(VdiName name) {
    try {
      VdiId slot = VdiId.hashOf(name);
      List<ObjectId> found =
          sheep.objects().list().stream()
              .filter(oid -> oid.kind() == ObjectId.Kind.ATTRIBUTE && oid.vid().equals(slot))
              .toList();
      assertEquals(1, found.size());
      return found.get(0);
    } catch (SheepException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void newFormat_forgetsWhoseIdsTheyWere() throws SheepException {
    assertEquals(ResultCode.SUCCESS, onObject(ALICE, Opcode.READ_OBJ, ObjectId.inode(desk)));
    sheep.format(sheep.createTime() + 1, 1, 22, 0, "plain");
    VdiName same = new VdiName("secret");
    assertFalse(access.refusal(inode(desk), Opcode.READ_OBJ) == null);
    VdiId fresh = sheep.vdis().create(same, VdiSpec.ofSize(OBJECT)).vid();
    assertEquals(ResultCode.NOT_ALLOWED, onObject(ALICE, Opcode.READ_OBJ, ObjectId.inode(fresh)));
  }

  private static Request inode(VdiId vid) {
    RequestHeader header =
        RequestHeader.of(Opcode.READ_OBJ, 0, 16, RequestFields.Obj.of(ObjectId.inode(vid), 0));
    return new Request(header, Unpooled.EMPTY_BUFFER, ALICE, UnpooledByteBufAllocator.DEFAULT);
  }
}
