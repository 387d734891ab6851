package io.sheepfs.store.cluster;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.Space;
import io.sheepfs.store.Reserve;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Whether all SYNCED places of an object have room for a change, asked by the leader before it
 * sends the change to any place: what one takes and another refuses would have to be undone. Other
 * places need not take it: {@link Gaps}.
 *
 * <p><b>The reserve</b> of a disk is a twentieth of it, 8 MiB at least and 1 GiB at most. Nothing
 * is created that would reach into it. Data is written to objects that are there until half of it
 * is left, as that mostly overwrites. The other half is for what frees space: marks of deletions,
 * and changes of indexes.
 *
 * <p><b>The estimate.</b> A node tells its free space at most once a second. From that is taken
 * what was sent to it and may not have been counted: all that had not ended when the node was
 * asked, and all since. That is too much, as what is overwritten takes no space; so before anything
 * is refused, the node is asked once more.
 *
 * <p>Safe for any number of threads.
 */
final class Room {

  private static final long REPORT_AGE_NANOS = Duration.ofSeconds(1).toNanos();

  private final Report report;
  private final LongSupplier clock;
  private final Map<String, Account> accounts = new ConcurrentHashMap<>();

  /** What a change needs. */
  enum Need {
    /** No more than what it frees. */
    NOTHING,
    /** Some, if it does not overwrite. */
    WRITE,
    /** All of it. */
    CREATE
  }

  /** Asks a node. */
  interface Report {
    Space of(View.Peer place) throws IOException;
  }

  /**
   * Knows of no node yet.
   *
   * @param clock nanoseconds that only grow
   */
  Room(Report report, LongSupplier clock) {
    this.report = report;
    this.clock = clock;
  }

  /** The room that a change takes, until it has ended. */
  static final class Claim implements AutoCloseable {
    private final List<Account> taken = new ArrayList<>();
    private final long bytes;

    private Claim(long bytes) {
      this.bytes = bytes;
    }

    @Override
    public void close() {
      taken.forEach(account -> account.end(bytes));
    }
  }

  /**
   * Takes room on each place.
   *
   * @throws SheepException {@link ResultCode#NO_SPACE} if one has none; nothing is taken then
   */
  Claim claim(List<View.Peer> places, long bytes, Need need) throws SheepException {
    Claim claim = new Claim(bytes);
    boolean done = false;
    try {
      for (View.Peer place : places) {
        String key = place.member().storeId() + place.member().incarnation();
        Account account = accounts.computeIfAbsent(key, any -> new Account());
        if (need != Need.NOTHING && !hasRoom(account, place, bytes, need)) {
          throw new SheepException(
              ResultCode.NO_SPACE, "the disk of port " + place.node().port() + " is full");
        }
        account.begin(bytes);
        claim.taken.add(account);
      }
      done = true;
      return claim;
    } finally {
      if (!done) {
        claim.close();
      }
    }
  }

  private boolean hasRoom(Account account, View.Peer place, long bytes, Need need) {
    if (account.reports.tryLock()) {
      try {
        if (account.isOld(clock.getAsLong())) {
          ask(account, place);
        }
      } finally {
        account.reports.unlock();
      }
    }
    if (account.hasRoom(bytes, need)) {
      return true;
    }
    account.reports.lock();
    try {
      if (!account.hasRoom(bytes, need)) { // else another thread has asked meanwhile
        ask(account, place);
      }
    } finally {
      account.reports.unlock();
    }
    return account.hasRoom(bytes, need);
  }

  /** Without an answer nothing is known; the change will find out itself what is wrong. */
  private void ask(Account account, View.Peer place) {
    long ended = account.ended();
    Space space = null;
    try {
      space = report.of(place);
    } catch (IOException e) {
      // below
    }
    account.told(space, ended, clock.getAsLong());
  }

  /** What is known of one node. */
  private static final class Account {

    /** Of those who ask the node. */
    private final ReentrantLock reports = new ReentrantLock();

    @GuardedBy("this")
    private @Nullable Space space;

    @GuardedBy("this")
    private boolean asked;

    @GuardedBy("this")
    private long askedNanos;

    @GuardedBy("this")
    private long begunBytes;

    @GuardedBy("this")
    private long endedBytes;

    @GuardedBy("this")
    private long countedBytes;

    synchronized boolean isOld(long nowNanos) {
      return !asked || nowNanos - askedNanos > REPORT_AGE_NANOS;
    }

    synchronized void begin(long bytes) {
      begunBytes += bytes;
    }

    synchronized void end(long bytes) {
      endedBytes += bytes;
    }

    synchronized long ended() {
      return endedBytes;
    }

    synchronized void told(@Nullable Space now, long counted, long nowNanos) {
      asked = true;
      askedNanos = nowNanos;
      countedBytes = counted;
      space = now;
    }

    synchronized boolean hasRoom(long bytes, Need need) {
      Space known = space;
      if (known == null) {
        return true;
      }
      long reserve = Reserve.bytes(known.totalBytes());
      long floor = need == Need.CREATE ? reserve : reserve / 2;
      return known.freeBytes() - (begunBytes - countedBytes) - bytes >= floor;
    }
  }
}
