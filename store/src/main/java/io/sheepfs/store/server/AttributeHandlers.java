package io.sheepfs.store.server;

import io.netty.buffer.Unpooled;
import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.Fnv1a;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.RequestFlags;
import io.sheepfs.protocol.ResponseFields;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiAttribute;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.store.SheepNode;
import io.sheepfs.store.vdi.Vdi;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/** The operation on the attributes of VDIs, named after its opcode. */
final class AttributeHandlers {

  private final SheepNode sheep;

  AttributeHandlers(SheepNode sheep) {
    this.sheep = sheep;
  }

  /**
   * Finds, stores or deletes an attribute. Its object's id comes from a hash; a slot that another
   * attribute has leads on to the next one. A deleted attribute keeps its slot, without its name,
   * so that the way to those behind it stays; a later attribute takes it over.
   *
   * <p>One at a time: of two clients that make the same attribute and want to be the only one, one
   * must see that of the other.
   */
  synchronized Answer getVdiAttr(Request request) throws SheepException {
    ByteBuffer asked = request.bytes();
    if (asked.remaining() != AttributeBytes.SIZE_BYTES) {
      throw new SheepException(ResultCode.INVALID_PARMS, asked.remaining() + " bytes of attribute");
    }
    byte[] attribute = new byte[AttributeBytes.SIZE_BYTES];
    asked.get(attribute);
    VdiName name = new VdiName(AttributeBytes.name(attribute));
    int snapshotId = AttributeBytes.snapshotId(attribute);
    Vdi vdi =
        VdiHandlers.choice(name, AttributeBytes.tag(attribute), snapshotId)
            .in(sheep.vdiStore().table());
    long createTime = vdi.header().createTime();
    AttributeBytes.setCreateTime(attribute, createTime);
    VdiId slotVid = VdiId.hashOf(name);
    int slot = AttributeBytes.slot(attribute);
    Integer free = null;
    byte[] found = new byte[AttributeBytes.IDENTITY_BYTES];
    while (true) {
      ObjectId oid = ObjectId.of(ObjectId.Kind.ATTRIBUTE, slotVid, slot);
      if (!sheep.objects().exists(oid)) {
        break;
      }
      sheep.objects().read(oid, 0, ByteBuffer.wrap(found));
      if (AttributeBytes.isSame(found, attribute)) {
        return existing(request, oid, attribute, vdi);
      }
      if (found[0] == 0 && free == null) {
        free = slot;
      }
      slot++;
    }
    if (!request.header().has(RequestFlags.CREATE)) {
      return attributeAnswer(
          ResultCode.NO_OBJ, ObjectId.of(ObjectId.Kind.ATTRIBUTE, slotVid, slot), vdi);
    }
    ObjectId oid = ObjectId.of(ObjectId.Kind.ATTRIBUTE, slotVid, free == null ? slot : free);
    sheep.objects().create(oid, 0, ByteBuffer.wrap(attribute), Durability.STABLE);
    return attributeAnswer(ResultCode.SUCCESS, oid, vdi);
  }

  private Answer existing(Request request, ObjectId oid, byte[] attribute, Vdi vdi)
      throws SheepException {
    if (request.header().has(RequestFlags.CREATE)) {
      if (request.header().has(RequestFlags.EXCLUSIVE)) {
        return attributeAnswer(ResultCode.VDI_EXIST, oid, vdi);
      }
      sheep.objects().create(oid, 0, ByteBuffer.wrap(attribute), Durability.STABLE);
    } else if (request.header().has(RequestFlags.DELETE)) {
      sheep.objects().write(oid, 0, ByteBuffer.allocate(1), Durability.STABLE);
    }
    return attributeAnswer(ResultCode.SUCCESS, oid, vdi);
  }

  private static Answer attributeAnswer(ResultCode result, ObjectId oid, Vdi vdi) {
    return new Answer(
        result,
        new ResponseFields.Vdi(oid.vid().value(), oid.index(), vdi.header().copies(), 0),
        Unpooled.EMPTY_BUFFER);
  }

  /** Fields of {@code sheepdog_vdi_attr}; see {@link VdiAttribute}. */
  private static final class AttributeBytes {
    static final int SIZE_BYTES = VdiAttribute.SIZE_BYTES;

    /** Name, tag, time, number, length and key. */
    static final int IDENTITY_BYTES = 784;

    private static final int TEXT_BYTES = 256;
    private static final int TAG = 256;
    private static final int CREATE_TIME = 512;
    private static final int SNAPSHOT_ID = 520;
    private static final int KEY = 528;

    static String name(byte[] attribute) {
      return string(attribute, 0);
    }

    static String tag(byte[] attribute) {
      return string(attribute, TAG);
    }

    private static String string(byte[] attribute, int offset) {
      int end = offset;
      while (end < offset + TEXT_BYTES && attribute[end] != 0) {
        end++;
      }
      return VdiHandlers.text(Arrays.copyOfRange(attribute, offset, end));
    }

    private static ByteBuffer bytes(byte[] attribute) {
      return ByteBuffer.wrap(attribute).order(ByteOrder.LITTLE_ENDIAN);
    }

    static int snapshotId(byte[] attribute) {
      return bytes(attribute).getInt(SNAPSHOT_ID);
    }

    static void setCreateTime(byte[] attribute, long createTime) {
      ByteBuffer unused = bytes(attribute).putLong(CREATE_TIME, createTime);
    }

    static int slot(byte[] attribute) {
      long hash = Fnv1a.hash(Arrays.copyOf(attribute, CREATE_TIME));
      hash = Fnv1a.hash(attribute, SNAPSHOT_ID, Integer.BYTES, hash);
      return (int) Fnv1a.hash(attribute, KEY, TEXT_BYTES, hash);
    }

    static boolean isSame(byte[] one, byte[] other) {
      return equal(one, other, 0, CREATE_TIME)
          && equal(one, other, SNAPSHOT_ID, SNAPSHOT_ID + Integer.BYTES)
          && equal(one, other, KEY, IDENTITY_BYTES);
    }

    private static boolean equal(byte[] one, byte[] other, int from, int to) {
      return Arrays.equals(one, from, to, other, from, to);
    }
  }
}
