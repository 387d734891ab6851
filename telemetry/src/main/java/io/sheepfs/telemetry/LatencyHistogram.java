package io.sheepfs.telemetry;

import io.prometheus.metrics.model.snapshots.ClassicHistogramBuckets;
import java.util.concurrent.atomic.LongAdder;

/**
 * How long something took, how often: one striped counter for each power of two, from a microsecond
 * to half a minute. To count takes two additions, no lock and no memory. Safe for any number of
 * threads; what is read while others count is a little behind.
 */
final class LatencyHistogram {

  /** The first bucket ends at 2^10 ns. */
  private static final int FIRST_SHIFT = 10;

  /** The last one with an end: 2^35 ns, 34 s. */
  private static final int LAST = 25;

  private static final double[] ENDS = ends();

  private final LongAdder[] counts = new LongAdder[LAST + 2];
  private final LongAdder totalNanos = new LongAdder();

  LatencyHistogram() {
    for (int i = 0; i < counts.length; i++) {
      counts[i] = new LongAdder();
    }
  }

  private static double[] ends() {
    double[] ends = new double[LAST + 2];
    for (int i = 0; i <= LAST; i++) {
      ends[i] = (1L << (FIRST_SHIFT + i)) / 1e9;
    }
    ends[LAST + 1] = Double.POSITIVE_INFINITY;
    return ends;
  }

  void record(long nanos) {
    long time = Math.max(0, nanos);
    counts[bucket(time)].increment();
    totalNanos.add(time);
  }

  /** A bucket includes its end, as Prometheus has it. */
  static int bucket(long nanos) {
    if (nanos == 0) {
      return 0;
    }
    return Math.min(LAST + 1, Long.SIZE - Long.numberOfLeadingZeros((nanos - 1) >>> FIRST_SHIFT));
  }

  /** How much was counted. */
  long count() {
    long count = 0;
    for (LongAdder bucket : counts) {
      count += bucket.sum();
    }
    return count;
  }

  double totalSeconds() {
    return totalNanos.sum() / 1e9;
  }

  ClassicHistogramBuckets buckets() {
    long[] now = new long[counts.length];
    for (int i = 0; i < now.length; i++) {
      now[i] = counts[i].sum();
    }
    return ClassicHistogramBuckets.of(ENDS, now);
  }

  /**
   * The time within which a share of all was done, rounded up to the end of a bucket, in seconds; 0
   * if nothing was counted.
   */
  double quantile(double share) {
    long all = count();
    long wanted = (long) Math.ceil(all * share);
    long seen = 0;
    for (int i = 0; i < counts.length && all > 0; i++) {
      seen += counts[i].sum();
      if (seen >= wanted) {
        return ENDS[Math.min(i, LAST)];
      }
    }
    return 0;
  }
}
