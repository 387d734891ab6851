package io.sheepfs.protocol.codec;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.TooLongFrameException;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RequestFields;
import io.sheepfs.protocol.RequestFlags;
import io.sheepfs.protocol.RequestHeader;
import io.sheepfs.protocol.ResponseFields;
import io.sheepfs.protocol.ResponseHeader;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.VdiId;
import org.junit.jupiter.api.Test;

class FrameDecoderTest {

  private static final ObjectId OID = ObjectId.data(new VdiId(0x7c2b25), 3);

  private static RequestFrame write(int length) {
    byte[] body = new byte[length];
    for (int i = 0; i < length; i++) {
      body[i] = (byte) (i * 31);
    }
    return new RequestFrame(
        RequestHeader.of(
            Opcode.WRITE_OBJ, RequestFlags.WRITE, length, RequestFields.Obj.of(OID, 512)),
        Unpooled.wrappedBuffer(body));
  }

  private static RequestFrame read(int length) {
    return new RequestFrame(
        RequestHeader.of(Opcode.READ_OBJ, 0, length, RequestFields.Obj.of(OID, 0)));
  }

  private static ByteBuf bytesOf(Object... frames) {
    EmbeddedChannel encoder = new EmbeddedChannel(new RequestEncoder(), new ResponseEncoder());
    encoder.writeOutbound(frames);
    ByteBuf bytes = Unpooled.buffer();
    for (ByteBuf part = encoder.readOutbound(); part != null; part = encoder.readOutbound()) {
      bytes.writeBytes(part);
      part.release();
    }
    encoder.finishAndReleaseAll();
    return bytes;
  }

  @Test
  void channelRead_framesInOneBuffer_cutWithoutCopy() {
    EmbeddedChannel channel = new EmbeddedChannel(new RequestDecoder(1 << 20));
    channel.writeInbound(bytesOf(write(1000), read(4096), write(0), write(1)));

    assertFrame(channel, write(1000));
    assertFrame(channel, read(4096));
    assertFrame(channel, write(0));
    assertFrame(channel, write(1));
    assertNull(channel.readInbound());
    assertFalse(channel.finishAndReleaseAll());
  }

  @Test
  void channelRead_anyCutOfTheStream_sameFrames() {
    for (int step = 1; step < 120; step++) {
      EmbeddedChannel channel = new EmbeddedChannel(new RequestDecoder(1 << 20));
      ByteBuf all = bytesOf(write(100), read(4096), write(7));
      while (all.isReadable()) {
        channel.writeInbound(all.readBytes(Math.min(step, all.readableBytes())));
      }
      all.release();
      assertFrame(channel, write(100));
      assertFrame(channel, read(4096));
      assertFrame(channel, write(7));
      assertFalse(channel.finishAndReleaseAll());
    }
  }

  @Test
  void channelRead_readWithLargeDataLength_noBodyExpected() {
    EmbeddedChannel channel = new EmbeddedChannel(new RequestDecoder(16));
    channel.writeInbound(bytesOf(read(12_587_576)));

    assertFrame(channel, read(12_587_576));
    assertTrue(channel.isActive());
    channel.finishAndReleaseAll();
  }

  @Test
  void channelRead_bodyOverLimit_failsBeforeAllocatingAndCloses() {
    EmbeddedChannel channel = new EmbeddedChannel(new RequestDecoder(4096));
    ByteBuf bytes = bytesOf(write(4097), write(1));

    TooLongFrameException refusal =
        assertThrows(TooLongFrameException.class, () -> channel.writeInbound(bytes));
    String said = String.valueOf(refusal.getMessage());
    assertTrue(said.endsWith("has a body of 4097 bytes; at most 4096 are taken"), said);
    assertFalse(channel.isActive());
    assertNull(channel.readInbound());
    assertEquals(0, bytes.refCnt());
  }

  @Test
  void channelRead_bodyOfFourGigabytes_refused() {
    EmbeddedChannel channel = new EmbeddedChannel(new RequestDecoder(Integer.MAX_VALUE));
    RequestHeader huge =
        RequestHeader.of(
            Opcode.WRITE_OBJ, RequestFlags.WRITE, 0xFFFF_FFFFL, RequestFields.Obj.of(OID, 0));
    ByteBuf bytes = Unpooled.buffer(48, 48);
    huge.encode(bytes.internalNioBuffer(0, 48));
    bytes.writerIndex(48);

    assertThrows(TooLongFrameException.class, () -> channel.writeInbound(bytes));
    assertFalse(channel.isActive());
  }

  @Test
  void channelInactive_inMidBody_releasesWhatWasGathered() {
    EmbeddedChannel channel = new EmbeddedChannel(new RequestDecoder(4096));
    ByteBuf bytes = bytesOf(write(4096));
    channel.writeInbound(bytes.readBytes(1000));
    bytes.release();

    channel.close().syncUninterruptibly();
    assertFalse(channel.finish());
  }

  @Test
  void responses_bodyOfAnswerToRead_roundTrip() {
    RequestHeader request = read(300).header().withId(77);
    ResponseFrame answer =
        new ResponseFrame(
            ResponseHeader.to(request, 9, ResultCode.SUCCESS, 300, new ResponseFields.None()),
            Unpooled.wrappedBuffer(new byte[300]));
    EmbeddedChannel channel = new EmbeddedChannel(new ResponseDecoder(4096));
    channel.writeInbound(bytesOf(answer));

    ResponseFrame decoded = channel.readInbound();
    assertEquals(77, decoded.header().id());
    assertEquals(9, decoded.header().epoch());
    assertEquals(ResultCode.SUCCESS, decoded.header().result());
    assertEquals(300, decoded.content().readableBytes());
    decoded.release();
    assertFalse(channel.finishAndReleaseAll());
  }

  @Test
  void frame_bodyNotAsLongAsHeaderSays_refused() {
    RequestHeader header = write(5).header();
    assertThrows(
        IllegalArgumentException.class,
        () -> new RequestFrame(header, Unpooled.wrappedBuffer(new byte[4])));
  }

  private static void assertFrame(EmbeddedChannel channel, RequestFrame expected) {
    RequestFrame frame = channel.readInbound();
    assertEquals(expected, frame);
    frame.release();
  }
}
