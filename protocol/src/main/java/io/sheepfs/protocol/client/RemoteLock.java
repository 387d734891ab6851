package io.sheepfs.protocol.client;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RequestFields;
import io.sheepfs.protocol.RequestFlags;
import io.sheepfs.protocol.RequestHeader;
import io.sheepfs.protocol.ResponseHeader;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiInfo;
import io.sheepfs.protocol.VdiLock;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiNameRecord;
import io.sheepfs.protocol.WriterMark;
import io.sheepfs.protocol.WriterMarks;
import io.sheepfs.protocol.client.SheepClient.Repeat;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.UUID;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A lock, which lives as long as a connection of its own: our sheep frees it when that breaks. Then
 * it is asked for again by itself, until it is got back or refused; only refusal ends it.
 */
final class RemoteLock implements VdiLock {

  private static final Logger log = LoggerFactory.getLogger(RemoteLock.class);
  private static final long RELOCK_PAUSE_MILLIS = 200;

  private final SheepClient client;
  private final ScheduledExecutorService timer;
  private final WriterMarks marks;
  private final VdiName name;
  private final Consumer<RemoteLock> whenClosed;

  /** By it the sheep knows us over another connection. */
  private final int holder = UUID.randomUUID().hashCode() | 1;

  @GuardedBy("this")
  private @Nullable Connection connection;

  @GuardedBy("this")
  private boolean closed;

  private volatile boolean held;

  /** Of the lease; 0 from a sheep without. Changed under the monitor of {@link #news}. */
  private volatile int generation;

  /** What the sheep said last; it counts when we know that nobody else wrote meanwhile. */
  @GuardedBy("this")
  private int nextGeneration;

  /** Notified when {@link #generation} or {@link #held} changes. */
  private final Object news = new Object();

  private volatile @Nullable UUID expectedToken;
  private @Nullable VdiInfo vdi;

  RemoteLock(
      SheepClient client,
      ScheduledExecutorService timer,
      WriterMarks marks,
      VdiName name,
      Consumer<RemoteLock> whenClosed) {
    this.client = client;
    this.timer = timer;
    this.marks = marks;
    this.name = name;
    this.whenClosed = whenClosed;
  }

  /** Takes the lock for the first time, and says whose it is. */
  VdiId acquire() throws SheepException {
    long deadline = System.nanoTime() + client.requestTimeoutNanos();
    while (true) {
      SheepException failure;
      try {
        VdiId vid = lockOnNewConnection();
        publish();
        return vid;
      } catch (SheepException e) {
        if (!SheepClient.isPassing(Opcode.LOCK_VDI, e.result())) {
          throw e;
        }
        failure = e;
      } catch (IOException e) {
        // whatever was locked by it has ended with the connection
        failure = SheepClient.networkError("lock " + name, e);
      }
      if (System.nanoTime() > deadline || Thread.currentThread().isInterrupted()) {
        throw failure;
      }
      LockSupport.parkNanos(RELOCK_PAUSE_MILLIS * 1_000_000);
    }
  }

  /** Sets what {@link #vdi} answers, before anybody else knows the lock. */
  void setVdi(VdiInfo info) {
    vdi = info;
  }

  /** From now on the lock is lost if it is got back and somebody left another mark meanwhile. */
  void expectMark(UUID token) {
    expectedToken = token;
  }

  private synchronized VdiId lockOnNewConnection() throws IOException {
    Connection fresh = client.dedicated();
    boolean locked = false;
    try {
      ResponseHeader answer =
          exchange(
              fresh,
              Opcode.LOCK_VDI,
              new RequestFields.Vdi(0, holder, 0, 0, 0, 0, 0, 0),
              VdiNameRecord.of(name, null).encode());
      if (answer.result() != ResultCode.SUCCESS) {
        throw new SheepException(answer.result(), "lock " + name);
      }
      if (closed) {
        throw new SheepException(ResultCode.VDI_NOT_LOCKED, "lock " + name);
      }
      VdiId vid = vid(answer);
      locked = true;
      connection = fresh;
      nextGeneration = answer.vdi().attributeId();
      held = true;
      fresh.whenClosed(this::relockSoon);
      return vid;
    } finally {
      if (!locked) {
        fresh.close();
      }
    }
  }

  private VdiId vid(ResponseHeader answer) throws SheepException {
    try {
      return new VdiId(answer.vdi().vdiId());
    } catch (IllegalArgumentException e) {
      throw new SheepException(ResultCode.VDI_READ, "lock " + name, e);
    }
  }

  private void relockSoon() {
    try {
      ScheduledFuture<?> unused =
          timer.schedule(this::relock, RELOCK_PAUSE_MILLIS, TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException e) {
      lost(); // the whole client is closed
    }
  }

  /** The number of the lease that changes are made under; 0 if the sheep gave none. */
  int generation() {
    return generation;
  }

  private void lost() {
    synchronized (news) {
      held = false;
      news.notifyAll();
    }
  }

  private synchronized void publish() {
    synchronized (news) {
      generation = nextGeneration;
      news.notifyAll();
    }
  }

  /** Looks whether the lease is still ours: the end of its connection makes us lock again. */
  private void askAgain(int refused) {
    try {
      timer.execute(
          () -> {
            synchronized (this) {
              if (connection != null && nextGeneration == refused) {
                connection.close();
              }
            }
          });
    } catch (RejectedExecutionException e) {
      lost(); // the whole client is closed
    }
  }

  /**
   * Waits for the lock to be got again, after a sheep refused a change under it, or when nobody
   * knows what became of one: nothing is changed any more under the earlier lease then.
   *
   * @param refused the generation of that change
   * @return false if the lock is lost, or is not got back in the time of a request
   */
  boolean awaitAnother(int refused) {
    askAgain(refused);
    long deadline = System.nanoTime() + client.requestTimeoutNanos();
    boolean interrupted = false;
    synchronized (news) {
      while (held && generation == refused && !interrupted) {
        long left = deadline - System.nanoTime();
        if (left <= 0) {
          break;
        }
        try {
          TimeUnit.NANOSECONDS.timedWait(news, left);
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    return held && generation != refused;
  }

  private void relock() {
    synchronized (this) {
      if (closed || !held) {
        return;
      }
      try {
        lockOnNewConnection();
        checkMark();
      } catch (SheepException e) {
        if (e.result() == ResultCode.VDI_LOCKED || e.result() == ResultCode.NO_VDI) {
          lost();
          log.warn("lost the lock of {}: {}", name, e.result().text());
        } else {
          relockSoon();
        }
      } catch (IOException e) {
        log.debug("cannot lock {} again yet", name, e);
        relockSoon();
      }
    }
  }

  /** Others may have had the lock while ours was gone; with a mark of our own we can tell. */
  private synchronized void checkMark() {
    UUID expected = expectedToken;
    try {
      WriterMark last = expected == null ? null : marks.read(name);
      if (expected != null && (last == null || !last.token().equals(expected))) {
        lost();
        log.warn("lost the lock of {}: somebody else wrote meanwhile", name);
      } else {
        publish();
        log.info("took the lock of {} again", name);
      }
    } catch (SheepException e) {
      log.debug("cannot tell yet who wrote {} last", name, e);
      if (connection != null) {
        connection.close(); // which makes us lock, and look, again
      }
    }
  }

  /** A request on the lock's own connection, which is how the sheep knows the holder. */
  synchronized ResponseHeader call(Opcode opcode, RequestFields fields, ByteBuffer source)
      throws SheepException {
    if (connection == null || !held) {
      throw new SheepException(ResultCode.VDI_NOT_LOCKED, opcode + " of " + name);
    }
    try {
      return exchange(connection, opcode, fields, source);
    } catch (SheepException e) {
      throw e;
    } catch (IOException e) {
      throw SheepClient.networkError(opcode + " of " + name, e);
    }
  }

  private ResponseHeader exchange(
      Connection on, Opcode opcode, RequestFields fields, @Nullable ByteBuffer source)
      throws IOException {
    RequestHeader header = SheepClient.header(opcode, RequestFlags.LEASE, fields, source, null);
    Repeat repeat = opcode == Opcode.DEL_VDI ? Repeat.IF_NOT_SENT : Repeat.ALWAYS;
    return SheepClient.exchange(on, header, source, null, client.requestTimeoutNanos(), repeat);
  }

  @Override
  public VdiInfo vdi() {
    if (vdi == null) {
      throw new IllegalStateException("the lock is not taken yet");
    }
    return vdi;
  }

  @Override
  public boolean isHeld() {
    return held;
  }

  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    lost();
    whenClosed.accept(this);
    if (connection != null) {
      release(connection);
      connection.close();
    }
  }

  /** An original sheep keeps a lock that is not given back; ours frees it with the connection. */
  private void release(Connection on) {
    int vid = vdi == null ? 0 : vdi.vid().value();
    RequestFields fields = new RequestFields.Vdi(0, vid, 0, 0, 0, 0, 0, 0);
    try {
      exchange(on, Opcode.RELEASE_VDI, fields, null);
    } catch (IOException e) {
      log.debug("cannot release the lock of {}", name, e);
    }
  }
}
