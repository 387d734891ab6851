package io.sheepfs.telemetry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class LatencyHistogramTest {

  private final LatencyHistogram histogram = new LatencyHistogram();

  @Test
  void bucket_endsAtPowersOfTwo_endIncluded() {
    assertEquals(0, LatencyHistogram.bucket(0));
    assertEquals(0, LatencyHistogram.bucket(1024));
    assertEquals(1, LatencyHistogram.bucket(1025));
    assertEquals(1, LatencyHistogram.bucket(2048));
    assertEquals(25, LatencyHistogram.bucket(1L << 35));
    assertEquals(26, LatencyHistogram.bucket((1L << 35) + 1));
    assertEquals(26, LatencyHistogram.bucket(Long.MAX_VALUE));
  }

  @Test
  void buckets_haveWhatWasCounted_andAnEndForAll() {
    histogram.record(1000);
    histogram.record(1500);
    histogram.record(-5); // a clock that went back
    histogram.record(Long.MAX_VALUE);
    assertEquals(4, histogram.count());
    assertEquals(27, histogram.buckets().size());
    assertEquals(1.024e-6, histogram.buckets().getUpperBound(0));
    assertEquals(2, histogram.buckets().getCount(0));
    assertEquals(1, histogram.buckets().getCount(1));
    assertEquals(Double.POSITIVE_INFINITY, histogram.buckets().getUpperBound(26));
    assertEquals(1, histogram.buckets().getCount(26));
  }

  @Test
  void quantile_isTheEndOfItsBucket() {
    assertEquals(0, histogram.quantile(0.5));
    for (int i = 0; i < 99; i++) {
      histogram.record(1000);
    }
    histogram.record(1_000_000_000);
    assertEquals(1.024e-6, histogram.quantile(0.5));
    assertEquals(1.024e-6, histogram.quantile(0.99));
    assertEquals((1 << 30) / 1e9, histogram.quantile(1));
    assertEquals(1.000099, histogram.totalSeconds(), 1e-9);
  }

  @Test
  void record_byManyThreads_losesNothing() throws InterruptedException {
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      Thread thread =
          new Thread(
              () -> {
                for (int j = 0; j < 100_000; j++) {
                  histogram.record(j);
                }
              });
      threads.add(thread);
      thread.start();
    }
    for (Thread thread : threads) {
      thread.join();
    }
    assertEquals(400_000, histogram.count());
    assertEquals(4 * (99_999L * 100_000 / 2) / 1e9, histogram.totalSeconds(), 1e-9);
  }

  @Test
  void stage_ended_isInTheListOfItsLayer() {
    long before = Stage.NBD_OTHER.count();
    long nanos = Stage.NBD_OTHER.end(Stage.begin());
    assertTrue(nanos >= 0);
    assertEquals(before + 1, Stage.NBD_OTHER.count());
    String text = new MetricList().process().text();
    assertTrue(
        text.contains(
            "sheepfs_request_duration_seconds_count{layer=\"nbd\",operation=\"other\"} "
                + (before + 1)),
        text);
    assertTrue(text.contains("sheepfs_process_heap_used_bytes "), text);
    assertEquals("nbd other", Stage.NBD_OTHER.toString());
  }
}
