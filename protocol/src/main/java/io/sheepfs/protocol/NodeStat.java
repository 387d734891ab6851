package io.sheepfs.protocol;

import java.nio.ByteBuffer;

/**
 * The answer to STAT ({@code sd_stat}): fifteen u64 counters, in this order.
 *
 * @param gatewayActive requests of clients in progress
 * @param peerActive requests of other sheep in progress
 * @param gatewayTotal requests of clients so far
 * @param peerTotal requests of other sheep so far
 * @param gatewayReceivedBytes from clients
 * @param gatewaySentBytes to clients
 * @param peerReceivedBytes from other sheep
 * @param peerSentBytes to other sheep
 */
public record NodeStat(
    long gatewayActive,
    long peerActive,
    long gatewayTotal,
    long peerTotal,
    long gatewayReceivedBytes,
    long gatewaySentBytes,
    long peerReceivedBytes,
    long peerSentBytes,
    long gatewayRemoves,
    long gatewayReads,
    long gatewayWrites,
    long gatewayFlushes,
    long peerRemoves,
    long peerReads,
    long peerWrites) {

  /** Bytes of a record. */
  public static final int SIZE_BYTES = 15 * Long.BYTES;

  /** Reads a record from {@code source}'s position on. */
  public static NodeStat decode(ByteBuffer source) {
    ByteBuffer b = WireBytes.take(source, SIZE_BYTES);
    return new NodeStat(
        b.getLong(),
        b.getLong(),
        b.getLong(),
        b.getLong(),
        b.getLong(),
        b.getLong(),
        b.getLong(),
        b.getLong(),
        b.getLong(),
        b.getLong(),
        b.getLong(),
        b.getLong(),
        b.getLong(),
        b.getLong(),
        b.getLong());
  }

  /** A new buffer with the {@link #SIZE_BYTES} bytes. */
  public ByteBuffer encode() {
    ByteBuffer bytes = WireBytes.allocate(SIZE_BYTES);
    bytes.putLong(gatewayActive).putLong(peerActive).putLong(gatewayTotal).putLong(peerTotal);
    bytes.putLong(gatewayReceivedBytes).putLong(gatewaySentBytes);
    bytes.putLong(peerReceivedBytes).putLong(peerSentBytes);
    bytes.putLong(gatewayRemoves).putLong(gatewayReads).putLong(gatewayWrites);
    bytes.putLong(gatewayFlushes);
    bytes.putLong(peerRemoves).putLong(peerReads).putLong(peerWrites);
    return bytes.flip();
  }
}
