package io.sheepfs.sbd.nbd;

import io.netty.buffer.ByteBuf;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** The data of the options that have any, checked. */
sealed interface OptionRequest {

  /** The longest string of the protocol. */
  int MAX_STRING_BYTES = 4096;

  /** More queries than there are contexts need no answer. */
  int MAX_QUERIES = 256;

  /** The data does not have the form that the option asks for. */
  final class MalformedException extends Exception {
    private static final long serialVersionUID = 1L;

    MalformedException(String message) {
      super(message);
    }
  }

  /**
   * Asks for one export; what information is wanted does not matter, we always give all.
   *
   * @param name its name; empty for the default
   */
  record Use(String name) implements OptionRequest {
    static Use decode(ByteBuf data) throws MalformedException {
      String name = string(data);
      check(data.readableBytes() >= Short.BYTES, "no number of information requests");
      int count = data.readUnsignedShort();
      check(data.readableBytes() == count * Short.BYTES, "not the length of its parts");
      data.skipBytes(data.readableBytes());
      return new Use(name);
    }
  }

  /**
   * Asks for metadata contexts of one export.
   *
   * @param queries names of contexts, or of namespaces
   */
  record MetaContexts(String name, List<String> queries) implements OptionRequest {
    static MetaContexts decode(ByteBuf data) throws MalformedException {
      String name = string(data);
      check(data.readableBytes() >= Integer.BYTES, "no number of queries");
      long count = data.readUnsignedInt();
      check(count <= MAX_QUERIES, "too many queries");
      List<String> queries = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        queries.add(string(data));
      }
      check(!data.isReadable(), "not the length of its parts");
      return new MetaContexts(name, queries);
    }
  }

  private static String string(ByteBuf data) throws MalformedException {
    check(data.readableBytes() >= Integer.BYTES, "no length of a string");
    long length = data.readUnsignedInt();
    check(length <= MAX_STRING_BYTES, "a string is too long");
    check(length <= data.readableBytes(), "a string is longer than the data");
    return decode(data.readSlice((int) length));
  }

  /** Text in UTF-8. */
  static String decode(ByteBuf bytes) throws MalformedException {
    try {
      ByteBuffer text = bytes.nioBuffer();
      return StandardCharsets.UTF_8.newDecoder().decode(text).toString();
    } catch (CharacterCodingException e) {
      MalformedException malformed = new MalformedException("a string is not UTF-8");
      malformed.initCause(e);
      throw malformed;
    }
  }

  private static void check(boolean condition, String otherwise) throws MalformedException {
    if (!condition) {
      throw new MalformedException(otherwise);
    }
  }
}
