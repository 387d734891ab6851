package io.sheepfs.telemetry;

import io.prometheus.metrics.model.snapshots.HistogramSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import java.util.Locale;

/**
 * What a request goes through, each stage with a histogram of the whole process. Stages nest: a
 * read of the mount may be a fetch of the cache, which is a read of the client.
 *
 * <pre>
 *   long begin = Stage.begin();
 *   ...
 *   Stage.CLIENT_READ.end(begin);
 * </pre>
 *
 * <p>Costs two looks at the clock and two additions; so it is not for what takes less than a few
 * microseconds. Safe for any number of threads.
 */
public enum Stage {
  // from a request of the kernel to its answer
  FUSE_READ,
  FUSE_WRITE,
  FUSE_FLUSH,
  FUSE_OTHER,
  // from a request of an NBD client, complete, to its answer
  NBD_READ,
  NBD_WRITE,
  NBD_FLUSH,
  NBD_OTHER,
  // what the object cache does with the cluster: hits are not timed
  CACHE_FETCH,
  CACHE_PUSH,
  CACHE_FLUSH,
  // a writer at the dirty limit
  CACHE_WAIT,
  // from a request to a sheep to its answer, repetitions included
  CLIENT_READ,
  CLIENT_WRITE,
  CLIENT_FLUSH,
  CLIENT_OTHER,
  // from a request of a client, complete, to its answer
  SHEEP_READ,
  SHEEP_WRITE,
  SHEEP_FLUSH,
  SHEEP_OTHER,
  // how much of that is waiting for a thread
  SHEEP_QUEUE,
  // the same between sheep: as the one that is asked sees it, and as the one that asks
  PEER_SERVED,
  PEER_READ,
  PEER_WRITE,
  PEER_FLUSH,
  PEER_OTHER,
  // object files
  STORE_READ,
  STORE_WRITE,
  STORE_FLUSH;

  private final String layer;
  private final String operation;

  @SuppressWarnings("ImmutableEnumChecker") // it only counts
  private final LatencyHistogram histogram = new LatencyHistogram();

  Stage() {
    String name = name().toLowerCase(Locale.ROOT);
    int end = name.indexOf('_');
    this.layer = name.substring(0, end);
    this.operation = name.substring(end + 1);
  }

  /** Now, for {@link #end}. */
  public static long begin() {
    return System.nanoTime();
  }

  /** Counts; returns how long it took in nanoseconds. */
  public long end(long begin) {
    long nanos = System.nanoTime() - begin;
    histogram.record(nanos);
    SlowRequests.passed(this, nanos);
    return nanos;
  }

  String layer() {
    return layer;
  }

  String operation() {
    return operation;
  }

  /** How often it was gone through. */
  public long count() {
    return histogram.count();
  }

  /** How long all of it took, in seconds. */
  public double totalSeconds() {
    return histogram.totalSeconds();
  }

  /** See {@link LatencyHistogram#quantile}. */
  public double quantile(double share) {
    return histogram.quantile(share);
  }

  @Override
  public String toString() {
    return layer + " " + operation;
  }

  /** The histograms of all stages that were gone through. */
  static HistogramSnapshot snapshot() {
    HistogramSnapshot.Builder all =
        HistogramSnapshot.builder()
            .name("sheepfs_request_duration_seconds")
            .help("How long requests took, by layer; layers contain those below");
    for (Stage stage : values()) {
      if (stage.count() > 0) {
        all.dataPoint(
            HistogramSnapshot.HistogramDataPointSnapshot.builder()
                .labels(Labels.of("layer", stage.layer, "operation", stage.operation))
                .classicHistogramBuckets(stage.histogram.buckets())
                .sum(stage.totalSeconds())
                .build());
      }
    }
    return all.build();
  }
}
