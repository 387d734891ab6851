package io.sheepfs.telemetry;

import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One line in the log for each request that took too long, with what it waited for. A thread that
 * begins a request notes the stages that it goes through until the end; what other threads do for
 * it is in the stage that waits for them. While it is off, it costs one comparison at each stage.
 *
 * <p>At most so many lines a second are written, and how many were left out, so that a cluster that
 * is away does not fill the disk of the log. Safe for any number of threads.
 */
@SuppressWarnings("EnumOrdinal") // the numbers of a thread are indexed by it, and never kept
public final class SlowRequests {

  private static final int MAX_LINES_PER_SECOND = 20;

  /** Set before there are threads that serve. */
  private static long thresholdNanos = Long.MAX_VALUE;

  private static final ThreadLocal<Trace> TRACES = ThreadLocal.withInitial(Trace::new);
  private static final AtomicLong second = new AtomicLong();
  private static final AtomicInteger lines = new AtomicInteger();

  private SlowRequests() {}

  /** What one thread went through since its request began. */
  private static final class Trace {
    private final long[] nanos = new long[Stage.values().length];
    private final int[] times = new int[Stage.values().length];
    private boolean used;

    void clear() {
      if (used) {
        Arrays.fill(nanos, 0);
        Arrays.fill(times, 0);
        used = false;
      }
    }
  }

  /**
   * Writes lines from now on. To be called before anything is served.
   *
   * @param millis how long is too long; 0 for never
   */
  public static void tellFrom(long millis) {
    thresholdNanos = millis <= 0 ? Long.MAX_VALUE : TimeUnit.MILLISECONDS.toNanos(millis);
  }

  /** This thread begins a request: what it did before does not count. */
  public static void begin() {
    if (thresholdNanos != Long.MAX_VALUE) {
      TRACES.get().clear();
    }
  }

  /** This thread went through a stage. */
  static void passed(Stage stage, long nanos) {
    if (thresholdNanos != Long.MAX_VALUE) {
      Trace trace = TRACES.get();
      trace.nanos[stage.ordinal()] += nanos;
      trace.times[stage.ordinal()]++;
      trace.used = true;
    }
  }

  /** Whether a request that took so long is told. */
  public static boolean isSlow(long nanos) {
    return nanos >= thresholdNanos;
  }

  /**
   * Tells of a request that this thread has just ended.
   *
   * @param what asked only if the line is written
   */
  public static void tell(Stage stage, long nanos, Supplier<String> what) {
    Logger log = LoggerFactory.getLogger(SlowRequests.class);
    long now = TimeUnit.NANOSECONDS.toSeconds(System.nanoTime());
    long begun = second.get();
    if (now != begun && second.compareAndSet(begun, now)) {
      int left = lines.getAndSet(0) - MAX_LINES_PER_SECOND;
      if (left > 0) {
        log.warn("{} more slow requests are not told", left);
      }
    }
    if (lines.incrementAndGet() <= MAX_LINES_PER_SECOND) {
      log.warn("slow: {}: {} ms{}", what.get(), millis(nanos), stages(stage));
    }
  }

  private static long millis(long nanos) {
    return TimeUnit.NANOSECONDS.toMillis(nanos);
  }

  /** " (cache fetch 2 times 31 ms, client read 2 times 30 ms)". */
  private static String stages(Stage whole) {
    Trace trace = TRACES.get();
    StringBuilder text = new StringBuilder();
    for (Stage stage : Stage.values()) {
      int times = trace.times[stage.ordinal()];
      if (stage != whole && times > 0) {
        text.append(text.length() == 0 ? " (" : ", ").append(stage);
        text.append(times == 1 ? " " : " " + times + " times ");
        text.append(millis(trace.nanos[stage.ordinal()])).append(" ms");
      }
    }
    return text.length() == 0 ? "" : text.append(')').toString();
  }
}
