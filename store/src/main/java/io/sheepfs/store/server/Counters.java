package io.sheepfs.store.server;

import io.sheepfs.protocol.NodeStat;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RequestFlags;
import io.sheepfs.protocol.RequestHeader;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/** What the node did since it started: the numbers of STAT. Safe for any number of threads. */
final class Counters {

  private final LongAdder active = new LongAdder();
  private final LongAdder total = new LongAdder();
  private final LongAdder receivedBytes = new LongAdder();
  private final LongAdder sentBytes = new LongAdder();
  private final LongAdder removes = new LongAdder();
  private final LongAdder reads = new LongAdder();
  private final LongAdder writes = new LongAdder();
  private final LongAdder flushes = new LongAdder();
  private final LongAdder unknown = new LongAdder();
  private final LongAdder unknownFlags = new LongAdder();

  private static boolean isGateway(@Nullable Opcode opcode) {
    return opcode != null && opcode.scope() == Opcode.Scope.GATEWAY;
  }

  void begin(RequestHeader header) {
    Opcode opcode = header.opcode();
    if ((header.flags() & ~RequestFlags.KNOWN) != 0) {
      unknownFlags.increment();
    }
    if (opcode == null) {
      unknown.increment();
      return;
    }
    if (opcode == Opcode.FLUSH_VDI) {
      flushes.increment();
    }
    if (!isGateway(opcode)) {
      return;
    }
    active.increment();
    total.increment();
    receivedBytes.add(header.bodyLength());
    if (opcode == Opcode.READ_OBJ) {
      reads.increment();
    } else if (opcode == Opcode.REMOVE_OBJ) {
      removes.increment();
    } else {
      writes.increment();
    }
  }

  void end(RequestHeader header, long answerBytes) {
    if (isGateway(header.opcode())) {
      active.decrement();
      sentBytes.add(answerBytes);
    }
  }

  /** Requests with an opcode that is in no table. */
  long unknownOpcodes() {
    return unknown.sum();
  }

  /** Requests with a flag that is in no table; it is ignored, as the original does. */
  long unknownFlags() {
    return unknownFlags.sum();
  }

  NodeStat snapshot() {
    return new NodeStat(
        active.sum(),
        0,
        total.sum(),
        0,
        receivedBytes.sum(),
        sentBytes.sum(),
        0,
        0,
        removes.sum(),
        reads.sum(),
        writes.sum(),
        flushes.sum(),
        0,
        0,
        0);
  }
}
