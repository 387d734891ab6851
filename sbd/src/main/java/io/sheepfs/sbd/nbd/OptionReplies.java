package io.sheepfs.sbd.nbd;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Writes the answers to one option, one after the other, into a buffer. */
final class OptionReplies {

  /** Requests of this alignment are the fast ones. */
  private static final int PREFERRED_BLOCK_BYTES = 4096;

  private final ByteBuf out;
  private final int option;

  OptionReplies(ByteBuf out, int option) {
    this.out = out;
    this.option = option;
  }

  private void header(int type, int length) {
    out.writeLong(Wire.OPTION_REPLY_MAGIC).writeInt(option).writeInt(type).writeInt(length);
  }

  void acknowledge() {
    header(Wire.REPLY_ACK, 0);
  }

  void error(int type, String message) {
    byte[] text = message.getBytes(StandardCharsets.UTF_8);
    int length = Math.min(text.length, OptionRequest.MAX_STRING_BYTES);
    header(type, length);
    out.writeBytes(text, 0, length);
  }

  void servers(List<String> names) {
    for (String name : names) {
      int length = ByteBufUtil.utf8Bytes(name);
      header(Wire.REPLY_SERVER, Integer.BYTES + length);
      out.writeInt(length);
      out.writeCharSequence(name, StandardCharsets.UTF_8);
    }
    acknowledge();
  }

  void export(String name, long sizeBytes, int flags, int maxPayloadBytes) {
    header(Wire.REPLY_INFO, Short.BYTES + Long.BYTES + Short.BYTES);
    out.writeShort(Wire.INFO_EXPORT).writeLong(sizeBytes).writeShort(flags);
    header(Wire.REPLY_INFO, Short.BYTES + 3 * Integer.BYTES);
    out.writeShort(Wire.INFO_BLOCK_SIZE);
    out.writeInt(1).writeInt(PREFERRED_BLOCK_BYTES).writeInt(maxPayloadBytes);
    header(Wire.REPLY_INFO, Short.BYTES + ByteBufUtil.utf8Bytes(name));
    out.writeShort(Wire.INFO_NAME);
    out.writeCharSequence(name, StandardCharsets.UTF_8);
    acknowledge();
  }

  void allocationContext(int id) {
    header(Wire.REPLY_META_CONTEXT, Integer.BYTES + Wire.BASE_ALLOCATION.length());
    out.writeInt(id);
    out.writeCharSequence(Wire.BASE_ALLOCATION, StandardCharsets.US_ASCII);
  }
}
