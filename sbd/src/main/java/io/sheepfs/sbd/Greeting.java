package io.sheepfs.sbd;

import java.io.IOException;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Whether an NBD server says what it says to everybody who connects. */
record Greeting(SocketAddress address) {

  private static final Logger log = LoggerFactory.getLogger(Greeting.class);
  private static final String MAGIC = "NBDMAGIC";

  /** Connects, and reads the first bytes; hangs if the server does. */
  boolean isGiven() {
    try (SocketChannel channel =
        address instanceof UnixDomainSocketAddress
            ? SocketChannel.open(StandardProtocolFamily.UNIX)
            : SocketChannel.open()) {
      channel.connect(address);
      ByteBuffer said = ByteBuffer.allocate(MAGIC.length());
      while (said.hasRemaining()) {
        if (channel.read(said) < 0) {
          return true; // turned away, by a server that has too many clients
        }
      }
      return new String(said.array(), StandardCharsets.US_ASCII).equals(MAGIC);
    } catch (IOException e) {
      log.warn("{} does not answer", address, e);
      return false;
    }
  }
}
