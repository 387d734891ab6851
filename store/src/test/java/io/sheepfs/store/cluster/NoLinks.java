package io.sheepfs.store.cluster;

import io.sheepfs.protocol.RequestHeader;
import io.sheepfs.protocol.ResponseHeader;
import io.sheepfs.protocol.client.PeerLinks;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Nobody is there, and nobody may be asked for anything. */
class NoLinks implements PeerLinks {

  @Override
  public ResponseHeader exchange(
      InetSocketAddress node,
      RequestHeader header,
      @Nullable ByteBuffer body,
      @Nullable ByteBuffer target)
      throws IOException {
    throw new UnsupportedOperationException();
  }

  @Override
  public final ResponseHeader exchange(
      InetSocketAddress node,
      RequestHeader header,
      @Nullable ByteBuffer body,
      @Nullable ByteBuffer target,
      Duration timeout)
      throws IOException {
    return exchange(node, header, body, target);
  }

  @Override
  public final Link open(InetSocketAddress node) {
    throw new UnsupportedOperationException();
  }

  @Override
  public final void giveUp(Set<InetSocketAddress> nodes) {}

  @Override
  public final void drop(InetSocketAddress node) {}

  @Override
  public final void close() {}
}
