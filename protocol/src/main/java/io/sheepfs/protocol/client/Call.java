package io.sheepfs.protocol.client;

import io.sheepfs.protocol.RequestHeader;
import io.sheepfs.protocol.ResponseHeader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One request on one connection. The event loop of the connection completes it, exactly once; only
 * after that the buffers belong to the caller again, so the caller waits for it in any case.
 */
final class Call {

  private final RequestHeader header;
  private final @Nullable ByteBuffer source;
  private final @Nullable ByteBuffer target;
  private final CountDownLatch done = new CountDownLatch(1);

  // Written by the event loop before the latch opens, read behind it.
  private @Nullable ResponseHeader response;
  private @Nullable IOException failure;
  private boolean sent;
  private boolean answerInPlace;

  Call(RequestHeader header, @Nullable ByteBuffer source, @Nullable ByteBuffer target) {
    this.header = header;
    this.source = source;
    this.target = target;
  }

  RequestHeader header() {
    return header;
  }

  @Nullable ByteBuffer source() {
    return source;
  }

  @Nullable ByteBuffer target() {
    return target;
  }

  /** How many bytes of an answer there is room for. */
  int room() {
    return target == null ? 0 : target.remaining();
  }

  /** Notes that bytes may be on their way: from here on nobody knows what a failure means. */
  void markSent() {
    sent = true;
  }

  /** Notes that the answer's body is being gathered in the target itself. */
  void markAnswerInPlace() {
    answerInPlace = true;
  }

  boolean isAnswerInPlace() {
    return answerInPlace;
  }

  void complete(ResponseHeader answer) {
    response = answer;
    done.countDown();
  }

  void fail(IOException cause) {
    failure = cause;
    done.countDown();
  }

  /** Waits for the end; false if {@code nanos} passed before it. An interrupt is kept for later. */
  boolean await(long nanos) {
    boolean interrupted = false;
    long deadline = System.nanoTime() + nanos;
    try {
      while (true) {
        try {
          return done.await(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  @Nullable ResponseHeader response() {
    return response;
  }

  @Nullable IOException failure() {
    return failure;
  }

  boolean sent() {
    return sent;
  }
}
