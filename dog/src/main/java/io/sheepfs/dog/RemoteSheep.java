package io.sheepfs.dog;

import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RequestFields;
import io.sheepfs.protocol.ResponseHeader;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.client.ClientOptions;
import io.sheepfs.protocol.client.SheepClient;
import io.sheepfs.protocol.client.SheepClient.Repeat;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A node over TCP. What may have reached it is not sent again. */
final class RemoteSheep implements Sheep {

  private final SheepClient client;

  private RemoteSheep(SheepClient client) {
    this.client = client;
  }

  /**
   * Connects, now: a node that is down is told at once, not when the time of a request is up.
   *
   * @throws SheepException {@code NETWORK_ERROR} if nobody answers there
   */
  static RemoteSheep connect(InetSocketAddress address, ClientOptions options)
      throws SheepException {
    return new RemoteSheep(SheepClient.connect(List.of(address), options));
  }

  @Override
  public Reply call(
      Opcode opcode, int flags, RequestFields fields, @Nullable ByteBuffer body, int answerBytes)
      throws SheepException {
    ByteBuffer answer = ByteBuffer.allocate(answerBytes).order(ByteOrder.LITTLE_ENDIAN);
    ResponseHeader header =
        client.call(
            opcode, flags, fields, body, answerBytes == 0 ? null : answer, Repeat.IF_NOT_SENT);
    return new Reply(header, answer.flip());
  }

  @Override
  public void close() {
    client.close();
  }
}
