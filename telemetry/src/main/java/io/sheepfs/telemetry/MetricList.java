package io.sheepfs.telemetry;

import io.prometheus.metrics.expositionformats.PrometheusTextFormatWriter;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** Counters and gauges as they are now, for one answer to a scraper. For one thread. */
public final class MetricList {

  private static final String PREFIX = "sheepfs_";

  private final MetricSnapshots.Builder metrics = MetricSnapshots.builder();

  /** A number that only grows. Its name ends in {@code _total} when it is told. */
  public MetricList counter(String name, String help, long value) {
    return counter(name, help, (double) value);
  }

  /** The same for what is no whole number. */
  public MetricList counter(String name, String help, double value) {
    metrics.metricSnapshot(
        CounterSnapshot.builder()
            .name(PREFIX + name)
            .help(help)
            .dataPoint(CounterSnapshot.CounterDataPointSnapshot.builder().value(value).build())
            .build());
    return this;
  }

  /** A number that comes and goes. */
  public MetricList gauge(String name, String help, long value) {
    return gauge(name, help, (double) value);
  }

  /** The same for what is no whole number. */
  public MetricList gauge(String name, String help, double value) {
    metrics.metricSnapshot(
        GaugeSnapshot.builder()
            .name(PREFIX + name)
            .help(help)
            .dataPoint(GaugeSnapshot.GaugeDataPointSnapshot.builder().value(value).build())
            .build());
    return this;
  }

  /** A number for each value of a label. */
  public MetricList gauges(String name, String help, String label, Map<String, Double> values) {
    GaugeSnapshot.Builder all = GaugeSnapshot.builder().name(PREFIX + name).help(help);
    values.forEach(
        (key, value) ->
            all.dataPoint(
                GaugeSnapshot.GaugeDataPointSnapshot.builder()
                    .labels(Labels.of(label, key))
                    .value(value)
                    .build()));
    metrics.metricSnapshot(all.build());
    return this;
  }

  /** The latencies of all stages of this process, and what the process itself uses. */
  public MetricList process() {
    metrics.metricSnapshot(Stage.snapshot());
    ProcessNumbers.addTo(this);
    return this;
  }

  MetricSnapshots build() {
    return metrics.build();
  }

  /** In the text format of Prometheus. */
  public String text() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try {
      PrometheusTextFormatWriter.builder().build().write(bytes, build());
    } catch (IOException e) {
      throw new UncheckedIOException("memory does not fail", e);
    }
    return bytes.toString(StandardCharsets.UTF_8);
  }
}
