package io.sheepfs.protocol.client;

import io.sheepfs.protocol.RequestHeader;
import io.sheepfs.protocol.ResponseHeader;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * How one sheep talks to the others. A request is sent once, as it is, and whatever comes back is
 * the answer: who talks to a sheep of a cluster decides by the epoch whether to try again. Safe for
 * any number of threads.
 */
public interface PeerLinks extends AutoCloseable {

  /**
   * Sends a request over a connection that all share, and waits for the answer.
   *
   * @param source the body; null for none
   * @param target where the body of the answer goes; its position moves behind it. Null for none
   * @throws IOException if there is no answer; whether the request was carried out is unknown then
   */
  ResponseHeader exchange(
      InetSocketAddress node,
      RequestHeader header,
      @Nullable ByteBuffer source,
      @Nullable ByteBuffer target)
      throws IOException;

  /** The same with another time for the answer. */
  ResponseHeader exchange(
      InetSocketAddress node,
      RequestHeader header,
      @Nullable ByteBuffer source,
      @Nullable ByteBuffer target,
      Duration timeout)
      throws IOException;

  /** A connection of the caller's own, which the caller closes. */
  Link open(InetSocketAddress node) throws IOException;

  /** A connection that nobody else uses: what the other side ties to it ends with it. */
  interface Link extends AutoCloseable {

    /** As {@link PeerLinks#exchange}. */
    ResponseHeader exchange(
        RequestHeader header,
        @Nullable ByteBuffer source,
        @Nullable ByteBuffer target,
        Duration timeout)
        throws IOException;

    /** Whether both sides still have it. */
    boolean isOpen();

    @Override
    void close();
  }

  /**
   * Gives nodes up, until they are not among those that this is told: exchanges with them that are
   * under way fail, and new ones fail at once.
   */
  void giveUp(Set<InetSocketAddress> nodes);

  /**
   * Ends the connections to a node: exchanges under way fail, and what was not sent yet never will
   * be.
   */
  void drop(InetSocketAddress node);

  /** Closes all connections but those of {@link #open}. */
  @Override
  void close();
}
