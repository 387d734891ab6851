package io.sheepfs.dog;

import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RequestFields;
import io.sheepfs.protocol.RequestFlags;
import io.sheepfs.protocol.ResponseFields;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiAttribute;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiName;
import java.nio.ByteBuffer;

/** The attributes of a VDI: short values that administrators keep with it, by key. */
final class VdiAttributes {

  private final Session session;
  private final VdiName name;
  private final String key;

  VdiAttributes(Session session, VdiName name, String key) {
    this.session = session;
    this.name = name;
    this.key = key;
  }

  /**
   * Stores a value.
   *
   * @param exclusive fail if there is one
   */
  void put(byte[] value, boolean exclusive) throws SheepException, DogException {
    call(value, RequestFlags.CREATE | (exclusive ? RequestFlags.EXCLUSIVE : 0));
  }

  void delete() throws SheepException, DogException {
    call(new byte[0], RequestFlags.DELETE);
  }

  byte[] get() throws SheepException, DogException {
    ResponseFields.Vdi found = call(new byte[0], 0);
    ObjectId oid =
        ObjectId.of(ObjectId.Kind.ATTRIBUTE, new VdiId(found.vdiId()), found.attributeId());
    Reply reply =
        session.sheep().ask(Opcode.READ_OBJ, RequestFields.Obj.of(oid, 0), VdiAttribute.SIZE_BYTES);
    return VdiAttribute.decode(reply.orThrow("read attribute '" + key + "'").body()).value();
  }

  private ResponseFields.Vdi call(byte[] value, int flags) throws SheepException, DogException {
    ByteBuffer body;
    try {
      body = new VdiAttribute(name.value(), "", 0, 0, key, value).encode();
    } catch (IllegalArgumentException e) {
      throw new DogException(ExitCode.USAGE, "Invalid attribute: " + e.getMessage(), e);
    }
    Reply reply =
        session.sheep().send(Opcode.GET_VDI_ATTR, flags, RequestFields.Vdi.lookup(0), body);
    return switch (reply.result()) {
      case NO_VDI -> throw new DogException(ExitCode.MISSING, "VDI not found");
      case NO_OBJ -> throw new DogException(ExitCode.MISSING, "Attribute '" + key + "' not found");
      case VDI_EXIST ->
          throw new DogException(ExitCode.EXISTS, "The attribute '" + key + "' already exists");
      default -> reply.orThrow("attribute '" + key + "' of VDI " + name).header().vdi();
    };
  }
}
