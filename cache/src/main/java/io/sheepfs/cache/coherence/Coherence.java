package io.sheepfs.cache.coherence;

import io.sheepfs.cache.CachedVdi;
import io.sheepfs.cache.ObjectCache;
import io.sheepfs.protocol.Cluster;
import io.sheepfs.protocol.InodeHeader;
import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiInfo;
import io.sheepfs.protocol.WriterMark;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Decides whether what is cached of a VDI may be believed. Safe for any number of threads.
 *
 * <h2>Why it may</h2>
 *
 * <ol>
 *   <li>Each VDI with anything cached has a record of tokens. <b>What is cached and clean is as the
 *       cluster had it when one of these tokens was that of the last writer, or later.</b> Tokens
 *       are never left twice. So while the last writer's is among them, nobody else wrote.
 *   <li>Our own token goes into the record before it is left with the VDI, beside the one that we
 *       found; when it is left, the other goes. So the record is right at whatever moment we die.
 *   <li>The lock comes first. Between finding the last token and leaving ours nobody can write.
 *   <li>A VDI whose mark is open, by somebody else, is read past the cache, and nothing that is
 *       fetched then goes into a record. One without a mark is, too: its writers leave none.
 *   <li>A snapshot cannot be written. Once its cached blocks were right after it became one, they
 *       stay right.
 *   <li>Dirty data is pushed only while the lock is held, and only if the record was right when the
 *       lock was got. Otherwise somebody else wrote after us, and what we never flushed is dropped.
 * </ol>
 *
 * <p>A reader that opens a VDI sees all that was closed before: the open makes the next read check.
 * Later it looks again at least each {@link #RECHECK} in which it reads, so that it sees a writer
 * that came after it soon, too. One that reads all the time does not wait for that: the question
 * goes out when half of that time is over. Nobody waits for it long. While the cluster is away,
 * what is cached stays readable, as it was when the cluster answered last.
 */
final class Coherence {

  private static final Logger log = LoggerFactory.getLogger(Coherence.class);

  /** How long a reader believes what it found out. */
  static final Duration RECHECK = Duration.ofSeconds(1);

  /** When the next answer is asked for, so that it is there before anybody would wait for it. */
  static final Duration AHEAD = RECHECK.dividedBy(2);

  /** How long a reader waits for an answer, once. */
  private static final Duration PATIENCE = Duration.ofSeconds(2);

  private final Cluster backing;
  private final ObjectCache cache;
  private final WriterRecords records;
  private final VdiStates states;
  private final Executor executor;
  private final LongSupplier nanoClock;

  Coherence(
      Cluster backing,
      ObjectCache cache,
      WriterRecords records,
      VdiStates states,
      Executor executor,
      LongSupplier nanoClock) {
    this.backing = backing;
    this.cache = cache;
    this.records = records;
    this.states = states;
    this.executor = executor;
    this.nanoClock = nanoClock;
  }

  /** Whether a data object may be read from the cache, and what is fetched be kept there. */
  boolean mayRead(ObjectId oid) throws SheepException {
    VdiState state = states.of(oid.vid());
    if (state.isHeld()) {
      return !state.uncachable;
    }
    while (state.mustCheck) {
      checkNow(state);
    }
    if (state.settled) {
      return true;
    }
    long age = nanoClock.getAsLong() - state.checkedNanos;
    if (age >= AHEAD.toNanos()) {
      CompletableFuture<Boolean> answer = refresh(state);
      if (age >= RECHECK.toNanos() && !state.away) {
        await(state, answer);
      }
    }
    return state.usable;
  }

  /** Whether changes of a VDI's data objects may stay in the cache. */
  boolean mayWrite(VdiId vid) {
    VdiState state = states.of(vid);
    return state.isHeld() && !state.uncachable;
  }

  /** A data object was changed past the cache: what is cached of its VDI is not believed. */
  void changedPast(ObjectId oid) {
    VdiState state = states.of(oid.vid());
    if (records.get(oid.vid()) != null) {
      records.remove(oid.vid());
    }
    if (!state.mustCheck) {
      state.expire();
    }
  }

  private void checkNow(VdiState state) throws SheepException {
    state.checking.lock();
    try {
      if (state.mustCheck) {
        check(state);
      }
    } catch (SheepException e) {
      if (e.result() != ResultCode.NETWORK_ERROR || !state.usable) {
        throw e;
      }
      log.debug("VDI {} is read as it was when the cluster answered last", state.vid, e);
      state.unchecked(nanoClock.getAsLong());
    } finally {
      state.checking.unlock();
    }
  }

  /** Notices by and by what others do: begins to ask the cluster, unless that is under way. */
  private CompletableFuture<Boolean> refresh(VdiState state) {
    synchronized (state) {
      CompletableFuture<Boolean> refresh = state.refresh;
      if (refresh == null || refresh.isDone()) {
        refresh = CompletableFuture.supplyAsync(() -> tryCheck(state), executor);
        state.refresh = refresh;
      }
      return refresh;
    }
  }

  /** Waits only as long as the cluster answers. */
  private static void await(VdiState state, CompletableFuture<Boolean> answer) {
    try {
      state.away = !answer.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      state.away = true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException | CompletionException e) {
      throw new IllegalStateException("a check failed, which is a bug", e);
    }
  }

  private boolean tryCheck(VdiState state) {
    state.checking.lock();
    try {
      check(state);
      return true;
    } catch (SheepException e) {
      log.debug("cannot tell whether VDI {} was written elsewhere", state.vid, e);
      state.checkedNanos = nanoClock.getAsLong();
      return false;
    } finally {
      state.checking.unlock();
    }
  }

  /** Asks the cluster. Called with {@link VdiState#checking}. */
  private void check(VdiState state) throws SheepException {
    long expiries = state.expiries();
    boolean usable = !state.isHeld() && find(state);
    state.checked(expiries, usable, nanoClock.getAsLong());
  }

  private boolean find(VdiState state) throws SheepException {
    WriterRecord record = records.get(state.vid);
    if (state.verified && record != null && !record.snapshot()) {
      if (record.accepts(backing.vdis().lastWriter(record.name()))) {
        return true;
      }
    }
    VdiInfo vdi = info(state.vid);
    if (vdi == null) {
      return false;
    }
    WriterRecord known = record != null && record.isOf(vdi) ? record : null;
    state.verified = true;
    if (known != null && known.snapshot()) {
      state.settled = true;
      return true;
    }
    WriterMark last = backing.vdis().lastWriter(vdi.name());
    if (known != null && known.accepts(last)) {
      return vdi.isSnapshot() ? becameSnapshot(state, vdi) : true;
    }
    if (!vdi.isSnapshot() && (last == null || last.open())) {
      return false;
    }
    dropStale(state.vid);
    WriterRecord now =
        last == null || vdi.isSnapshot()
            ? WriterRecord.of(vdi)
            : WriterRecord.of(vdi, last.token());
    return keep(state, now);
  }

  /** What is dirty does not belong to the snapshot; the next writer moves it to where it does. */
  private boolean becameSnapshot(VdiState state, VdiInfo vdi) {
    return !isDirty(state.vid) && keep(state, WriterRecord.of(vdi));
  }

  private boolean keep(VdiState state, WriterRecord record) {
    try {
      records.put(state.vid, record);
      state.settled = record.snapshot();
      return true;
    } catch (IOException e) {
      log.warn("VDI {} is not cached: {}", state.vid, e.toString());
      return false;
    }
  }

  /** The header of a VDI; null if there is no such VDI any more, or none that we understand. */
  @Nullable VdiInfo info(VdiId vid) throws SheepException {
    ByteBuffer bytes = ByteBuffer.allocate(InodeLayout.HEADER_BYTES);
    try {
      backing.objects().read(ObjectId.inode(vid), 0, bytes);
    } catch (SheepException e) {
      if (e.result() == ResultCode.NO_OBJ) {
        return null;
      }
      throw e;
    }
    InodeHeader header = InodeHeader.decode(bytes.flip());
    if (header.isDeleted()) {
      return null;
    }
    try {
      return header.toVdiInfo();
    } catch (IllegalArgumentException e) {
      log.debug("VDI {} is not cached", vid, e);
      return null;
    }
  }

  /** Whether anything of a VDI is dirty. */
  boolean isDirty(VdiId vid) {
    for (CachedVdi cached : cache.vdis()) {
      if (cached.vid().equals(vid)) {
        return cached.dirtyObjects() > 0;
      }
    }
    return false;
  }

  /** Somebody else wrote since: nothing here is right any more. */
  void dropStale(VdiId vid) throws SheepException {
    if (isDirty(vid)) {
      log.error(
          "VDI {} was written or deleted elsewhere since it was written here; what was not flushed"
              + " here is dropped",
          vid);
      cache.forget(vid);
    } else {
      cache.forgetInode(vid);
      cache.purge(vid);
    }
  }
}
